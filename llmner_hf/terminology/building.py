"""Files of distributors, and stores, to the concepts of one store.

In: paths. Out: `Built`: concepts, each id once, and what was read, joined and left out. Refused: a
file of no known format, or one in which nothing is selected.

How files merge. An id that stands in several files, or twice in one, is one concept: the names of
the first go first, parents and other ids are added, and the first type stays. Then cross-references
are followed: a concept that names another's id as meaning the same is joined with it, into the one
whose file was named first, and the other's id stays among ``same``. Not followed, and counted:
references between concepts of different types, and those that would make two ids of one terminology
one (MONDO's term with two of MeSH's): linking would then not know which of them is meant. The names
of a concept that was joined so are borrowed names of the one that stays. Parents that lead back to
their own concept are taken away and counted. Parents and ``same`` may name ids that no file has:
the species of a gene, or the id of a terminology that is not read.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from llmner_hf.core.errors import InputError
from llmner_hf.terminology.concept import About, Concept
from llmner_hf.terminology.joining import joined, without_cycles, without_references
from llmner_hf.terminology.sources.formats import FORMATS, format_of
from llmner_hf.terminology.sources.source import Options, Source

_SHOWN_NAMES = 10
_SHOWN_CHARACTERS = 60
_MOST_TYPES = 255  # of a store


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of a file.

    Attributes:
        source: with what was left out of it.
        format: its name.
        concepts: how many it gave.
    """

    source: Source
    format: str
    concepts: int

    def version(self, named: bool) -> str:
        """Its version, after its name where it is one of several files; a store says both."""
        version = self.source.version
        if not named or not version or self.format == "store":
            return version
        return f"{Path(self.source.path).name} {version}"

    def lines(self) -> Iterator[str]:
        """What a user is told of it, the places of what was left out among it."""
        source, name = self.source, os.fspath(self.source.path)
        told = (f"version {source.version}" if source.version else "", source.licence)
        facts = [f"{self.concepts:,} concepts", self.format, *filter(None, told)]
        yield f"{name}: {', '.join(facts)}"
        for done, counts in (("left out", source.dropped), ("kept", source.remarks)):
            for reason, number in counts.most_common():
                places = ", ".join(source.places.get(reason, ()))
                where = f" ({'first ' if number > 1 else ''}at {places})" if places else ""
                yield f"{name}: {done} {number:,}: {reason}{where}"


@dataclass(slots=True)
class Built:
    """The concepts of a store, and how they came about.

    Attributes:
        concepts: each id once.
        files: what was read, in its order.
        remarks: what was joined or taken away, and why -> number.
    """

    concepts: list[Concept]
    files: list[Read] = field(default_factory=list)
    remarks: Counter[str] = field(default_factory=Counter)

    def types(self) -> Counter[str]:
        """Type -> number of concepts."""
        return Counter(concept.type for concept in self.concepts)

    def names(self) -> int:
        """The number of names; one of several concepts counts for each."""
        return sum(len(concept.names) for concept in self.concepts)

    def ambiguous(self) -> tuple[int, list[tuple[str, int]]]:
        """How many names are those of several concepts, whatever their case, and the worst."""
        counted = Counter(
            name for concept in self.concepts for name in {n.casefold() for n in concept.names}
        )
        number = sum(many > 1 for many in counted.values())
        return number, [(n, many) for n, many in counted.most_common(_SHOWN_NAMES) if many > 1]

    def about(self, name: str, **told: str) -> About:
        """Where the concepts come from; what a user tells goes before what files say."""
        sources = [read.source for read in self.files]
        said = {"licence": "", "attribution": ""}
        for key in said:
            said[key] = "; ".join(dict.fromkeys(filter(None, (getattr(s, key) for s in sources))))
        said["version"] = "; ".join(
            filter(None, (read.version(len(sources) > 1) for read in self.files))
        )
        counts = Counter(self.remarks)
        for read in self.files:
            for reason, number in (read.source.dropped + read.source.remarks).items():
                counts[f"{Path(read.source.path).name}: {reason}"] += number
        said |= {key: value for key, value in told.items() if value}
        files = tuple(Path(source.path).name for source in sources)
        return About(name, sources=files, counts=dict(counts), **said)

    def lines(self) -> Iterator[str]:
        """The report."""
        for read in self.files:
            yield from read.lines()
        for reason, number in self.remarks.most_common():
            yield f"{number:,}: {reason}"
        ambiguous, worst = self.ambiguous()
        shown = ", ".join(f"{name[:_SHOWN_CHARACTERS]} ({many})" for name, many in worst)
        yield f"{ambiguous:,} names have several concepts{f': {shown}' if shown else ''}"
        kinds = ", ".join(f"{kind} {number:,}" for kind, number in self.types().most_common())
        yield f"{len(self.concepts):,} concepts with {self.names():,} names: {kinds}"


def build(
    paths: Sequence[str | os.PathLike[str]],
    options: Options | None = None,
    format: str | None = None,
) -> Built:
    """The concepts of files.

    Args:
        paths: files and stores; what is first has the first word.
        options: what is asked of the files.
        format: of all files; guessed for each if it is None.

    Raises:
        InputError: a file is of no known format, cannot be read, or nothing in it is selected.
    """
    built, by_id = Built([]), dict[str, Concept]()
    formats = [(path, format or format_of(path)) for path in paths]
    # Supplementary concepts of MeSH have the types of descriptors, so these are read before.
    for path, name in sorted(formats, key=lambda each: FORMATS[each[1]].last):
        known = FORMATS[name]
        source = Source(path, options or Options(), known.selection, by_id)
        source.attribution = known.attribution
        number = _merge(by_id, known.read(source), source, built.remarks)
        if not number:
            raise InputError(_nothing(source, name))
        source.licence = source.licence or known.licence
        built.files.append(Read(source, name, number))
    built.concepts = without_cycles(without_references(by_id, built.remarks), built.remarks)
    if len(built.types()) > _MOST_TYPES:
        raise InputError(
            f"{len(built.types()):,} types where a store holds {_MOST_TYPES}: is the column of "
            "types one of types? --type gives all concepts one"
        )
    return built


def _merge(
    by_id: dict[str, Concept],
    concepts: Iterable[Concept],
    source: Source,
    remarks: Counter[str],
) -> int:
    """Add the concepts of a file; returns their number."""
    here = set[str]()
    number = 0
    for concept in concepts:
        number += 1
        before = by_id.get(concept.id)
        if before is None:
            by_id[concept.id] = concept
        elif before != concept:
            if before.type != concept.type:
                remarks["id that has another type in a later file, which is not taken"] += 1
            by_id[concept.id] = joined(before, concept)
        if concept.id in here:
            source.remark(source.place(0, concept.id), "id that stands in the file twice, joined")
        elif before is not None:
            remarks["id of an earlier file, joined"] += 1
        here.add(concept.id)
    return number


def _nothing(source: Source, name: str) -> str:
    """Why a file gave no concept, and what to do."""
    counted = [*source.dropped.most_common(1), ("", 0)][0]
    most = f"; {counted[1]:,}: {counted[0]}" if counted[1] else ""
    taken = str(source.selection) or "what the file says"
    return (
        f"{source.path}: no concept of this {name} file is taken{most}; selected is {taken}; keys "
        f"are: {FORMATS[name].keys}"
    )
