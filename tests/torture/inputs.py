"""Files and model folders that are changed by chance: read, refused in one line, or neither."""

import json
import os
import random
import signal
from collections import Counter
from shutil import copyfile, copytree

from llmner_hf.core.entities import Entity, Example
from llmner_hf.core.errors import LlmnerError
from llmner_hf.readers import brat, read_any
from llmner_hf.readers.entries import Entry
from llmner_hf.readers.writing import write_any
from llmner_hf.settings.origin import EMBEDDED
from llmner_hf.tagger.tagger import Tagger
from tests.torture import counting

HANG = 5  # seconds of the processor's time, so that other work on the machine does not count
TEXT = "Aspirin helps. IL-2 and α-tocopherol do not; 患者服用阿司匹林。"
# File name -> what its bytes hold, by code that shares nothing with the readers.
WRITTEN = {
    "a.jsonl": counting.json_values,
    "a.csv": counting.table(","),
    "a.tsv": counting.table("\t"),
    "a.parquet": counting.parquet,
    "a.pubtator": counting.pubtator,
    "a.xml": counting.markup("document", "annotation"),
    "a.json": counting.bioc_json,
    "a.conll": counting.columns,
}
_CMEEE = {"start_idx": 0, "end_idx": 6, "type": "dru", "entity": "Aspirin"}
_CCKS = {"label_type": "药物", "overlap": 0, "start_pos": 0, "end_pos": 7}
_GENIA = (
    "<sentence><cons sem='G#protein_molecule'>IL-2</cons> in <cons sem='G#cell_type'>T cells"
    "</cons>.</sentence>"
)
# Those that the package does not write: file name -> content and count.
OTHERS = {
    "cmeee.json": (
        json.dumps([{"text": TEXT, "entities": [_CMEEE]}] * 3, ensure_ascii=False),
        counting.json_values,
    ),
    "cmeee.train": (f"{TEXT}|||0    6    dru|||15    18    bod|||\n" * 3, counting.bars),
    "ccks.txt": (
        json.dumps({"originalText": TEXT, "entities": [_CCKS]}, ensure_ascii=False) + "\n",
        counting.json_values,
    ),
    "genia.xml": (
        "<set><article><articleinfo><bibliomisc>MEDLINE:1</bibliomisc></articleinfo><title>"
        f"{_GENIA}</title><abstract>{_GENIA}</abstract></article></set>",
        counting.markup("sentence", "cons"),
    ),
}
VALUES = (None, -1, 0, 1e300, float("nan"), float("inf"), "x", [], {}, True, 10**12)


class Hang(Exception):
    pass


def tried(work):
    """Whether work ends well, in one line, in a traceback, or not within its time."""

    def hang(*_):
        raise Hang

    signal.signal(signal.SIGPROF, hang)
    signal.setitimer(signal.ITIMER_PROF, HANG)
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
        signal.setitimer(signal.ITIMER_PROF, 0)
    return "read"


def changed(content, draw):
    """A file with a few bytes changed, taken out, doubled or put in, or cut off.

    Most often a letter or a digit becomes another, since such a file is mostly still read.
    """
    held = bytearray(content)
    for _ in range(draw.randint(1, 4)):
        place = draw.randrange(len(held) or 1)
        length = draw.randint(1, 12)
        kind = draw.choice((0, 1, 2, 3, 4, 5, 5, 5))
        if kind == 0:
            held[place : place + 1] = bytes([draw.randrange(256)])
        elif kind == 1:
            del held[place : place + length]
        elif kind == 2:
            held[place:place] = held[place : place + length]
        elif kind == 3:
            held[place:place] = draw.choice([b"\r", b"\n", b"\t", b'"', b"{", b"<", b"\x00", b"|"])
        elif kind == 4:
            del held[max(place, len(held) // 2) :]
        else:
            letters = [at for at in range(len(held)) if chr(held[at]).isalnum() and held[at] < 128]
            held[draw.choice(letters or [0])] = draw.choice(b"aB0159")
    return bytes(held)


def files(folder, number, seed, names):
    """What became of the files of each format, or of those of these names."""
    for place, content, count in seeds(folder):
        if names and place.name not in names:
            continue
        draw, counted = random.Random(f"{seed}{place.name}"), Counter()
        # brat is a folder; what is changed in it is the file of its mentions.
        read = place.parent if place.suffix == ".ann" else place
        for _ in range(number):
            damaged = changed(content, draw)
            place.write_bytes(damaged)
            for skip_bad in (False, True):
                counted[became(read, skip_bad, damaged, count)] += 1
        yield f"files like {place.name}", counted


def seeds(folder):
    """A file of every format before it is changed: where it lies, its bytes, and how it counts."""
    entities = (Entity(0, 7, "Chemical"), Entity(15, 19, "Gene"))
    examples = [Example(str(n), TEXT, entities, "", "en") for n in range(3)]
    for name, count in WRITTEN.items():
        write_any(folder / name, [Entry(example) for example in examples])
        yield folder / name, (folder / name).read_bytes(), count
    for name, (content, count) in OTHERS.items():
        yield folder / name, content.encode(), count
    (folder / "brat").mkdir()
    brat.write(folder / "brat", [Example("a", TEXT, entities, "", "en")])
    yield folder / "brat" / "a.ann", (folder / "brat" / "a.ann").read_bytes(), counting.standoff


def became(place, skip_bad, content, count):
    """What became of a file: refused, or read with as many documents and mentions as it holds."""
    readings = []
    told = tried(lambda: readings.append(read_any(place, skip_bad=skip_bad)))
    if told != "read":
        return told
    (reading,) = readings
    try:
        documents, mentions = count(content)
    except ValueError:
        return "read, not to be counted"
    twice = reading.dropped["repeated document"]
    kept = sum(len(example.entities) for example in reading.examples)
    said = sum(reading.dropped.values()) - twice
    if len(reading.examples) + twice != documents or not kept <= mentions <= kept + said:
        return "miscounted"
    return "read, as many as counted"


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
