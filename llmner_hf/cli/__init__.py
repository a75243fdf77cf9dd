"""The command line: ``llmner COMMAND``.

A module a command: its ``NAME``, its ``arguments`` and its ``run``; its docstring is its help. Exit
codes: 0 done, 1 failed, 2 bad input, 130 stopped by Ctrl-C, with one line on standard error that
names it. Heavy libraries are imported by the command that needs them, so that ``--help`` answers at
once.
"""

from __future__ import annotations

import argparse
import logging
import sys
import warnings
from collections.abc import Sequence

from llmner_hf import __version__
from llmner_hf.cli import (
    annotate,
    build,
    calibrate,
    convert,
    demo,
    evaluate,
    gazetteer,
    link,
    merge,
    push,
    report,
    terminology,
    train,
    train_selector,
)
from llmner_hf.core.errors import InputError, LlmnerError

COMMANDS = (
    build,
    train,
    gazetteer,
    merge,
    train_selector,
    calibrate,
    annotate,
    convert,
    link,
    evaluate,
    report,
    terminology,
    push,
    demo,
)

# Those that take the keys of a recipe as options.
RECIPES = (train, train_selector)
# Those that find what they did before they were stopped.
GOING_ON = (*RECIPES, annotate)
STOPPED = 130  # 128 and the number of the signal, as shells say it


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    parser = _parser()
    given, rest = parser.parse_known_args(argv)
    if rest and given.command not in RECIPES:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    _quiet()
    try:
        given.command.run(given, rest)
    except (InputError, OSError) as error:
        print(f"llmner: {_line(error)}", file=sys.stderr)
        return 2
    except LlmnerError as error:
        print(f"llmner: {_line(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"llmner: {given.command.NAME} was stopped; {_way_on(given)}", file=sys.stderr)
        return STOPPED
    return 0


def _line(error: BaseException) -> str:
    """An error in one line; those of libraries have several."""
    return " ".join(str(error).split()) or repr(error)


def _way_on(given: argparse.Namespace) -> str:
    """What to do after Ctrl-C."""
    if given.command in GOING_ON:
        return "the same command goes on where it was"
    return "the same command begins anew"


def _quiet() -> None:
    """Keep off the screen what libraries tell each other and a user can do nothing about."""
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # a kernel for other processors
    warnings.filterwarnings("ignore", "`(is_)?gradient_checkpointing", FutureWarning)  # in PEFT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="llmner", description=sys.modules["llmner_hf"].__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--version", action="version", version=f"llmner_hf {__version__}")
    added = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        text = (command.__doc__ or "").partition(": ")[2].strip()
        own = command in RECIPES  # a help of their own, with the keys of recipes
        sub = added.add_parser(command.NAME, help=text, description=text, add_help=not own)
        sub.set_defaults(command=command)
        command.arguments(sub)
    return parser
