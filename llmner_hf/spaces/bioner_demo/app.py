"""The page: a text or a file and types on one side, the annotated text on the other.

It runs the embedded model, or any that `launch` is given; ``llmner demo`` is the same page. Nothing
is asked of any other server: fonts are those of the system, and no use is counted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from llmner_hf import pipeline
from llmner_hf.core.catalogue import CORPORA
from llmner_hf.core.schema import Schema
from llmner_hf.pipelines.local import BioNerPipeline
from llmner_hf.rendering.colours import DARK, LIGHT, style_within
from llmner_hf.spaces.bioner_demo import inputs
from llmner_hf.spaces.bioner_demo.downloads import NAMES
from llmner_hf.spaces.bioner_demo.findings import Findings
from llmner_hf.spaces.bioner_demo.service import Answer, Service, files, read_file, view
from llmner_hf.spaces.bioner_demo.turns import Turns

TITLE = "Biomedical named entities"
INTRODUCTION = """\
# Biomedical named entities
Chinese and English, flat and nested, with exact character offsets. Research software: not for
clinical decisions. The text stays on the server that runs this page and is not kept.
"""
_SAMPLES = Path(__file__).with_name("samples.jsonl")
_STYLE = Path(__file__).with_name("style.css")
_FONTS = (
    "system-ui",
    "-apple-system",
    "Segoe UI",
    "Roboto",
    "Noto Sans",
    "PingFang SC",
    "Microsoft YaHei",
    "Noto Sans CJK SC",
    "sans-serif",
)
_HOUR = 3600
MOST_WAITING = 32
# One model serves all; the API has a function of its own and none of the page's.
_ONE_AT_A_TIME: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": 1}
_PRIVATE: dict[str, Any] = {"api_visibility": "private"}


@dataclass(frozen=True)
class Form:
    """The components that a visitor fills in."""

    text: gr.Textbox
    ask_text: gr.Button
    file: gr.File
    ask_file: gr.Button
    choice: gr.Dropdown
    types: gr.Textbox


@dataclass(frozen=True)
class Result:
    """The components that answer."""

    findings: gr.State
    threshold: gr.Slider
    view: gr.HTML
    buttons: list[gr.DownloadButton]


def page(ner: BioNerPipeline) -> gr.Blocks:
    """The page as Gradio's blocks, not yet served."""
    known = {name: Schema.of_corpus(name) for name in CORPORA} | dict(ner.settings.schemas)
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(_HOUR, _HOUR)) as blocks:
        gr.Markdown(INTRODUCTION)
        with gr.Row(equal_height=False):
            with gr.Column(scale=4, min_width=320):
                form = _form(known, reads_definitions=ner.settings.style != "brief")
            with gr.Column(scale=6, min_width=320):
                result = _result()
        _connect(Service(ner), known, form, result)
    return blocks


def _form(known: Mapping[str, Schema], reads_definitions: bool) -> Form:
    titles = [(f"{s.title}: {_shortened(s.labels.names)}", name) for name, s in known.items()]
    choices = [("Automatic, by language", ""), *titles, ("My own types", inputs.OWN)]
    choice = gr.Dropdown(choices, value="", label="Entity types", filterable=False)
    info = "One a line: name, or name: definition."
    info += "" if reads_definitions else " This model reads the names alone."
    types = gr.Textbox(label="Types", info=info, lines=3, max_lines=6, visible=False)
    with gr.Tab("Text"):
        # Longer than allowed, so that a text that is too long is refused and not cut in silence; a
        # browser counts a character outside the basic plane as two.
        most = 2 * inputs.MOST_CHARACTERS + 1
        placeholder = "A sentence, an abstract, a report; 句子、摘要、病历"
        text = gr.Textbox(
            label="Text", lines=7, max_lines=16, max_length=most, placeholder=placeholder
        )
        _examples([text, choice])
        ask_text = gr.Button("Annotate", variant="primary")
    with gr.Tab("File"):
        file = gr.File(label="Text, JSON lines, PubTator, BioC, CoNLL, CMeEE or CCKS", height=160)
        ask_file = gr.Button("Annotate the file", variant="primary")
    return Form(text, ask_text, file, ask_file, choice, types)


def _examples(filled: Sequence[Any]) -> None:
    samples = [json.loads(line) for line in _SAMPLES.read_text(encoding="utf-8").splitlines()]
    gr.Examples(
        [[sample["text"], sample["dataset"]] for sample in samples],
        filled,
        example_labels=[sample["id"] for sample in samples],
        api_visibility="private",
    )


