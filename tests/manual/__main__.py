"""``python -m tests.manual PAGE``: a page, run in the current folder, on the Hub of HF_ENDPOINT."""

import sys
from pathlib import Path

import datasets

from tests.manual.running import run

datasets.config.USE_PARQUET_EXPORT = False  # it would ask another host
print(*run(Path(sys.argv[1]), {}), sep="\n")
