"""The page in a real browser: what a visitor does, and what a visitor may try."""

import json
import re
import time
import zipfile

import pytest
from playwright.sync_api import expect

from llmner_hf.readers import brat, json_lines, pubtator
from llmner_hf.spaces.bioner_demo import inputs

ENGLISH = "The IL-2 gene promoter binds NF-kappa B. Aspirin relieves headache in T cells."
CHINESE = "患者有高血压，服用阿司匹林。左肺炎症，予青霉素。"


def annotate(page, text, choice=None):
    """Fill in the text and the types, and wait for the answer."""
    if choice:
        page.get_by_label("Entity types").click()
        page.get_by_role("option", name=choice).click()
    page.get_by_role("textbox", name="Text").fill(text)
    ask(page, "Annotate")


def types_box(page):
    """Its label goes on with a hint."""
    return page.get_by_role("textbox", name=re.compile("^Types"))


def ask(page, button):
    """Press a button and wait until the view has changed."""
    page.evaluate("document.querySelector('.bioner .note').dataset.old = ''")
    page.get_by_role("button", name=button, exact=True).click()
    page.locator(".bioner .note:not([data-old])").first.wait_for()


def rows(page):
    """The rows of the table: start, end, type, score."""
    cells = page.locator(".bioner tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => cell.innerText))"
    )
    return [(int(row[0]), int(row[1]), row[2], row[3]) for row in cells]


def found(ner, text, **options):
    return [
        (e["start"], e["end"], e["entity_group"], f"{e['score']:.3f}") for e in ner(text, **options)
    ]


def test_an_english_and_a_chinese_text(page, ner):
    annotate(page, ENGLISH, "GENIA")
    assert rows(page) == found(ner, ENGLISH, dataset="genia") != []
    assert page.locator(".bioner .text").inner_text() == ENGLISH
    annotate(page, CHINESE, "Automatic")
    assert rows(page) == found(ner, CHINESE) != []
    assert page.locator(".bioner .text").get_attribute("lang") == "zh"


def test_an_example_fills_in_the_form(page, ner):
    page.get_by_role("button", name="Drugs").click()
    box = page.get_by_role("textbox", name="Text")
    types_box(page).wait_for()
    ask(page, "Annotate")
    assert rows(page) == found(ner, box.input_value(), dataset="bc5cdr_chemical") != []


