"""Silver texts: sentences of unlabelled text with the entities that a tagger finds in them.

In: plain text (one passage a line, plain or .xz), a tagger and one of its datasets. Out: a folder
that `llmner build` makes a dataset of, with ``train.jsonl`` and the types, ``types.yaml``. Of the
sentences drawn those stay whose every entity is sure enough, and some of those without any. A run
that was stopped goes on where it was.

    python recipes/embedded/silver.py --text pretraining/en_*.xz --model runs/embedded/averaged \
        --dataset biored --sentences 15000 -o runs/silver/biored
    llmner build silver_biored --source runs/silver/biored --types runs/silver/biored/types.yaml \
        --out data/silver_biored --style brief --against corpora
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import yaml
from datasets import load_dataset

import llmner_hf
from llmner_hf.core.entities import Example, Language, Prediction
from llmner_hf.core.errors import InputError, LlmnerError
from llmner_hf.core.sentences import split
from llmner_hf.core.writing import language_of
from llmner_hf.pipelines.files import annotate
from llmner_hf.readers.json_lines import gold_row, read, read_predictions, write
from llmner_hf.settings import TaggerSettings

# Characters of a sentence: no heading, no list.
LENGTHS: dict[Language, range] = {"en": range(50, 351), "zh": range(12, 121)}
DIGITS = 0.2  # of the characters; more are a table
EMPTY = 0.15  # the share that stays of sentences without entities


def sentences(passages: Iterable[str], language: Language) -> Iterator[str]:
    """The sentences of passages of a language that are no headings, lists or tables."""
    for passage in passages:
        own = split(passage, language) if language_of(passage) == language else ()
        for start, end in own:
            digits = sum(character.isdigit() for character in passage[start:end])
            if end - start in LENGTHS[language] and digits < DIGITS * (end - start):
                yield passage[start:end]


def drawn(files: list[str], language: Language, number: int, random: Random) -> list[str]:
    """So many different sentences of text files, of passages at random."""
    passages = load_dataset("text", data_files=files, split="train")["text"][:]
    random.shuffle(passages)
    found: dict[str, None] = {}
    for sentence in sentences(passages, language):
        found[sentence] = None
        if len(found) == number:
            break
    return list(found)


def kept(found: Iterable[Prediction], sure: float, random: Random) -> Iterator[Prediction]:
    """Those of which every entity has this score at least, and some of those without any."""
    for prediction in found:
        if all(one.score >= sure for one in prediction.scored) and (
            prediction.scored or random.random() < EMPTY
        ):
            yield prediction


def annotated(
    examples: Sequence[Example], model: str, place: Path, batch_size: int
) -> tuple[Prediction, ...]:
    """What a tagger finds in the examples; a file that holds all of it is not made again.

    Raises:
        InputError: the file is about other texts.
    """
    if not place.exists():
        tagger = llmner_hf.pipeline("bioner", model=model, selector=None)
        annotate(tagger, examples, place, batch_size=batch_size, sentences=False)
    there = read(place, dataset="", language=None).examples
    if [(e.id, e.text) for e in there] != [(e.id, e.text) for e in examples]:
        raise InputError(f"{place}: is of another input; delete the file to begin anew")
    return read_predictions(place)


def main() -> int:
    """Write the folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--text", nargs="+", required=True, help="files, one passage a line")
    parser.add_argument("--model", required=True, help="folder of the tagger")
    parser.add_argument("--dataset", required=True, help="whose types the tagger is asked for")
    parser.add_argument("--sentences", type=int, default=15_000, help="drawn and annotated")
    parser.add_argument("--sure", type=float, default=0.25, help="least score of an entity")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder to write")
    given = parser.parse_args()
    try:
        print(made(given))
    except LlmnerError as error:
        print(f"silver.py: {error}", file=sys.stderr)
        return 2
    return 0


def made(given: argparse.Namespace) -> str:
    """Write the folder; what was written, in words.

    Raises:
        LlmnerError: what was given does not fit.
    """
    random = Random(given.seed)
    schema = TaggerSettings.load(Path(given.model) / "tagger.json").schema(given.dataset)
    texts = drawn(given.text, schema.language, given.sentences, random)
    examples = [
        Example(f"{given.dataset}-{number}", text, (), given.dataset, schema.language)
        for number, text in enumerate(texts)
    ]
    given.out.mkdir(parents=True, exist_ok=True)
    found = annotated(examples, given.model, given.out / "annotated.jsonl", given.batch_size)
    by_id = {example.id: example for example in examples}
    rows = [
        gold_row(replace(by_id[p.id], entities=p.entities)) for p in kept(found, given.sure, random)
    ]
    write(given.out / "train.jsonl", rows)
    types = {name.name: name.definition for name in schema.labels}
    (given.out / "types.yaml").write_text(
        yaml.safe_dump(types, allow_unicode=True, sort_keys=False, width=1000), encoding="utf-8"
    )
    return f"{given.out}: {len(rows)} of {len(examples)} sentences"


if __name__ == "__main__":
    sys.exit(main())
