"""Entities for the eye: a table for the terminal, a page for the browser.

In: documents, each a text with its scored entities, nested or crossing as they like. Out: one
string. Both show every entity with its offsets, and no text, however hostile, reaches the terminal
or the page as anything but text: what cannot be seen is written out. Nothing here opens a file.
"""

from llmner_hf.rendering.documents import Document
from llmner_hf.rendering.terminal import table
from llmner_hf.rendering.web import page

__all__ = ["Document", "page", "table"]
