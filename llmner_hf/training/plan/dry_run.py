"""What a run will be, before any weights are read: ``llmner train RECIPE --dry-run``.

In: the settings of a recipe and its prepared rows. Out: a ``Plan``: exact counts of parameters,
rows, tokens and steps, an estimate of the peak memory of one GPU, and the first examples with the
tokens that bear loss marked. Refused: a recipe without rows or a model, and an adapter that does
not fit the model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from datasets import Dataset, DatasetDict
from transformers import AutoTokenizer
from trl import ModelConfig, SFTConfig

from llmner_hf.tokens.canonical import Tokens
from llmner_hf.training.lending import ALONE, Lending
from llmner_hf.training.outcome import model_path
from llmner_hf.training.plan.memory import Estimate, Memory, Skeleton, count
from llmner_hf.training.plan.preview import Shown, shown
from llmner_hf.training.plan.schedule import Epoch, Schedule
from llmner_hf.training.recipe import TrainingSettings
from llmner_hf.training.tagger.preparation import PreparationReport
from llmner_hf.training.tagger.run import check_order
from llmner_hf.training.tagger.sources import prepare, require_rows, tagger_of

SHOWN = 2  # examples that a plan shows


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run will be.

    Attributes:
        architecture: the model's class.
        source: where its config comes from.
        base_parameters: of the model alone.
        parameters: with the adapter.
        trainable: of these, the trained ones.
        stored: how frozen weights are stored, in words.
        adapter: the adapter, in words.
        epoch: rows and tokens.
        reports: what became of the examples of each dataset.
        schedule: steps.
        plain: memory without activation checkpointing.
        checkpointed: memory with it.
        checkpointing: which of the two the recipe asks for.
        examples: the first rows.
    """

    architecture: str
    source: str
    base_parameters: int
    parameters: int
    trainable: int
    stored: str
    adapter: str
    epoch: Epoch
    reports: Mapping[str, PreparationReport]
    schedule: Schedule
    plain: Memory
    checkpointed: Memory
    checkpointing: bool
    examples: tuple[Shown, ...]

    def as_text(self, colour: bool) -> str:
        """The plan for a terminal; without colour, what bears loss stands between « and »."""
        lines = [*self._model_lines(), *self._data_lines(), "", *self._memory_lines()]
        for number, example in enumerate(self.examples, 1):
            lines += ["", f"example {number}", *example.lines(colour)]
        return "\n".join(lines)

    def _model_lines(self) -> Iterator[str]:
        size = _millions(self.base_parameters)
        yield f"model     {self.architecture} of {self.source}, {size} parameters"
        share = 100 * self.trainable / self.parameters
        yield (
            f"trained   {_millions(self.trainable)} of {_millions(self.parameters)} parameters "
            f"({share:.2f} %): {self.adapter}"
        )
        yield f"stored    {self.stored}"

    def _data_lines(self) -> Iterator[str]:
        for name, report in self.reports.items():
            yield f"dataset   {name}: {report.as_text()}"
        over_long = sum(report.split for report in self.reports.values())
        left_out = sum(report.too_long for report in self.reports.values())
        yield f"over-long {over_long} examples split at sentences, {left_out} texts left out"
        epoch = self.epoch
        yield (
            f"an epoch  {epoch.rows:,} rows, {epoch.tokens:,} tokens, {epoch.completion_tokens:,} "
            f"of them in completions; longest row {epoch.longest:,} tokens"
        )
        packs, width = epoch.largest.packs, epoch.largest.width
        yield (
            f"computed  {epoch.computed_tokens:,} tokens an epoch, packed and padded; "
            f"largest batch {packs} x {width:,} tokens"
        )
        yield f"steps     {self.schedule.as_text()}"

    def _memory_lines(self) -> Iterator[str]:
        chosen = "with" if self.checkpointing else "without"
        yield "peak memory of one GPU: an estimate by formula, not measured on a GPU here"
        yield f"(the recipe trains {chosen} activation checkpointing)"
        yield f"{'':28}{'without':>12}{'with':>12}  checkpointing"
        larger = "one layer's backward pass", "logits and loss"
        for title, name in (
            ("frozen weights", "weights"),
            ("trained weights, fp32", "trained"),
            ("gradients", "gradients"),
            ("optimiser states", "optimiser"),
            ("autocast copies", "casts"),
            ("activations kept", "kept"),
            (f"{larger[0]} *", "layer"),
            (f"{larger[1]} *", "loss"),
            ("peak", "peak"),
        ):
            sizes = (getattr(memory, name) for memory in (self.plain, self.checkpointed))
            yield f"{title:28}" + "".join(f"{size / 2**30:>8.3f} GiB" for size in sizes)
        yield "* of these two the larger one counts"


