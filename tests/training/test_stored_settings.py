"""Settings that were saved before load, and are written in the same form."""

import json

import pytest

from llmner_hf.settings import SELECTOR_FILE, TAGGER_FILE, SelectorSettings, TaggerSettings
from tests.conftest import ROOT

EMBEDDED = ROOT / "llmner_hf" / "embedded"


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        (TaggerSettings, EMBEDDED / TAGGER_FILE),
        (SelectorSettings, EMBEDDED / "selector" / SELECTOR_FILE),
    ],
)
def test_the_embedded_model_s_files_keep_their_keys_and_their_order(kind, place, tmp_path):
    settings = kind.load(place)
    settings.save(tmp_path)
    written = json.loads((tmp_path / place.name).read_text(encoding="utf-8"))
    before = json.loads(place.read_text(encoding="utf-8"))
    later = written.keys() - before.keys()  # of keys that are newer than the file
    assert not any(written[name] for name in later)
    kept = {name: value for name, value in written.items() if name not in later}
    assert kept == before
    assert [*kept] == [*before]
    assert kind.load(tmp_path / place.name) == settings


def test_keys_come_in_the_order_in_which_they_always_came(tmp_path):
    TaggerSettings().save(tmp_path)
    SelectorSettings().save(tmp_path)
    assert [*json.loads((tmp_path / TAGGER_FILE).read_text())] == [
        *("strategy", "style", "max_depth", "every_type", "lines_apart", "bracket_bias", "weights"),
        *("confidence", "gazetteer", "cuts", "schemas", "defaults"),
    ]
    assert [*json.loads((tmp_path / SELECTOR_FILE).read_text())] == [
        *("reading", "style", "definition", "evidence", "lines_apart", "markers"),
        *("threshold", "thresholds", "temperature"),
    ]
