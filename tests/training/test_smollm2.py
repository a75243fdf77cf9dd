"""The recipes of SmolLM2 on its real weights; skipped where ``LLMNER_WEIGHTS`` names none."""

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer

from llmner_hf.settings import TaggerSettings
from llmner_hf.tagger.tagger import Tagger
from llmner_hf.tokens.canonical import Tokens
from llmner_hf.training.evaluation import decoder_of, predict
from llmner_hf.training.parsing import parsed
from llmner_hf.training.recipe import TrainingSettings
from llmner_hf.training.tagger.run import make_trainer, train
from llmner_hf.training.tagger.sources import prepare, tagger_of
from tests.doubles.tuning import EXAMPLES, scored_by, tagged

ENGLISH = [example for example in EXAMPLES if example.language == "en"]
KEPT = ("--save_strategy", "no", "--logging_steps", "1", "--validation_size", "0")


@pytest.fixture(scope="module")
def weights(weights_folder):
    folder = weights_folder / "smollm2-135m"
    if not folder.is_dir():
        pytest.skip(f"no weights of SmolLM2-135M-Instruct: {folder} is missing")
    return folder


@pytest.fixture(scope="module")
def datasets():
    return {"ours": tagged(ENGLISH)}


def recipe(name, weights, folder, *options):
    place = ["--model_name_or_path", str(weights), "--output_dir", str(folder)]
    return parsed(TrainingSettings, f"smollm2/{name}.yaml", [*place, *KEPT, *options])


def test_its_tokenizer_copies_any_text(weights):
    tokens = Tokens(AutoTokenizer.from_pretrained(weights))
    for text in ("IL-2 gene, 1,25(OH)2D3 [x]\n", "患者有高血压", "<|im_end|>"):
        assert tokens.tokenizer.decode(tokens.text_ids(text)) == text
        assert tokens.stop not in tokens.text_ids(text)
    assert None not in (tokens.spaced_open, tokens.stop)


def test_a_batch_has_the_loss_that_trl_gives_its_rows(weights, datasets, tmp_path):
    parts = recipe("joint", weights, tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(weights)
    rows, _ = prepare(datasets, Tokens(tokenizer), tagger_of(datasets, parts[0]), parts[0])
    trainer = make_trainer(*parts, rows, tokenizer)
    (batch,) = trainer.get_train_dataloader()
    given = SFTConfig(str(tmp_path), use_cpu=True, bf16=False, report_to="none")
    given.dataset_kwargs, given.remove_unused_columns = {"skip_prepare_dataset": True}, False
    theirs = SFTTrainer(trainer.model, given, train_dataset=rows, processing_class=tokenizer)
    with torch.no_grad():
        found = trainer.compute_loss(trainer.model, batch, num_items_in_batch=1)
        wanted = 0.0
        for row in rows:
            ids = torch.tensor([row["ids"]])
            labels = torch.where(torch.arange(ids.shape[1]) < row["start"], -100, ids)
            alone = {"input_ids": ids, "labels": labels, "attention_mask": torch.ones_like(ids)}
            wanted += theirs.compute_loss(theirs.model, alone, num_items_in_batch=1).item()
    assert found.item() == pytest.approx(wanted, rel=1e-4)


def test_it_learns_by_the_papers_recipe_and_its_adapter_reloads(weights, datasets, tmp_path):
    steps = ("--max_steps", "4", "--learning_rate", "2e-3", "--join_validation", "false")
    names = ("--datasets", "ours", "--default_datasets", "{en: ours}")
    seen = {}

    def remember(tagger):
        seen["predicted"] = predict(decoder_of(tagger), ENGLISH, tagger.settings.schema("ours"))
        return {"f1": 0.0}

    with scored_by(remember):
        record = train(*recipe("paper", weights, tmp_path, *steps, *names), datasets)
    losses = [entry["loss"] for entry in record["history"] if "loss" in entry]
    assert losses[-1] < 0.7 * losses[0]
    assert (tmp_path / "adapter_model.safetensors").exists()
    assert not (tmp_path / "model.safetensors").exists()
    tagger = TaggerSettings.load(tmp_path / "tagger.json")
    model = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    decoder = decoder_of(Tagger(model, AutoTokenizer.from_pretrained(tmp_path), tagger))
    assert predict(decoder, ENGLISH, tagger.schema("ours")) == seen["predicted"]
