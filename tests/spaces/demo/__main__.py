"""Screenshots: ``python -m tests.spaces.demo FOLDER``, light and dark, wide and narrow."""

import re
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from llmner_hf import pipeline
from llmner_hf.spaces.bioner_demo import app
from tests.spaces.demo.conftest import CHROMIUM, OPTIONS

WIDTHS = {"wide": 1280, "phone": 390}
EXAMPLES = ("Nested genes and proteins", "儿科病历")


def take(browser, address, path, example, **look):
    """Annotate an example and save what a visitor sees of it."""
    page = browser.new_page(**look)
    page.goto(address)
    page.get_by_role("button", name=example).click()
    page.get_by_role("textbox", name=re.compile("^Types")).wait_for()
    page.get_by_role("button", name="Annotate", exact=True).click()
    page.locator(".bioner table").wait_for()
    page.get_by_label("number input for Least score").fill("0.2")
    page.get_by_text("of 0.20 or more").wait_for()
    page.mouse.move(0, 0)
    page.wait_for_timeout(500)  # transitions
    page.screenshot(path=path, full_page=True)
    page.close()


def main(folder):
    """All of them."""
    folder.mkdir(parents=True, exist_ok=True)
    ner = pipeline("bioner")
    blocks = app.page(ner)
    address = app.serve(blocks, ner, wait=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        for scheme, example in zip(("light", "dark"), EXAMPLES, strict=True):
            for name, width in WIDTHS.items():
                look = {"color_scheme": scheme, "viewport": {"width": width, "height": 844}}
                take(browser, address, folder / f"{scheme}-{name}.png", example, **look)
        browser.close()
    blocks.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
