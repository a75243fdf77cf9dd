"""Fixtures that more than one test file needs: real folders, and tiny real models."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

# Tests neither read nor leave anything in the user's caches.
_HOME = tempfile.mkdtemp(prefix="llmner-hf-tests-")
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
os.environ["HF_HOME"] = _HOME
for _name in ("HF_DATASETS_CACHE", "HF_HUB_CACHE", "HF_MODULES_CACHE"):
    os.environ.pop(_name, None)
# The models are tiny: a second thread only waits for the first.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_DATASETS_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parent.parent

for _name, _examples in (("quick", 100), ("hostile", 100), ("thorough", 10_000)):
    settings.register_profile(
        _name,
        max_examples=_examples,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.fixture(scope="session")
def shared():
    """The folder with the real corpora and tokenizers; skips where there is none."""
    folder = Path(os.environ.get("LLMNER_SHARED", ROOT.parent / "shared"))
    if not (folder / "corpora").is_dir():
        pytest.skip(f"no real corpora: {folder} is missing; set LLMNER_SHARED")
    return folder


@pytest.fixture(scope="session")
def weights_folder():
    """The folder of pretrained models, each in a folder of its own; skips where there is none."""
    folder = os.environ.get("LLMNER_WEIGHTS")
    if not folder or not Path(folder).is_dir():
        pytest.skip("no pretrained weights: set LLMNER_WEIGHTS to the folder that holds them")
    return Path(folder)


TEMPLATE = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}"


@pytest.fixture(scope="session")
def tokenizer():
    """A byte-level BPE tokenizer learnt from a few sentences, as all four backbones have one."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    lines = [
        "the CD28 surface receptor of T cells binds [IL-2] and [[NF]-kappa B] in monocytes\n",
        "患者有高血压和糖尿病，服用[阿司匹林]后[头痛]消失。\n",
        "protein: DNA: RNA: cell_line: cell_type: 疾病: 药物: Chemical: Disease: ",
    ] * 20
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.train_from_iterator(
        lines,
        trainers.BpeTrainer(
            vocab_size=420,
            special_tokens=["<|end|>", "<|system|>", "<|user|>", "<|assistant|>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        eos_token="<|end|>",
        pad_token="<|end|>",
        chat_template=TEMPLATE,
        clean_up_tokenization_spaces=False,
    )


@pytest.fixture(scope="session")
def tokens(tokenizer):
    """The canonical tokenisation of that tokenizer."""
    from llmner_hf.tokens.canonical import Tokens

    return Tokens(tokenizer)


@pytest.fixture(scope="session")
def tagger_folder(tokenizer, tmp_path_factory):
    """A tiny random GLM with its tokenizer and settings, saved as a tuned model is."""
    from llmner_hf.core.entities import EntityType, LabelSet
    from llmner_hf.core.schema import Schema
    from llmner_hf.settings import TaggerSettings
    from tests.doubles.models import tiny

    model = tiny("glm", tokenizer, seed=3)
    english = Schema("", "en", LabelSet((EntityType("protein"), EntityType("DNA"))))
    chinese = Schema("", "zh", LabelSet((EntityType("疾病"),)))
    settings = TaggerSettings(
        style="brief",
        max_depth=2,
        schemas={"english": english, "chinese": chinese},
        defaults={"en": "english", "zh": "chinese"},
    )
    folder = tmp_path_factory.mktemp("tagger")
    for part in (model, tokenizer):
        part.save_pretrained(folder)
    settings.save(folder)
    return folder
