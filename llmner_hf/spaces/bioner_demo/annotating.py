"""Examples to documents with scored entities, a few sentences at a time.

In: a pipeline, examples and the options of its call. Out: what one call with each whole text gives,
with a report after every step, so that a page can show how far it is. A sentence that is longer
than the model's context is cut by the pipeline.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from llmner_hf.core.entities import Entity, Example, Language, ScoredEntity
from llmner_hf.core.sentences import Span, split
from llmner_hf.pipelines import BioNerPipeline
from llmner_hf.rendering import Document

STEP = 16  # sentences; as many as the pipeline decodes together


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
    """
    dataset = options.get("dataset")
    spoken = ner.settings.schema(dataset).language if dataset else None
    languages = [spoken or example.language for example in examples]
    spans = [split(e.text, language) for e, language in zip(examples, languages, strict=True)]
    done, total = 0, sum(map(len, spans))
    documents = []
    for example, language, own in zip(examples, languages, spans, strict=True):
        found: list[ScoredEntity] = []
        for first in range(0, len(own), STEP):
            progress(done, total)
            step = own[first : first + STEP]
            found += _found(ner, example.text, step, language, options)
            done += len(step)
        documents.append(Document(example.id, example.text, tuple(found)))
    progress(total, total)
    return tuple(documents)


def _found(
    ner: BioNerPipeline,
    text: str,
    spans: Sequence[Span],
    language: Language,
    options: Mapping[str, Any],
) -> Iterator[ScoredEntity]:
    """The entities of some sentences, with offsets into the whole text."""
    sentences = [text[start:end] for start, end in spans]
    # They are sentences already, and would not be split again in the same places.
    answers = ner(
        sentences, batch_size=len(sentences), sentences=False, language=language, **options
    )
    for (start, _), entities in zip(spans, answers, strict=True):
        for found in entities:
            entity = Entity(found["start"] + start, found["end"] + start, found["entity_group"])
            yield ScoredEntity(entity, found["score"])
