"""The benchmarks run at tiny size, and what they count is what models do."""

import json
from dataclasses import asdict
from importlib import import_module

import pytest
import torch
from torch import nn
from transformers import GlmConfig, GlmForCausalLM

from llmner_hf.core.entities import Entity, EntityType, Example, LabelSet
from llmner_hf.core.schema import Schema
from llmner_hf.corpora import build
from llmner_hf.pipelines.local import EMBEDDED
from llmner_hf.settings import TaggerSettings
from llmner_hf.training.tagger.preparation import Preparation
from llmner_hf.training.tagger.trainer import Collator
from tests.conftest import ROOT
from tests.corpora.test_corpora import bc5cdr

FOLDER = ROOT / "benchmarks"
SCHEMA = Schema("", "en", LabelSet((EntityType("protein"), EntityType("疾病"))))
EXAMPLES = (
    Example("a", "the IL-2 of T cells", (Entity(4, 8, "protein"),), "ours", "en"),
    Example("b", "患者有高血压", (Entity(3, 6, "疾病"),), "ours", "zh"),
    Example("c", "no names here", (), "ours", "en"),
)


@pytest.fixture
def benchmark(monkeypatch):
    """Imports a benchmark by its name, as a script finds its neighbours."""
    monkeypatch.syspath_prepend(FOLDER)
    return import_module


def test_all_ways_of_training_have_one_loss(benchmark, tokens):
    training = benchmark("training")
    preparation = Preparation(tokens, SCHEMA, TaggerSettings(), training.LONGEST)
    rows = [asdict(row) for row in preparation.rows(EXAMPLES)]
    seconds, losses, shape = training.measured(tokens.tokenizer, rows, 3, 64, 1, 1)
    assert list(seconds) == list(losses) == ["TRL, padded", "TRL, packed", "one prefix"]
    assert all(taken > 0 for taken in seconds.values())
    assert losses["one prefix"] == pytest.approx(losses["TRL, padded"], rel=1e-5)
    used = {token for row in rows for token in row["ids"]} | {tokens.tokenizer.pad_token_id}
    assert shape["vocab_size"] == len(used) < len(tokens.tokenizer)


def test_different_losses_stop_the_benchmark(benchmark, tokens, monkeypatch):
    training = benchmark("training")
    rows = [asdict(r) for r in Preparation(tokens, SCHEMA, TaggerSettings(), 512).rows(EXAMPLES)]
    seen = Collator.__call__
    monkeypatch.setattr(
        Collator, "__call__", lambda self, part: seen(self, [{**r, "start": 1} for r in part])
    )
    with pytest.raises(SystemExit, match="the losses differ"):
        training.measured(tokens.tokenizer, rows, 3, 64, 1, 1)


def test_the_work_of_matrices_is_that_of_the_models_weights(benchmark):
    training = benchmark("training")
    shape = training.small(64, 2, 50)
    model = GlmForCausalLM(GlmConfig(**shape, pad_token_id=0, eos_token_id=0))
    head = model.get_output_embeddings()
    linear = [m for m in model.modules() if isinstance(m, nn.Linear) and m is not head]
    parts = training.work(shape, tokens=7, row=11, answers=5)
    assert parts["matrices"] == 2 * 7 * sum(m.weight.numel() for m in linear)
    assert parts["head"] == 2 * 5 * head.weight.numel()
    width = shape["num_attention_heads"] * shape["head_dim"]
    assert parts["scores"] == 2 * 2 * (7 * 11 * width) * 2  # both products, two layers


@pytest.fixture
def corpus(tmp_path):
    """The name of a built corpus in the test's folder."""
    build("bc5cdr_chemical", bc5cdr(tmp_path / "source"), tmp_path / "bc5cdr_chemical")
    return "bc5cdr_chemical"


