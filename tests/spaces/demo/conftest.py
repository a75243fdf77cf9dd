"""The demo with the embedded model, served on this computer, and a browser that looks at it."""

import gc
import shutil
import warnings

import pytest
from playwright.sync_api import sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
# No profile of the user's, nothing fetched in the background.
OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


@pytest.fixture(scope="session")
def ner():
    from llmner_hf import pipeline

    return pipeline("bioner")


@pytest.fixture(scope="session")
def served(ner, tmp_path_factory):
    """The page, and its address."""
    from llmner_hf.spaces.bioner_demo import app  # gradio, which most test files do without

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        with warnings.catch_warnings():
            # Gradio closes no event loop that it makes: https://github.com/gradio-app/gradio
            warnings.simplefilter("ignore", ResourceWarning)
            blocks = app.page(ner)
            address = app.serve(blocks, ner, wait=False)
            gc.collect()
        yield blocks, address
        blocks.close(verbose=False)


@pytest.fixture(scope="session")
def demo(served):
    """The address of the page."""
    return served[1]


@pytest.fixture(scope="session")
def browser():
    if CHROMIUM is None:
        pytest.skip("no chromium: apt-get install chromium fonts-noto-cjk")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield started
        started.close()


@pytest.fixture
def page(browser, demo):
    """The page in a window of its own; it must ask no other server and show no dialog."""
    context = browser.new_context(accept_downloads=True)
    context.set_default_timeout(20_000)
    opened = context.new_page()
    wrong = []
    opened.on("request", lambda request: wrong.append(request.url))
    opened.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.goto(demo)
    opened.get_by_role("button", name="Annotate", exact=True).wait_for()
    yield opened
    assert [what for what in wrong if not what.startswith((demo, "data:", "blob:"))] == []
    context.close()
