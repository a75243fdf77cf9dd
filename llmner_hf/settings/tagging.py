"""How a tagger is trained and asked.

``TrainingSettings`` is the part of a recipe that is ours; optimisation is TRL's ``SFTConfig`` and
the model with its adapter is TRL's ``ModelConfig``. ``TaggerSettings`` travels with a tuned model
as ``tagger.json``, so that it is asked in the words it was trained on; its gazetteer lies beside.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from llmner_hf.core.borders import Cuts
from llmner_hf.core.catalogue import CORPORA
from llmner_hf.core.entities import EntityType, LabelSet, Language
from llmner_hf.core.errors import FormatError, InputError, SettingError
from llmner_hf.core.mentions import Dictionary
from llmner_hf.core.prompting import Strategy, Style
from llmner_hf.core.schema import Schema
from llmner_hf.settings.gazetteer import GAZETTEER_FILE, Gazetteer

TAGGER_FILE = "tagger.json"


@dataclass(frozen=True, slots=True)
class Weights:
    """What is added to the logits of brackets; all 0 is the model alone.

    Attributes:
        bias: of every opening bracket.
        sure: of one before a known mention of the line's type, besides.
        unsure: the same before a mention that mostly is no entity.
        close: of a closing bracket behind a known mention.
    """

    bias: float = 0.0
    sure: float = 0.0
    unsure: float = 0.0
    close: float = 0.0


# Ours: where the search for a dataset's weights begins, and what training adds.
USUAL_WEIGHTS = Weights(bias=-0.5, sure=6.0, unsure=3.0, close=4.0)


@dataclass(frozen=True, slots=True)
class TaggerSettings:
    """How a tuned model is asked and how its answers are read.

    Attributes:
        strategy: the tagging strategy of its completions. Default: symbolic, the paper's best
            (Table II).
        style: the prompt's style. Default: ours, see `core.prompting`.
        max_depth: the deepest nesting of brackets in a line. Default: ours; the corpora reach 2.
        every_type: whether a completion has a line for every type, those without entities too.
            Default: no, as in the paper. A small model decides better where brackets stand than
            which types a text will turn out to hold, before it has written anything.
        lines_apart: whether each line sees the prompt and itself alone, and a copied token stands a
            fixed number of positions behind its original (`tokens.layout`); such a model is decoded
            under the constraint alone. Default: no, each token sees all before it and positions
            count on, as in the paper.
        bracket_bias: added to the logits of opening brackets: above 0 more entities are found,
            below 0 fewer and surer ones. It does not act on the few openings inside a token, which
            a shorter token announces. Default: 0, the model's own choice.
        weights: dataset -> its own bias, and how much its gazetteer counts.
        confidence: the probabilities that scores are made of: of the ``full`` vocabulary, or among
            the ``allowed`` tokens, for a model that was trained on those alone.
        gazetteer: the mentions of its training texts, which help to decide (beyond the paper).
        cuts: places inside words where its training texts have an end of an entity, see
            `core.borders`; nowhere else may a bracket stand inside a word.
        schemas: the datasets it was trained on, by name.
        defaults: language -> the dataset whose types it uses when none are given.
    """

    strategy: Strategy = "symbolic"
    style: Style = "prefix"
    max_depth: int = 3
    every_type: bool = False
    lines_apart: bool = False
    bracket_bias: float = 0.0
    weights: Mapping[str, Weights] = field(default_factory=dict, hash=False)
    confidence: Literal["full", "allowed"] = "full"
    gazetteer: Gazetteer | None = None
    cuts: Cuts = field(default_factory=dict, hash=False)
    schemas: Mapping[str, Schema] = field(default_factory=dict, hash=False)
    defaults: Mapping[Language, str] = field(default_factory=dict, hash=False)

    def dictionary(self, schema: Schema) -> Dictionary | None:
        """The known mentions of a schema's dataset, or of its types' names, if there are any."""
        return self.gazetteer.of(schema) if self.gazetteer else None

    def weights_of(self, schema: Schema) -> Weights:
        """The weights of a schema's dataset.

        Of types made up by a user they are the usual ones where mentions are known by the types'
        names, else the general bias alone.
        """
        names = (name for name, own in self.schemas.items() if own.title == schema.title)
        found = (self.weights[name] for name in names if name in self.weights)
        usual = USUAL_WEIGHTS if self.dictionary(schema) else Weights(self.bracket_bias)
        return next(found, usual)

    def biased(self, bias: float) -> TaggerSettings:
        """The settings with another bias, for all datasets."""
        weights = {name: replace(own, bias=bias) for name, own in self.weights.items()}
        return replace(self, bracket_bias=bias, weights=weights)

    def schema(self, name: str) -> Schema:
        """The schema of a dataset: the model's own, or the catalogue's.

        Raises:
            SettingError: neither knows it.
        """
        if name in self.schemas:
            return self.schemas[name]
        if name in CORPORA:
            return Schema.of_corpus(name)
        known = ", ".join(sorted({*self.schemas, *CORPORA}))
        raise SettingError(f"unknown dataset {name!r}; known are {known}")

    def default_schema(self, language: Language) -> Schema:
        """The schema for a text of this language when the caller names no types.

        Raises:
            SettingError: the model has none for it.
        """
        if language not in self.defaults:
            raise SettingError(
                f"this model has no default types for language {language!r}; give entity_types or "
                f"a dataset: {', '.join(self.schemas) or 'it names none'}"
            )
        return self.schema(self.defaults[language])

    def save(self, folder: str | Path) -> None:
        """Write ``tagger.json`` into a model's or adapter's folder, and the gazetteer if any."""
        stored = asdict(replace(self, gazetteer=None)) | {"gazetteer": None}
        if self.gazetteer and self.gazetteer.dictionaries:
            self.gazetteer.save(folder)
            stored["gazetteer"] = GAZETTEER_FILE
        text = json.dumps(stored, ensure_ascii=False, indent=2)
        Path(folder, TAGGER_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> TaggerSettings:
        """Read ``tagger.json``, and the gazetteer beside it if it has one.

        Raises:
            FormatError: a file is not one that ``save`` wrote.
        """
        try:
            stored = json.loads(Path(path).read_text(encoding="utf-8"))
            schemas = {name: _schema(entry) for name, entry in stored.pop("schemas").items()}
            stored["weights"] = {k: Weights(**v) for k, v in stored.get("weights", {}).items()}
            stored["cuts"] = {word: tuple(own) for word, own in stored.get("cuts", {}).items()}
            if stored.pop("gazetteer", None):
                stored["gazetteer"] = Gazetteer.load(Path(path).with_name(GAZETTEER_FILE))
            return cls(schemas=schemas, **stored)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise FormatError(path, 0, f"not the settings of a tagger: {error!r}") from error


def _schema(entry: dict[str, Any]) -> Schema:
    types = tuple(EntityType(**entity_type) for entity_type in entry["labels"]["types"])
    return Schema(entry["title"], entry["language"], LabelSet(types))


@dataclass
class TrainingSettings:
    """What a recipe says besides TRL's ``SFTConfig`` and ``ModelConfig``.

    Attributes:
        datasets: folders or Hub ids of tagged datasets; all are trained on jointly (paper II-B).
        strategy: the tagging strategy.
        style: the prompt's style.
        max_depth: the deepest nesting to learn; the tagger's own is what the training data shows of
            it.
        every_type, lines_apart: see ``TaggerSettings``.
        bracket_biases: those to try at every validation; the best ones travel with the model, for
            all datasets together and for each.
        max_tokens: the longest example, prompt and completion together. The authors' script cuts
            at 1,024 silently; here a longer text is split at sentences, and what cannot be split is
            left out and counted.
        allowed_share: the weight of the loss over the tokens that the copy automaton allows; the
            rest is the usual loss over the whole vocabulary. 0 is the paper's.
        full_sample: the share of tokens on which that rest is estimated, where ``allowed_share`` is
            not 0: the expectation is the same, and a large vocabulary costs a small model dear.
        word_dropout: the share of distinct text tokens of an example that are hidden from the
            model wherever they stand in it. 0 is the paper's.
        mixing: ``alternate`` takes Chinese and English in turn, as the paper does (II-B);
            ``shuffle`` does not look at the language.
        exhausted: what follows when the smaller side is used up: ``rest`` of the other side,
            ``repeat``, or ``stop``. The paper does not say; the default sees every example once.
        weights: corpus -> how often an epoch has its examples, as ``biored=2``; 1 if absent.
        pack: examples of one corpus that follow each other and share one copy of what their prompts
            have in common, with the same loss. 1 mixes single sentences, as the paper does. Default
            a device's whole batch for style ``prefix``, else 1.
        validation_size: examples of each dataset's validation split, from its beginning, that are
            decoded and scored.
        join_validation: whether the rest of the validation splits is trained on, as the paper's
            Table I counts it.
        some_types: of the examples, the share that is asked for some of the types alone, in any
            order, so that names count and not their places. 0 is the paper's.
        gazetteer_folds: the folds of a dataset's training texts whose mentions the other folds'
            gazetteers say while the model is trained, as the gazetteer of ``llmner gazetteer`` will
            when it decodes: it learns what a gazetteer does not know. 0 is the paper's, without.
        lenders: folders or Hub ids of tagged datasets that lend these gazetteers mentions and are
            not trained on, as in ``llmner gazetteer``; a text of the fold lends nothing.
        silver: names of datasets that a tagger annotated, not people. They are trained on beside an
            empty gazetteer, since it would know what their tagger knew, lend no mentions, and are
            not scored.
        default_datasets: language -> dataset, as ``en=biored``; see ``TaggerSettings.defaults``.
    """

    datasets: list[str] = field(default_factory=list)
    strategy: str = "symbolic"
    style: str = "prefix"
    max_depth: int = 3
    every_type: bool = False
    lines_apart: bool = False
    bracket_biases: list[float] = field(default_factory=lambda: [0.0])
    max_tokens: int = 1024
    allowed_share: float = 0.0
    full_sample: float = 1.0
    word_dropout: float = 0.0
    mixing: str = "alternate"
    exhausted: str = "rest"
    weights: list[str] = field(default_factory=list)
    pack: int | None = None
    validation_size: int = 200
    join_validation: bool = False
    some_types: float = 0.0
    gazetteer_folds: int = 0
    lenders: list[str] = field(default_factory=list)
    silver: list[str] = field(default_factory=list)
    default_datasets: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in ("allowed_share", "word_dropout", "some_types"):
            if not 0 <= getattr(self, name) <= 1:
                raise SettingError(f"{name} must lie between 0 and 1, not {getattr(self, name)}")
        if not 0 < self.full_sample <= 1:
            raise SettingError(f"full_sample must lie above 0 and up to 1, not {self.full_sample}")
        if self.gazetteer_folds and not self.allowed_share:
            raise SettingError(
                "gazetteer_folds needs allowed_share: what a gazetteer says of brackets counts "
                "among the allowed tokens alone"
            )
        if self.gazetteer_folds < 0 or self.gazetteer_folds == 1:
            raise SettingError(f"gazetteer_folds must be 0 or above 1, not {self.gazetteer_folds}")
        if self.lenders and not self.gazetteer_folds:
            raise SettingError("lenders lend to gazetteers; set gazetteer_folds, or leave them out")
        for name in ("allowed_share", "every_type", "lines_apart"):
            if getattr(self, name) and self.strategy != "symbolic":
                raise SettingError(
                    f"{name} needs the symbolic strategy: the copy automaton knows no "
                    f"{self.strategy!r} completions; leave it out"
                )

    def tagger(self, schemas: Mapping[str, Schema], depth: int, cuts: Cuts) -> TaggerSettings:
        """The settings that travel with the tuned model.

        Args:
            schemas: the datasets, by name.
            depth: the deepest nesting in their training texts.
            cuts: the places inside words where entities end there.
        """
        pairs = [entry.partition("=") for entry in self.default_datasets]
        return TaggerSettings(
            strategy=self.strategy,  # type: ignore[arg-type]
            style=self.style,  # type: ignore[arg-type]
            max_depth=max(1, min(self.max_depth, depth)),
            every_type=self.every_type,
            lines_apart=self.lines_apart,
            confidence="allowed" if self.allowed_share == 1 else "full",
            cuts=cuts,
            schemas=schemas,
            defaults={language: name for language, _, name in pairs},  # type: ignore[misc]
        )
