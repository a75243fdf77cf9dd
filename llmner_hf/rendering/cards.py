"""Cards: a template, its front matter and its values to a string."""

from __future__ import annotations

import html
from importlib.resources import files
from string import Template

from huggingface_hub import CardData


def filled(template: str, metadata: CardData, **values: str) -> str:
    """The card.

    Args:
        template: the name of a file of ``model_cards``.
        metadata: the front matter; huggingface_hub writes it as the Hub reads it.
        **values: what stands for each ``$name`` of the template; all are needed.
    """
    text = files("llmner_hf.model_cards").joinpath(template).read_text(encoding="utf-8")
    return f"---\n{metadata.to_yaml()}\n---\n\n{Template(text).substitute(values)}"


def cell(text: str) -> str:
    r"""A user's text as a cell of a Markdown table: shown as it is, never interpreted.

    >>> cell("a | b\n<b>")
    'a \\| b &lt;b&gt;'
    """
    return html.escape(" ".join(text.split()), quote=False).replace("|", "\\|")
