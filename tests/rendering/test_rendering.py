"""The table and the page: nothing lost, nothing let out, readable by everyone."""

from __future__ import annotations

import json
import unicodedata
from html.parser import HTMLParser
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmner_hf.core.catalogue import CORPORA
from llmner_hf.core.entities import Entity, Link, ScoredEntity
from llmner_hf.core.errors import OffsetError
from llmner_hf.rendering import Document, page, table
from llmner_hf.rendering.colours import DARK, HUES, LIGHT, LINES, Theme, numbers, style
from llmner_hf.rendering.documents import depths
from llmner_hf.rendering.glyphs import (
    ELLIPSIS,
    escaped,
    is_unseen,
    padded,
    readable,
    shortened,
    width,
)
from llmner_hf.rendering.segments import LANES, lanes, segments
from llmner_hf.rendering.web import POLICY
from tests.conftest import ROOT
from tests.strategies import Case, cases, texts

VOID = {"meta", "br"}
SHELL = {"html", "head", "meta", "title", "style", "body", "header", "main"}
BLOCKS = {"article", "div", "h1", "h2", "p", "ul", "li", "details", "summary"}
CELLS = {"table", "thead", "tbody", "tr", "th", "td"}
TAGS = SHELL | BLOCKS | CELLS | {"bdi", "span"}
LINKED_TAGS = {"a", "br"}  # where entities have links
LINKED_ATTRIBUTES = {"href", "target", "rel"}
ATTRIBUTES = {"lang", "charset", "http-equiv", "content", "name", "class", "dir", "title"}
ATTRIBUTES |= {"data-type"}


def scored(case: Case) -> tuple[ScoredEntity, ...]:
    """Scores that differ, so that a swapped one shows."""
    count = len(case.entities)
    return tuple(ScoredEntity(e, (i + 1) / (count + 1)) for i, e in enumerate(case.entities))


def document(name: str, text: str, *marks: tuple[str, str, float]) -> Document:
    """A document whose entities are given by their first occurrence."""
    found = []
    for surface, label, score in marks:
        start = text.index(surface)
        found.append(ScoredEntity(Entity(start, start + len(surface), label), score))
    return Document(name, text, tuple(found))


ENGLISH = document(
    "en-1",
    "IL-2 receptor gene <x>",
    ("IL-2 receptor gene", "DNA", 0.75),
    ("IL-2 receptor", "protein", 0.5),
    ("IL-2", "protein", 1.0),
)
CHINESE = document(
    "zh-1",
    "左下肺炎症，用青霉素。",
    ("左下肺炎症", "临床表现", 0.875),
    ("左下肺", "身体", 0.5),
    ("青霉素", "药物", 1.0),
)
GOLDEN_TABLE = r"""
en-1  IL-2 receptor gene <x>
  start  end  type     score  entity
      0   18  DNA      0.750  IL-2 receptor gene
      0   13  protein  0.500    IL-2 receptor
      0    4  protein  1.000      IL-2

zh-1  左下肺炎症，用青霉素。
  start  end  type      score  entity
      0    5  临床表现  0.875  左下肺炎症
      0    3  身体      0.500    左下肺
      7   10  药物      1.000  青霉素
""".strip()
GOLDEN_ENGLISH = (
    '<p class="text d3" lang="en" dir="auto">'
    '<span class="e t0 l2" title="DNA 0.750 (0–18)">'
    '<span class="e t1 l1" title="protein 0.500 (0–13)\nDNA 0.750 (0–18)">'
    '<span class="e t1 l0" data-type="protein" '
    'title="protein 1.000 (0–4)\nprotein 0.500 (0–13)\nDNA 0.750 (0–18)">IL-2</span></span></span>'
    '<span class="e t0 l2" title="DNA 0.750 (0–18)">'
    '<span class="e t1 l1" data-type="protein" title="protein 0.500 (0–13)\nDNA 0.750 (0–18)">'
    " receptor</span></span>"
    '<span class="e t0 l2" data-type="DNA" title="DNA 0.750 (0–18)"> gene</span>'
    " &lt;x&gt;</p>"
)
GOLDEN_CHINESE = (
    '<p class="text d2" lang="zh" dir="auto">'
    '<span class="e t0 l1" title="临床表现 0.875 (0–5)">'
    '<span class="e t1 l0" data-type="身体" title="身体 0.500 (0–3)\n临床表现 0.875 (0–5)">'
    "左下肺</span></span>"
    '<span class="e t0 l1" data-type="临床表现" title="临床表现 0.875 (0–5)">炎症</span>，用'
    '<span class="e t2 l0" data-type="药物" title="药物 1.000 (7–10)">青霉素</span>。</p>'
)


