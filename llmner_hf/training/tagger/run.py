"""A run: from a recipe to a folder with the tuned model, its scores and its curves.

In: settings and tagged datasets. Out, in the run folder: what a ``Tagger`` loads (the model or
adapter with its tokenizer, ``tagger.json`` and gazetteer), checkpoints, and the record and curves
of `training.outcome`; in ``best/`` the tagger that scored best in validation. A run that was
stopped goes on from its last whole checkpoint (`training.checkpoints`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from datasets import Dataset, DatasetDict
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerBase
from trl import ModelConfig, SFTConfig, get_quantization_config

from llmner_hf.core.errors import LlmnerError, SettingError
from llmner_hf.tagger.quantised import keep_layout
from llmner_hf.tokens.canonical import Tokens
from llmner_hf.tokens.layout import layout_of
from llmner_hf.training.continuing import once
from llmner_hf.training.evaluation import validator
from llmner_hf.training.lending import ALONE, Lending
from llmner_hf.training.outcome import (
    adapter_of,
    gone_on,
    in_fp32,
    leave,
    model_path,
    prepared,
    record_of,
)
from llmner_hf.training.recipe import TrainingSettings
from llmner_hf.training.tagger.mixing import MixingSampler
from llmner_hf.training.tagger.sources import (
    of_people,
    prepare,
    require_rows,
    tagger_of,
    with_gazetteers,
)
from llmner_hf.training.tagger.trainer import Collator, TaggerTrainer
from llmner_hf.training.tagger.validation import Validation, save

# Of so many batches the rows of like length stand together: transformers' own number.
POOL = 50


def load_model(settings: ModelConfig) -> Any:
    """The causal language model to tune: a checkpoint, or a config alone (then random weights).

    Raises:
        SettingError: no model is named.
    """
    path = model_path(settings)
    folder = Path(path)
    if folder.is_dir() and not any(folder.glob("*.safetensors*")):
        return AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(path))
    quantization = get_quantization_config(settings)
    model = AutoModelForCausalLM.from_pretrained(
        path,
        revision=settings.model_revision,
        dtype=settings.dtype or "auto",
        attn_implementation=settings.attn_implementation,
        **({"quantization_config": quantization} if quantization else {}),
    )
    if quantization:
        keep_layout(model)
    return model


def pack_size(settings: TrainingSettings, optimisation: SFTConfig) -> int:
    """How many rows share a copy of their prompts' common part.

    Raises:
        SettingError: rows are to share it that do not have it in common.
    """
    reasons = {
        "lines_apart": (not layout_of(settings).counts_on, "a mask parts either rows or lines"),
        "some_types": (
            bool(settings.some_types),
            "prompts that name different types have no common part",
        ),
    }
    alone = [(name, why) for name, (holds, why) in reasons.items() if holds]
    if alone and settings.pack not in (None, 1):
        name, why = alone[0]
        raise SettingError(f"pack {settings.pack} with {name}: {why}; leave one of them out")
    if alone:
        return 1
    if settings.pack is not None:
        return settings.pack
    return int(optimisation.per_device_train_batch_size) if settings.style == "prefix" else 1


def check_order(settings: TrainingSettings, optimisation: SFTConfig) -> None:
    """Refuse settings of the order that exclude each other.

    Raises:
        SettingError: which.
    """
    grouped = settings.mixing != "shuffle" or pack_size(settings, optimisation) > 1
    asked = optimisation.train_sampling_strategy
    if asked == "random" or not (grouped or settings.corpus_weights):
        return
    if grouped or asked != "group_by_length":
        rest = "" if asked == "group_by_length" else ", and no corpus_weights"
        raise SettingError(
            f"train_sampling_strategy {asked} needs mixing shuffle and pack 1{rest}: one sampler "
            "alone can order the rows"
        )


def sampler_of(
    rows: Dataset, settings: TrainingSettings, optimisation: SFTConfig, group: int
) -> MixingSampler | None:
    """The order of the rows; None where transformers' own sampler does what is asked.

    Raises:
        SettingError: a corpus that is weighed is not trained on.
    """
    if settings.mixing == "shuffle" and not settings.corpus_weights and group == 1:
        return None
    alike = optimisation.train_sampling_strategy == "group_by_length"
    batch = optimisation.per_device_train_batch_size * optimisation.gradient_accumulation_steps
    return MixingSampler(
        rows["corpus"][:],
        rows["language"][:],
        mixing=settings.mixing,
        weights=settings.corpus_weights,
        group=group,
        lengths=rows["length"][:] if alike else None,
        pool=batch * POOL,
        seed=optimisation.seed if optimisation.data_seed is None else optimisation.data_seed,
    )


def make_trainer(
    settings: TrainingSettings,
    optimisation: SFTConfig,
    model_settings: ModelConfig,
    rows: Dataset,
    tokenizer: PreTrainedTokenizerBase,
) -> TaggerTrainer:
    """The trainer of prepared rows; whatever it trains is fp32.

    Raises:
        SettingError: model, adapter or optimiser refuse the recipe.
    """
    group = pack_size(settings, optimisation)
    try:
        trainer = TaggerTrainer(
            sampler=sampler_of(rows, settings, optimisation, group),
            allowed_share=settings.allowed_share,
            model=load_model(model_settings),
            args=_completed(optimisation),
            train_dataset=rows,
            processing_class=tokenizer,
            peft_config=adapter_of(model_settings),
            data_collator=Collator(
                tokenizer.pad_token_id,
                settings.word_dropout,
                bool(settings.allowed_share),
                group,
                optimisation.seed,
            ),
        )
    # What TRL, PEFT and transformers refuse, each in its own way.
    except (ValueError, TypeError, ImportError, NotImplementedError) as error:
        if isinstance(error, LlmnerError):
            raise
        raise SettingError(f"the recipe does not fit: {error}") from error
    in_fp32(trainer.model_wrapped)
    return trainer


def train(
    settings: TrainingSettings,
    optimisation: SFTConfig,
    model_settings: ModelConfig,
    datasets: Mapping[str, DatasetDict],
    lending: Lending = ALONE,
) -> dict[str, Any]:
    """Tune a model and leave a tagger in the run folder; returns what ``run.json`` holds.

    Args:
        settings: ours.
        optimisation: TRL's; ``output_dir`` is the run folder.
        model_settings: TRL's; with ``use_peft`` an adapter is trained.
        datasets: the tagged datasets by name.
        lending: what gazetteers are lent.

    Raises:
        SettingError: the settings do not fit together.
    """
    check_order(settings, optimisation)
    return once(_tuned, settings, optimisation, model_settings, datasets, lending)


def _tuned(
    settings: TrainingSettings,
    optimisation: SFTConfig,
    model_settings: ModelConfig,
    datasets: Mapping[str, DatasetDict],
    lending: Lending,
) -> dict[str, Any]:
    """The run itself, from its beginning or its last checkpoint."""
    folder, tokenizer = prepared(optimisation, model_settings)
    tagger = tagger_of(datasets, settings)
    if settings.gazetteer_folds:
        tagger = with_gazetteers(tagger, datasets, settings, lending)
    tokens, seed = Tokens(tokenizer), optimisation.seed
    rows, reports = prepare(datasets, tokens, tagger, settings, seed, lending)
    require_rows(rows, reports)
    trainer = make_trainer(settings, optimisation, model_settings, rows, tokenizer)
    validation = None
    if validate := validator(of_people(datasets, settings), settings.validation_size):
        validation = Validation(trainer, tagger, validate, settings.bracket_biases)
        trainer.add_callback(validation)
    gone_on(trainer, folder)
    save(trainer, validation.tagger if validation else tagger, folder)
    told = {"preparation": {name: asdict(report) for name, report in reports.items()}}
    record = record_of(settings, optimisation, model_settings, datasets, told, lending)
    validated = [entry for entry in trainer.state.log_history if "validation_f1" in entry]
    record["validation"] = validated[-1] if validated else "not run"
    leave(trainer, record, folder, "validation_f1")
    return record


def _completed(optimisation: SFTConfig) -> SFTConfig:
    """The optimisation settings with what our rows demand."""
    optimisation.dataset_kwargs = {"skip_prepare_dataset": True}
    optimisation.remove_unused_columns = False
    optimisation.max_length = None  # nothing is cut; see training.tagger.preparation
    optimisation.packing = False
    optimisation.length_column_name = "length"
    return optimisation
