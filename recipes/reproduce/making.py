"""Cells made: the commands that are still missing are run, one after another.

In: cells, and a function that runs a command. Out: full run folders, each with ``system.json``, by
which a report knows it; it is written last. Of a killed run nothing finished is made again.
"""

from __future__ import annotations

import fcntl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from llmner_hf.core.errors import InputError
from llmner_hf.paper.runs import GOLD
from recipes.reproduce.grid import Cell, Step

Runner = Callable[[Step], None]

STEPS_FILE = "steps.sh"
# What a reader types, as this Python runs it.
PROGRAMS = {"python": [sys.executable], "llmner": [sys.executable, "-m", "llmner_hf"]}


@contextmanager
def spawner(out: Path) -> Iterator[Runner]:
    """Runs commands as processes, for one caller at a time.

    They hold the lock too: a command may outlive a caller that was killed, and two of one kind
    would write to the same files.

    Raises:
        InputError: another run is at work there.
    """
    out.mkdir(parents=True, exist_ok=True)
    with (out / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"{out}: another run is at work there; wait for it or end it"
            ) from None

        def run(step: Step) -> None:
            program, *rest = step.argv
            argv = [*PROGRAMS[program], *rest]
            subprocess.run(argv, check=True, pass_fds=(lock.fileno(),))

        yield run


def make(cell: Cell, run: Runner) -> None:
    """Run what is missing of a cell, then say what it is.

    Raises:
        InputError: it was begun by other commands, for other rows for instance.
    """
    cell.folder.mkdir(parents=True, exist_ok=True)
    stated, steps = cell.folder / STEPS_FILE, "".join(f"{step}\n" for step in cell.steps)
    if stated.exists() and stated.read_text(encoding="utf-8") != steps:
        raise InputError(
            f"{stated}: the folder was begun by these commands, which are not those of now; give "
            "the same options, write elsewhere (-o), or delete it"
        )
    stated.write_text(steps, encoding="utf-8")
    for step in cell.steps:
        if not step.makes.exists():
            _timed(step, run)
    if cell.system:
        replace(cell.system, rows=_rows(cell.folder)).save(cell.folder)


def make_all(cells: Sequence[Cell], report: Step, run: Runner) -> list[str]:
    """Make cells, then the report of all there are; returns what went wrong.

    A cell that fails does not stop the others.
    """
    failures = []
    for name, task in [
        *((cell.folder.name, partial(make, cell, run)) for cell in cells),
        ("report", partial(_timed, report, run)),
    ]:
        try:
            task()
        except (subprocess.CalledProcessError, InputError) as error:
            failures.append(f"{name}: {error}")
            print(failures[-1], file=sys.stderr, flush=True)
    return failures


def _timed(step: Step, run: Runner) -> None:
    began = time.monotonic()
    print(f"\n$ {step}", flush=True)
    run(step)
    print(f"{time.monotonic() - began:.0f} s", flush=True)


def _rows(folder: Path) -> dict[str, int]:
    """Dataset -> the rows of its gold file."""
    return {
        path.name.partition(".")[0]: path.read_bytes().count(b"\n")
        for path in sorted(folder.glob(f"*.{GOLD}.jsonl"))
    }
