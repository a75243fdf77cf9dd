"""The table of the embedded model: strict scores on six test sets, beside the dictionary.

In: the tagged datasets and a model. Out: gold and predicted JSON lines under the run folder, which
``llmner evaluate`` reads too, and the table in Markdown: the tagger alone, and its F1 with the
selector beside it. The predicted files hold whatever the tagger found, scored by the selector. The
dictionary is learnt on the training and validation rows of the corpus itself, without a minimum
share for CMeEE-V2. NCBI-Disease and CCKS2019-AS are unseen by the model. Their records and all
longer texts are annotated sentence by sentence, the rows of the other corpora whole, as they were
trained on.

    python recipes/embedded/evaluate.py --data data -o runs/embedded/scores
"""

import argparse
from dataclasses import replace
from pathlib import Path

from datasets import load_dataset
from tqdm import tqdm

import llmner_hf
from llmner_hf.annotation import annotate
from llmner_hf.core.catalogue import CORPORA
from llmner_hf.core.dictionary import Dictionary
from llmner_hf.core.scoring import bootstrap
from llmner_hf.data import to_example
from llmner_hf.readers.json_lines import gold_row, read_predictions, write

SEEN = ("bc5cdr_chemical", "genia", "biored", "cmeee_v2")
UNSEEN = ("ncbi_disease", "ccks2019_as")
BY_SENTENCES = ("ccks2019_as",)
NO_FILTER = ("cmeee_v2",)


def per_cent(interval) -> str:
    """A score with its interval.

    >>> from llmner_hf.core.scoring import Interval
    >>> per_cent(Interval(0.5, 0.45, 0.55))
    '50.0 (45.0-55.0)'
    """
    return f"{100 * interval.value:.1f} ({100 * interval.low:.1f}-{100 * interval.high:.1f})"


def row(
    name: str,
    ner: llmner_hf.BioNerPipeline,
    threshold: float,
    data: Path,
    out: Path,
    batch_size: int,
) -> str:
    """The row of one corpus; predictions that are there already are not made again."""
    splits = load_dataset(str(data / name))
    test = [to_example(entry) for entry in splits["test"]]
    write(out / f"{name}.gold.jsonl", map(gold_row, test))
    predicted = out / f"{name}.predicted.jsonl"
    if not predicted.exists():
        with tqdm(total=len(test), desc=name, unit="text") as bar:
            annotate(
                ner,
                test,
                predicted,
                batch_size=batch_size,
                progress=bar.update,
                dataset=name,
                sentences=name in BY_SENTENCES,
            )
    known = [to_example(entry) for part in splits if part != "test" for entry in splits[part]]
    dictionary = Dictionary.learn(known, 0.0 if name in NO_FILTER else 0.5)
    gold = {example.id: example.entities for example in test}
    predictions = read_predictions(predicted)
    found = bootstrap(gold, {p.id: p.entities for p in predictions})
    kept = bootstrap(
        gold, {p.id: [s.entity for s in p.scored if s.score >= threshold] for p in predictions}
    )
    listed = bootstrap(gold, {e.id: dictionary.annotate(e.text) for e in test})
    entities = sum(map(len, gold.values()))
    return (
        f"| {CORPORA[name].title} | {len(test):,} | {entities:,} | {per_cent(found.precision)} | "
        f"{per_cent(found.recall)} | {per_cent(found.f1)} | **{per_cent(kept.f1)}** | "
        f"{per_cent(listed.f1)} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--model", help="the embedded model if absent")
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--only", nargs="+", default=[*SEEN, *UNSEEN])
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    ner = llmner_hf.pipeline("bioner", model=given.model)
    threshold = 0.0
    if ner.selector:
        threshold = ner.selector.threshold or 0.0
        ner.selector = replace(ner.selector, threshold=None)
    head = (
        *("corpus", "texts", "entities", "precision", "recall", "F1"),
        *("F1 with selector", "dictionary F1"),
    )
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for name in given.only:
        lines.append(row(name, ner, threshold, given.data, given.out, given.batch_size))
        print(lines[-1], flush=True)
    (given.out / "table.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
