"""Commands in processes of their own that are killed, run twice at once, or out of room."""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from functools import partial

import torch
from safetensors.torch import load_file

TEXTS = 60
ROOM = 6_000  # bytes that a file may have where there is no room


def started(arguments, room=None):
    def limit():
        if room:
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    command = [sys.executable, "-m", *arguments]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, preexec_fn=limit, **quiet)


def ended(process):
    """What became of a process, by its exit code and what it said."""
    said = process.communicate()[1]
    if "Traceback" in said:
        return "traceback"
    told = [line for line in said.splitlines() if line.startswith("llmner: ")]
    return "one line" if process.returncode == 2 and len(told) == 1 else str(process.returncode)


def annotating(folder, out):
    own = ["-o", str(out), "--batch-size", "2", "--no-selector", "--dataset", "biored"]
    return ["llmner_hf", "annotate", str(folder / "texts.jsonl"), *own]


def texts(folder):
    rows = [
        {"id": str(n), "text": f"Patient {n} had lithium and {n} mg of zinc."} for n in range(TEXTS)
    ]
    (folder / "texts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def kills_of_annotate(folder, number, seed):
    """Killed at a moment drawn by chance, then run to its end: the file of a run left alone?"""
    texts(folder)
    found, draw = Counter(), random.Random(seed)
    begun = time.monotonic()
    assert ended(started(annotating(folder, folder / "whole.jsonl"))) == "0"
    took, whole = time.monotonic() - begun, (folder / "whole.jsonl").read_bytes()
    for kill in range(number):
        out = folder / f"{kill}.jsonl"
        process = started(annotating(folder, out))
        time.sleep(took * draw.uniform(0.4, 1.0))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        found["finished before" if out.exists() else "killed"] += 1
        code = ended(started(annotating(folder, out)))
        same = _entities(out.read_bytes()) == _entities(whole) if code == "0" else code
        found["ends the same" if same is True else f"ends otherwise: {same}"] += 1
    return found


def _entities(lines):
    """Id, text, and entities without the last digits of their scores."""
    rows = map(json.loads, lines.splitlines())
    places = ("start", "end", "type")
    return [(r["id"], r["text"], [[e[p] for p in places] for e in r["entities"]]) for r in rows]


def two_writers(folder, number):
    texts(folder)
    found = Counter()
    for turn in range(number):
        out = folder / f"two-{turn}.jsonl"
        both = [started(annotating(folder, out)) for _ in range(2)]
        found.update(f"a writer ends with {ended(process)}" for process in both)
        lines = out.read_bytes().splitlines()
        found["file whole" if len(lines) == TEXTS else f"file of {len(lines)} lines"] += 1
    return found


def no_room(folder):
    """A run without room, and again with room: on a small disk, or else in files of a limit."""
    texts(folder)
    found = Counter()
    with small_disk(folder / "disk") as grow:
        out = folder / "disk" / "full.jsonl"
        kind = "on a full disk" if grow else "at a limit on files"
        code = ended(started(annotating(folder, out), None if grow else ROOM))
        found[f"{kind}: {code}"] += 1
        assert not out.exists()
        grow and grow()
        found[f"with room again: {ended(started(annotating(folder, out)))}"] += 1
        found["file whole" if len(out.read_bytes().splitlines()) == TEXTS else "file cut"] += 1
    return found


@contextmanager
def small_disk(folder):
    """A file system of 16 kB in a folder, and how to make it larger; None without the right."""

    def mount(*options):
        command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(folder)]
        return subprocess.run(command, capture_output=True).returncode == 0

    folder.mkdir()
    mounted = shutil.which("mount") and mount("size=16k")
    try:
        yield partial(mount, "remount", "size=1m") if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)


def kills_of_train(folder, number, seed):
    """Killed at a moment drawn by chance, then run to its end: the weights of a run left alone?"""
    found, draw = Counter(), random.Random(seed)
    command = ["tests.torture.training", str(folder / "base")]
    begun = time.monotonic()
    assert ended(started([*command, str(folder / "whole")])) == "0"
    took, whole = time.monotonic() - begun, load_file(folder / "whole" / "model.safetensors")
    for kill in range(number):
        run = folder / str(kill)
        process = started([*command, str(run)])
        time.sleep(took * draw.uniform(0.6, 1.0))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        found["finished before" if (run / "run.json").exists() else "killed"] += 1
        code = ended(started([*command, str(run)]))
        if code == "0":
            own = load_file(run / "model.safetensors")
            code = all(torch.equal(whole[name], own[name]) for name in whole)
        found["ends the same" if code is True else f"ends otherwise: {code}"] += 1
    return found


os.environ.setdefault("OMP_NUM_THREADS", "1")
