"""Selectors in folders: made from a backbone, loaded, exported.

In: a folder or Hub id of a selector, an adapter or a whole model, or of a decoder to begin from.
Out: model, tokenizer and settings. An adapter finds its base by itself or is given one. An export
is a whole model with its code, for those who have transformers and not this package; it keeps the
tokenizer and ``selector.json``.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoTokenizer, PreTrainedConfig, PreTrainedTokenizerBase

from llmner_hf.core.errors import FormatError, SettingError
from llmner_hf.selector.modeling import (
    HEAD,
    EntityValidityConfig,
    EntityValidityForSequenceClassification,
    GLMForEntityValidity,
)
from llmner_hf.selector.soundness import (
    check_adapter,
    check_answers,
    check_tokenizer,
    in_one_line,
    loaded,
)
from llmner_hf.settings import SELECTOR_FILE, SelectorSettings
from llmner_hf.settings.origin import Origin
from llmner_hf.settings.shared import reading, write

LM_HEAD = "lm_head."  # of a decoder, and of no selector
ADAPTER_FILE = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
TOKENIZER_FILES = ("tokenizer_config.json", "tokenizer.json", "chat_template.jinja")
# A selector that travels with a tagger lies in its folder of that name, and its base is "..".
SELECTOR_FOLDER = "selector"
AROUND = ".."
# The arguments of ``from_pretrained`` that say where from.
WHERE = ("revision", "token", "cache_dir", "local_files_only")


def class_for(backbone: PreTrainedConfig) -> type[EntityValidityForSequenceClassification]:
    """The class of a selector on this backbone."""
    glm = backbone.model_type == "glm"
    return GLMForEntityValidity if glm else EntityValidityForSequenceClassification


def from_backbone(
    place: str, head_dropout: float = 0.0, **options: Any
) -> EntityValidityForSequenceClassification:
    """A decoder's weights under a classification layer that is not trained yet.

    Args:
        place: folder or Hub id of the decoder; a config alone gives random weights.
        head_dropout: before the classification layer.
        **options: of ``from_pretrained``, as ``dtype`` or ``quantization_config``.
    """
    where = {name: options[name] for name in WHERE if name in options}
    backbone = AutoConfig.from_pretrained(place, **where)
    config = EntityValidityConfig(text_config=backbone, head_dropout=head_dropout)
    kind = class_for(backbone)
    if Path(place).is_dir() and not any(Path(place).glob("*.safetensors*")):
        model = kind(config)
    else:
        model = loaded(kind, place, left=(LM_HEAD,), new=(HEAD,), config=config, **options)
    getattr(model, HEAD).float()  # untrained, it got the dtype of the checkpoint
    model.name_or_path = place  # where an adapter will look for it
    return model


def make_room(
    model: EntityValidityForSequenceClassification, tokenizer: PreTrainedTokenizerBase
) -> None:
    """Let the embedding grow where the tokenizer has more tokens than it has rows."""
    embedding: Any = model.get_input_embeddings()
    if len(tokenizer) > embedding.weight.shape[0]:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)


def fetched(place: Origin, names: tuple[str, ...]) -> Path:
    """The folder on this computer that has these files, as far as there are any.

    Raises:
        SettingError: there are none.
    """
    found = [path for name in names if (path := place.file(name))]
    if not found:
        raise SettingError(
            f"{place.name}: none of {', '.join(names)} is there; the files are damaged, fetch them "
            "anew"
        )
    return found[0].parent


def based_on(place: str | Path | Origin) -> str | None:
    """What an adapter names as its base; None where no adapter lies."""
    file = Origin.of(place).file(ADAPTER_FILE)
    if file is None:
        return None
    return _named(file)[0]


def base_of(place: str | Path | Origin) -> Origin:
    """Where the base of an adapter comes from, at the revision that the adapter names.

    Raises:
        SettingError: no adapter lies there.
    """
    origin = Origin.of(place)
    file = origin.file(ADAPTER_FILE)
    if file is None:
        raise SettingError(f"{origin.name}: no {ADAPTER_FILE}; this is not an adapter")
    named, revision = _named(file)
    if named == AROUND:
        return replace(origin, name=str(file.parents[1]), revision=None)
    return replace(origin, name=named, revision=revision)


def _named(file: Path) -> tuple[str, str | None]:
    """The base that an adapter's config names, and its revision.

    Raises:
        FormatError: it names none.
    """
    with reading(file, "config of an adapter"):
        config = json.loads(file.read_text(encoding="utf-8"))
        named, revision = config["base_model_name_or_path"], config.get("revision")
    if not isinstance(named, str) or not named or not isinstance(revision, str | None):
        raise FormatError(file, 0, f"names no base: base_model_name_or_path is {named!r}")
    return named, revision


def load(
    place: str | Path | Origin, **options: Any
) -> tuple[Any, PreTrainedTokenizerBase, SelectorSettings]:
    """A selector that was trained: the model, ready to judge, its tokenizer and its settings.

    Raises:
        SettingError: no selector lies there.
    """
    origin = Origin.of(place)
    settings_file = origin.file(SELECTOR_FILE)
    if settings_file is None:
        raise SettingError(
            f"{origin.name}: no {SELECTOR_FILE}; make a selector: llmner train-selector"
        )
    settings = SelectorSettings.load(settings_file)
    whole = origin.file(ADAPTER_FILE) is None
    model, tokenizer = _whole(origin, options) if whole else _adapted(origin, options)
    check_answers(model, origin.name)
    return model, tokenizer, settings


def _whole(origin: Origin, options: dict[str, Any]) -> tuple[Any, PreTrainedTokenizerBase]:
    """A selector that is a model by itself, and its tokenizer."""
    kind = EntityValidityForSequenceClassification
    model: Any = loaded(kind, origin.name, **origin.loading, **options).eval()
    with in_one_line(origin.name):
        tokenizer = AutoTokenizer.from_pretrained(origin.name, **origin.loading)
    check_tokenizer(model, tokenizer, origin.name)
    return model, tokenizer


def _adapted(origin: Origin, options: dict[str, Any]) -> tuple[Any, PreTrainedTokenizerBase]:
    """A selector that is an adapter, on its base, and the tokenizer of the one that brings it."""
    from peft import PeftModel  # only here: it is slow to import

    below = base_of(origin)
    own = fetched(origin, (ADAPTER_FILE, ADAPTER_WEIGHTS, *TOKENIZER_FILES))
    # A tokenizer lies beside an adapter unless its markers are tokens that the base has.
    brought = (own / TOKENIZER_FILES[0]).is_file()
    with in_one_line(origin.name):
        tokenizer = AutoTokenizer.from_pretrained(
            own if brought else below.name, **({} if brought else below.loading)
        )
    model: Any = from_backbone(below.name, **below.loading, **options)
    make_room(model, tokenizer)
    with in_one_line(origin.name):
        model = PeftModel.from_pretrained(model, str(own)).eval()
    check_adapter(model, own / ADAPTER_WEIGHTS, origin.name)
    return model, tokenizer


def export(place: str | Path | Origin, out: str | Path) -> None:
    """Write a selector as a whole model with its code; ``trust_remote_code`` loads it elsewhere."""
    model, tokenizer, settings = load(place, dtype=torch.float32)
    whole = model.merge_and_unload() if hasattr(model, "merge_and_unload") else model
    whole.save_pretrained(out)
    tokenizer.save_pretrained(out)
    settings.save(out)


def copy_to(
    place: str | Path | Origin, folder: Path, settings: SelectorSettings, base: str | None
) -> None:
    """Write the files of a selector into a folder.

    Args:
        place: where it lies.
        folder: made if it is not there.
        settings: those it is asked with now, in place of those that lie there.
        base: what an adapter is to name as its base; None leaves it as it is.
    """
    origin = Origin.of(place)
    folder.mkdir(parents=True, exist_ok=True)
    names = [n for n in (ADAPTER_FILE, ADAPTER_WEIGHTS, *TOKENIZER_FILES) if origin.file(n)]
    if ADAPTER_FILE not in names:
        export(origin, folder)
    for name in names if ADAPTER_FILE in names else ():
        shutil.copyfile(str(origin.file(name)), folder / name)
    if base is not None and (folder / ADAPTER_FILE).is_file():
        config = json.loads((folder / ADAPTER_FILE).read_text(encoding="utf-8"))
        write(folder / ADAPTER_FILE, config | {"base_model_name_or_path": base})
    settings.save(folder)