class Reader(HTMLParser):
    """What a browser would find: the tags, each text as it was, the rows of each table."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, str]] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.rows: list[list[str]] = []
        self.labels: list[str] = []
        self.styles = ""
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        kind = values.get("class") or ""
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append((tag, kind))
        if kind.startswith("text "):
            self.texts.append("")
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if "data-type" in values:
            self.labels.append(values["data-type"] or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        boxed = bool(self.open) and self.open[-1] == ("span", "x")
        source = chr(int(data.removeprefix("U+"), 16)) if boxed else data
        if any(kind.startswith("text ") for _, kind in self.open):
            self.texts[-1] += source
        if any(tag in ("td", "th") for tag, _ in self.open):
            self.rows[-1][-1] += source
        if self.open and self.open[-1][0] == "style":
            self.styles += data

    @property
    def entities(self) -> list[list[str]]:
        """The rows of the tables without their headings."""
        return [row for row in self.rows if row[0] != "start"]


def expected_rows(shown: Document) -> list[list[str]]:
    return [
        [str(e.start), str(e.end), e.label, f"{one.score:.3f}", e.surface(shown.text)]
        for one in shown.scored
        for e in [one.entity]
    ]


# The page


@given(cases(crossing=True), texts(6), texts(6))
def test_the_page_gives_back_the_text_and_every_entity(case: Case, name: str, title: str) -> None:
    shown = Document(name, case.text, scored(case))
    html = page([shown, shown], title)
    found = Reader(html)
    assert found.texts == [case.text, case.text]
    assert found.entities == expected_rows(shown) * 2
    drawn = [c.scored.entity.label for c in lanes(shown.scored) if c.lane < LANES]
    assert sorted(found.labels) == sorted(drawn * 2)


@given(cases(crossing=True), texts(6), texts(6))
def test_nothing_of_a_text_becomes_markup(case: Case, name: str, title: str) -> None:
    html = page([Document(name, case.text, scored(case))], title)
    found = Reader(html)
    assert set(found.tags) <= TAGS
    assert {name for name, _ in found.attributes} <= ATTRIBUTES
    assert not [c for c in html if is_unseen(c)]
    html.encode("utf-8")
    # The style is of the types' numbers alone: no name of a type gets into it.
    types = numbers([[e.label for e in case.entities]])
    assert found.styles.strip() == style(max(types.values(), default=-1) + 1).strip()


@given(cases(crossing=True))
def test_equal_documents_make_equal_pages(case: Case) -> None:
    forward = Document("1", case.text, scored(case))
    backward = Document("1", case.text, scored(case)[::-1])
    assert page([forward], "t") == page([backward], "t")
    assert table([forward]) == table([backward])


def test_the_golden_pages() -> None:
    assert GOLDEN_ENGLISH in page([ENGLISH], "t")
    assert GOLDEN_CHINESE in page([CHINESE], "t")


def test_the_page_loads_nothing() -> None:
    html = page([ENGLISH, CHINESE], "t")
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    assert policy in html
    assert html.index(policy) < html.index("<style>")
    for loader in ("url(", "@import", "src=", "href=", "<script", "http:", "https:"):
        assert loader not in html


def test_the_legend_counts_the_types_of_each_text() -> None:
    html = page([ENGLISH, CHINESE], "t")
    legend = '<bdi class="key t0">DNA</bdi> 1</li><li><bdi class="key t1">protein</bdi> 2</li>'
    assert legend in html
    assert "2 texts · 6 entities · 5 types" in html


def test_lines_break_where_the_text_does_and_direction_ends_with_it() -> None:
    html = page([Document("1", "a\n\tb\r\u202ec")], "t")
    boxes = '<span class="x">U+000D</span><span class="x">U+202E</span>'
    assert f'dir="auto">a\n\tb{boxes}c</p>' in html
    assert ".text{" in html
    assert "white-space:pre-wrap;unicode-bidi:isolate}" in html


def test_what_is_nested_too_deep_to_draw_is_counted() -> None:
    text = "x" * 40
    nest = [ScoredEntity(Entity(i, 40 - i, "DNA"), 0.5) for i in range(LANES + 2)]
    html = page([Document("1", text, tuple(nest))], "t")
    assert "2 entities below the eighth line: in the table alone." in html
    assert len(Reader(html).entities) == LANES + 2
    assert len(Reader(html).labels) == LANES


def test_a_page_of_nothing_is_a_page() -> None:
    assert "0 texts · 0 entities · 0 types" in page([], "t")
    assert "No entities." in page([Document("1", "")], "t")
    assert Reader(page([Document("1", "")], "")).texts == [""]


def test_a_long_text_with_many_entities() -> None:
    text = "IL-2 基因表达 " * 10_000
    spans = [(i * 20, i * 20 + 15, "DNA") for i in range(2_500)]
    spans += [(i * 20 + 2, i * 20 + 9, "protein") for i in range(2_500)]
    shown = Document("1", text, tuple(ScoredEntity(Entity(*span), 0.5) for span in spans))
    found = Reader(page([shown], "t"))
    assert found.texts == [text]
    assert len(found.entities) == 5_000
    assert len(table([shown]).splitlines()) == 5_002


# Segments, depths, documents


@given(cases(crossing=True))
def test_segments_carry_all_their_entities_the_inner_above_the_outer(case: Case) -> None:
    covers = lanes(scored(case))
    pieces = segments(len(case.text), covers)
    assert "".join(case.text[p.start : p.end] for p in pieces) == case.text
    for piece in pieces:
        around = [
            c for c in covers if c.scored.entity.overlaps(Entity(piece.start, piece.end, "x"))
        ]
        assert set(piece.covers) == set(around)
        drawn = [cover.lane for cover in piece.covers]
        assert drawn == sorted(set(drawn), reverse=True)
        for outer, inner in combinations([c.scored.entity for c in piece.covers], 2):
            assert inner.span == outer.span or not (
                inner.start <= outer.start and outer.end <= inner.end
            )


@given(cases())
def test_depth_is_the_number_of_spans_around(case: Case) -> None:
    spans = {entity.span for entity in case.entities}
    for entity, depth in zip(case.entities, depths(case.entities), strict=True):
        around = {(a, b) for a, b in spans if a <= entity.start and entity.end <= b}
        assert depth == len(around - {entity.span})


@given(cases(crossing=True))
def test_what_is_indented_lies_in_an_entity_above_it(case: Case) -> None:
    found = depths(case.entities)
    for place, (entity, depth) in enumerate(zip(case.entities, found, strict=True)):
        above = zip(case.entities[:place], found[:place], strict=True)
        parents = [o for o, d in above if d == depth - 1 and o.end >= entity.end]
        contained = any(
            o.start <= entity.start and entity.end <= o.end and o.span != entity.span
            for o in case.entities
        )
        assert bool(depth) == contained
        assert bool(parents) or not depth


def test_a_document_refuses_entities_behind_its_text() -> None:
    with pytest.raises(OffsetError, match=r"d7: DNA\[0:5\] ends behind the text of 4 characters"):
        Document("d7", "IL-2", (ScoredEntity(Entity(0, 5, "DNA"), 0.5),))


# Concepts


@st.composite
def linked(draw: st.DrawFn) -> tuple[ScoredEntity, ...]:
    """Entities of "IL-2 gene" with any number of concepts, their names hostile."""
    links = st.builds(
        Link,
        st.sampled_from(["MESH:D001241", 'MESH:"><b>', "javascript:alert(1)", "Mine:<x>&"]),
        texts(6),
        st.floats(0, 1),
    )
    spans = [Entity(0, 4, "protein"), Entity(0, 9, "DNA")]
    return tuple(
        ScoredEntity(entity, 0.5, tuple(draw(st.lists(links, max_size=3)))) for entity in spans
    )


@given(linked())
def test_concepts_stand_in_the_table_and_lead_to_their_source(found_there) -> None:
    shown = Document("1", "IL-2 gene", found_there)
    html = page([shown], "t")
    found = Reader(html)
    assert set(found.tags) <= TAGS | LINKED_TAGS
    assert {name for name, _ in found.attributes} <= ATTRIBUTES | LINKED_ATTRIBUTES
    links = [link for one in shown.scored for link in one.links]
    places = [value for name, value in found.attributes if name == "href"]
    known = {
        "MESH:D001241": "https://identifiers.org/mesh:D001241",
        'MESH:"><b>': "https://identifiers.org/mesh:%22%3E%3Cb%3E",
    }
    assert places == [known[link.id] for link in links if link.id in known]
    if not links:
        assert found.entities == expected_rows(shown)
        return
    cells = ["".join(link.id for link in one.links) for one in shown.scored]
    assert [row[4] for row in found.entities] == cells
    assert [row[:4] + row[5:] for row in found.entities] == expected_rows(shown)
    titles = [value for name, value in found.attributes if name == "title"]
    for link in links:
        assert f"{readable(link.name)}{' ' * bool(link.name)}{link.score:.3f}" in titles
    assert not [c for c in html if is_unseen(c)]
    lines = table([shown]).split("\n")
    assert len(lines) == 4
    assert all(line.isprintable() for line in lines)
    assert [" = " in line for line in lines[2:]] == [bool(one.links) for one in shown.scored]


def test_the_golden_concepts() -> None:
    links = (Link("MESH:D001241", "Aspirin", 0.9), Link("Mine:1", "", 1.0))
    shown = Document("1", "ASA helps", (ScoredEntity(Entity(0, 3, "Drug"), 0.5, links),))
    html = page([shown], "t")
    assert 'title="Drug 0.500 (0–3) Aspirin; Mine:1">ASA</span>' in html
    assert (
        '<td><a href="https://identifiers.org/mesh:D001241" title="Aspirin 0.900" target="_blank" '
        'rel="noreferrer"><bdi>MESH:D001241</bdi></a><br>'
        '<span title="1.000"><bdi>Mine:1</bdi></span></td>'
    ) in html
    assert table([shown]).endswith("Drug  0.500  ASA = MESH:D001241 Aspirin; Mine:1")


# The table


def test_the_golden_table() -> None:
    assert table([ENGLISH, CHINESE]) == GOLDEN_TABLE


@given(cases(crossing=True), texts(6))
def test_the_table_is_aligned_and_only_prints(case: Case, name: str) -> None:
    shown = Document(name, case.text, scored(case))
    lines = table([shown]).split("\n")
    assert all(line.isprintable() for line in lines)
    if not case.entities:
        assert lines[1:] == ["  no entities"]
        return
    assert len(lines) == 2 + len(case.entities)
    column = width(lines[1][: lines[1].index("entity")])
    expected = zip(lines[2:], shown.scored, depths(shown.entities), strict=True)
    for line, one, depth in expected:
        surface = "  " * depth + escaped(one.entity.surface(case.text))
        assert line.endswith(surface)
        before = line[: len(line) - len(surface)]
        assert width(before) == column
        cells = before.split()
        assert cells[:2] == [str(one.entity.start), str(one.entity.end)]
        assert cells[-1] == f"{one.score:.3f}"
        assert one.entity.label in before


@given(texts())
def test_an_escape_can_be_read_back(text: str) -> None:
    shown = escaped(text)
    assert shown.isprintable()
    back = shown.encode("ascii", "backslashreplace").decode("unicode_escape")
    assert back == text


@given(st.text(st.sampled_from("ab心Ａ\u0301é")), st.integers(1, 20))
def test_a_shortened_text_fits(text: str, columns: int) -> None:
    shown = shortened(text, columns)
    assert width(shown) <= columns
    assert shown == text or text.startswith(shown.removesuffix(ELLIPSIS))
    assert (shown == text) == (width(text) <= columns)
    assert width(padded(shown, columns)) == columns


def test_the_excerpt_is_one_line() -> None:
    first = table([Document("1", " a\r\n\x1b[2Jb\u3000c\n")]).split("\n")[0]
    assert first == r"1  a \x1b[2Jb c"


# Colours


def linear(colour: str) -> tuple[float, ...]:
    """Linear-light RGB of #RRGGBB (WCAG 2.2, relative luminance)."""
    channels = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return tuple(c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2."""
    weights = (0.2126, 0.7152, 0.0722)
    light = [sum(w * c for w, c in zip(weights, linear(x), strict=True)) for x in (one, other)]
    return (max(light) + 0.05) / (min(light) + 0.05)


# Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB.
BLINDNESS = {
    "none": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
TO_XYZ = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))


def times(matrix: tuple[tuple[float, ...], ...], vector: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)


def lab(colour: str, blindness: str) -> tuple[float, float, float]:
    """CIELAB under D65 as that eye sees the colour."""
    seen = tuple(min(1.0, max(0.0, c)) for c in times(BLINDNESS[blindness], linear(colour)))
    ratios = (v / n for v, n in zip(times(TO_XYZ, seen), (0.9505, 1.0, 1.089), strict=True))
    x, y, z = (r ** (1 / 3) if r > 0.008856 else 7.787 * r + 16 / 116 for r in ratios)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def test_the_measures_give_published_values() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21.0)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.005)
    assert lab("#FF0000", "none") == pytest.approx((53.24, 80.09, 67.20), abs=0.1)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_contrast_is_enough(theme: Theme) -> None:
    for ground in (theme.paper, theme.card):
        assert contrast(theme.ink, ground) >= 7
        assert contrast(theme.muted, ground) >= 4.5
    for hue, on_hue in zip(theme.hues, theme.on_hues, strict=True):
        assert contrast(hue, theme.card) >= 3
        assert contrast(hue, on_hue) >= 4.5


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("blindness", BLINDNESS)
def test_hues_differ_for_every_eye(theme: Theme, blindness: str) -> None:
    # Okabe and Ito's own eight are 16 apart at the closest, by this measure.
    seen = {hue: lab(hue, blindness) for hue in theme.hues}
    for one, other in combinations(theme.hues, 2):
        distance = sum((a - b) ** 2 for a, b in zip(seen[one], seen[other], strict=True)) ** 0.5
        assert distance >= 14, (one, other)


def test_more_types_than_hues_get_another_line() -> None:
    names = [f"type {number}" for number in range(HUES + 1)]
    assert list(numbers([names]).values()) == list(range(HUES + 1))
    sheet = style(HUES + 1)
    assert f".t0{{--hue:var(--hue0);--on:var(--on0);--line:{LINES[0]}}}" in sheet
    assert f".t{HUES}{{--hue:var(--hue0);--on:var(--on0);--line:{LINES[1]}}}" in sheet


@given(st.lists(st.lists(st.sampled_from("abcdefghij"), max_size=6), max_size=6))
def test_types_that_meet_differ_in_number(groups: list[list[str]]) -> None:
    found = numbers(groups)
    for group in groups:
        assert len({found[name] for name in group}) == len(set(group))


# The examples


def test_the_example_texts_name_known_corpora() -> None:
    path = ROOT / "examples" / "texts.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [set(row) for row in rows] == [{"id", "text", "dataset"}] * 8
    assert len({row["id"] for row in rows}) == 8
    languages = [Document(row["id"], row["text"]).language for row in rows]
    assert languages == [CORPORA[row["dataset"]].language for row in rows]
    assert sorted(languages) == ["en"] * 5 + ["zh"] * 3
    assert all(unicodedata.is_normalized("NFC", row["text"]) for row in rows)
    assert any("[3H]" in row["text"] and "protein: [x]" in row["text"] for row in rows)
