"""Sentence spans of a document, Chinese and English, lossless.

In: a text and its language. Out: spans, half-open characters of the text as the user gave it, in
order, disjoint, without blanks at their ends, and covering every character that is not blank. A
line break ends a sentence in both languages. No entity is cut: `join_over` removes the breaks
inside entities and counts them. `core.cutting` makes of sentences what a model's context holds, and
`core.published` finds the breaks of published versions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from llmner_hf.core.entities import Entity, Language, Span
from llmner_hf.core.writing import CJK, trimmed

_CLOSERS = r"[\"'”’»」』）】》〉)\]}]*"
# With the full-width forms, which stand in Chinese text: a comma, a bracket, a letter.
_CHINESE = rf"[{CJK}\uff00-\uffef]"
_LINE = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
_CHINESE_STOP = re.compile(
    rf"(?:[。！？；｡]|(?<={_CHINESE})[!?]|[!?](?={_CHINESE}))[。！？；｡!?]*{_CLOSERS}"
)
# Possessive, and never from the middle of a run: ten thousand full stops in a row stay linear.
_ENGLISH_STOP = re.compile(rf"(?<![.!?])(?P<mark>[.!?]++){_CLOSERS}+\s+")

# Before a full stop and a blank: words that go on. Journals' names stand in citations.
_GOES_ON = re.compile(
    r"al|approx|ca|cf|dept|dr|e\.g|eqs?|etc|figs?|i\.e|mr|mrs|ms|nos?|pp|prof|refs?|sp|spp|st|subsp|"
    "suppl|tab|v|var|viz|vol|vs|acad|am|assoc|biochem|biol|biophys|chem|clin|exp|genet|hum|immunol|"
    "med|microbiol|mol|mutat|nat|natl|neurosci|pharm|pharmacol|proc"
)
_ALWAYS_GOES_ON = re.compile(r"cf|dr|e\.g|figs?|i\.e|vs")
# What opens a sentence even after such a word or after a single letter ("et al. The ..."): small
# words, and the headings of structured abstracts.
_OPENING = re.compile(
    r"(?:A|After|All|Although|An|As|At|Because|Both|By|Conclusions?|During|For|From|He|Here|However"
    r"|If|In|It|Its|Most|No|Of|On|One|Our|Patients|Results|She|Since|That|The|Their|There|These"
    r"|They|This|Those|Thus|To|Two|We|When|While|With)\b(?!\.)|[A-Z]{4,}[A-Z /]*:"
)
# Nouns that carry a letter at the end of a sentence ("... of hepatitis B. Serum ...").
_LETTERED = re.compile(
    "amphotericin|apolipoprotein|arm|cathepsin|class|cohort|complement|degrees|factor|grade|groups?|"
    "hepatitis|immunoglobulin|level|phase|protein|region|stage|strain|troponin|type|vitamin|virus"
)
# Any other term carries one too ("NF-kappa B. Kinase ..."): before the initial of a name stand a
# name, a comma, a bracket or a small word.
_TERM = re.compile(
    r"(?!(?:with|from|that|than|this|these|when|were|have|been|into|their|both|between|after|only"
    r"|also|such|about|under|over|author|authors|genus|serotype|serovar|species)$)"
    r"(?:[A-Za-z0-9]+-)*[a-z]{4,}"
)
_LETTER = re.compile(r"[A-Z]\b")
# What a sentence may begin with although its first letter is small: p53, mRNA, c-fos, beta-Actin.
_SMALL_OPENING = re.compile(
    r"[a-z]{1,5}[A-Z]|[a-z]{1,5}\d|(?:alpha|beta|gamma|delta|[cdlnp]|dl|wt)-[A-Z]|c-[a-z]{3}"
    r"|v[ao]n [A-Z]"
)
_LIST_NUMBER = re.compile(r"\s*(?:\d{1,2}|[a-z]|[ivx]+)")
_INITIALS = re.compile(r"(?:[A-Z]\.)*[A-Z]")
# What a digit after a full stop and a blank may belong to: "0. 05" and "P =. 05" abound in NCBI
# Disease, where the published breaks cut them; a word with its point, as "0.05", is finished;
# "i.p. 1 h" goes on as well.
_UNFINISHED = re.compile(r"[^.]*\d|[^\w.]*|(?:[A-Za-z]\.)+[A-Za-z]")


def split(text: str, language: Language) -> tuple[Span, ...]:
    """The sentences of a text, as spans without blanks at their ends.

    >>> text = "Dr. Li gave 0.5 mg of E. coli lysate (Fig. 2). It failed."
    >>> [text[start:end] for start, end in split(text, "en")]
    ['Dr. Li gave 0.5 mg of E. coli lysate (Fig. 2).', 'It failed.']
    >>> split("体温38.5℃。咳嗽！", "zh")
    ((0, 8), (8, 11))
    """
    stops = _chinese_stops if language == "zh" else _english_stops
    spans: list[Span] = []
    start = 0
    for line in [*_LINE.finditer(text), None]:
        end = line.start() if line else len(text)
        for stop in [*stops(text, start, end), end]:
            sentence = trimmed(text, start, stop)
            spans += [sentence] if sentence else []
            start = stop
        start = line.end() if line else end
    return tuple(spans)


def _chinese_stops(text: str, start: int, end: int) -> Iterator[int]:
    """Where sentences end: behind the marks and the quotes and brackets that close after them.

    A full stop of ASCII is none of the marks, so a decimal is never split.
    """
    return (match.end() for match in _CHINESE_STOP.finditer(text, start, end))


def _english_stops(text: str, start: int, end: int) -> Iterator[int]:
    """Where sentences end: behind the blanks after a mark."""
    for match in _ENGLISH_STOP.finditer(text, start, end):
        if match.end() < end and _ends(text, start, match):
            start = match.end()
            yield start


def _ends(text: str, start: int, match: re.Match[str]) -> bool:
    """Whether the mark ends the sentence that begins at ``start``."""
    following = text[match.end() : match.end() + 40]
    if following[0] in ".,;:!?)]}":
        return False
    if following[0].islower() and not _SMALL_OPENING.match(following):
        return False
    if match["mark"] != ".":
        return True
    if _LIST_NUMBER.fullmatch(text, start, match.start()):
        return False
    # 60 characters back hold the two words that matter: a longer word is no abbreviation.
    return not _goes_on(text[max(start, match.start() - 60) : match.start()], following)


def _goes_on(left: str, following: str) -> bool:
    """Whether a full stop between ``left`` and ``following`` belongs to the word before it."""
    before, word = ["", *re.split(r"\s+", left)][-2:]
    bare = word
    word = word.lstrip("([{\"'“‘")
    if following[0].isdigit() and _UNFINISHED.fullmatch(word):
        return True
    if _OPENING.match(following):
        return bool(_ALWAYS_GOES_ON.fullmatch(word.lower()))
    if _INITIALS.fullmatch(word):
        if bare == word and _TERM.fullmatch(before) and not _LETTER.match(following):
            return False
        return not _LETTERED.fullmatch(before)
    return bool(_GOES_ON.fullmatch(word.lower()))


def join_over(spans: Sequence[Span], entities: Iterable[Entity]) -> tuple[tuple[Span, ...], int]:
    """The spans without the breaks inside entities, and how many breaks that were.

    A span grows over a blank at its end where an entity holds that blank. Two entities that share
    a blank of a break remove it together.

    >>> join_over([(0, 4), (5, 9), (10, 12)], [Entity(2, 6, "DNA")])
    (((0, 9), (10, 12)), 1)
    """
    marked = [(*entity.span, False) for entity in entities] + [(*span, True) for span in spans]
    joined: list[tuple[int, int, bool]] = []
    removed = 0
    for start, end, sentence in sorted(marked):
        if joined and start < joined[-1][1]:
            first, last, holds_one = joined.pop()
            removed += holds_one and sentence
            start, end, sentence = first, max(last, end), holds_one or sentence
        joined.append((start, end, sentence))
    return tuple((start, end) for start, end, _ in joined), removed
