"""Files of texts to files of entities, resumably.

In: examples whose gold entities, if any, are ignored, and a pipeline. Out: JSON lines, one a text,
in the order of the input. Finished texts are written as they come, to ``NAME.part``; a run that was
stopped goes on behind the last whole line of it, and inside a long text behind its last sentences
(`pipelines.journal`). The file gets its name when all is done, the same as without a stop.
Refused: to go on with a file that was begun with another input, model or option, and to write a
file that another process is writing (`pipelines.job`).
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import RawIOBase
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import Any

from llmner_hf.core.entities import Entity, Example, Prediction, ScoredEntity
from llmner_hf.pipelines.answers import links_of
from llmner_hf.pipelines.job import claimed, finished, job_of
from llmner_hf.pipelines.journal import Journal, beside
from llmner_hf.pipelines.local import BioNerPipeline
from llmner_hf.readers.json_lines import predicted_row

# A batch with more characters tells how many of its sentences are done, and keeps them. Ours: half
# a minute.
LONG = 20_000


def annotate(
    pipeline: BioNerPipeline,
    examples: Sequence[Example],
    out: Path,
    *,
    batch_size: int = 16,
    progress: Callable[[int], object] = lambda done: None,
    sentences_done: Callable[[int, int], object] = lambda done, total: None,
    fields: Mapping[str, Mapping[str, object]] = MappingProxyType({}),
    restart: bool = False,
    **options: Any,
) -> int:
    """Annotate examples into a file of JSON lines; returns how many were already there.

    Args:
        pipeline: a "bioner" pipeline.
        examples: an example's own dataset, where it names one, chooses the types.
        out: the file to write.
        batch_size: texts at a time; a run that is stopped leaves whole batches behind.
        progress: called with the number of texts that a step has finished.
        sentences_done: called within a long batch: how many of its sentences are done, of how many.
        fields: example id -> what else its line holds.
        restart: begin anew where an unfinished file lies.
        **options: those of the pipeline's call; they win over an example's own dataset.

    Raises:
        InputError: an unfinished file was begun otherwise, or another process is writing it.
    """
    part = out.with_name(out.name + ".part")
    with claimed(part, job_of(pipeline, examples, fields, options), restart):
        done = finished(part, examples)
        progress(done)
        journal = Journal(beside(part))
        within = {"progress": sentences_done, "journal": journal}
        with part.open("ab", buffering=0) as file:
            for batch in _batches(examples[done:], batch_size):
                asked = options | within if _is_long(batch) else options
                _write(file, _lines(batch, _found(pipeline, batch, asked), fields))
                journal.close()
                progress(len(batch))
        part.replace(out)
    return done


def _write(file: RawIOBase, lines: Iterable[str]) -> None:
    """Write all at once, since a score hangs on its neighbours in its last digit.

    Where room runs short, one call writes less than it is given.
    """
    content = "".join(lines).encode()
    while content:
        content = content[file.write(content) or 0 :]


def _is_long(batch: Sequence[Example]) -> bool:
    return sum(len(example.text) for example in batch) > LONG


def _lines(
    batch: Sequence[Example],
    found: Sequence[Sequence[dict[str, Any]]],
    fields: Mapping[str, Mapping[str, object]],
) -> Iterator[str]:
    """A line for each text: its entities, and what else it holds."""
    for example, entities in zip(batch, found, strict=True):
        predicted = prediction(example.id, entities)
        row = predicted_row(example.text, predicted, fields.get(example.id))
        yield json.dumps(row, ensure_ascii=False) + "\n"


def _found(
    pipeline: BioNerPipeline, batch: Sequence[Example], options: Mapping[str, Any]
) -> list[list[dict[str, Any]]]:
    """The entities of texts of one dataset, which chooses the types unless the options do."""
    chosen: dict[str, Any] = {"dataset": batch[0].dataset} if batch[0].dataset else {}
    texts = [example.text for example in batch]
    found: list[list[dict[str, Any]]]
    found = pipeline(texts, batch_size=len(texts), **(chosen | dict(options)))
    return found


@contextmanager
def workplace(out: Path | None, format: str) -> Iterator[Path]:
    """The file of JSON lines to annotate into; the result itself where that is JSON lines.

    Another file stands hidden beside the result, so that a run that was stopped goes on, and goes
    when the result is written; without a result it lies in a folder of its own.
    """
    if out is None:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder, "annotated.jsonl")
    elif format == "json_lines" and not {".xz", ".gz"} & {out.suffix}:
        yield out
    else:
        hidden = out.with_name(f".{out.name}.jsonl")
        yield hidden
        hidden.unlink(missing_ok=True)


def prediction(identifier: str, entities: Sequence[dict[str, Any]]) -> Prediction:
    """A prediction from the dictionaries of the pipeline."""
    return Prediction(
        identifier,
        tuple(
            ScoredEntity(Entity(e["start"], e["end"], e["entity_group"]), e["score"], links_of(e))
            for e in entities
        ),
    )


def _batches(examples: Sequence[Example], size: int) -> Iterator[list[Example]]:
    """Neighbours of one dataset and language, so that a batch has one set of types."""
    for _, group in groupby(examples, key=lambda example: (example.dataset, example.language)):
        rows = list(group)
        yield from (rows[start : start + size] for start in range(0, len(rows), size))
