"""Files and model folders that are changed by chance: read, refused in one line, or neither."""

import json
import os
import random
import signal
from collections import Counter
from shutil import copyfile, copytree

from llmner_hf.core.entities import Entity, Example
from llmner_hf.core.errors import LlmnerError
from llmner_hf.readers import read_any
from llmner_hf.readers.entries import Entry
from llmner_hf.readers.writing import write_any
from llmner_hf.settings.origin import EMBEDDED
from llmner_hf.tagger.tagger import Tagger

HANG = 5  # seconds
SUFFIXES = (".jsonl", ".csv", ".tsv", ".parquet", ".pubtator", ".xml", ".json", ".conll")
VALUES = (None, -1, 0, 1e300, float("nan"), float("inf"), "x", [], {}, True, 10**12)


class Hang(Exception):
    pass


def tried(work):
    """Whether work ends well, in one line, in a traceback, or not within its time."""

    def hang(*_):
        raise Hang

    signal.signal(signal.SIGALRM, hang)
    signal.alarm(HANG)
    try:
        work()
    except LlmnerError as error:
        return "one line" if "\n" not in str(error) else "several lines"
    except OSError:
        return "one line"  # of the command line's own making
    except Hang:
        return f"hang over {HANG} s"
    except BaseException as error:
        return f"traceback: {type(error).__name__}"
    finally:
        signal.alarm(0)
    return "read"


def changed(content, draw):
    """A file with a few bytes changed, taken out, doubled or put in, or cut off."""
    held = bytearray(content)
    for _ in range(draw.randint(1, 4)):
        place = draw.randrange(len(held) or 1)
        length = draw.randint(1, 12)
        kind = draw.randrange(5)
        if kind == 0:
            held[place : place + 1] = bytes([draw.randrange(256)])
        elif kind == 1:
            del held[place : place + length]
        elif kind == 2:
            held[place:place] = held[place : place + length]
        elif kind == 3:
            held[place:place] = draw.choice([b"\r", b"\n", b"\t", b'"', b"{", b"<", b"\x00", b"|"])
        else:
            del held[max(place, len(held) // 2) :]
    return bytes(held)


def files(folder, number, seed):
    """Format -> what became of its files."""
    text = "Aspirin helps. IL-2 and α-tocopherol do not; 患者服用阿司匹林。"
    entities = (Entity(0, 7, "Chemical"), Entity(15, 19, "Gene"))
    rows = [Entry(Example(str(n), text, entities, "", "en")) for n in range(3)]
    found = {}
    for suffix in SUFFIXES:
        write_any(folder / f"seed{suffix}", rows)
        content, draw = (folder / f"seed{suffix}").read_bytes(), random.Random(f"{seed}{suffix}")
        place, counted = folder / f"changed{suffix}", Counter()
        for _ in range(number):
            place.write_bytes(changed(content, draw))
            counted[tried(lambda place=place: read_any(place))] += 1
        found[f"files {suffix}"] = counted
    return found


def models(folder, number, seed):
    """What became of folders of the embedded model with one thing changed."""
    found, draw = Counter(), random.Random(seed)
    names = [p.relative_to(EMBEDDED) for p in EMBEDDED.rglob("*") if p.suffix in KINDS]
    for turn in range(number):
        place = folder / "model"
        if turn == 0:
            copytree(EMBEDDED, place, copy_function=os.link)
        name = sorted(names)[draw.randrange(len(names))]
        target = place / name
        target.unlink()
        if name.suffix == ".json" and draw.random() < 0.7:
            values = json.loads((EMBEDDED / name).read_text("utf-8"))
            values[draw.choice(sorted(values))] = draw.choice(VALUES)
            target.write_text(json.dumps(values), "utf-8")
        elif draw.random() < 0.9:
            target.write_bytes(changed((EMBEDDED / name).read_bytes(), draw))
        found[tried(lambda place=place: Tagger.from_pretrained(place))] += 1
        target.unlink(missing_ok=True)
        copyfile(EMBEDDED / name, target)
    return found


KINDS = (".json", ".safetensors")
