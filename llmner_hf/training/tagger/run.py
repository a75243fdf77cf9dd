"""A run: from a recipe to a folder with the tuned model, its scores and its curves.

In: settings and tagged datasets. Out, in the run folder: the model or adapter with its tokenizer
and ``tagger.json``, checkpoints, ``run.json`` (versions, data fingerprints, settings, what became
of the examples), ``loss.csv`` and ``loss.png``. A run that was stopped goes on from its last
whole checkpoint (`training.checkpoints`). Validation by constrained decoding belongs to a higher
layer, which passes it in. Of several processes each computes its share, and the first one writes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset, DatasetDict
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedTokenizerBase,
    set_seed,
)
from trl import ModelConfig, SFTConfig, get_peft_config, get_quantization_config

from llmner_hf.core.errors import SettingError
from llmner_hf.settings import TrainingSettings
from llmner_hf.tagger.quantised import keep_layout
from llmner_hf.tokens.canonical import Tokens
from llmner_hf.tokens.layout import layout_of
from llmner_hf.training.checkpoints import clear, newest
from llmner_hf.training.outcome import draw_loss, record_of
from llmner_hf.training.tagger.mixing import MixingSampler, check_names, weights_of
from llmner_hf.training.tagger.sources import prepare, tagger_of, with_gazetteers
from llmner_hf.training.tagger.trainer import Collator, TaggerTrainer
from llmner_hf.training.tagger.validation import Validate, Validation, save

# Of so many batches the rows of like length stand together: transformers' own number.
POOL = 50


def model_path(settings: ModelConfig) -> str:
    """Where the model to tune lies.

    Raises:
        SettingError: the recipe names none.
    """
    if not settings.model_name_or_path:
        raise SettingError("the recipe names no model; set model_name_or_path")
    return settings.model_name_or_path


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
    if not layout_of(settings).counts_on:
        if settings.pack not in (None, 1):
            raise SettingError(
                f"pack {settings.pack} with lines_apart: a mask parts either rows or lines; leave "
                "one of them out"
            )
        return 1
    if settings.some_types:
        if settings.pack not in (None, 1):
            raise SettingError(
                f"pack {settings.pack} with some_types: prompts that name different types have no "
                "common part; leave one of them out"
            )
        return 1
    if settings.pack is not None:
        return settings.pack
    return int(optimisation.per_device_train_batch_size) if settings.style == "prefix" else 1


def check_order(settings: TrainingSettings, optimisation: SFTConfig) -> None:
    """Refuse settings of the order that are unknown or exclude each other.

    Raises:
        SettingError: which.
    """
    check_names(settings.mixing, settings.exhausted)
    weights_of(settings.weights)
    grouped = settings.mixing != "shuffle" or pack_size(settings, optimisation) > 1
    asked = optimisation.train_sampling_strategy
    if asked == "random" or not (grouped or settings.weights):
        return
    if grouped or asked != "group_by_length":
        rest = "" if asked == "group_by_length" else ", and no weights"
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
    if settings.mixing == "shuffle" and not settings.weights and group == 1:
        return None
    alike = optimisation.train_sampling_strategy == "group_by_length"
    batch = optimisation.per_device_train_batch_size * optimisation.gradient_accumulation_steps
    return MixingSampler(
        rows["corpus"][:],
        rows["language"][:],
        mixing=settings.mixing,  # type: ignore[arg-type]
        exhausted=settings.exhausted,  # type: ignore[arg-type]
        weights=weights_of(settings.weights),
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
    """The trainer of prepared rows; whatever it trains is fp32."""
    group = pack_size(settings, optimisation)
    adapter = get_peft_config(model_settings)
    if adapter is not None and model_settings.model_revision:
        adapter.revision = model_settings.model_revision  # PEFT does not record it
    trainer = TaggerTrainer(
        sampler=sampler_of(rows, settings, optimisation, group),
        allowed_share=settings.allowed_share,
        model=load_model(model_settings),
        args=_completed(optimisation),
        train_dataset=rows,
        processing_class=tokenizer,
        peft_config=adapter,
        data_collator=Collator(
            tokenizer.pad_token_id,
            settings.word_dropout,
            bool(settings.allowed_share),
            group,
            optimisation.seed,
        ),
    )
    # TRL casts adapters to bf16 and PEFT reloads them as fp32, so a resumed run would differ.
    for parameter in trainer.model_wrapped.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    return trainer


def train(
    settings: TrainingSettings,
    optimisation: SFTConfig,
    model_settings: ModelConfig,
    datasets: Mapping[str, DatasetDict],
    validate: Validate | None = None,
    lenders: Sequence[DatasetDict] = (),
) -> dict[str, Any]:
    """Tune a model; returns what ``run.json`` holds.

    Args:
        settings: ours.
        optimisation: TRL's; ``output_dir`` is the run folder.
        model_settings: TRL's; with ``use_peft`` an adapter is trained.
        datasets: the tagged datasets by name.
        validate: called at every evaluation with model, tokenizer and tagger settings; returns
            scores by name, ``f1`` among them, by which the best checkpoint is kept.
        lenders: the tagged datasets that ``settings.lenders`` names.

    Raises:
        SettingError: the settings do not fit together.
    """
    check_order(settings, optimisation)
    folder = Path(str(optimisation.output_dir))
    folder.mkdir(parents=True, exist_ok=True)
    set_seed(optimisation.seed)  # before the model: its random weights are part of the run
    tokenizer = AutoTokenizer.from_pretrained(model_path(model_settings))
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    tagger = tagger_of(datasets, settings)
    if settings.gazetteer_folds:
        tagger = with_gazetteers(tagger, datasets, settings, lenders)
    rows, reports = prepare(
        datasets, Tokens(tokenizer), tagger, settings, optimisation.seed, lenders
    )
    trainer = make_trainer(settings, optimisation, model_settings, rows, tokenizer)
    if validate:
        trainer.add_callback(
            validation := Validation(trainer, tokenizer, tagger, validate, settings.bracket_biases)
        )
    if trainer.args.should_save:
        clear(folder)
    trainer.accelerator.wait_for_everyone()
    trainer.train(resume_from_checkpoint=newest(folder))
    save(trainer, validation.tagger if validate else tagger, folder)
    record = record_of(settings, optimisation, model_settings, datasets, reports, lenders)
    record["history"] = trainer.state.log_history
    validated = [entry for entry in record["history"] if "validation_f1" in entry]
    record["validation"] = validated[-1] if validated else "not run"
    if trainer.args.should_save:
        text = json.dumps(record, ensure_ascii=False, indent=2, default=str)
        (folder / "run.json").write_text(text + "\n", encoding="utf-8")
        draw_loss(trainer.state.log_history, folder)
    return record


def _completed(optimisation: SFTConfig) -> SFTConfig:
    """The optimisation settings with what our rows demand."""
    optimisation.dataset_kwargs = {"skip_prepare_dataset": True}
    optimisation.remove_unused_columns = False
    optimisation.max_length = None  # nothing is cut; see training.preparation
    optimisation.packing = False
    optimisation.length_column_name = "length"
    return optimisation
