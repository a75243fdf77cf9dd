"""Examples to token ids: what the trainer reads.

In: examples with their label sets. Out: rows of token ids, where the completion begins, and the
tokens that the copy automaton allows at each of its places, with a report of everything that was
split, dropped or could not be written. Nothing is cut off: an example longer than the limit is
split at sentences, and a sentence that is still too long is left out and counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import repeat
from random import Random

from llmner_hf.core.entities import Entity, Example, LabelSet
from llmner_hf.core.errors import UnrepresentableError
from llmner_hf.core.mentions import Dictionary
from llmner_hf.core.offsets import part_of
from llmner_hf.core.schema import Schema
from llmner_hf.core.sentences import join_over, split
from llmner_hf.corpora.rows import CODECS
from llmner_hf.settings import USUAL_WEIGHTS, TaggerSettings, Weights
from llmner_hf.tokens.canonical import Tokens
from llmner_hf.tokens.grammar import Grammar
from llmner_hf.tokens.lattice import Lattice, Position
from llmner_hf.tokens.layout import layout_of
from llmner_hf.tokens.prior import Prior

# How many of the mentions that cannot be written a report names.
NAMED = 20
# Label sets whose tries are kept at a time.
GRAMMARS = 64

Step = tuple[Position, dict[int, Position]]
Known = tuple[Dictionary | None, Weights]
NOTHING: Known = None, Weights()


@dataclass(frozen=True, slots=True)
class Row:
    """One training example in token ids.

    Attributes:
        ids: prompt and completion, the end token included.
        start: where the completion begins.
        positions: the position of each, or empty where they count on.
        lines: the line of each, from 1, and 0 for the prompt; empty where lines see each other.
        prefix: how many tokens the prompts of all texts of the label set have in common.
        text_ids: the distinct tokens of the text.
        allowed: for each token of the completion the tokens the automaton allows there, the gold
            one first; empty for strategies without an automaton, and where no loss asks for them.
        added: what a gazetteer adds to the logit of each of these; empty without one.
    """

    ids: list[int]
    positions: list[int]
    lines: list[int]
    start: int
    prefix: int
    text_ids: list[int]
    allowed: list[list[int]]
    added: list[list[float]]


@dataclass(slots=True)
class PreparationReport:
    """What became of the examples, counted.

    Attributes:
        examples: given.
        rows: written; more than the examples where some were split.
        split: examples that were longer than the limit and were split at sentences.
        too_long: texts left out because one sentence is longer than the limit.
        entities: asked for.
        not_asked: entities of types that their example was not asked for.
        lost_entities: entities of the texts left out.
        unwritable: entities left out because the strategy cannot write them: an end inside a word,
            a nesting too deep, in HTML a crossing.
        unwritable_mentions: the first of them, as they stand in the text between ``|``.
        longest: tokens of the longest row.
        tokens: tokens of all rows.
        completion_tokens: of these, the ones that bear loss.
    """

    examples: int = 0
    rows: int = 0
    split: int = 0
    too_long: int = 0
    entities: int = 0
    not_asked: int = 0
    lost_entities: int = 0
    unwritable: int = 0
    unwritable_mentions: list[str] = field(default_factory=list)
    longest: int = 0
    tokens: int = 0
    completion_tokens: int = 0

    def as_text(self) -> str:
        """One line, losses in entities and per cent."""
        lost = self.lost_entities + self.unwritable
        share = 100 * lost / self.entities if self.entities else 0.0
        return (
            f"{self.examples} examples -> {self.rows} rows, {self.tokens} tokens "
            f"({self.completion_tokens} with loss, longest {self.longest}); {self.split} split, "
            f"{self.too_long} left out as too long, {self.unwritable} entities unwritable; "
            f"{lost} of {self.entities} entities lost ({share:.2f} %)"
        )


class Preparation:
    """Turns examples of one schema into rows and counts what happened.

    Args:
        tokens: the canonical tokenisation.
        schema: title, language and types of the dataset.
        settings: strategy, style and depth.
        max_tokens: the longest row.
        some_types: the share of rows that are asked for some of the types alone.
        seed: of the draws.
        with_allowed: whether rows hold the allowed tokens, which take as long as all else.
    """

    def __init__(
        self,
        tokens: Tokens,
        schema: Schema,
        settings: TaggerSettings,
        max_tokens: int,
        some_types: float = 0.0,
        seed: int = 0,
        with_allowed: bool = True,
    ) -> None:
        self.tokens = tokens
        self.schema = schema
        self.settings = settings
        self.layout = layout_of(settings)
        self.max_tokens = max_tokens
        self.some_types = some_types
        self.with_allowed = with_allowed
        self.report = PreparationReport()
        self._random = Random(seed)
        self._known = NOTHING
        self._grammar = lru_cache(GRAMMARS)(self._make_grammar)

    def _make_grammar(self, asked: Schema) -> Grammar:
        own = self.settings
        return Grammar(self.tokens, asked, own.max_depth, every_type=own.every_type, cuts=own.cuts)

    def rows(
        self, examples: Iterable[Example], gazetteers: Iterable[Dictionary] | None = None
    ) -> Iterator[Row]:
        """The rows of all examples, in order.

        Args:
            examples: what to write.
            gazetteers: for each example one that was learnt without it; None for none.
        """
        examples = tuple(examples)
        if gazetteers is None:
            known: Iterable[Known] = repeat(NOTHING, len(examples))
        else:
            known = ((gazetteer, USUAL_WEIGHTS) for gazetteer in gazetteers)
        for example, self._known in zip(examples, known, strict=True):
            example, asked = self._asked(example)
            self.report.examples += 1
            self.report.entities += len(example.entities)
            row = self._row(example, asked)
            if len(row.ids) <= self.max_tokens:
                yield self._count(row)
            else:
                self.report.split += 1
                yield from self._sentences(example, asked)

    def _asked(self, example: Example) -> tuple[Example, Schema]:
        """An example with what it is asked for: all types of its dataset, or some in any order."""
        types = self.schema.labels.types
        if self._random.random() >= self.some_types or len(types) == 1:
            return example, self.schema
        labels = LabelSet(tuple(self._random.sample(types, self._random.randint(1, len(types)))))
        entities = tuple(e for e in example.entities if e.label in labels.names)
        self.report.not_asked += len(example.entities) - len(entities)
        return replace(example, entities=entities), replace(self.schema, labels=labels)

    def _sentences(self, example: Example, asked: Schema) -> Iterator[Row]:
        spans, _ = join_over(split(example.text, example.language), example.entities)
        for start, end in spans:
            part = part_of(example, start, end)
            row = self._row(part, asked)
            if len(row.ids) <= self.max_tokens:
                yield self._count(row)
            else:
                self.report.too_long += 1
                self.report.lost_entities += len(part.entities)

    def _count(self, row: Row) -> Row:
        self.report.rows += 1
        self.report.tokens += len(row.ids)
        self.report.completion_tokens += len(row.ids) - row.start
        self.report.longest = max(self.report.longest, len(row.ids))
        return row

    def _row(self, example: Example, asked: Schema) -> Row:
        style, strategy = self.settings.style, self.settings.strategy
        prompt = self.tokens.prompt(example.text, asked, style=style, strategy=strategy)
        allowed: list[list[int]] = []
        added: list[list[float]] = []
        positions, lines = list[int](), list[int]()
        if strategy == "symbolic":
            lattice = Lattice(self._grammar(asked), example.text)
            completion = self._line_ids(example, lattice)
            if self.with_allowed or not self.layout.counts_on:
                places = list(lattice.along(completion))
                allowed = [
                    [gold, *(token for token in steps if token != gold)]
                    for gold, (_, steps) in zip(completion, places, strict=True)
                ]
                added = self._added(example.text, asked, allowed, places)
                layout = self.layout(prompt, self.tokens.brackets)
                positions, lines = layout.row(lattice, completion, [at for at, _ in places])
        else:
            written = self._written(example, asked.labels)
            completion = [*self.tokens.text_ids(written), self.tokens.stop]
        ids = prompt.ids
        text_ids = sorted(set(prompt.text))
        return Row(
            ids + completion, positions, lines, len(ids), len(prompt.head), text_ids, allowed, added
        )

    def _line_ids(self, example: Example, lattice: Lattice) -> list[int]:
        """The completion, without the entities that cannot be written, which are counted."""
        entities = [e for e in example.entities if lattice.writable(e, example.entities)]
        for entity in example.entities:
            if entity not in entities:
                self._note_unwritable(entity, example.text)
        return lattice.encode(entities)

    def _added(
        self, text: str, asked: Schema, allowed: list[list[int]], places: list[Step]
    ) -> list[list[float]]:
        """What the prior adds to the logits of the allowed tokens; empty where it adds nothing."""
        prior = Prior.of(text, asked.labels.names, *self._known)
        if not prior.weighs:
            return []
        return [
            [prior.raises(self.tokens, at.state, steps[token].state, token) for token in legal]
            for legal, (at, steps) in zip(allowed, places, strict=True)
        ]

    def _written(self, example: Example, labels: LabelSet) -> str:
        """A completion of another strategy; entities that cross one before them are left out."""
        codec, kept = CODECS[self.settings.strategy], list[Entity]()
        try:
            return codec.encode(example.text, example.entities, labels)
        except UnrepresentableError:  # HTML cannot write crossing entities of different types
            for entity in example.entities:
                try:
                    codec.encode(example.text, [*kept, entity], labels)
                    kept.append(entity)
                except UnrepresentableError:
                    self._note_unwritable(entity, example.text)
            return codec.encode(example.text, kept, labels)

    def _note_unwritable(self, entity: Entity, text: str) -> None:
        self.report.unwritable += 1
        if len(self.report.unwritable_mentions) < NAMED:
            before, behind = text[max(entity.start - 8, 0) : entity.start], text[entity.end :][:8]
            mention = f"{before}|{entity.surface(text)}|{behind}"
            self.report.unwritable_mentions.append(mention)
