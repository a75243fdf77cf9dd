"""Scripts, words and their borders, folding, digests, the language of a text: each defined here.

In: characters and texts. Out: for a character its kind; for a text its words, the borders of its
words, its lower case and its language; for a string a digest that stands for it.

A *word* is a run of letters and digits of any script that writes blanks between words. A CJK
character is a word of its own, and so is every other character that is neither blank, letter nor
digit: a punctuation mark, an underscore, a combining mark. Whoever needs a border of a word takes
it from here, so that mentions, alignment, abbreviations, candidates and scores agree on it. Where
brackets may stand (`core.borders`) is finer: there a word also ends where letters meet digits.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from hashlib import blake2b
from typing import Literal

from llmner_hf.core.entities import Language, Span

Kind = Literal["blank", "letter", "digit", "number", "cjk", "mark"]

# Insides of a set of a regular expression. Ideographs with all their extensions:
IDEOGRAPHS = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
# What is written without blanks between words: ideographs, their radicals, kana in both widths,
# Bopomofo, and the punctuation of these scripts.
CJK = f"\u2e80-\u9fff{IDEOGRAPHS}\uff66-\uff9f\U0001aff0-\U0001b16f"

_IDEOGRAPH = re.compile(f"[{IDEOGRAPHS}]")
_CJK = re.compile(f"[{CJK}]")
_WORD = re.compile(rf"[^\W_{CJK}]+|\S")
_INSIDES = re.compile(rf"[^\W_{CJK}]{{2,}}")
_INSIDE = re.compile(rf"(?<=[^\W_{CJK}])[^\W_{CJK}]")
# What goes on a grapheme besides marks: joiners, half-width voicing, skin tones, tags of flags.
_EXTENDS = re.compile("[\u200c\u200d\uff9e\uff9f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
_CONTROLS = frozenset({"Cc", "Zl", "Zp", "Cf"})
_PICTURE = re.compile("[\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001fbff]")
_REGIONAL = re.compile("[\U0001f1e6-\U0001f1ff]")
_SYLLABLE = re.compile(
    "[\u1100-\u115f\ua960-\ua97c][\u1100-\u11a7\ua960-\ua97c\uac00-\ud7a3]"
    "|[\u1160-\u11a7\uac00-\ud7a3\ud7b0-\ud7c6][\u1160-\u11ff\ud7b0-\ud7fb]"
    "|[\u11a8-\u11ff\ud7cb-\ud7fb][\u11a8-\u11ff\ud7cb-\ud7fb]"
)
_LATIN_WORD = re.compile(r"[A-Za-z]{2,}")


def is_cjk(character: str) -> bool:
    """Whether a character belongs to a script that writes no blanks between words.

    >>> [is_cjk(character) for character in "肺𬌗カaβ"]
    [True, True, True, False, False]
    """
    return _CJK.match(character) is not None


@lru_cache(maxsize=4096)
def kind(character: str) -> Kind:
    """The kind of a character; a "number" is one that is no decimal digit, as ``²`` or ``½``.

    >>> [kind(character) for character in " a5²肺。-"]
    ['blank', 'letter', 'digit', 'number', 'cjk', 'mark', 'mark']
    """
    if character.isspace():
        return "blank"
    if not character.isalnum():
        return "mark"
    if is_cjk(character):
        return "cjk"
    if character.isalpha():
        return "letter"
    return "digit" if character.isdecimal() else "number"


def word_spans(text: str) -> list[Span]:
    """The words of a text, CJK characters and marks among them, in order.

    >>> [text[a:b] for text in ["IL-2高表达。"] for a, b in word_spans(text)]
    ['IL', '-', '2', '高', '表', '达', '。']
    """
    return [match.span() for match in _WORD.finditer(text)]


def word_borders(text: str) -> list[bool]:
    """For every place between two characters, and both ends, whether no word goes on across it.

    >>> [place for place, border in enumerate(word_borders("p53 基因")) if border]
    [0, 3, 4, 5, 6]
    """
    found = [True] * (len(text) + 1)
    for match in _INSIDES.finditer(text):
        start, end = match.span()
        found[start + 1 : end] = [False] * (end - start - 1)
    return found


def in_word(text: str, place: int) -> bool:
    """Whether a word goes on across one place; for all places of a text ask `word_borders`.

    >>> [in_word("p53 基因", place) for place in (0, 1, 3, 5, 6)]
    [False, True, False, False, False]
    """
    return _INSIDE.match(text, place) is not None


def grapheme_border(text: str, place: int) -> bool:
    r"""Whether no character that a reader sees as one goes on across a place inside a text.

    Marks belong to the letter before them, and so do joiners, variation selectors, skin tones and
    the tags of flags; regional indicators go in pairs; jamo make syllables; CR LF is one break.
    This is Unicode's rule (UAX 29) but for prepended marks and Indic conjuncts.

    >>> [grapheme_border("e\u0301\r\n", place) for place in range(5)]
    [True, False, True, False, True]
    """
    if not 0 < place < len(text):
        return True
    before, after = text[place - 1], text[place]
    if before + after == "\r\n":
        return False
    if unicodedata.category(before) in _CONTROLS and before != "\u200d":
        return True
    if _EXTENDS.match(after) or unicodedata.category(after) in {"Mn", "Me", "Mc"}:
        return False
    if before == "\u200d":
        return after.isalnum() or not _PICTURE.match(after)
    if _REGIONAL.match(after):
        run = 0
        while run < place and _REGIONAL.match(text[place - 1 - run]):
            run += 1
        return run % 2 == 0
    return not _SYLLABLE.fullmatch(before + after)


def trimmed(text: str, start: int, end: int) -> Span | None:
    """A span without the blanks at its ends; None where it holds blanks alone.

    >>> trimmed("a gene .", 1, 7), trimmed("a  b", 1, 3)
    ((2, 6), None)
    """
    piece = text[start:end]
    start += len(piece) - len(piece.lstrip())
    piece = piece.strip()
    return (start, start + len(piece)) if piece else None


def fold(text: str) -> str:
    """The text in lower case, with the same length: what grows in lower case stays as it is.

    Each character by itself: the lower case of a sigma depends on where in a word it stands.

    >>> fold("ΣΊΣ İL-2")
    'σίσ İl-2'
    """
    lower = text.lower()
    if lower.isascii():
        return lower
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def caseless(text: str, form: Literal["NFKC", "NFKD"]) -> str:
    """The text without case, width and compatibility forms; its length may change.

    Args:
        text: any text.
        form: whether accents are one character with their letter (NFKC) or stand behind it.

    >>> caseless("ＩＬ－２ Straße", "NFKC")
    'il-2 strasse'
    """
    if text.isascii():
        return text.lower()
    # Twice, as Unicode defines it: folding case can bring back what the first pass took away.
    return unicodedata.normalize(form, unicodedata.normalize(form, text).casefold())


def digest(text: str) -> int:
    """64 bits that stand for a string, signed; what gazetteers store, so it must not change.

    >>> digest("aspirin"), digest("aspirin") & 0xFFFF
    (-5072980741424678709, 63691)
    """
    stored = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(stored, "big", signed=True)


def hex_digest(text: str) -> str:
    """The same 64 bits as 16 hexadecimal digits; what ``tagger.json`` stores.

    >>> hex_digest("aspirin")
    'b99926e4bafbf8cb'
    """
    return f"{digest(text) % 2**64:016x}"


def has_ideograph(text: str) -> bool:
    """Whether a text holds an ideograph, so that it needs a font for Chinese.

    >>> has_ideograph("the Qi (气) of TCM"), has_ideograph("カ")
    (True, False)
    """
    return _IDEOGRAPH.search(text) is not None


def language_of(text: str) -> Language:
    """The language of a text: Chinese when it holds more ideographs than Latin words.

    >>> language_of("CD28介导的NF-kappa B活化"), language_of("the Qi (气) of TCM")
    ('zh', 'en')
    """
    return "zh" if len(_IDEOGRAPH.findall(text)) > len(_LATIN_WORD.findall(text)) else "en"


def spoken(sentence: str) -> Language | None:
    """The language of a sentence; None where it holds neither ideographs nor Latin words.

    >>> spoken("EGFR L858R"), spoken("38.5 ℃"), spoken("查EGFR L858R突变")
    ('en', None, 'zh')
    """
    if not (_IDEOGRAPH.search(sentence) or _LATIN_WORD.search(sentence)):
        return None
    return language_of(sentence)
