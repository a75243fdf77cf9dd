"""ICD-10-CM: the order file, the list of codes, and the tabular list as XML.

In: ``icd10cm_order_2026.txt`` or ``icd10cm_codes_2026.txt``, of fixed columns, or
``icd10cm_tabular_2026.xml``, which has other names of a code besides (inclusion terms). Out: a
concept a code, as ``ICD10CM:A00.0``, with the nearest shorter code as its parent. A key of the
selection is the beginning of a code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmner_hf.readers import markup
from llmner_hf.readers.files import Place, head, uncompressed_name
from llmner_hf.terminology.concept import Concept
from llmner_hf.terminology.sources.selection import Selection
from llmner_hf.terminology.sources.source import Source

# Not V to Y, causes from outside, nor Z, contacts with health services.
SELECTION = Selection(dict.fromkeys("ABCDEFGHIJKLMNOPQRSTU", "Disease"))
_PREFIX = "ICD10CM:"
_YEAR = re.compile(r"(20\d\d)")
# Number, code, whether it is a code to bill by, a short description, the description.
ORDER = re.compile(r"\d{5} ([A-Z]\d\w{1,5}) *[01] .{60} (.+)")
CODE = re.compile(r"([A-Z]\d\w{1,5}) +(\S.*)")
_RULE = re.compile(r"\bcoded?\b")
_Row = tuple[Place, str, list[str]]


def read(source: Source) -> Iterator[Concept]:
    """The concepts of a file.

    Raises:
        FormatError: it is XML that is not well-formed.
    """
    year = _YEAR.search(uncompressed_name(source.path))
    source.version = year[1] if year else ""
    rows = list(_tabular(source) if head(source.path).lstrip().startswith("<") else _lines(source))
    known = {code for _, code, _ in rows}
    for place, code, names in rows:
        shorter = (code[:end] for end in range(len(code) - 1, 2, -1))
        parent = next((each for each in shorter if each in known), "")
        yield from source.concepts(
            place,
            _PREFIX + dotted(code),
            source.selection.by_beginning(code),
            names,
            [_PREFIX + dotted(parent)] if parent else (),
        )


def dotted(code: str) -> str:
    """A code with its point.

    >>> dotted("A000"), dotted("A00")
    ('A00.0', 'A00')
    """
    return f"{code[:3]}.{code[3:]}" if len(code) > 3 else code


def _lines(source: Source) -> Iterator[_Row]:
    for place, line in source.lines():
        found = ORDER.fullmatch(line.rstrip()) or CODE.fullmatch(line.rstrip())
        if found:
            yield place, found[1], [found[2]]
        elif line.strip():
            source.drop(place, "line that is no code with its description")


def _tabular(source: Source) -> Iterator[_Row]:
    root = markup.parse(source.path)
    source.version = root.findtext("version") or source.version
    for element in root.iter("diag"):
        names = [element.findtext("desc") or ""]
        for note in element.iterfind("inclusionTerm/note"):
            if _RULE.search(note.text or ""):
                source.dropped["inclusion note that is a rule of coding, not a name"] += 1
            else:
                names.append(note.text or "")
        code = (element.findtext("name") or "").replace(".", "")
        yield markup.place_of(source.path, element), code, names
