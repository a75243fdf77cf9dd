"""``llmner --version``."""

import pytest

import llmner_hf
from llmner_hf.cli import main


def test_the_version_is_said(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"llmner_hf {llmner_hf.__version__}\n"
    assert llmner_hf.__version__[0].isdecimal()
