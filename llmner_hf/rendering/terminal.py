"""The table of entities for a terminal: plain text, aligned, one block a document.

A block is the document's id, one line of its text, and a row for each entity: offsets, type,
score, and the entity's own characters, indented under the entity that contains it, with its
concepts behind an equals sign. Columns are aligned in terminal columns, where a Chinese character
takes two. Unprintable characters are escaped, so a text cannot move the cursor or forge a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from llmner_hf.core.entities import ScoredEntity
from llmner_hf.rendering.documents import Document, depths
from llmner_hf.rendering.glyphs import escaped, padded, shortened, width

EXCERPT = 96  # columns; enough to recognise a sentence
_HEADINGS = ("start", "end", "type", "score", "entity")
_RIGHT = frozenset({"start", "end", "score"})
_INDENT, _GAP = "  ", "  "

Cells = tuple[str, ...]


def table(documents: Iterable[Document]) -> str:
    """The entities of every document, without a line break at the end.

    >>> from llmner_hf.core.entities import Entity, ScoredEntity
    >>> gene = ScoredEntity(Entity(0, 9, "DNA"), 0.98)
    >>> protein = ScoredEntity(Entity(0, 4, "protein"), 0.9)
    >>> print(table([Document("1", "IL-2 gene expression", (gene, protein))]))
    1  IL-2 gene expression
      start  end  type     score  entity
          0    9  DNA      0.980  IL-2 gene
          0    4  protein  0.900    IL-2
    """
    return "\n\n".join("\n".join(_block(document)) for document in documents)


def _block(document: Document) -> list[str]:
    name = escaped(document.id)
    excerpt = shortened(escaped(" ".join(document.text.split())), EXCERPT)
    first = f"{name}  {excerpt}".rstrip()
    rows = _rows(document)
    return [first, *_aligned([_HEADINGS, *rows])] if rows else [first, _INDENT + "no entities"]


def _rows(document: Document) -> list[Cells]:
    """One row of cells for each entity, already escaped."""
    return [
        (
            str(candidate.entity.start),
            str(candidate.entity.end),
            escaped(candidate.entity.label),
            f"{candidate.score:.3f}",
            _INDENT * depth
            + escaped(candidate.entity.surface(document.text))
            + _concepts(candidate),
        )
        for candidate, depth in zip(document.scored, depths(document.entities), strict=True)
    ]


def _concepts(candidate: ScoredEntity) -> str:
    """The concepts of an entity, each with its name where that is known.

    >>> from llmner_hf.core.entities import Entity, Link
    >>> link = Link("MESH:D001241", "Aspirin", 0.9)
    >>> _concepts(ScoredEntity(Entity(0, 3, "Drug"), 1.0, (link,)))
    ' = MESH:D001241 Aspirin'
    """
    named = (f"{link.id} {link.name}".rstrip() for link in candidate.links)
    return f" = {escaped('; '.join(named))}" if candidate.links else ""


def _aligned(rows: Sequence[Cells]) -> list[str]:
    """The rows as lines; the last column is ragged, so a long entity widens nothing."""
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)][:-1]
    return [_INDENT + _GAP.join([*_cells(row, widths), row[-1]]) for row in rows]


def _cells(row: Cells, widths: Sequence[int]) -> list[str]:
    # Numbers are ASCII: their length is their width.
    return [
        cell.rjust(columns) if heading in _RIGHT else padded(cell, columns)
        for heading, cell, columns in zip(_HEADINGS, row, widths, strict=False)
    ]
