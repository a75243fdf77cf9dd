"""Examples to documents with scored entities, a few sentences at a time.

In: a pipeline, examples and the options of its call. Out: what one call with each text gives, with
a report after every step, so that a page can show how far it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from llmner_hf.core.entities import Example
from llmner_hf.core.sentences import split
from llmner_hf.pipelines.files import prediction
from llmner_hf.pipelines.local import BioNerPipeline
from llmner_hf.pipelines.remarks import about_unread
from llmner_hf.rendering import Document


def annotate(
    ner: BioNerPipeline,
    examples: Sequence[Example],
    options: Mapping[str, Any],
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> tuple[Document, ...]:
    """The examples with the entities that the pipeline finds.

    Args:
        ner: a "bioner" pipeline.
        examples: entities that they have are ignored.
        options: those of the pipeline's call.
        progress: called with the number of sentences done and the number of all.

    Raises:
        InputError: an option or a text is none that the pipeline takes.
    """
    # A language is not said, so that it is guessed for every sentence.
    dataset = options.get("dataset")
    spoken = ner.settings.schema(dataset).language if dataset else None
    sizes = [len(split(example.text, spoken or example.language)) for example in examples]
    total, documents = sum(sizes), []
    for number, example in enumerate(examples):
        before = sum(sizes[:number])
        found = ner(
            example.text,
            progress=lambda done, _, before=before: progress(min(before + done, total), total),
            **options,
        )
        scored = prediction(example.id, found).scored
        documents.append(Document(example.id, example.text, scored))
    progress(total, total)
    return tuple(documents)


def remark(ner: BioNerPipeline, options: Mapping[str, Any]) -> str:
    """What is said of types that the model does not know; empty where it knows all."""
    names: Sequence[str] = tuple(options.get("entity_types") or ())
    if not names and "dataset" in options:
        names = ner.settings.schema(options["dataset"]).labels.names
    unread = ner.settings.unread(names)
    return about_unread(unread, ner.settings) if unread else ""
