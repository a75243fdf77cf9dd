"""The core runs with nothing installed."""

import subprocess
import sys

# -I and -S: no environment variables, no site-packages; then every module of the core.
from tests.conftest import ROOT

CODE = f"""
import importlib, pkgutil, sys
sys.path.insert(0, {str(ROOT)!r})
import llmner_hf.core
names = [m.name for m in pkgutil.walk_packages(llmner_hf.core.__path__, "llmner_hf.core.")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""


def test_every_module_of_the_core_imports_without_site_packages():
    command = [sys.executable, "-I", "-S", "-c", CODE]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) > 20
