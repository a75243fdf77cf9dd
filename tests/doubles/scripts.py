"""Scripts that stand outside the package, run as `python` runs them."""

import runpy
import sys
from pathlib import Path
from unittest.mock import patch

EMBEDDED = Path(__file__).parents[2] / "recipes" / "embedded"


def run(script, *given):
    """Run a script in this process; its exit code."""
    with patch.object(sys, "argv", [str(script), *map(str, given)]):
        try:
            runpy.run_path(str(script), run_name="__main__")
        except SystemExit as end:
            return end.code
    return 0
