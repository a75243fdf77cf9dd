"""``llmner terminology``: files of names with identifiers -> one store; what a name means in it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from llmner_hf.core.errors import InputError
from llmner_hf.terminology.sources.formats import FORMATS
from llmner_hf.terminology.sources.selection import Selection
from llmner_hf.terminology.sources.source import Options, Role, Scope

if TYPE_CHECKING:
    from llmner_hf.terminology.building import Built
    from llmner_hf.terminology.store import Terminology

NAME = "terminology"
_DEFAULTS = Options()
_SHOWN_NAMES = 8


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    actions = parser.add_subparsers(required=True, dest="action", metavar="build|show")
    _build_arguments(
        actions.add_parser(
            "build",
            help="files of distributors, tables of your own and stores -> one store",
            epilog=_formats(),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
    )
    show = actions.add_parser("show", help="what a store holds, and what names mean in it")
    show.add_argument("store", type=Path, help="a store that was built")
    show.add_argument("names", nargs="*", metavar="NAME", help="looked up, as a text has it")


def _build_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("out", type=Path, metavar="OUT", help="to write, as mine.safetensors")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="the first goes first")
    parser.add_argument("--format", choices=FORMATS, help="of all FILEs; guessed if absent")
    parser.add_argument(
        "--select",
        nargs="+",
        default=[],
        metavar="KEY=TYPE",
        help="what to take, and as which type; keys and defaults of each format stand below",
    )
    parser.add_argument("--type", default="", help="of all that no key selects")
    _reading_arguments(parser)
    _learning_arguments(parser)
    parser.add_argument("--name", help="of the store; that of OUT if absent")
    for what in ("version", "licence", "attribution"):
        parser.add_argument(f"--{what}", default="", help="of the data, where no FILE says it")


def _reading_arguments(parser: argparse.ArgumentParser) -> None:
    """How files are read."""
    parser.add_argument(
        "--scopes",
        nargs="+",
        choices=get_args(Scope),
        default=_DEFAULTS.scopes,
        help=f"synonyms to take of an ontology; {' and '.join(_DEFAULTS.scopes)} if absent",
    )
    parser.add_argument(
        "--languages",
        nargs="+",
        default=_DEFAULTS.languages,
        metavar="LAT",
        help=f"of names of UMLS and RxNorm; {' and '.join(_DEFAULTS.languages)} if absent",
    )
    parser.add_argument(
        "--columns",
        nargs="+",
        default=[],
        metavar="ROLE=COLUMN",
        help=f"of a table whose columns are not called {', '.join(get_args(Role))}",
    )
    parser.add_argument("--separator", default=_DEFAULTS.separator, help="in a cell of a table")
    parser.add_argument("--prefix", default="", help="of ids of a table without one; its file name")


def _learning_arguments(parser: argparse.ArgumentParser) -> None:
    """What names are learnt from."""
    parser.add_argument(
        "--learn",
        nargs="+",
        default=[],
        type=Path,
        metavar="TEXTS",
        help="annotated texts with links, of which names are learnt; kept as digests alone",
    )
    parser.add_argument(
        "--learn-without",
        nargs="+",
        default=[],
        type=Path,
        metavar="TEXTS",
        help="texts of which nothing is learnt though --learn has them, as test parts",
    )


def _formats() -> str:
    """The formats, with what is taken of each by itself."""
    lines = ["formats, each with the keys of --select and what is taken if it is absent:"]
    for name, known in FORMATS.items():
        lines += [f"  {name}: {known.files}", f"    keys: {known.keys}"]
        lines += [f"    default: {known.selection}"] if known.selection else []
    return "\n".join(lines)


def run(given: argparse.Namespace, _: list[str]) -> None:
    """``llmner terminology``."""
    lines = _build(given) if given.action == "build" else _show(given.store, given.names)
    for line in lines:
        print(line)


def _build(given: argparse.Namespace) -> Iterator[str]:
    from llmner_hf.cli.reading import probe
    from llmner_hf.terminology.building import build
    from llmner_hf.terminology.store import Terminology

    options = Options(
        Selection.parse(given.select, given.type),
        tuple(given.scopes),
        tuple(given.languages),
        _columns(given.columns),
        given.separator or _DEFAULTS.separator,
        given.prefix,
    )
    probe(given.out)
    built = build(given.files, options, given.format)
    yield from built.lines()
    if given.learn:
        yield from _learn(built, given.learn, given.learn_without)
    elif given.learn_without:
        raise InputError("--learn-without leaves texts out of those of --learn, which is absent")
    told = {what: getattr(given, what) for what in ("version", "licence", "attribution")}
    about = built.about(given.name or given.out.stem, **told)
    Terminology.of(built.concepts, about).save(given.out)
    if not about.licence:
        yield "licence: no FILE says it; tell it with --licence before you hand the store on"
    yield f"{given.out}: {given.out.stat().st_size:,} bytes"


def _learn(built: Built, paths: list[Path], without: list[Path]) -> Iterator[str]:
    """Names that annotated texts have for the concepts; what was learnt is told."""
    from llmner_hf.cli.reading import reading
    from llmner_hf.terminology.learning import with_learnt

    texts = [reading(path) for path in paths]
    for path, one in zip(paths, texts, strict=True):
        if not any(one.links.values()):
            raise InputError(f"{path}: no mention has a link, so that no name is learnt from it")
    built.concepts, counts = with_learnt(built.concepts, texts, [reading(p) for p in without])
    built.remarks.update(counts)
    yield from (f"{number:,}: {what}" for what, number in counts.items())


def _columns(stated: list[str]) -> dict[Role, str]:
    columns: dict[Role, str] = {}
    known: tuple[Role, ...] = get_args(Role)
    for text in stated:
        named, _, column = text.partition("=")
        roles = [role for role in known if role == named]
        if not roles or not column:
            raise InputError(f"{text!r} names no column; write ROLE=COLUMN, of {', '.join(known)}")
        columns[roles[0]] = column
    return columns


def _show(path: Path, names: list[str]) -> Iterator[str]:
    from llmner_hf.terminology.store import Terminology

    if not path.is_file():
        raise InputError(f"{path}: no such store; build one, llmner terminology build")
    store = Terminology.load(path)
    yield from (_meanings(store, names) if names else _about(store))


def _about(store: Terminology) -> Iterator[str]:
    from collections import Counter

    about = store.about
    for what in ("name", "version", "licence", "attribution"):
        yield f"{what}: {getattr(about, what) or 'not told'}"
    yield f"files: {', '.join(about.sources)}"
    counted = Counter(store.type(number) for number in range(len(store)))
    yield f"{len(store):,} concepts with {store.names:,} names"
    yield from (f"  {kind}: {number:,}" for kind, number in counted.most_common())
    yield from (f"  {number:,}: {reason}" for reason, number in about.counts.items() if number)


def _meanings(store: Terminology, names: list[str]) -> Iterator[str]:
    """What each name means, the likeliest concept first."""
    for name in names:
        hits = store.look_up(name)
        if not hits:
            yield f"{name}: no concept"
        for hit in hits:
            concept = hit.concept
            title = f"{store.id(concept)} {store.preferred(concept)}, {store.type(concept)}"
            yield f"{name}: {title} ({hit.rank} name, {hit.strictness})"
            shown = [text for text, rank in store.names_of(concept)[1:] if rank != "learnt"]
            more = f", and {len(shown) - _SHOWN_NAMES} more" if len(shown) > _SHOWN_NAMES else ""
            yield from _told("names", "; ".join(shown[:_SHOWN_NAMES]) + more)
            yield from _told("same", ", ".join(store.same(concept)))
            yield from _told("parents", ", ".join(_parents(store, concept)))


def _told(what: str, text: str) -> Iterator[str]:
    if text:
        yield f"  {what}: {text}"


def _parents(store: Terminology, concept: int) -> Iterator[str]:
    """The parents, with their names where the store has them."""
    for id in store.parents(concept):
        number = store.number(id)
        yield id if number is None else f"{id} {store.preferred(number)}"
