"""The colours of the types, on light and on dark pages, and the style of the page.

The eight hues are those of Okabe and Ito (2008), shifted in lightness: as published, yellow and
orange stand at 1.3:1 and 2.3:1 on white, where WCAG 2.2 asks 3:1 of a line (1.4.11). Tests hold
every line to 3:1 and every text to 4.5:1 (1.4.3), and any two hues apart for the three kinds of
colour blindness. Within a text the ninth type begins again with a dashed line; the name of a type
always stands beside its colour.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count

from llmner_hf.rendering.segments import LANES


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of one colour scheme, as #RRGGBB.

    Attributes:
        hues: the lines and labels of the types.
        on_hues: the text on a label of each hue.
        muted: text of less weight; rule: hairlines, which carry no information.
    """

    paper: str
    card: str
    ink: str
    muted: str
    rule: str
    hues: tuple[str, ...]
    on_hues: tuple[str, ...]


_WHITE, _BLACK = "#FFFFFF", "#000000"

LIGHT = Theme(
    paper="#F6F6F3",
    card="#FFFFFF",
    ink="#1B1D21",
    muted="#5B6069",
    rule="#DDDDD6",
    hues=(
        "#0058B8", "#C03A00", "#0A7F55", "#D9549F", "#AC9000", "#3A98EC", "#5C3A0A", "#55585C",
    ),
    on_hues=(_WHITE, _WHITE, _WHITE, _BLACK, _BLACK, _BLACK, _WHITE, _WHITE),
)  # fmt: skip

DARK = Theme(
    paper="#101215",
    card="#16191D",
    ink="#E7E8EA",
    muted="#A3A9B2",
    rule="#30353C",
    hues=(
        "#2A78E4", "#CF5200", "#12A078", "#DD62AE", "#E69F00", "#56B4E9", "#F5E663", "#E2E2E2",
    ),
    on_hues=(_BLACK,) * 8,
)  # fmt: skip

HUES = len(LIGHT.hues)
LINES = ("solid", "dashed", "dotted", "double")

_PAGE = """\
:root{color-scheme:light dark}
*{box-sizing:border-box}
body{margin:0 auto;max-width:62rem;padding:2rem 1.25rem 4rem;background:var(--paper);
color:var(--ink);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",
"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif;overflow-wrap:anywhere}
h1{margin:0;font-size:1.6rem;line-height:1.25;letter-spacing:-.01em}
header p,footer{margin:.25rem 0 0;color:var(--muted);font-size:.875rem}
@media(max-width:36rem){body{padding:1.25rem .75rem 3rem}}
@media print{body{background:none}}
"""

_ARTICLES = """\
h2{margin:0;font-size:.95rem;font-weight:600}
.note,summary{margin:.25rem 0 0;color:var(--muted);font-size:.875rem}
article{margin-top:1.25rem;padding:1.1rem 1.25rem;background:var(--card);
border:1px solid var(--rule);border-radius:.75rem}
.head{display:flex;flex-wrap:wrap;gap:.35rem 1rem;align-items:baseline}
.legend{display:flex;flex-wrap:wrap;gap:.2rem .9rem;margin:0;padding:0;list-style:none;
color:var(--muted);font-size:.8125rem}
.key{padding-bottom:.1rem;border-bottom:.1875rem var(--line) var(--hue);color:var(--ink)}
.text{margin:.7rem 0 .8rem;font-size:1.0625rem;white-space:pre-wrap;unicode-bidi:isolate}
.e{border-bottom:.15625rem var(--line) var(--hue)}
.e[data-type]::after{content:"\\2060" attr(data-type);margin:0 .15em 0 .25em;padding:.05em .4em;
border-radius:.35em;background:var(--hue);color:var(--on);font-size:.625em;line-height:1;
font-weight:600;letter-spacing:.01em;vertical-align:.45em;white-space:nowrap;unicode-bidi:isolate}
.x{margin:0 .1em;padding:0 .25em;border:1px dashed var(--muted);border-radius:.25em;
color:var(--muted);font:.7em ui-monospace,Consolas,monospace;unicode-bidi:isolate}
summary{cursor:pointer;width:fit-content}
.scroll{overflow-x:auto}
table{margin-top:.6rem;border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums}
th,td{padding:.35rem 1.1rem .45rem 0;border-top:1px solid var(--rule);text-align:start;
vertical-align:top}
th{border:0;color:var(--muted);font-weight:500}
.n{text-align:end}
td:nth-child(3){white-space:nowrap}
td a{color:inherit}
td:last-child{min-width:9rem;padding-inline-end:0;white-space:pre-wrap}
@media(max-width:36rem){article{padding:.9rem .9rem}th,td{padding-inline-end:.75rem}}
@media print{article{break-inside:avoid}.e[data-type]::after{print-color-adjust:exact}}
"""


