"""The work behind the page and its API.

In: form values as Gradio passes them. Out: findings, the view of them, and files. What cannot be
annotated, or not in the time that a request has: the view says so, and callers of the API get an
error. A file is read in a step of its own, so that nobody waits for it who waits for the model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from tempfile import TemporaryDirectory
from typing import Any

import gradio as gr

from llmner_hf.core.entities import Example
from llmner_hf.core.errors import InputError
from llmner_hf.pipelines.handler import MOST_SECONDS, within
from llmner_hf.pipelines.local import BioNerPipeline
from llmner_hf.spaces.bioner_demo import downloads, inputs
from llmner_hf.spaces.bioner_demo.annotating import annotate, remark
from llmner_hf.spaces.bioner_demo.findings import Findings

Answer = tuple[Findings, str]
Given = tuple[Example, ...] | str  # what a file holds, or why it cannot be annotated
_PROGRESS = gr.Progress()  # Gradio finds it among the defaults and passes one of its own


@dataclass(frozen=True)
class Service:
    """The functions of the page that ask the model."""

    ner: BioNerPipeline

    def annotate_text(
        self, text: str, choice: str, lines: str, threshold: float, bar: gr.Progress = _PROGRESS
    ) -> Answer:
        """The text of the form."""
        given = _taken(lambda: inputs.examples_of_text(text))
        return self.annotate_given(given, choice, lines, threshold, bar)

    def annotate_given(
        self,
        given: Given,
        choice: str,
        lines: str,
        threshold: float,
        bar: gr.Progress = _PROGRESS,
    ) -> Answer:
        """Texts that were read before."""
        in_time = within(MOST_SECONDS)

        def progress(done: int, total: int) -> None:
            in_time(done, total)
            bar((done, total), unit="sentences")

        try:
            if isinstance(given, str):
                raise InputError(given)
            asked = inputs.options(choice, inputs.own_types(lines) if choice == inputs.OWN else ())
            found = annotate(self.ner, given, asked, progress)
            findings = Findings.of(found, remark(self.ner, asked))
        except InputError as error:
            findings = Findings(refusal=str(error))
        return findings, findings.view(threshold)

    def entities(
        self, text: str, dataset: str = "", types: dict[str, str] | None = None
    ) -> list[dict[str, Any]]:
        """The entities of a text, as dictionaries with "start", "end", "type" and "score".

        One that is linked to concepts has "links" beside that.

        Args:
            text: the text, at most 20,000 characters.
            dataset: the dataset whose types to find; empty for the model's own by language.
            types: types of one's own, name -> definition; they win over the dataset.

        Raises:
            gr.Error: the text, the dataset or the types cannot be used; the message says why.
        """
        try:
            own = inputs.types_of(types) if types else ()
            asked = inputs.options(inputs.OWN if types else dataset, own)
            examples = inputs.examples_of_text(text)
            (document,) = annotate(self.ner, examples, asked, within(MOST_SECONDS))
        except InputError as error:
            raise gr.Error(str(error), print_exception=False) from None
        return [
            {"start": e.start, "end": e.end, "type": e.label, "score": one.score}
            | ({"links": [asdict(link) for link in one.links]} if one.links else {})
            for one, e in zip(document.scored, document.entities, strict=True)
        ]


def read_file(path: str | None) -> Given:
    """The texts of an uploaded file."""
    return _taken(lambda: inputs.examples_of_file(path))


def _taken(examples: Callable[[], tuple[Example, ...]]) -> Given:
    try:
        return examples()
    except InputError as error:
        return str(error)


def view(findings: Findings, threshold: float) -> str:
    """The view of what was found before."""
    return findings.view(threshold)


def files(findings: Findings, threshold: float) -> Iterator[list[dict[str, Any]]]:
    """The buttons that download what is shown."""
    if not findings.documents:
        yield [gr.update(value=None, interactive=False) for _ in downloads.NAMES]
        return
    # Gradio copies the files before it asks for the next value, and so before the folder goes.
    with TemporaryDirectory() as folder:
        paths = downloads.write(findings.above(threshold), folder)
        yield [gr.update(value=path, interactive=path is not None) for path in paths]
