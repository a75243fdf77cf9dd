"""``llmner demo``: the page of the demo, served on this computer."""

from __future__ import annotations

import argparse

from llmner_hf.core.errors import RunError

NAME = "demo"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("--model", help="folder or Hub id; the embedded model if absent")
    parser.add_argument("--revision", help="branch, tag or commit of --model on the Hub")
    parser.add_argument("--selector", help="folder or Hub id of a selector; none if absent")
    parser.add_argument("--port", type=int, help="the first free one from 7860 if absent")


def run(given: argparse.Namespace, _: list[str]) -> None:
    """``llmner demo``."""
    try:
        from llmner_hf.spaces.bioner_demo.app import launch
    except ModuleNotFoundError as error:
        raise RunError(f"{error}; the demo needs pip install 'llmner_hf[demo]'") from None
    launch(given.model, given.selector, given.port, given.revision)