def numbers(texts: Iterable[Iterable[str]]) -> dict[str, int]:
    """A number for each type, the same in all texts: of its hue, its line and its class.

    The argument holds the types of each text. Types that never meet in a text may share a number,
    or a page of English and Chinese texts would run out of hues that no single text needs.

    >>> numbers([["DNA", "protein"], ["身体", "疾病"], ["protein", "疾病"]])
    {'DNA': 0, 'protein': 1, '身体': 0, '疾病': 2}
    """
    beside: defaultdict[str, set[str]] = defaultdict(set)
    for types in texts:
        present = dict.fromkeys(types)
        for name in present:
            beside[name].update(present)
    found: dict[str, int] = {}
    for name, others in beside.items():
        taken = {found[other] for other in others if other in found}
        found[name] = next(number for number in count() if number not in taken)
    return found


def _variables(theme: Theme) -> str:
    plain = {name: getattr(theme, name) for name in ("paper", "card", "ink", "muted", "rule")}
    hues = {f"hue{number}": hue for number, hue in enumerate(theme.hues)}
    on_hues = {f"on{number}": colour for number, colour in enumerate(theme.on_hues)}
    pairs = {**plain, **hues, **on_hues}.items()
    return ";".join(f"--{name}:{value}" for name, value in pairs)


def _type_rule(number: int) -> str:
    hue, line = number % HUES, LINES[number // HUES % len(LINES)]
    return f".t{number}{{--hue:var(--hue{hue});--on:var(--on{hue});--line:{line}}}"


def _article_rules(types: int) -> list[str]:
    """``l0`` is the lane right under the text, ``d2`` a text with two, ``i1`` an indented cell."""
    rules = [_ARTICLES]
    rules += [_type_rule(number) for number in range(types)]
    rules += [f".l{lane}{{padding-bottom:{lane * 0.3125:g}rem}}" for lane in range(LANES)]
    rules += [f".d{used}{{line-height:{2 + used * 0.3125:g}rem}}" for used in range(LANES + 1)]
    rules += [f".i{depth}{{padding-inline-start:{depth}.25rem}}" for depth in range(1, LANES + 1)]
    return rules


def style(types: int) -> str:
    """The style sheet of a page with that many numbers of types: class ``t0`` is the first.

    >>> ".t9{--hue:var(--hue1);--on:var(--on1);--line:dashed}" in style(10)
    True
    """
    rules = [_PAGE, f":root{{{_variables(LIGHT)}}}"]
    rules += [f"@media(prefers-color-scheme:dark){{:root{{{_variables(DARK)}}}}}"]
    return "\n".join([*rules, *_article_rules(types)])


def style_within(scope: str, dark: str, types: int) -> str:
    """The style sheet of articles inside another page, which decides when it is dark.

    Args:
        scope: the selector of the element that holds the articles; nothing outside is touched.
        dark: the selector of that element while the page is dark.
        types: see ``style``.

    >>> style_within(".own", ".dark .own", 1).startswith(".own{--paper:#F6F6F3;")
    True
    """
    rules = [f"{scope}{{{_variables(LIGHT)}}}", f"{dark}{{{_variables(DARK)}}}"]
    return "\n".join([*rules, f"{scope}{{", *_article_rules(types), "}"])
