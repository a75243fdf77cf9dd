"""The page of entities for a browser: one HTML file, no script, nothing loaded from elsewhere.

Each text stands in full with lines under its entities, one lane for each level of nesting, one
colour for each type, the type's name at the end of the entity, its score and the names of its
concepts on hover; below it a table of all entities, where concepts lead to the pages of their
sources. Everything that comes from a document is escaped, what cannot be seen is
written as its code point, and a text's direction ends with the text. Equal input, equal page. The
demo shows the same articles within a page of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from llmner_hf.core.entities import Link, ScoredEntity
from llmner_hf.core.linking.identifiers import page_of
from llmner_hf.rendering.colours import numbers, style
from llmner_hf.rendering.documents import Document, depths
from llmner_hf.rendering.glyphs import code_point, is_unseen, readable
from llmner_hf.rendering.segments import LANES, Cover, Segment, lanes, segments

POLICY = "default-src 'none'; style-src 'unsafe-inline'"

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
<header>
<h1><bdi>{title}</bdi></h1>
<p>{summary}</p>
</header>
<main>
{articles}
</main>
</body>
</html>
"""

_ARTICLE = """\
<article>
<div class="head">
<h2><bdi>{id}</bdi></h2>
<ul class="legend">{legend}</ul>
</div>
<p class="text d{used}" lang="{language}" dir="auto">{text}</p>
{note}{details}
</article>"""

_DETAILS = """\
<details{state}>
<summary>{summary}</summary>
<div class="scroll"><table>
<thead><tr><th class="n">start</th><th class="n">end</th><th>type</th><th class="n">score</th>\
{concept}<th>entity</th></tr></thead>
<tbody>
{rows}
</tbody>
</table></div>
</details>"""

_ROW = """\
<tr><td class="n">{start}</td><td class="n">{end}</td>\
<td><bdi class="key t{type}">{name}</bdi></td><td class="n">{score:.3f}</td>\
{concepts}<td{indent} lang="{language}"><bdi>{surface}</bdi></td></tr>"""

Types = Mapping[str, int]  # name -> number, as colours.numbers gives them


def page(documents: Iterable[Document], title: str) -> str:
    """A self-contained HTML page of the documents; write it as UTF-8.

    >>> html = page([Document("1", "a <b> c")], title="Nothing found")
    >>> "a &lt;b&gt; c" in html
    True
    """
    shown = tuple(documents)
    types = numbers([entity.label for entity in document.entities] for document in shown)
    entities = sum(len(document.scored) for document in shown)
    counts = ((len(shown), "text"), (entities, "entity"), (len(types), "type"))
    return _PAGE.format(
        policy=escape(POLICY, quote=False),
        title=_plain(title),
        style=style(max(types.values(), default=-1) + 1),
        summary=" · ".join(_counted(number, noun) for number, noun in counts),
        articles="\n".join(_article(document, types) for document in shown),
    )


def articles(documents: Iterable[Document], types: Types) -> str:
    """The documents inside another page, which has ``colours.style_within``; tables stand open.

    >>> from llmner_hf.core.entities import Entity
    >>> gene = ScoredEntity(Entity(0, 4, "gene"), 0.5)
    >>> html = articles([Document("1", "IL-2 <b>", (gene,))], {"gene": 0})
    >>> '<span class="e t0 l0" data-type="gene" title="gene 0.500 (0–4)">IL-2</span> &lt;' in html
    True
    """
    return "\n".join(_article(document, types, opened=True) for document in documents)


def _counted(number: int, noun: str) -> str:
    plural = noun.removesuffix("y") + "ies" if noun.endswith("y") else noun + "s"
    return f"{number:,} {noun if number == 1 else plural}"


def _plain(text: str) -> str:
    """A name or a title on one line, for an element or an attribute."""
    return escape(readable(text), quote=True)


def _marked(text: str) -> str:
    """A piece of a text, escaped; line feeds stay, what cannot be seen stands in a box."""
    return "".join(
        f'<span class="x">{code_point(c)}</span>' if is_unseen(c) else escape(c, quote=True)
        for c in text
    )


