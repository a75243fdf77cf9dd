"""A run: from a recipe to a folder with the tuned model, its scores and its curves.

In: settings and tagged datasets. Out, in the run folder: the model or adapter with its tokenizer
and ``tagger.json``, checkpoints, ``run.json`` (versions, data fingerprints, settings, what became
of the examples), ``loss.csv`` and ``loss.png``. A run that was stopped goes on from its last
checkpoint. Validation by constrained decoding belongs to a higher layer, which passes it in.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset, DatasetDict, concatenate_datasets
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedTokenizerBase,
    TrainerCallback,
    set_seed,
)
from transformers.trainer_utils import get_last_checkpoint
from trl import ModelConfig, SFTConfig, get_peft_config, get_quantization_config

from llmner_hf.core.errors import SettingError
from llmner_hf.data import label_set, title_of, to_example
from llmner_hf.settings import Schema, TaggerSettings, TrainingSettings
from llmner_hf.tokens import Tokens
from llmner_hf.training.mixing import MixingSampler, check_names, weights_of
from llmner_hf.training.preparation import Preparation, PreparationReport, nesting
from llmner_hf.training.record import draw_loss, record_of
from llmner_hf.training.trainer import Collator, TaggerTrainer

Validate = Callable[[Any, Any, TaggerSettings], Mapping[str, float]]


def schemas_of(datasets: Mapping[str, DatasetDict]) -> dict[str, Schema]:
    """The schema of each dataset, read from its first training row."""
    schemas = {}
    for name, splits in datasets.items():
        row = splits["train"][0]
        schemas[name] = Schema(title_of(row["dataset"]), row["language"], label_set(row))
    return schemas


def training_split(splits: DatasetDict, settings: TrainingSettings) -> Dataset:
    """The training rows, with those validation rows that are not scored where the recipe says so.

    The scored rows are the first ones: neighbours come from one document, so a contiguous cut
    keeps documents apart.
    """
    if not settings.join_validation or "validation" not in splits:
        return splits["train"]
    rest = range(
        min(settings.validation_size, len(splits["validation"])), len(splits["validation"])
    )
    return concatenate_datasets([splits["train"], splits["validation"].select(rest)])


def deepest(datasets: Mapping[str, DatasetDict], settings: TrainingSettings) -> int:
    """The deepest nesting of brackets in a line of the training completions."""
    return max(
        nesting(to_example(row).entities)
        for splits in datasets.values()
        for row in training_split(splits, settings)
    )


def prepare(
    datasets: Mapping[str, DatasetDict],
    tokens: Tokens,
    tagger: TaggerSettings,
    settings: TrainingSettings,
) -> tuple[Dataset, dict[str, PreparationReport]]:
    """The training rows of all datasets together, and what became of their examples."""
    parts, reports = [], {}
    for name, splits in datasets.items():
        schema = tagger.schema(name)
        preparation = Preparation(tokens, schema, tagger, settings.max_tokens)
        examples = map(to_example, training_split(splits, settings))
        rows = [
            asdict(row) | {"length": len(row.ids), "corpus": name, "language": schema.language}
            for row in preparation.rows(examples)
        ]
        parts.append(Dataset.from_list(rows))
        reports[name] = preparation.report
    return concatenate_datasets(parts), reports


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
    return AutoModelForCausalLM.from_pretrained(
        path,
        revision=settings.model_revision,
        dtype=settings.dtype or "auto",
        attn_implementation=settings.attn_implementation,
        **({"quantization_config": quantization} if quantization else {}),
    )


def sampler_of(
    rows: Dataset, settings: TrainingSettings, optimisation: SFTConfig, group: int
) -> MixingSampler | None:
    """The order of the rows; None where transformers' own sampler does what is asked.

    Raises:
        SettingError: a setting is unknown, or two of them exclude each other.
    """
    check_names(settings.mixing, settings.exhausted)
    if settings.mixing == "shuffle" and not settings.weights and group == 1:
        return None
    if optimisation.train_sampling_strategy != "random":
        raise SettingError(
            f"train_sampling_strategy {optimisation.train_sampling_strategy} needs mixing shuffle, "
            "pack 1 and no weights: one sampler alone can order the rows"
        )
    return MixingSampler(
        rows["corpus"][:],
        rows["language"][:],
        mixing=settings.mixing,  # type: ignore[arg-type]
        exhausted=settings.exhausted,  # type: ignore[arg-type]
        weights=weights_of(settings.weights),
        group=group,
        seed=optimisation.data_seed or optimisation.seed,
    )


def make_trainer(
    settings: TrainingSettings,
    optimisation: SFTConfig,
    model_settings: ModelConfig,
    rows: Dataset,
    tokenizer: PreTrainedTokenizerBase,
) -> TaggerTrainer:
    """The trainer of prepared rows; whatever it trains is fp32."""
    group = settings.pack
    if group is None:
        group = optimisation.per_device_train_batch_size if settings.style == "prefix" else 1
    adapter = get_peft_config(model_settings)
    if adapter is not None and model_settings.model_revision:
        adapter.revision = model_settings.model_revision  # PEFT does not record it
    trainer = TaggerTrainer(
        sampler=sampler_of(rows, settings, optimisation, group),
        allowed_share=settings.allowed_share,
        full_sample=settings.full_sample,
        model=load_model(model_settings),
        args=_completed(optimisation),
        train_dataset=rows,
        processing_class=tokenizer,
        peft_config=adapter,
        data_collator=Collator(
            tokenizer.pad_token_id, settings.word_dropout, bool(settings.allowed_share), group
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
) -> dict[str, Any]:
    """Tune a model; returns what ``run.json`` holds.

    Args:
        settings: ours.
        optimisation: TRL's; ``output_dir`` is the run folder.
        model_settings: TRL's; with ``use_peft`` an adapter is trained.
        datasets: the tagged datasets by name.
        validate: called at every evaluation with model, tokenizer and tagger settings; returns
            scores by name, ``f1`` among them, by which the best checkpoint is kept.

    Raises:
        SettingError: the settings do not fit together.
    """
    folder = Path(str(optimisation.output_dir))
    folder.mkdir(parents=True, exist_ok=True)
    set_seed(optimisation.seed)  # before the model: its random weights are part of the run
    tokenizer = AutoTokenizer.from_pretrained(model_path(model_settings))
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    tagger = settings.tagger(schemas_of(datasets), deepest(datasets, settings))
    rows, reports = prepare(datasets, Tokens(tokenizer), tagger, settings)
    trainer = make_trainer(settings, optimisation, model_settings, rows, tokenizer)
    if validate:
        trainer.add_callback(
            validation := Validation(trainer, tokenizer, tagger, validate, settings.bracket_biases)
        )
    trainer.train(resume_from_checkpoint=get_last_checkpoint(str(folder)))
    save(trainer, validation.tagger if validate else tagger, folder)
    record = record_of(settings, optimisation, model_settings, datasets, reports)
    record["history"] = trainer.state.log_history
    validated = [entry for entry in record["history"] if "validation_f1" in entry]
    record["validation"] = validated[-1] if validated else "not run"
    (folder / "run.json").write_text(
        json.dumps(record, ensure_ascii=False, indent=2, default=str) + "\n", encoding="utf-8"
    )
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


def save(trainer: TaggerTrainer, tagger: TaggerSettings, folder: Path) -> None:
    """Model or adapter, tokenizer and ``tagger.json``; no pickle: ``run.json`` has the settings."""
    trainer.save_model(str(folder))
    (folder / "training_args.bin").unlink(missing_ok=True)
    tagger.save(folder)


class Validation(TrainerCallback):
    """Scores by decoding every ``eval_steps`` and at the end; keeps the best weights in ``best/``.

    The scores of the kept weights lie beside them, so that a resumed run knows what to beat.

    Args:
        trainer: the trainer whose model is scored.
        tokenizer: its tokenizer.
        tagger: how the model is asked; afterwards with the best of the biases.
        validate: what scores it.
        biases: the values of ``bracket_bias`` to try.
    """

    def __init__(
        self,
        trainer: TaggerTrainer,
        tokenizer: Any,
        tagger: TaggerSettings,
        validate: Validate,
        biases: Sequence[float],
    ) -> None:
        self.trainer, self.tokenizer, self.tagger = trainer, tokenizer, tagger
        self.validate, self.biases = validate, biases
        self._last = -1

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Validate where it is due."""
        if state.global_step % int(args.eval_steps) == 0:
            self._score(args, state)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Validate what will be saved."""
        if state.global_step != self._last:
            self._score(args, state)

    def _score(self, args: Any, state: Any) -> None:
        self._last = state.global_step
        model = self.trainer.accelerator.unwrap_model(self.trainer.model)
        model.eval()
        with torch.no_grad():
            tried = {
                bias: self.validate(model, self.tokenizer, replace(self.tagger, bracket_bias=bias))
                for bias in self.biases
            }
        model.train()
        best = max(tried, key=lambda bias: tried[bias]["f1"])
        self.tagger = replace(self.tagger, bracket_bias=best)
        scores = {**tried[best], "bracket_bias": best}
        self.trainer.log({f"validation_{name}": value for name, value in scores.items()})
        folder = Path(args.output_dir, "best")
        kept = folder / "validation.json"
        if not kept.exists() or scores["f1"] > json.loads(kept.read_text())["f1"]:
            save(self.trainer, self.tagger, folder)
            kept.write_text(json.dumps({"step": state.global_step, **scores}) + "\n")