def test_the_threshold_hides_at_once_and_asks_no_model(page, ner):
    annotate(page, ENGLISH, "GENIA")
    everything, asked = rows(page), ner.call_count
    colours = hues(page)
    limit = sorted(float(row[3]) for row in everything)[len(everything) // 2]
    begun = time.perf_counter()
    page.get_by_label("number input for Least score").fill(f"{limit - 0.005:.2f}")
    expected = [row for row in everything if float(row[3]) >= round(limit - 0.005, 2)]
    page.wait_for_function(
        "n => document.querySelectorAll('.bioner tbody tr').length == n", arg=len(expected)
    )
    assert time.perf_counter() - begun < 2
    assert rows(page) == expected != everything
    assert ner.call_count == asked
    assert hues(page).items() <= colours.items()


def test_a_long_text_shows_how_far_it_is(page):
    page.get_by_role("textbox", name="Text").fill("Aspirin relieves headache. " * 200)
    page.get_by_role("button", name="Annotate", exact=True).click()
    page.get_by_text(re.compile(r"\d+/200\s+sentences")).first.wait_for(timeout=60_000)
    page.get_by_text(re.compile("have a score of")).wait_for(timeout=60_000)
    assert page.get_by_text("/200").count() == 0


def hues(page):
    """The colour of each type in the legend."""
    return dict(
        page.locator(".bioner .legend .key").evaluate_all(
            "keys => keys.map(key => [key.innerText, getComputedStyle(key).borderBottomColor])"
        )
    )


def test_types_of_ones_own(page, ner):
    page.get_by_label("Entity types").click()
    page.get_by_role("option", name="My own types").click()
    types_box(page).fill("Disease: a disorder\nProtein of mine")
    annotate(page, ENGLISH)
    own = {"Disease": "a disorder", "Protein of mine": ""}
    assert rows(page) == found(ner, ENGLISH, entity_types=own) != []


def test_what_is_shown_is_what_is_downloaded(page, tmp_path):
    annotate(page, ENGLISH + "\nLithium.", "BC5CDR")
    spans = [row[:3] for row in rows(page)]
    read = {}
    for name in ("JSON", "PubTator", "brat"):
        page.locator(".gradio-container button:enabled, a", has_text=name).first.wait_for()
        with page.expect_download() as download:
            page.get_by_role("button", name=name, exact=True).click()
        read[name] = tmp_path / download.value.suggested_filename
        download.value.save_as(read[name])
    zipfile.ZipFile(read["brat"]).extractall(tmp_path / "brat")
    readings = (
        json_lines.read(read["JSON"], dataset="", language="en"),
        pubtator.read(read["PubTator"], dataset="", language="en"),
        brat.read(tmp_path / "brat", dataset="", language="en"),
    )
    for reading in readings:
        (example,) = reading.examples
        assert [(*e.span, e.label) for e in example.entities] == spans != []


def test_a_file_of_several_texts(page, ner, tmp_path):
    texts = {"a": "Lithium and aspirin.", "b": CHINESE}
    lines = [json.dumps({"id": name, "text": text}) for name, text in texts.items()]
    (tmp_path / "two.jsonl").write_text("\n".join(lines))
    page.get_by_role("tab", name="File").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Click to upload or drop files").click()
    chooser.value.set_files(tmp_path / "two.jsonl")
    page.get_by_text("two.jsonl").wait_for()
    ask(page, "Annotate the file")
    assert page.locator(".bioner h2").all_inner_texts() == ["a", "b"]
    assert rows(page) == [row for text in texts.values() for row in found(ner, text)]


HOSTILE = (
    "<script>window.hacked = 1</script> IL-2",
    "<img src=x onerror='window.hacked = 1'> IL-2 </article></div>",
    "${window.hacked = 1} {{constructor.constructor('window.hacked = 1')()}} `IL-2`",
    "\u05e9\u05dc\u05d5\u05dd IL-2 \u0645\u0631\u062d\u0628\u0627 T cells",
    "👩\u200d🔬 measured IL-2 in 🧬 \U00020000 cells",
)


def test_a_text_is_data(page):
    for text in HOSTILE:
        annotate(page, text, "GENIA")
        # \u2060 and labels are of the style sheet and no part of the text.
        # Waited for: the view may be drawn once more with what it held.
        expect(page.locator(".bioner .text")).to_have_js_property("textContent", text)
    assert page.locator(".bioner :is(script, img)").count() == 0
    assert page.evaluate("window.hacked") is None


def test_a_name_is_data_and_a_refusal_shows_it(page):
    page.get_by_label("Entity types").click()
    page.get_by_role("option", name="My own types").click()
    types_box(page).fill("<img src=x onerror='window.hacked = 1'>")
    annotate(page, ENGLISH)
    alert = page.locator(".bioner [role=alert]")
    assert "type name \"<img src=x onerror='window.hacked = 1'>\"" in alert.inner_text()
    assert page.locator(".bioner img").count() == 0
    assert page.evaluate("window.hacked") is None


@pytest.mark.parametrize("text", ["IL-2 gene. " * 1_000_000, "[" * 1_000_000], ids=["10 MB", "[["])
def test_the_page_survives_what_is_too_long(page, text):
    """Pasted, and put there by a program, which no browser cuts; both are refused at once."""
    box = page.get_by_role("textbox", name="Text")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("text => navigator.clipboard.writeText(text)", text)
    begun = time.perf_counter()
    box.press("ControlOrMeta+v")
    assert len(box.input_value()) == 2 * inputs.MOST_CHARACTERS + 1
    ask(page, "Annotate")
    assert "longer than 20,000 characters" in page.locator(".bioner [role=alert]").inner_text()
    assert time.perf_counter() - begun < 5
    box.evaluate("box => { box.value = ''; box.dispatchEvent(new Event('input')) }")
    annotate(page, "Aspirin.", "BC5CDR")
    assert len(rows(page)) == 1
