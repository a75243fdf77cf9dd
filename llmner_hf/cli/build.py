"""``llmner build``: corpus files, or one's own -> tagged dataset (parquet, card, report)."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from llmner_hf.cli.reading import input_options, options_of
from llmner_hf.core.catalogue import CORPORA
from llmner_hf.core.entities import Language
from llmner_hf.core.errors import FormatError, InputError, SettingError
from llmner_hf.core.prompting import Strategy, Style

NAME = "build"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    known = ", ".join(CORPORA)
    parser.add_argument("name", metavar="NAME", help=f"{known}, or any other for files of your own")
    parser.add_argument("--source", type=Path, required=True, help="folder of the corpus's files")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--against", type=Path, help="folder of the other corpora (leakage)")
    parser.add_argument("--no-drop-leaks", action="store_true", help="the paper's protocol")
    parser.add_argument("--strategy", choices=get_args(Strategy), default="symbolic")
    parser.add_argument("--style", choices=get_args(Style), default="prefix")
    own = parser.add_argument_group("files of your own")
    input_options(own)
    own.add_argument(
        "--skip-bad", action="store_true", help="drop and count mentions that do not fit their text"
    )
    own.add_argument("--types", type=Path, help="YAML file, NAME: definition; all types if absent")
    own.add_argument("--language", choices=get_args(Language), help="guessed if absent")


def run(given: argparse.Namespace, _: list[str]) -> None:
    """``llmner build``."""
    how = options_of(given) | ({"skip_bad": True} if given.skip_bad else {})
    options = {"types": given.types, "language": given.language}
    named = [
        f"--{option.replace('_', '-')}"
        for option, value in (options | how).items()
        if value is not None
    ]
    if given.name in CORPORA and named:
        raise SettingError(
            f"{given.name} is a known corpus: leave {', '.join(named)} out, or choose another name"
        )
    from llmner_hf.corpora import build as build_corpus
    from llmner_hf.corpora.own import own_corpus

    types, meant = _types(given.types) if given.types else (None, None)
    report = build_corpus(
        given.name
        if given.name in CORPORA
        else own_corpus(
            given.name, given.source, types=types, meant=meant, language=given.language, how=how
        ),
        given.source,
        given.out,
        strategy=given.strategy,
        style=given.style,
        drop_leaks=not given.no_drop_leaks,
        against=given.against or "",
    )
    print(report.as_text())


def _types(path: Path) -> tuple[dict[str, str], dict[str, str]]:
    """The types of a YAML file: name -> definition, and label in the corpus -> name.

    Raises:
        InputError: there is no such file.
        FormatError: it is not such a mapping.
    """
    import yaml

    if not path.is_file():
        raise InputError(f"{path}: no such file of types")
    try:
        types = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise FormatError(path, 0, f"not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(types, dict) or not types:
        raise FormatError(path, 0, "types are lines of NAME: definition")
    definitions, meant = dict[str, str](), dict[str, str]()
    for name, said in types.items():
        definition, labels = said, [name]
        if isinstance(said, dict) and said.keys() <= {"definition", "labels"}:
            definition, labels = said.get("definition"), said.get("labels", labels)
            if not isinstance(labels, list):
                raise FormatError(path, 0, f"{name}: labels is a list, as [dis, sym]")
        definition = "" if definition is None else definition
        for text in (name, definition, *labels):
            if not isinstance(text, str):
                raise FormatError(path, 0, f"{text!r} is no text; put it between quotation marks")
        if twice := sorted(meant.keys() & labels):
            raise FormatError(path, 0, f"{twice[0]} is the label of two types")
        definitions[name] = definition
        meant |= dict.fromkeys(labels, name)
    return definitions, meant
