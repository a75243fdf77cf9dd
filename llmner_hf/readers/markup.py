"""XML with the line of every element, read by the standard library without its dangers.

In: a file. Out: the root as `Element`, which knows its line, or the elements of one tag, one at a
time. Refused: entity declarations (a dozen of them can expand to gigabytes, or fetch other files),
references to entities that XML itself does not define, and nesting deeper than 100 elements. A
document type that only names a file, as BioC has it, is allowed and not fetched.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from xml.etree import ElementTree
from xml.parsers import expat

from llmner_hf.core.errors import FormatError
from llmner_hf.readers.files import AnyPath, Held, Place, opened

_DEEPEST = 100
_CHUNK_BYTES = 1 << 16


class Element(ElementTree.Element):
    """An XML element that knows on which line it begins."""

    line = 0


class _Builder:
    """Feeds what expat finds into a tree."""

    def __init__(self, path: AnyPath) -> None:
        self.path = path
        self.depth = 0
        self.tree = ElementTree.TreeBuilder(element_factory=Element)
        # A recoded file may still name the encoding that it had.
        self.expat = expat.ParserCreate(path.encoding if isinstance(path, Held) else None)
        self.expat.buffer_text = True
        self.expat.StartElementHandler = self.start
        self.expat.EndElementHandler = self.end
        self.expat.CharacterDataHandler = self.data
        self.expat.EntityDeclHandler = self.refuse_entity
        self.expat.SkippedEntityHandler = self.refuse_entity

    def place(self) -> Place:
        return Place(self.path, self.expat.CurrentLineNumber)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        element = self.tree.start(tag, attributes)
        assert isinstance(element, Element)
        element.line = self.expat.CurrentLineNumber
        self.deeper()

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.place().error(f"more than {_DEEPEST} elements inside each other")

    def data(self, text: str) -> None:
        self.tree.data(text)

    def end(self, tag: str) -> None:
        self.tree.end(tag)
        self.depth -= 1

    def refuse_entity(self, name: str, *_: object) -> None:
        raise self.place().error(
            f"entity {name!r}: declared entities are refused; write the characters themselves"
        )


class _Records(_Builder):
    """Keeps the elements of one tag alone, and those until they are taken."""

    def __init__(self, path: AnyPath, tag: str) -> None:
        super().__init__(path)
        self.tag = tag
        self.within = 0  # the depth of the record that is open; 0 outside of records
        self.found: list[Element] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if not self.within and tag == self.tag:
            self.within = self.depth + 1
        if self.within:
            super().start(tag, attributes)
        else:
            self.deeper()

    def data(self, text: str) -> None:
        if self.within:
            super().data(text)

    def end(self, tag: str) -> None:
        if not self.within:
            self.depth -= 1
            return
        closed = self.depth == self.within
        super().end(tag)
        if closed:
            record = self.tree.close()
            assert isinstance(record, Element)
            self.found.append(record)
            self.within = 0
            self.tree = ElementTree.TreeBuilder(element_factory=Element)


@contextmanager
def _well_formed(builder: _Builder) -> Iterator[None]:
    """Errors of expat as the package's own."""
    try:
        yield
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code)
        raise Place(builder.path, error.lineno).error(f"not well-formed XML: {reason}") from None
    except FormatError:
        raise
    except (ValueError, LookupError) as error:  # of an encoding that expat cannot read
        raise builder.place().error(f"{error}; save the file as UTF-8") from None


def parse(path: AnyPath) -> Element:
    """The root element of a file.

    Raises:
        FormatError: it is not well-formed XML, or holds what this module refuses.
    """
    builder = _Builder(path)
    with opened(path) as stream, _well_formed(builder):
        builder.expat.ParseFile(stream)
    root = builder.tree.close()
    assert isinstance(root, Element)
    return root


def records(path: AnyPath, tag: str) -> Iterator[Element]:
    """The elements with that tag, one at a time, of a file of any size.

    Raises:
        FormatError: it is not well-formed XML, or holds what this module refuses.
    """
    builder = _Records(path, tag)
    with opened(path) as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            with _well_formed(builder):
                builder.expat.Parse(chunk)
            yield from builder.found
            builder.found.clear()
        with _well_formed(builder):
            builder.expat.Parse(b"", True)


def place_of(path: AnyPath, element: ElementTree.Element) -> Place:
    """Where an element of that file begins."""
    return Place(path, element.line if isinstance(element, Element) else 0)


def spans(
    element: ElementTree.Element, tag: str, start: int = 0
) -> Iterator[tuple[int, int, ElementTree.Element]]:
    """The elements with that tag inside an element, with their half-open characters of its text.

    Offsets count the characters of ``"".join(element.itertext())``; inner elements come first.

    >>> root = ElementTree.fromstring("<s>the <c><c>CD28</c> receptor</c></s>")
    >>> [(start, end) for start, end, _ in spans(root, "c")]
    [(4, 8), (4, 17)]
    """
    position = start + len(element.text or "")
    for child in element:
        end = position + sum(map(len, child.itertext()))
        yield from spans(child, tag, position)
        if child.tag == tag:
            yield position, end, child
        position = end + len(child.tail or "")
