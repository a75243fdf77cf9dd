"""A page, run: its blocks in their order, in the current folder, its Python in one namespace.

A command is run as it stands, but for what is added to it here (`SHORTER`), the words that stand
for something of the reader's (`STANDS_FOR`), and launchers of several processes, which are left
out. ``python -m tests.manual PAGE`` runs a page in a process of its own.
"""

from __future__ import annotations

import glob
import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

from llmner_hf.cli import main
from tests.manual.ground import FILES
from tests.manual.pages import ROOT, Block, blocks

# Beginning of a command, or of a block that is no command -> why it is not run.
NOT_RUN = {
    "make test": "runs these tests",
    "make check": "runs these tests",
    "bash recipes/embedded/make.sh": "takes hours; its steps stand below it and are run",
    "make thorough": "takes minutes; the same tests run here on fewer texts",
    "pip install llmner_hf[demo]": "asks a package index",
    "vllm serve": "needs a GPU, and vLLM, which wants a torch of its own",
    "transformers serve": "serves until it is stopped; tests/pipelines/test_endpoint.py asks it",
    "model     GlmForCausalLM": "a plan that tests/manual/test_docs.py compares with the file",
    "prompt, 217 tokens": "a preview that tests/training/test_dry_run.py makes anew",
}
HINT = "say how it is run, or why not in NOT_RUN"
_FEW = ["--max_steps", "2", "--validation_size", "1", "--disable_tqdm", "true"]
_UNCOMPILED = ["--torch_compile", "false"]
# Beginning of a command -> what is added, since the whole would take hours or a GPU.
SHORTER = {
    "make reproduce": ["OPTIONS=--dry-run"],
    "llmner train recipes/embedded/": [*_FEW, *_UNCOMPILED],
    "llmner train recipes/paper/": [
        *("--dry-run", "--model_name_or_path", "tiny", "--validation_size", "2")
    ],
    "llmner train recipes/smollm2/": [*_FEW, "--model_name_or_path", "tiny"],
    "llmner train-selector": [
        *("--max_steps", "2", "--candidates", "20", "--validation_candidates", "4"),
        *("--per_device_train_batch_size", "4", "--disable_tqdm", "true"),
    ],
    "python recipes/embedded/initialise.py": [
        *("--vocabulary", "400", "--hidden", "32", "--intermediate", "48", "--layers", "1"),
        *("--copying-steps", "1"),
    ],
    "python recipes/embedded/deepen.py": ["--layers", "0"],
    # A tagger of two steps finds nothing.
    "python recipes/embedded/silver.py": [
        *("--sentences", "40", "--sure", "0", "--model", "llmner_hf/embedded")
    ],
    "python recipes/selector/compare.py": ["--steps", "1"],
    "python recipes/selector/mine.py": [*_FEW, *_UNCOMPILED],
}
# What the reader is to put there -> what is put there.
STANDS_FOR = {
    "NAME": "ncbi_disease",
    "data/NAME": "data/ncbi_disease",
    "DIR": "corpora/ncbi_disease",
    "CHIP": "chip.train",
    "CDR": "cdr",
    "GENIA": "genia",
    "FILES": "pretraining.txt",
    "VALIDATION": "validation.jsonl",
    "INPUT": "examples/texts.jsonl",
    "OUT": "out.jsonl",
    "RUN": "runs/others",
    "START": "tiny",
}
_LAUNCHERS = ("torchrun", "accelerate")


def run(page: Path, replaced: Mapping[str, str]) -> list[str]:
    """Run a page; returns what was run, a title for each."""
    space: dict[str, object] = {}
    done = []
    with patch.dict(os.environ):  # `export` holds until the end of the page
        for block in blocks(page):
            if (block.page, block.language) in FILES:
                done.append(write(block))
            elif block.language == "python":
                done.append(block.title)
                execute(block, space, replaced)
            else:
                found = block.commands
                assert found or not_run(block.title), f"{block.page}: {block.title}: {HINT}"
                done += [obey(words, replaced) for words in found if not not_run(" ".join(words))]
    return done


def not_run(title: str) -> str:
    """The entry of `NOT_RUN` that this begins with."""
    return next((beginning for beginning in NOT_RUN if title.startswith(beginning)), "")


def write(block: Block) -> str:
    """Save a block of data."""
    place = Path(FILES[block.page, block.language])
    place.parent.mkdir(exist_ok=True)
    place.write_text(block.content, encoding="utf-8")
    return str(place)


def execute(block: Block, space: dict[str, object], replaced: Mapping[str, str]) -> None:
    """Run a block of Python, with the addresses of the servers that are there."""
    content = block.content
    for old, new in replaced.items():
        content = content.replace(old, new)
    exec(compile(content, f"{block.page}: {block.title}", "exec"), space)


def obey(words: list[str], replaced: Mapping[str, str]) -> str:
    """Run a command, with the addresses of the servers that are there."""
    title = " ".join(words)
    words = launched([replaced.get(word, word) for word in words])
    shorter = next(
        (more for start, more in SHORTER.items() if " ".join(words).startswith(start)), []
    )
    words = [file for word in words for file in meant(word)] + shorter
    program, *arguments = words
    if program == "llmner":
        if arguments[0] == "build":  # anew, as a reader does who has not built it
            shutil.rmtree(arguments[arguments.index("--out") + 1], ignore_errors=True)
        assert main(arguments) == 0, title
    elif program == "python":
        script(arguments)
    elif program == "make":
        for command in recipe(arguments):
            obey(command, replaced)
    elif program == "export":
        os.environ.update(argument.split("=", 1) for argument in arguments)
    elif program == "cp":
        subprocess.run(["bash", "-c", title], check=True)  # the shell's braces
    else:
        raise AssertionError(f"{title}: {HINT}")
    return title


def script(arguments: list[str]) -> None:
    """Run a script or a module as `python` does, in this process."""
    module, code = arguments[0] == "-m", None
    with patch.object(sys, "argv", arguments[module:]):
        try:
            if module:
                # Another test may have left it, which runpy warns of.
                sys.modules.pop(f"{arguments[1]}.__main__", None)
                runpy.run_module(arguments[1], run_name="__main__")
            else:
                runpy.run_path(arguments[0], run_name="__main__")
        except SystemExit as end:
            code = end.code
    assert not code, f"{' '.join(arguments)}: exit code {code}"


def launched(words: list[str]) -> list[str]:
    """A command without the launcher before it, whose configuration must be there."""
    if words[0] not in _LAUNCHERS:
        return words
    place = words.index("-m")
    for option, value in pairwise(words[:place]):
        assert option != "--config_file" or Path(value).is_file(), value
    assert words[place + 1] == "llmner_hf", words
    return ["llmner", *words[place + 2 :]]


def meant(word: str) -> list[str]:
    """What a word stands for; the files of a pattern."""
    return sorted(glob.glob(word)) or [STANDS_FOR.get(word, word)]


def recipe(arguments: list[str]) -> Iterator[list[str]]:
    """Our commands among those that make would run, here without setting up its own Python."""
    planned = subprocess.run(
        ["make", "--dry-run", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    lines = [line.split() for line in planned.stdout.splitlines()]
    ours = [words for words in lines if words and Path(words[0]).name in ("llmner", "python")]
    assert ours, f"make {arguments}: runs nothing of ours:\n{planned.stdout}"
    return ([Path(program).name, *rest] for program, *rest in ours)
