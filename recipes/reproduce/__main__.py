"""The paper's grid on one backbone: every run folder, then the tables.

A cell that is finished is not made again. One that is not goes on: of its commands, those whose
files are missing are run, and a training that was stopped resumes from its last checkpoint. So the
same command line goes on after anything, ``kill -9`` included. A cell that fails does not stop the
others; it is named at the end, and the tables say "not run".

    python -m recipes.reproduce embedded
    python -m recipes.reproduce glm4-9b --dry-run
"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from subprocess import CalledProcessError

from llmner_hf.core.errors import InputError
from recipes.reproduce.grid import BACKBONES, SEEN, Backbone, Grid, Step
from recipes.reproduce.making import make_all, spawner

EMBEDDED = "embedded"


def initialised(start: str, texts: Sequence[Path], data: Path) -> list[Step]:
    """What makes the untuned embedded model; nothing where it is there.

    Raises:
        InputError: it is missing, and there are no texts to make it from.
    """
    done = Path(start, "tokenizer_config.json")  # written last
    sources = [str(data / name) for name in SEEN]
    argv = ("python", "recipes/embedded/initialise.py", "--text", *map(str, texts or ["FILES"]))
    step = Step((*argv, "--dataset", *sources, "-o", start), done)
    if done.exists():
        return []
    if not texts:
        raise InputError(f"{start}: no such model; name one (--start), give --text, or run\n{step}")
    return [step]


def require_gpu(backbone: Backbone) -> None:
    """Refuse to begin what no CPU can finish.

    Raises:
        InputError: there is no GPU.
    """
    from torch import cuda

    if not cuda.is_available():
        raise InputError(f"{backbone.name} needs a CUDA GPU; --dry-run prints the commands")


def planned(given: argparse.Namespace) -> Grid:
    """The grid that the options ask for."""
    backbone = BACKBONES[given.backbone]
    start = given.start or str(backbone.recipe["model_name_or_path"])
    rows = backbone.rows if given.rows is None else given.rows
    out = given.out or Path("runs", "reproduce", backbone.name)
    options = ("--data", str(given.data), "-o", str(out), "--rows", str(rows), "--start", start)
    invocation = shlex.join(("python", "-m", "recipes.reproduce", backbone.name, *options))
    return Grid(backbone, start, given.data, out, rows, invocation)


def run(given: argparse.Namespace) -> list[str]:
    """Make the grid, or print it; returns what went wrong."""
    grid = planned(given)
    cells = [c for c in grid.cells() if not given.only or c.folder.name in given.only]
    if unknown := set(given.only) - {cell.folder.name for cell in cells}:
        known = ", ".join(cell.folder.name for cell in grid.cells())
        raise InputError(f"no cell {', '.join(sorted(unknown))}; there are {known}")
    report = grid.report()
    if given.dry_run:
        for cell in cells:
            print(f"\n# {cell.folder}{': done' if cell.done else ''}", *cell.steps, sep="\n")
        print(f"\n{report}")
        return []
    first = []
    if grid.backbone.name == EMBEDDED:
        first = initialised(grid.start, given.text, given.data)
    else:
        require_gpu(grid.backbone)
    with spawner(grid.out) as spawn:
        for step in first:
            spawn(step)
        return make_all(cells, report, spawn)


def main(argv: Sequence[str] | None = None) -> int:
    """Make the grid, or print it; returns the exit code."""
    parser = argparse.ArgumentParser(prog="reproduce", description=__doc__.splitlines()[0])
    parser.add_argument("backbone", choices=BACKBONES, nargs="?", default=EMBEDDED)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("-o", "--out", type=Path, help="default: runs/reproduce/BACKBONE")
    parser.add_argument("--rows", type=int, help="test rows of a corpus, the first; 0: all")
    parser.add_argument("--start", help="the untuned model; the recipe's if absent")
    parser.add_argument("--text", nargs="+", type=Path, default=[], help="to make it, if missing")
    parser.add_argument("--only", nargs="+", default=[], metavar="CELL")
    parser.add_argument("--dry-run", action="store_true", help="print the commands")
    try:
        failures = run(parser.parse_args(argv))
    except (InputError, CalledProcessError) as error:
        print(f"reproduce: {error}", file=sys.stderr)
        return 2 if isinstance(error, InputError) else 1
    for failure in failures:
        print(f"failed: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
