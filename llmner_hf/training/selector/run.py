"""A selector's run: from a recipe to a folder with the tuned selector and its record.

In: settings and tagged datasets. Out, in the run folder: the adapter or model with its tokenizer
and ``selector.json``, checkpoints, and the record and curves of `training.outcome`, with the kinds
of candidates and scores on held-out ones. A run that was stopped goes on from its last whole
checkpoint. Trained are the classification layer, the two markers, and the backbone, whole or by
(Q)LoRA (paper, section II-C).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset, DatasetDict, concatenate_datasets
from peft import get_peft_model, prepare_model_for_kbit_training
from torch.nn.utils.rnn import pad_sequence
from transformers import EvalPrediction, Trainer, TrainingArguments
from trl import ModelConfig, get_quantization_config

from llmner_hf.core.calibration import auc, average_precision, calibration_error, probability
from llmner_hf.core.errors import SettingError
from llmner_hf.selector.inputs import Inputs, marker_ids, with_markers
from llmner_hf.selector.modeling import HEAD, EntityValidityForSequenceClassification
from llmner_hf.selector.storage import from_backbone, make_room
from llmner_hf.settings import SelectorSettings
from llmner_hf.tokens.canonical import Tokens
from llmner_hf.training.checkpoints import WholeCheckpoints
from llmner_hf.training.continuing import once
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
from llmner_hf.training.recipe import SelectorTrainingSettings
from llmner_hf.training.selector.preparation import SelectionReport, predictions_of, prepare


@dataclass(frozen=True, slots=True)
class Collator:
    """Rows to a batch, padded on the right.

    Attributes:
        pad: the padding token.
    """

    pad: int

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
        """``input_ids`` and ``attention_mask`` (rows, tokens), ``labels`` (rows,)."""
        ids = [torch.tensor(row["input_ids"]) for row in rows]
        positions = [torch.tensor(row["position_ids"]) for row in rows]
        padded = pad_sequence(ids, batch_first=True, padding_value=self.pad)
        lengths = torch.tensor([len(row) for row in ids])
        return {
            "input_ids": padded,
            "position_ids": pad_sequence(positions, batch_first=True),
            "attention_mask": (torch.arange(padded.shape[1]) < lengths[:, None]).long(),
            "labels": torch.tensor([row["labels"] for row in rows]),
        }


def scores(prediction: EvalPrediction) -> dict[str, float]:
    """How well logits tell entities from what is none; see `core.calibration`."""
    logits: Any = prediction.predictions
    probabilities = [probability(logit) for logit in logits.reshape(-1).tolist()]
    gold = [bool(label) for label in prediction.label_ids]
    return {
        "auc": auc(probabilities, gold),
        "average_precision": average_precision(probabilities, gold),
        "calibration_error": calibration_error(probabilities, gold),
    }


def load_model(
    settings: SelectorTrainingSettings,
    model_settings: ModelConfig,
    tokens: Tokens,
    selector: SelectorSettings,
    arguments: TrainingArguments,
) -> Any:
    """The model to tune, with adapter where the recipe says so; whatever is trained is fp32."""
    quantization = get_quantization_config(model_settings)
    model: Any = from_backbone(
        model_path(model_settings),
        settings.head_dropout,
        dtype=model_settings.dtype or "auto",
        revision=model_settings.model_revision,
        attn_implementation=model_settings.attn_implementation,
        # Quantised, the untrained layer could not learn.
        **({"quantization_config": _sparing_head(quantization)} if quantization else {}),
    )
    make_room(model, tokens.tokenizer)
    markers = marker_ids(tokens.tokenizer, selector)
    with torch.no_grad():  # what brackets mean to a model is where its markers begin
        embedding: Any = model.get_input_embeddings()
        embedding.weight[list(markers)] = embedding.weight[[tokens.open, tokens.close]]
    adapter = adapter_of(model_settings)
    if adapter is not None:
        if quantization:
            model = prepare_model_for_kbit_training(
                model, use_gradient_checkpointing=arguments.activation_checkpointing
            )
        model = get_peft_model(model, _for_selector(adapter, model, markers))
    in_fp32(model)
    return model


def _sparing_head(quantization: Any) -> Any:
    quantization.llm_int8_skip_modules = [HEAD]
    return quantization


def _for_selector(
    adapter: Any, model: EntityValidityForSequenceClassification, markers: Iterable[int]
) -> Any:
    """An adapter that trains the classification layer whole, and the two markers."""
    adapter.task_type = None  # PEFT's own classes expect other heads
    adapter.modules_to_save = [HEAD]
    adapter.trainable_token_indices = {_embedding_name(model): list(markers)}
    return adapter


def _embedding_name(model: EntityValidityForSequenceClassification) -> str:
    embedding = model.get_input_embeddings()
    return next(
        name.rpartition(".")[2] for name, module in model.named_modules() if module is embedding
    )


def train(
    settings: SelectorTrainingSettings,
    arguments: TrainingArguments,
    model_settings: ModelConfig,
    datasets: Mapping[str, DatasetDict],
    lending: Lending = ALONE,
) -> dict[str, Any]:
    """Tune a selector and leave it in the run folder; returns what ``run.json`` holds.

    Arguments as in `training.tagger.run.train`; validation splits give the held-out candidates.

    Raises:
        SettingError: the settings do not fit together.
    """
    return once(_tuned, settings, arguments, model_settings, datasets, lending)


def _tuned(
    settings: SelectorTrainingSettings,
    arguments: TrainingArguments,
    model_settings: ModelConfig,
    datasets: Mapping[str, DatasetDict],
    lending: Lending,
) -> dict[str, Any]:
    """The run itself, from its beginning or its last checkpoint."""
    folder, tokenizer = prepared(arguments, model_settings)
    selector = with_markers(tokenizer, settings.selector())
    tokens = Tokens(tokenizer)
    inputs = Inputs(tokens, selector)
    rows, held_out, reports = _rows(datasets, settings, inputs, arguments.seed, lending)
    trainer = WholeCheckpoints(
        model=load_model(settings, model_settings, tokens, selector, arguments),
        args=_completed(arguments),
        train_dataset=rows,
        eval_dataset=concatenate_datasets([*held_out.values()]) if held_out else None,
        data_collator=Collator(tokenizer.pad_token_id),
        processing_class=tokenizer,
        compute_metrics=scores,
    )
    gone_on(trainer, folder)
    save(trainer, selector, folder)
    told = {"candidates": {name: _plain(splits) for name, splits in reports.items()}}
    record = record_of(settings, arguments, model_settings, datasets, told, lending)
    record["validation"] = _judged(trainer, held_out) or "not run"
    leave(trainer, record, folder, "eval_average_precision")
    return record


def _judged(trainer: Trainer, held_out: Mapping[str, Dataset]) -> dict[str, Any]:
    return {
        name: trainer.predict(part, metric_key_prefix="held_out").metrics
        for name, part in held_out.items()
        if len(part)
    }


def _plain(reports: Mapping[str, SelectionReport]) -> dict[str, dict[str, Any]]:
    return {split: asdict(report) for split, report in reports.items()}


def _rows(
    datasets: Mapping[str, DatasetDict],
    settings: SelectorTrainingSettings,
    inputs: Inputs,
    seed: int,
    lending: Lending,
) -> tuple[Dataset, dict[str, Dataset], dict[str, dict[str, SelectionReport]]]:
    """Training rows of all datasets, held-out rows of each, and what both are."""
    predicted = predictions_of(settings.mined)
    unknown = sorted(set(predicted) - set(datasets))
    if unknown:
        raise SettingError(f"mined: no dataset {', '.join(unknown)} among {', '.join(datasets)}")
    numbers = {"train": settings.candidates, "validation": settings.validation_candidates}
    parts: dict[str, dict[str, Dataset]] = {split: {} for split in numbers}
    reports: dict[str, dict[str, SelectionReport]] = {name: {} for name in datasets}
    known = lending.known(datasets) if settings.evidence else {}
    for name, splits in datasets.items():
        for split in (s for s in numbers if s in splits and len(splits[s])):
            parts[split][name], reports[name][split] = prepare(
                splits[split],
                settings,
                inputs,
                number=numbers[split],
                seed=seed,
                predicted=predicted.get(name),
                known=known[name].get(split) if known else None,
            )
    return concatenate_datasets(list(parts["train"].values())), parts["validation"], reports


def _completed(arguments: TrainingArguments) -> TrainingArguments:
    """The arguments with what our rows demand."""
    arguments.remove_unused_columns = False
    arguments.label_names = ["labels"]
    arguments.length_column_name = "length"
    return arguments


def save(trainer: Trainer, selector: SelectorSettings, folder: Path) -> None:
    """Adapter or model, tokenizer and ``selector.json``."""
    trainer.save_model(str(folder))
    if trainer.args.should_save:
        selector.save(folder)
