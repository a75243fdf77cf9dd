"""Table VIII: texts side by side, as gold, a single tagger, a joint one and the selector have them.

The rule: the first texts of each training corpus, in the order of its test set, that hold gold
entities, on which the three systems do not all agree, and where the joint tagger with the selector
finds exactly the gold entities. The licences of the corpora may bar handing their texts on, so the
texts go into a file of their own; the table holds nothing but their number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llmner_hf.core.entities import Entity, Example
from llmner_hf.paper.printed import SEEN
from llmner_hf.paper.results import SELECTOR, Result, Results, Setup, corpus_title
from llmner_hf.paper.tables import NOT_RUN, NOTHING, Cell, Column, Table, markdown_text

FILE = "cases.md"
SHOWN = 3  # texts of a corpus and backbone
SYSTEMS = ("single", "joint", "joint + LLM-CLS")
RULE = (
    f"Of each training corpus the first {SHOWN} texts, in the order of the test set, on which the "
    "three systems do not all agree and the joint tagger with the selector finds exactly the gold "
    "entities"
)
HEAD = f"""\
# Table VIII: cases

**Not to be handed on or committed**: the sentences are those of the corpora, whose licences may bar
it.

{RULE}. An entity stands in ⟦brackets⟧, its type behind them. The paper's cases are of other texts.
"""


@dataclass(frozen=True, slots=True)
class Cases:
    """The texts of a corpus that fit the rule, of those that all three systems were run on."""

    backbone: str
    corpus: str
    systems: tuple[Result, ...]
    texts: int
    examples: tuple[Example, ...]

    def markdown(self) -> Iterator[str]:
        """The first cases, as Markdown."""
        for example in self.examples[:SHOWN]:
            name = f"{corpus_title(self.corpus)}, {self.backbone}: {example.id}"
            yield f"\n## {markdown_text(name)}\n"
            yield "| system | text |\n|---|---|"
            yield f"| gold | {marked(example.text, example.entities)} |"
            for system, found in zip(SYSTEMS, _found(self.systems, example), strict=True):
                yield f"| {system} | {marked(example.text, found)} |"


def table_8(found: Sequence[Cases]) -> Table:
    """How many texts of each corpus fit the rule."""
    rows: list[tuple[Cell, ...]] = []
    for cases in found:
        counts = (cases.texts, len(cases.examples)) if cases.systems else (NOT_RUN, NOT_RUN)
        rows.append((cases.backbone, corpus_title(cases.corpus), *counts))
    caption = (
        f"{RULE}. Here their numbers alone; the texts are in {FILE}, which the command writes "
        "beside this file and which may not be passed on."
    )
    columns = [Column(name) for name in ("backbone", "corpus", "texts compared", "cases")]
    return Table("table_8", "Table VIII", caption, columns, rows)


def page(found: Sequence[Cases]) -> str:
    """The cases themselves, as Markdown."""
    return "\n".join([HEAD, *(line for cases in found for line in cases.markdown())]) + "\n"


def cases(results: Results) -> list[Cases]:
    """The cases of every backbone that was trained, on every training corpus."""
    return [
        _cases(results, backbone, corpus)
        for backbone in results.backbones("single", "joint") or [NOTHING]
        for corpus in SEEN
    ]


def _cases(results: Results, backbone: str, corpus: str) -> Cases:
    single, joint = Setup(backbone, "single"), Setup(backbone, "joint")
    found = (
        results.find(single, corpus),
        results.find(joint, corpus),
        results.find(joint, corpus, SELECTOR),
    )
    systems = tuple(result for result in found if result)
    if len(systems) < len(SYSTEMS):
        return Cases(backbone, corpus, (), 0, ())
    # The single run may have had fewer rows than the joint one.
    known = set(systems[0].trial.examples)
    common = [example for example in systems[-1].trial.examples if example in known]
    fitting = tuple(example for example in common if _fits(systems, example))
    return Cases(backbone, corpus, systems, len(common), fitting)


def _fits(systems: Sequence[Result], example: Example) -> bool:
    found = _found(systems, example)
    return bool(example.entities) and found[-1] == example.entities and len(set(found)) > 1


def _found(systems: Sequence[Result], example: Example) -> list[tuple[Entity, ...]]:
    return [system.trial.found[system.selector][example.id] for system in systems]


def marked(text: str, entities: Sequence[Entity]) -> str:
    """The text with every entity in brackets, inner ones first to close, in a cell of Markdown.

    >>> marked("IL-2 gene", [Entity(0, 9, "DNA"), Entity(0, 4, "protein")])
    '⟦⟦IL-2⟧<sub>protein</sub> gene⟧<sub>DNA</sub>'
    """
    inner_first = sorted(entities, key=lambda entity: entity.order, reverse=True)
    cuts = sorted({0, len(text), *(place for entity in entities for place in entity.span)})
    pieces = []
    for start, end in zip(cuts, [*cuts[1:], len(text)], strict=True):
        closed = (entity for entity in inner_first if entity.end == start)
        pieces += [f"⟧<sub>{markdown_text(entity.label)}</sub>" for entity in closed]
        pieces += ["⟦" for entity in entities if entity.start == start]
        pieces.append(markdown_text(text[start:end]))
    return "".join(pieces)
