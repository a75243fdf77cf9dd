"""The page of the metric's Space: a table in, the scores out."""

from __future__ import annotations

from pathlib import Path

import evaluate
from evaluate.utils import launch_gradio_widget

# By file, not by folder: in a Space the folder is called "app", and `evaluate.load(folder)` looks
# for a module of the folder's name.
METRIC = Path(__file__).with_name("bioner_strict.py")

if __name__ == "__main__":
    launch_gradio_widget(evaluate.load(str(METRIC)))
