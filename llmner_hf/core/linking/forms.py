"""Forms of a name: what spellings of one name have in common.

In: a name, from a terminology or from a text. Out: its forms, from strict to loose:

- ``written``: the name in lower case, with single blanks.
- ``spelt``: without marks, blanks and the ``'s`` of persons, Greek letters by their names, British
  spellings as American ones, plurals as singulars, Roman numerals as numbers: ``IL-2`` and
  ``IL 2``, ``TNF-α`` and ``TNF alpha``, ``diabetes type II`` and ``diabetes type 2``,
  ``II型糖尿病`` and ``2型糖尿病``.
- ``words``: the same words in any order, without little ones: ``cancer of the breast`` and
  ``breast cancer``.
- ``bare``: without words that names of one concept have or lack, as salts: ``metformin
  hydrochloride`` and ``metformin``.

Two names that share a form name the same thing, the more surely the stricter the looser of its two
kinds is: the bare form of ``metformin hydrochloride`` is the written form of ``metformin``, so they
share a bare form.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, get_args

from llmner_hf.core.writing import CJK, caseless, is_cjk

Strictness = Literal["written", "spelt", "words", "bare"]
STRICTNESSES: tuple[Strictness, ...] = get_args(Strictness)


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_TOKEN = re.compile(rf"\d+|[^\W\d_{CJK}]+|[{CJK}]+")
_POSSESSIVE = re.compile("(?<=[a-z])['’]s\\b|(?<=s)['’](?= )")
_ROMAN = {
    roman: str(number)
    for number, roman in enumerate(
        ("ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii", "xiii"), 2
    )
}
_CHINESE_NUMBERS = {"一": "1", "二": "2", "三": "3", "四": "4", "五": "5", "六": "6"}
# Words that only join others.
LITTLE = _set("a an the of in on to for with and or by from due at associated related")
# Words that names of one concept have or lack, by type. Ours.
_SAYS_LITTLE: Mapping[str, frozenset[str]] = {
    "Chemical": _set("""
        hydrochloride dihydrochloride hcl hydrobromide sulfate phosphate acetate citrate tartrate
        maleate mesylate besylate fumarate succinate gluconate nitrate bromide chloride sodium
        potassium calcium salt anhydrous monohydrate dihydrate acid tablet injection capsule
        """),
    "Disease": _set("disease disorder syndrome condition symptom sign patient human"),
    "Gene": _set("gene protein mrna human homo sapien"),
    "CellLine": _set("cell line human"),
}
_SPELLINGS = (
    (re.compile("ae(?=[a-z]{2})|oe(?=[a-z]{2})"), "e"),  # anaemia, oedema
    (re.compile("(?<=[a-z]{2})our$"), "or"),  # tumour
    (re.compile("(?<=[a-z]{3})is(?=ation|ed$|ing$|e$)"), "iz"),
    (re.compile("(?<=sul)ph"), "f"),  # sulphur, sulphonate
    (re.compile("(?<=[a-z]{2})tre$"), "ter"),
    (re.compile("ll(?=ed$|ing$)"), "l"),
)


def forms(name: str, of_type: str = "") -> dict[str, Strictness]:
    """The forms of a name, each with the strictest of its kinds, from strict to loose.

    Args:
        name: any name.
        of_type: the type of what it names; the bare form hangs on it.

    >>> forms("Cancers of the breast", "Disease")
    {'cancers of the breast': 'written', 'cancerofthebreast': 'spelt', 'breast cancer': 'words'}
    >>> forms("TNF-α"), forms("metformin HCl", "Chemical")["metformin"]
    ({'tnf-α': 'written', 'tnfalpha': 'spelt', 'alpha tnf': 'words'}, 'bare')
    >>> forms("II型糖尿病").keys() & forms("二型糖尿病").keys()
    {'2型糖尿病'}
    """
    tokens = tokens_of(name)
    words = sorted(token for token in tokens if token not in LITTLE)
    little = _SAYS_LITTLE.get(of_type, frozenset())
    bodies: dict[Strictness, str] = {
        "written": " ".join(caseless(name, "NFKC").split()),
        "spelt": "".join(tokens),
        "words": " ".join(words),
        "bare": " ".join(word for word in words if word not in little),
    }
    found: dict[str, Strictness] = {}
    for strictness, body in bodies.items():
        if body:
            found.setdefault(body, strictness)
    return found


@lru_cache(maxsize=65_536)
def tokens_of(name: str) -> tuple[str, ...]:
    """The words and numbers of a name in their order, each as `spelt` spells it.

    >>> tokens_of("Tumours of β-cells, type IV"), tokens_of("Crohn's disease")
    (('tumor', 'of', 'beta', 'cell', 'type', '4'), ('crohn', 'disease'))
    """
    found = _TOKEN.findall(_POSSESSIVE.sub("", _with_greek(caseless(name, "NFKC"))))
    return tuple(_spelt(token) for token in found)


def _with_greek(text: str) -> str:
    """Greek letters by their names, apart from what stands beside them."""
    if text.isascii():
        return text
    return "".join(
        _greek(character) if "\u0370" <= character <= "\u03ff" else character for character in text
    )


@lru_cache(maxsize=256)
def _greek(character: str) -> str:
    name = unicodedata.name(character, "")
    if not name.startswith("GREEK SMALL LETTER "):
        return character
    return f" {name.split()[3].lower().replace('lamda', 'lambda')} "


@lru_cache(maxsize=262_144)
def _spelt(token: str) -> str:
    """A word in the one spelling of all that it is written in."""
    if token in _ROMAN:
        return _ROMAN[token]
    if not token.isascii() or not token.isalpha():
        return "".join(_CHINESE_NUMBERS.get(c, c) for c in token) if is_cjk(token[0]) else token
    word = _singular(token)
    if len(word) > 4:
        for pattern, spelling in _SPELLINGS:
            word = pattern.sub(spelling, word)
    return word


def _singular(word: str) -> str:
    """The singular of an English word, or what stands for it: equal for singular and plural.

    >>> [_singular(word) for word in ("cells", "arteries", "biopsies", "virus", "diagnoses", "gas")]
    ['cell', 'artery', 'biopsy', 'virus', 'diagnosis', 'gas']
    """
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("oses", "yses", "ases")) and len(word) > 6 and not word.endswith("eases"):
        return word[:-2] + "is"
    if word.endswith(("ches", "shes", "xes", "sses")):
        return word[:-2]
    return word[:-1]