def _shortened(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (", …" if len(names) > 4 else "")


def _result() -> Result:
    findings = gr.State(Findings(), time_to_live=_HOUR)
    threshold = gr.Slider(0, 1, 0, step=0.01, label="Least score")
    # No default styles of Gradio: the rendering brings its own.
    view = gr.HTML(Findings().view(0), elem_classes="bioner", apply_default_css=False)
    with gr.Row():
        buttons = [
            gr.DownloadButton(name, interactive=False, size="sm", min_width=80) for name in NAMES
        ]
    return Result(findings, threshold, view, buttons)


def _connect(service: Service, known: Mapping[str, Schema], form: Form, result: Result) -> None:
    """Say which function each component calls."""
    _ask(form.ask_text.click, service.annotate_text, form.text, form, result)
    given = gr.State("choose a file first", time_to_live=_HOUR)
    # Outside the model's queue: a file that is slow to read keeps nobody from the model.
    read = form.ask_file.click(
        read_file, form.file, given, show_progress_on=result.view, concurrency_limit=4, **_PRIVATE
    )
    _ask(read.then, service.annotate_given, given, form, result)
    shown = [result.findings, result.threshold]
    result.threshold.change(
        view, shown, result.view, show_progress="hidden", trigger_mode="always_last", **_PRIVATE
    ).then(files, shown, result.buttons, show_progress="hidden", **_PRIVATE)
    form.choice.change(
        partial(_types_box, known), form.choice, form.types, show_progress="hidden", **_PRIVATE
    )
    gr.api(service.entities, api_name="annotate", **_ONE_AT_A_TIME)


def _ask(
    event: Callable[..., Any],
    annotate: Callable[..., Answer],
    source: Any,
    form: Form,
    result: Result,
) -> None:
    """Let an event annotate what is in a component, and then prepare the downloads."""
    event(
        annotate,
        [source, form.choice, form.types, result.threshold],
        [result.findings, result.view],
        show_progress_on=result.view,
        scroll_to_output=True,
        **_ONE_AT_A_TIME,
        **_PRIVATE,
    ).then(
        files,
        [result.findings, result.threshold],
        result.buttons,
        show_progress="hidden",
        **_PRIVATE,
    )


def _types_box(known: Mapping[str, Schema], choice: str) -> dict[str, Any]:
    """The types of a dataset to read, or those last shown to change into one's own."""
    if choice == inputs.OWN:
        return gr.update(visible=True, interactive=True)
    if choice not in known:
        return gr.update(visible=False)
    lines = inputs.lines_of(known[choice].labels)
    return gr.update(visible=True, interactive=False, value=lines)


def theme() -> gr.themes.Base:
    """Gradio's plainest theme in the colours of the rendering, with the fonts of the system."""
    colours: dict[str, Any] = {}
    for suffix, scheme in (("", LIGHT), ("_dark", DARK)):
        colours |= {
            f"body_background_fill{suffix}": scheme.paper,
            f"body_text_color{suffix}": scheme.ink,
            f"body_text_color_subdued{suffix}": scheme.muted,
            f"block_background_fill{suffix}": scheme.card,
            f"block_border_color{suffix}": scheme.rule,
            f"border_color_primary{suffix}": scheme.rule,
            f"block_label_text_color{suffix}": scheme.muted,
            f"block_title_text_color{suffix}": scheme.muted,
            f"block_info_text_color{suffix}": scheme.muted,
            f"input_background_fill{suffix}": scheme.card,
            f"button_primary_background_fill{suffix}": scheme.hues[0],
            f"button_primary_background_fill_hover{suffix}": scheme.hues[0],
            f"button_primary_text_color{suffix}": scheme.on_hues[0],
        }
    return gr.themes.Base(font=_FONTS, font_mono=("ui-monospace", "monospace")).set(**colours)


def serve(
    blocks: gr.Blocks, ner: BioNerPipeline, port: int | None = None, wait: bool = True
) -> str:
    """Serve a page to this computer alone, unless the environment says otherwise; its address."""
    types = max((len(s.labels) for s in ner.settings.schemas.values()), default=0)
    rules = style_within(".bioner", ".dark .bioner", max(types, inputs.MOST_TYPES))
    # No way past the queue (`api_open`).
    _, address, _ = blocks.queue(max_size=MOST_WAITING, api_open=False).launch(
        server_port=port,
        prevent_thread_lock=not wait,
        theme=theme(),
        # In the head, because Gradio rewrites what it is given as a style sheet.
        head=f"<style>{rules}\n{_STYLE.read_text(encoding='utf-8')}</style>",
        max_file_size=inputs.MOST_BYTES,
        state_session_capacity=256,
        footer_links=["api"],
        share=False,
        ssr_mode=False,
        app_kwargs={"middleware": [Middleware(Turns)]},
    )
    return str(address)


def launch(
    model: str | None = None,
    selector: str | None = None,
    port: int | None = None,
    revision: str | None = None,
) -> None:
    """Serve the page until it is stopped.

    Raises:
        OSError: there is no such model, or the port is taken.
    """
    given = {"selector": selector} if selector else {}
    ner = pipeline("bioner", model=model, revision=revision, **given)
    serve(page(ner), ner, port)


if __name__ == "__main__":
    launch()
