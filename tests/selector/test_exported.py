"""An exported selector judges alike where this package, PEFT and TRL are not installed."""

import json
import os
import subprocess
import sys

import pytest
import torch

from llmner_hf.selector.storage import export, load
from tests.doubles.elsewhere import without
from tests.doubles.selecting import adapter_on

ELSEWHERE = without(
    ("llmner_hf", "peft", "trl", "datasets", "evaluate"),
    """
import torch
from transformers import AutoModelForSequenceClassification

folder, ids, trusted = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3] == "yes"
model = AutoModelForSequenceClassification.from_pretrained(
    folder, trust_remote_code=trusted
).eval()
with torch.no_grad():
    logits = model(input_ids=torch.tensor(ids)).logits
assert not [name for name in sys.modules if name.partition(".")[0] in HIDDEN]
print(json.dumps(logits.sigmoid().tolist()))
""",
)


@pytest.fixture(scope="module")
def exported(tokenizer, tagger_folder, tmp_path_factory):
    """An adapter of random weights, and its export."""
    adapter = adapter_on(tagger_folder, tmp_path_factory.mktemp("adapter"), tokenizer)
    out = tmp_path_factory.mktemp("exported")
    export(adapter, out)
    return adapter, out


def elsewhere(folder, ids, trusted, home):
    # The caches are this test's own; nothing else of the environment says where the package is.
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    return subprocess.run(
        [sys.executable, "-I", "-c", ELSEWHERE, str(folder), json.dumps(ids), trusted],
        env=kept | {"HF_HOME": str(home), "HF_HUB_OFFLINE": "1"},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_an_export_needs_transformers_and_torch_alone(exported, tmp_path):
    adapter, out = exported
    ids = torch.randint(4, 300, (4, 12)).tolist()
    model, _, settings = load(adapter)
    with torch.no_grad():
        wanted = model(input_ids=torch.tensor(ids)).logits.sigmoid()
    assert wanted.std() > 1e-3
    done = elsewhere(out, ids, "yes", tmp_path)
    assert done.returncode == 0, done.stderr
    assert torch.allclose(torch.tensor(json.loads(done.stdout)), wanted, atol=1e-6)
    assert sorted(p.name for p in out.glob("*.py")) == ["configuration.py", "modeling.py"]
    assert load(out)[2] == settings


def test_without_trust_it_is_refused_loudly(exported, tmp_path):
    done = elsewhere(exported[1], [[5]], "no", tmp_path)
    assert done.returncode != 0
    assert "trust_remote_code" in done.stderr
