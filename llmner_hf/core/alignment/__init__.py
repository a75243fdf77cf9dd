"""Completions of free-running models, mapped back onto the source.

In: any completion, the text, the label set, the strategy. Out: a `Decoding`; never an exception. An
exact copy gives what the codec's ``decode`` gives. Otherwise the completion is read leniently
(`symbolic_reader`, `html_reader`, `json_reader`), down to pieces of plain text with typed spans,
and every span is placed in the text or becomes a problem.

**What counts as the same.** Two strings match if they are equal once blanks and invisible
characters are left out and the rest is folded: case, width (full or half), quotes, dashes,
compatibility forms (`folding`). Texts are compared in that form only.

**What counts as certain.** A copy is cut into *passages*: stretches that stand in the text without
a break, found from both ends and from unique strings between them (`passages`). Letters that could
end one passage as well as begin the next belong to neither. A passage is certain if every way to
find all passages in the text, in their order, puts it at the same place. A span is placed
(`placing`)

1. where its passage is, if it lies within one certain passage; or else
2. between two certain passages, if its surface is all of the text that is left there (a word
   that the copy doubles); or else where its surface stands as whole words, if it does so exactly
   once in the text; or else
3. (JSON) where its surface stands exactly at one of its two offsets; or, where as many items of
   that type and surface are left as places, at all of these.

Everything else is ``AMBIGUOUS`` (several places) or ``UNPLACED`` (none). A surface never matches
half a character (``ﬁ`` against ``fi``). Blanks at the ends of a span count only where the copy has
the same number of blanks there as the text. A word that the copy leaves out at the very edge of a
span counts as outside the span, since the brackets do not show where it belongs.

**Problems.** Lost: ``UNPLACED``, ``AMBIGUOUS``, ``UNCLOSED``, ``UNOPENED``, ``EMPTY_SPAN``,
``UNKNOWN_LABEL``; one each. Repaired, nothing lost by it: ``COPY_DRIFT`` (one a line or an item),
``REPEATED_LINE``, ``CROSSING``, ``MALFORMED`` (a header or a frame that is not as the codec writes
it), ``NO_HEADER`` (a line that is none, such as a preamble), ``TRUNCATED``. Positions count
characters of the completion. The time is about linear in text and completion.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Literal

from llmner_hf.core.alignment import html_reader, json_reader, symbolic_reader
from llmner_hf.core.alignment.placing import Source
from llmner_hf.core.entities import Decoding, LabelSet, Problem, ProblemKind
from llmner_hf.core.tagging import html, json_list, symbolic

Strategy = Literal["symbolic", "html", "json_list"]

_READERS = MappingProxyType(
    {
        "symbolic": (symbolic.decode, symbolic_reader.read),
        "html": (html.decode, html_reader.read),
        "json_list": (json_list.decode, json_reader.read),
    }
)
_THINK, _END_OF_THINKING = "<think>", "</think>"


def align(completion: str, text: str, labels: LabelSet, strategy: Strategy) -> Decoding:
    """The entities of a completion that may drift from the text, and what was wrong.

    >>> from llmner_hf.core.entities import EntityType
    >>> labels = LabelSet((EntityType("protein"),))
    >>> align("Protein： the [il-2]  gene.", "The IL-2 gene.", labels, "symbolic").entities
    (Entity(start=4, end=8, label='protein'),)
    """
    decode, read = _READERS[strategy]
    exact = decode(completion, text, labels)
    if not exact.problems:
        return exact
    start = _end_of_thinking(completion, text)
    if start is None:
        return Decoding((), (Problem(ProblemKind.TRUNCATED, 0, _THINK),))
    answer = completion[start:]
    exact = decode(answer, text, labels)
    decoding = exact if not exact.problems else read(answer, Source(text), labels)
    problems = (Problem(p.kind, p.position + start, p.detail) for p in decoding.problems)
    return Decoding(decoding.entities, tuple(problems))


def _end_of_thinking(completion: str, text: str) -> int | None:
    """Where the answer begins; None if the model was cut off while it thought.

    A text may hold these marks itself; then they are copied text.
    """
    if _THINK in text or _END_OF_THINKING in text:
        return 0
    end = completion.rfind(_END_OF_THINKING)
    if end >= 0:
        start = end + len(_END_OF_THINKING)
        return len(completion) - len(completion[start:].lstrip())
    return None if completion.lstrip().startswith(_THINK) else 0