def planned(
    settings: TrainingSettings,
    optimisation: SFTConfig,
    model_settings: ModelConfig,
    datasets: Mapping[str, DatasetDict],
    lending: Lending = ALONE,
) -> Plan:
    """The plan of a recipe's run on its datasets; arguments as in `training.tagger.run.train`."""
    check_order(settings, optimisation)
    tokens = Tokens(
        AutoTokenizer.from_pretrained(
            model_path(model_settings), revision=model_settings.model_revision
        )
    )
    tagger = tagger_of(datasets, settings)
    rows, reports = prepare(datasets, tokens, tagger, settings, optimisation.seed, lending)
    return plan(settings, optimisation, model_settings, rows, reports, tokens)


def plan(
    settings: TrainingSettings,
    optimisation: SFTConfig,
    model_settings: ModelConfig,
    rows: Dataset,
    reports: dict[str, PreparationReport],
    tokens: Tokens,
) -> Plan:
    """Resolve a recipe without weights.

    Raises:
        SettingError: there are no rows, no model is named, or the adapter does not fit it.
    """
    require_rows(rows, reports)
    skeleton, epoch = Skeleton.of(model_settings), Epoch.of(rows, settings, optimisation)
    memory = Estimate(skeleton, settings, optimisation, model_settings).memory
    return Plan(
        architecture=skeleton.architecture,
        source=model_path(model_settings),
        base_parameters=skeleton.base_parameters,
        parameters=count(skeleton.model.parameters()),
        trainable=skeleton.trainable,
        stored=_stored(skeleton, model_settings),
        adapter=_adapter(model_settings),
        epoch=epoch,
        reports=reports,
        schedule=Schedule.of(epoch.rows, optimisation),
        plain=memory(epoch.largest, checkpointing=False),
        checkpointed=memory(epoch.largest, checkpointing=True),
        checkpointing=bool(optimisation.activation_checkpointing),
        examples=_first(rows, tokens, settings.allowed_share),
    )


def _first(rows: Dataset, tokens: Tokens, allowed_share: float) -> tuple[Shown, ...]:
    first = rows.select(range(min(SHOWN, len(rows))))
    return tuple(shown(row, tokens.tokenizer, allowed_share) for row in first)


def _millions(number: int) -> str:
    return f"{number / 1e6:,.2f} M"


def _stored(skeleton: Skeleton, settings: ModelConfig) -> str:
    name = str(skeleton.dtype).removeprefix("torch.")
    if not skeleton.quantised:
        return f"{name}, not quantised; whatever is trained is float32"
    kind = "int8" if settings.load_in_8bit else settings.bnb_4bit_quant_type.upper()
    double = settings.load_in_4bit and settings.use_bnb_nested_quant
    nested = " with double quantisation" if double else ""
    return f"{kind}{nested}, computed in {name}; head and embeddings {name}"


def _adapter(settings: ModelConfig) -> str:
    if not settings.use_peft:
        return "full fine-tuning"
    where = settings.lora_target_modules or "PEFT's choice of layers"
    named = where if isinstance(where, str) else ", ".join(where)
    return (
        f"LoRA on {named}, r {settings.lora_r}, alpha {settings.lora_alpha}, "
        f"dropout {settings.lora_dropout}"
    )