@pytest.mark.parametrize("forced", [False, True])
def test_every_decoder_of_the_benchmark_writes_the_same(
    benchmark, tmp_path, monkeypatch, capsys, corpus, forced
):
    """It stops where a completion is not the expected one, that of random weights being gold."""
    decoding = benchmark("decoding")
    monkeypatch.setattr(decoding, "CORPORA", (corpus,))
    small = ["--data", str(tmp_path), "--texts", "2", "--batch", "1", "2", "--repeats", "1"]
    random = ["--tokenizer", str(EMBEDDED), "--layers", "1", "--hidden", "128"] if forced else []
    decoding.main([*small, *random, "-o", str(tmp_path)])
    shape, *table, cost = capsys.readouterr().out.splitlines()
    assert shape.startswith("2 texts, ")
    assert "microseconds a row and pass at batch 2" in cost
    stem = "decoding-glm" if forced else "decoding-embedded"
    rows = json.loads((tmp_path / f"{stem}.json").read_text(encoding="utf-8"))
    assert len(table) == 2 + len(rows) == 2 + 2 * (7 + forced) + 1
    assert all((row["passes"] > 0) == row["decoder"].startswith("ours") for row in rows)
    assert (tmp_path / f"{stem}.png").stat().st_size


def test_the_gpu_benchmark_of_decoding_runs_at_tiny_size(benchmark, tmp_path, monkeypatch, corpus):
    gpu = benchmark("decoding_gpu")
    monkeypatch.setattr(gpu, "CORPORA", (corpus,))
    small = ["--tiny", "--texts", "2", "--batch", "2", "--data", str(tmp_path)]
    gpu.main([*small, "--tokenizer", str(EMBEDDED), "-o", str(tmp_path)])
    rows = json.loads((tmp_path / "decoding-gpu.json").read_text(encoding="utf-8"))
    assert [row["decoder"] for row in rows] == ["generate", "ours", "ours, plain drafts"]
    assert all(row["sentences_per_second"] > 0 for row in rows)


def test_the_gpu_benchmark_of_training_runs_at_tiny_size(benchmark, tmp_path, capsys):
    """On a CPU nothing is measured of memory, and the table says so by dashes."""
    lengths = {"made_up": {"prefix": 20, "rows": [[40, 28], [33, 26], [52, 30], [35, 34]]}}
    (tmp_path / "lengths.json").write_text(json.dumps(lengths), encoding="utf-8")
    given = ["--tiny", "--batch", "2", "--lengths", str(tmp_path / "lengths.json")]
    gpu = benchmark("training_gpu")
    gpu.main([*given, "-o", str(tmp_path)])
    table = json.loads((tmp_path / "training-gpu.json").read_text(encoding="utf-8"))
    assert [row["batches"] for row in table] == [*gpu.WAYS] * 2
    assert [row["checkpointing"] for row in table] == [False] * 4 + [True] * 4
    assert len(capsys.readouterr().out.splitlines()) == 2 + 8
    for row in table:
        assert row["examples_per_second"] > 0
        assert (row["estimated_gib"] is not None) == row["batches"].startswith("ours")
        tokens = 160 - 2 * 20 * (row["batches"] == "ours, one prefix")
        assert row["tokens_per_second"] * 4 == pytest.approx(tokens * row["examples_per_second"])
        if not torch.cuda.is_available():
            assert row["gib"] is None


def test_the_batches_of_the_estimate_are_those_of_the_collator(benchmark, tmp_path):
    gpu = benchmark("training_gpu")
    lengths = json.loads(gpu.LENGTHS.read_text(encoding="utf-8"))
    for name in gpu.CORPORA:
        rows = gpu.rows_of(name, lengths[name], 12)
        assert [[len(row["ids"]), row["start"]] for row in rows] == lengths[name]["rows"][:12]
        for pack in (1, 6):
            bench = gpu.Bench(gpu.TINY, None, None, 6, tmp_path)
            made = [Collator(0, pack=pack)(rows[begin : begin + 6]) for begin in (0, 6)]
            for batch, (laid, answers) in zip(made, bench.chunks(rows, pack), strict=True):
                assert batch["input_ids"].shape == (len(laid), max(laid))
                assert (batch["labels"] != -100).sum() == answers


def test_common_names_are_counted_by_kind_of_sentence(benchmark):
    names = benchmark("names")

    def ner(texts, batch_size):
        """Finds aspirin, but not in questions."""
        return [
            [{"word": "aspirin", "entity_group": "Drug"}] if "aspirin" in t and "?" not in t else []
            for t in texts
        ]

    counted = names.found(ner, ["aspirin", "ibuprofen"], names.ENGLISH, "Chemical")
    assert counted == [1, 1, 1, 0, 1]
    assert names.found(ner, ["aspirin"], names.ENGLISH, "Disease") == [0] * 5