def _article(document: Document, types: Types, opened: bool = False) -> str:
    covers = lanes(document.scored)
    drawn = [cover for cover in covers if cover.lane < LANES]
    pieces = segments(len(document.text), drawn)
    return _ARTICLE.format(
        id=_plain(document.id),
        legend=_legend(document, types),
        used=max((cover.lane + 1 for cover in drawn), default=0),
        language=document.language,
        text="".join(_segment(piece, document.text, types) for piece in pieces),
        note=_note(len(covers) - len(drawn)),
        details=_details(document, types, opened),
    )


def _legend(document: Document, types: Types) -> str:
    """The types of the document with their counts, in the order of their numbers."""
    counts = Counter(entity.label for entity in document.entities)
    return "".join(
        f'<li><bdi class="key t{types[label]}">{_plain(label)}</bdi> {counts[label]}</li>'
        for label in sorted(counts, key=lambda label: types[label])
    )


def _segment(piece: Segment, text: str, types: Types) -> str:
    """A piece of the text inside one element for each entity over it, the outermost outside."""
    html = _marked(text[piece.start : piece.end])
    for number in range(len(piece.covers) - 1, -1, -1):
        html = _covered(html, piece, piece.covers[: number + 1], types)
    return html


def _covered(html: str, piece: Segment, around: Sequence[Cover], types: Types) -> str:
    """The element of the last of ``around``; hovering names it, then those that contain it."""
    cover = around[-1]
    entity = cover.scored.entity
    # The name is generated by the style sheet: copied text is the text, without labels.
    label = f' data-type="{_plain(entity.label)}"' if entity.end == piece.end else ""
    hover = "\n".join(_hover(outer.scored) for outer in reversed(around))
    classes = f"e t{types[entity.label]} l{cover.lane}"
    return f'<span class="{classes}"{label} title="{hover}">{html}</span>'


def _hover(scored: ScoredEntity) -> str:
    entity = scored.entity
    named = "; ".join(link.name or link.id for link in scored.links)
    told = f"{_plain(entity.label)} {scored.score:.3f} ({entity.start}–{entity.end})"
    return f"{told} {_plain(named)}" if named else told


def _note(hidden: int) -> str:
    if not hidden:
        return ""
    return (
        f'<p class="note">{_counted(hidden, "entity")} below the eighth line: '
        "in the table alone.</p>\n"
    )


def _details(document: Document, types: Types, opened: bool) -> str:
    if not document.scored:
        return '<p class="note">No entities.</p>'
    found = zip(document.scored, depths(document.entities), strict=True)
    linked = any(scored.links for scored in document.scored)
    rows = (
        _row(scored, depth, document, types, _concepts(scored) if linked else "")
        for scored, depth in found
    )
    return _DETAILS.format(
        concept="<th>concept</th>" if linked else "",
        state=" open" if opened else "",
        summary=_counted(len(document.scored), "entity"),
        rows="\n".join(rows),
    )


def _concepts(scored: ScoredEntity) -> str:
    """The cell of an entity's concepts, each a line; the name and the score on hover."""
    return f"<td>{'<br>'.join(map(_concept, scored.links))}</td>"


def _concept(link: Link) -> str:
    hover = _plain(f"{link.name} {link.score:.3f}" if link.name else f"{link.score:.3f}")
    shown, page_there = f"<bdi>{_plain(link.id)}</bdi>", page_of(link.id)
    if page_there is None:
        return f'<span title="{hover}">{shown}</span>'
    place = escape(page_there, quote=True)
    return f'<a href="{place}" title="{hover}" target="_blank" rel="noreferrer">{shown}</a>'


def _row(scored: ScoredEntity, depth: int, document: Document, types: Types, concepts: str) -> str:
    entity = scored.entity
    return _ROW.format(
        concepts=concepts,
        start=entity.start,
        end=entity.end,
        type=types[entity.label],
        name=_plain(entity.label),
        score=scored.score,
        indent=f' class="i{min(depth, LANES)}"' if depth else "",
        language=document.language,
        surface=_marked(entity.surface(document.text)),
    )
