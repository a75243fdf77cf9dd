"""GENIA: sentences as JSON lines, or the corpus's own ``GENIAcorpus3.02.xml``.

The JSON lines are documents as in `json_lines`, each a sentence with its "article" (the MEDLINE
number). In the XML, sentences hold nested ``<cons lex sem>`` elements, and ``sem`` is a term of the
GENIA ontology:

    <cons lex="IL-2_gene" sem="G#DNA_domain_or_region"><cons ...>IL-2</cons> gene</cons>

As is usual for GENIA, all subtypes of protein, DNA and RNA are one type each, cell_line and
cell_type stay, and every other term is dropped, counted by its name. Dropped and counted as well:
coordinations (``sem="(AND G#... G#...)"``, whose members are no spans of the text) and their
fragments, which have no ``sem``. The XML file could not be had when this was written: the reader
is tested on a sample made by hand after the published description.
"""

from __future__ import annotations

from collections import Counter
from xml.etree.ElementTree import Element

from llmner_hf.readers import json_lines
from llmner_hf.readers.files import AnyPath, Place, head
from llmner_hf.readers.markup import parse, place_of, spans
from llmner_hf.readers.reading import Gathering, Mention, reader
from llmner_hf.readers.records import each_line

_CLASSES = ("protein", "DNA", "RNA")
_KEPT_AS_THEY_ARE = ("cell_line", "cell_type")


def type_of(sem: str) -> str | None:
    """The type of a term of the ontology; None when it is none of the five.

    >>> type_of("G#protein_molecule"), type_of("G#DNA_N/A"), type_of("G#other_name")
    ('protein', 'DNA', None)
    """
    term = sem.removeprefix("G#")
    for name in _CLASSES:
        if term.startswith(f"{name}_"):
            return name
    return term if term in _KEPT_AS_THEY_ARE else None


def _why_dropped(start: int, end: int, sem: str | None) -> str | None:
    """The reason why a cons element is no mention of the five types; None when it is one."""
    if sem is None:
        return "fragment of a coordination"
    if sem.startswith("("):
        return "coordination"
    if type_of(sem) is None:
        return f"other term: {sem.removeprefix('G#')}"
    return "mention without text" if start == end else None


def _mentions(path: AnyPath, sentence: Element, dropped: Counter[str]) -> list[Mention]:
    mentions = []
    for start, end, cons in spans(sentence, "cons"):
        sem = cons.get("sem")
        reason = _why_dropped(start, end, sem)
        if reason:
            dropped[reason] += 1
        else:
            place = place_of(path, cons)
            mentions.append(Mention(place, start, end, type_of(sem or "") or ""))
    return mentions


def _article_number(place: Place, article: Element) -> str:
    number = (article.findtext("articleinfo/bibliomisc") or "").removeprefix("MEDLINE:").strip()
    if not number:
        raise place.error("an article needs <articleinfo><bibliomisc>MEDLINE:number")
    return number


def _gather_xml(path: AnyPath, gathering: Gathering) -> None:
    """The sentences of ``GENIAcorpus3.02.xml``; ids are article number and place from 0.

    Raises:
        FormatError: it is not GENIA's XML.
    """
    root = parse(path)
    if root.tag != "set":
        raise place_of(path, root).error(f"<{root.tag}> is not GENIA's XML; its root is <set>")
    sentences: Counter[str] = Counter()
    for article in root.iter("article"):
        number = _article_number(place_of(path, article), article)
        # One article (97218353) is said to be in the corpus twice, annotated differently. Both
        # stay, numbered on, so that no sentence is lost.
        gathering.remarks["repeated article"] += number in sentences
        for sentence in article.iter("sentence"):
            mentions = _mentions(path, sentence, gathering.dropped)
            identifier = f"{number}-{sentences[number]:02d}"
            sentences[number] += 1
            text = "".join(sentence.itertext())
            gathering.add(place_of(path, sentence), identifier, text, mentions, number)


@reader
def read(path: AnyPath, gathering: Gathering) -> None:
    """The sentences of a GENIA file, XML or JSON lines; groups are the articles."""
    if head(path).lstrip().startswith("<"):
        _gather_xml(path, gathering)
        return
    for record in each_line(path):
        # Three training sentences have none: they could not be found among the abstracts.
        gathering.remarks["sentence without an article"] += "article" not in record
        json_lines.gather(record, gathering)
