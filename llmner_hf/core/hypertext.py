"""HTML in a text: entities as ``&alpha;`` and tags as ``<sub>``, read as a browser shows them.

In: a text as it was given. Out: its transcript (`core.transcripts`): a character for every entity
of HTML, nothing for a tag within a line, a line break for a tag that ends one, nothing for what
stands in comments, scripts and styles. A tag is one of HTML's own by name, so that ``p<0.05`` and
``<unk>`` stay. What is no entity of HTML stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from html.entities import html5

from llmner_hf.core.transcripts import Change, Transcript, rewritten

_BLOCKS = (
    "address|article|aside|blockquote|body|br|caption|dd|div|dl|dt|figcaption|figure|footer|h[1-6]"
    "|head|header|hr|html|li|main|nav|ol|p|pre|section|table|tbody|td|tfoot|th|thead|title|tr|ul"
)
_INLINE = (
    "a|abbr|acronym|b|big|cite|code|del|dfn|em|font|i|img|ins|kbd|mark|meta|link|q|s|samp|small|span"
    "|strike|strong|sub|sup|tt|u|var|wbr"
)
_MARKUP = re.compile(
    r"(?P<unread><!--.*?-->|<(?P<own>script|style)\b[^<>]*>.*?</(?P=own)\s*>|<!doctype[^<>]*>)"
    rf"|(?P<block></?(?:{_BLOCKS})(?:\s[^<>]*)?/?>)"
    rf"|(?P<inline></?(?:{_INLINE})(?:\s[^<>]*)?/?>)"
    r"|(?P<entity>&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)",
    re.IGNORECASE | re.DOTALL,
)


def read_html(text: str) -> Transcript:
    """The text as a browser shows it.

    >>> shown = read_html("<b>TNF-&alpha;</b> is up.")
    >>> shown.text, shown.span(0, 5)
    ('TNF-α is up.', (3, 14))
    """
    return rewritten(text, list(_changes(text)))


def holds_html(text: str) -> bool:
    """Whether a text holds entities or tags of HTML.

    >>> [holds_html(text) for text in ["TNF-&alpha;", "AT&T; p<0.05", "10<sup>3</sup>"]]
    [True, False, True]
    """
    return next(_changes(text), None) is not None


def _changes(text: str) -> Iterator[Change]:
    """What HTML there is, each with what a browser shows there."""
    for match in _MARKUP.finditer(text):
        if (reading := _reading(match)) is not None:
            yield (*match.span(), reading)


def _reading(match: re.Match[str]) -> str | None:
    """What a browser shows there; None where it shows what is written."""
    if match["unread"] or match["inline"]:
        return ""
    if match["block"]:
        return "\n"
    entity = match["entity"]
    return unescape(entity) if entity[1] == "#" or entity[1:] in html5 else None
