"""The sentences of a published tokenised version, found again in the original text.

The paper's Table I counts the sentences of tokenised versions of BC5CDR and NCBI Disease, whose
offsets are lost. In: the original texts and the sentences of such a version, as tokens. Out: for
each text the spans of its sentences, half-open characters of the text as it was distributed, in
order, disjoint, without blanks at their ends, and covering every character that is not blank.
Refused: a version that does not hold the same characters as the texts, blanks apart.
"""

from __future__ import annotations

from collections.abc import Sequence

from llmner_hf.core.entities import Span
from llmner_hf.core.errors import InputError


def align_breaks(text: str, sentences: Sequence[Sequence[str]]) -> tuple[Span, ...]:
    """The spans of a published tokenised version of the text, one for each of its sentences.

    Blanks do not count, every other character must be the same: in the sentence versions of BC5CDR
    and NCBI Disease the two differ in nothing else.

    Raises:
        InputError: a token does not stand where it should, or the version stops early.

    >>> align_breaks("IL-2. It binds.", [["IL", "-", "2", "."], ["It", "binds", "."]])
    ((0, 5), (6, 15))
    """
    places = [place for place, character in enumerate(text) if not character.isspace()]
    solid = _solid(text)
    spans: list[Span] = []
    position = 0
    for number, tokens in enumerate(sentences, 1):
        first = position
        for token in map(_solid, tokens):
            if not solid.startswith(token, position):
                place = [*places, len(text)][position]
                raise InputError(
                    f"published sentence {number}: {token!r} is not at {place}, where the text "
                    f"goes on with {text[place : place + 20]!r}"
                )
            position += len(token)
        if first == position:
            raise InputError(f"published sentence {number} is empty")
        spans.append((places[first], places[position - 1] + 1))
    if position < len(solid):
        place = places[position]
        raise InputError(f"no published sentence for {text[place : place + 20]!r} at {place}")
    return tuple(spans)


def _solid(text: str) -> str:
    """The text without its blanks."""
    return "".join(text.split())


def assign(
    texts: Sequence[str], sentences: Sequence[Sequence[str]]
) -> tuple[tuple[Span, ...], ...]:
    """The spans of every text, from one list of the published sentences of them all.

    The texts may come in another order than the sentences: both corpora with a published version
    need it. They are told apart by their characters; where one begins like another, the longest
    that fits is taken. Of equal texts the first get the sentences there are and the others none:
    the original of NCBI Disease holds one article twice, its sentence version once.

    Raises:
        InputError: sentences that belong to no text, or a text without sentences.

    >>> assign(["B b.", "A a. C."], [["A", "a."], ["C."], ["B", "b."]])
    (((0, 4),), ((0, 4), (5, 7)))
    """
    waiting: dict[str, list[int]] = {}
    for index, text in enumerate(texts):
        waiting.setdefault(_solid(text), []).append(index)
    longest = max(map(len, waiting), default=0)
    solid = [_solid("".join(tokens)) for tokens in sentences]
    spans: dict[int, tuple[Span, ...]] = {}
    seen = {""}
    start = 0
    while start < len(sentences):
        end, found = _longest_match(solid, start, waiting, longest)
        seen.add(found)
        index = waiting[found].pop(0)
        spans[index] = align_breaks(texts[index], sentences[start:end])
        start = end
    for index, text in enumerate(texts):
        if index not in spans and _solid(text) not in seen:
            raise InputError(f"text {index} ({text[:40]!r}) has no published sentences")
    return tuple(spans.get(index, ()) for index in range(len(texts)))


def _longest_match(
    solid: Sequence[str], start: int, waiting: dict[str, list[int]], longest: int
) -> tuple[int, str]:
    """Where the longest waiting text that begins with sentence ``start`` ends, and that text."""
    joined, found = "", (start, "")
    for end in range(start, len(solid)):
        joined += solid[end]
        if len(joined) > longest:
            break
        if waiting.get(joined):
            found = end + 1, joined
    if found[0] == start:
        raise InputError(
            f"published sentence {start + 1} ({solid[start][:40]!r}): no text that is left "
            "consists of it and the sentences after it"
        )
    return found
