"""The selector's cost, as ratios within one run: memory, scoring and scoring against tagging.

In: tagged datasets; the embedded model, with a selector or, where none is given, one of random
weights, which costs the same. Out: three tables. Memory is that of a random GLM, large enough to be
told from the libraries, in processes of their own: the tagger alone, the tagger and a selector on
its base, the tagger and a selector apart. Scoring is against one candidate at a time with its full
input, in the same order, on the tagger's own candidates.

    python benchmarks/selector.py --data data
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import torch
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, GlmConfig, GlmForCausalLM

import llmner_hf
from llmner_hf.core.entities import Entity
from llmner_hf.core.schema import Schema
from llmner_hf.decoding.request import Request
from llmner_hf.pipelines.local import EMBEDDED
from llmner_hf.selector.candidates import Candidate
from llmner_hf.selector.filtering import candidates_of
from llmner_hf.selector.scoring import PackedScorer
from llmner_hf.selector.sharing import selector_at, selector_on
from llmner_hf.selector.storage import from_backbone
from llmner_hf.settings import SelectorSettings

CORPORA = ("genia", "bc5cdr_chemical", "cmeee_v2")
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_up_proj", "down_proj"]
SETTINGS = SelectorSettings(reading="twice", style="brief", markers=("[", "]"))
SCHEMA = Schema.of_corpus("genia")


def random_selector(base: Path, folder: Path, settings: SelectorSettings = SETTINGS) -> Path:
    """An adapter as `recipes/selector/embedded.yaml` trains it, of random weights."""
    tokenizer = AutoTokenizer.from_pretrained(base)
    markers = tokenizer.convert_tokens_to_ids(list(SETTINGS.markers))
    lora = LoraConfig(
        r=32,
        target_modules=TARGETS,
        modules_to_save=["fc_cls"],
        trainable_token_indices={"embed_tokens": markers},
    )
    get_peft_model(from_backbone(str(base)), lora).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    settings.save(folder)
    return folder


def random_base(folder: Path) -> Path:
    """A GLM of a hundred million parameters in fp32 with the embedded model's tokenizer."""
    config = GlmConfig(
        vocab_size=12_000,
        hidden_size=768,
        intermediate_size=3072,
        num_hidden_layers=10,
        num_attention_heads=12,
        num_key_value_heads=12,
        head_dim=64,
        pad_token_id=0,
        eos_token_id=0,
    )
    GlmForCausalLM(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(EMBEDDED).save_pretrained(folder)
    return folder


def loaded(kind: str, base: Path, place: Path) -> None:
    """What a process of its own does: load, use both models, print parameters and peak."""
    causal = AutoModelForCausalLM.from_pretrained(base)
    parameters = {id(p): p.numel() for p in causal.parameters()}
    if kind != "tagger":
        selector = selector_on(causal, place) if kind == "shared" else selector_at(place)
        judge = models_of(selector.scorer)
        parameters |= {id(p): p.numel() for p in judge.parameters()}
        selector.probabilities([Candidate("IL-2 gene", Entity(0, 4, "protein"), SCHEMA)])
    causal(torch.tensor([[1, 2, 3]]))  # weights are read from the file when they are used
    print(f"{sum(parameters.values()) / 1e6:.1f} {peak():.0f}")


def peak() -> float:
    """The most resident memory so far, in MiB; `getrusage` would also count the parent's."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 2**10


def models_of(scorer: Any) -> torch.nn.Module:
    """The model behind a scorer."""
    cells = [cell.cell_contents for cell in scorer.judge.__closure__]
    return next(cell for cell in cells if isinstance(cell, torch.nn.Module))


def memory(folder: Path) -> None:
    """Print parameters and peak memory of one base and of two models."""
    base = random_base(folder / "base")
    place = random_selector(base, folder / "selector")
    print("| what | parameters (million) | peak MiB |\n|---|---|---|")
    for kind in ("tagger", "shared", "apart"):
        command = [sys.executable, __file__, "--kind", kind, "--places", str(base), str(place)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        million, peak = done.stdout.split()[-2:]
        print(f"| {kind} | {million} | {peak} |", flush=True)


def seconds(work: Any, repeats: int = 3) -> float:
    """The median time of a function, after one call that does not count."""
    work()
    times = []
    for _ in range(repeats):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return median(times)


@torch.inference_mode()
def one_by_one(scorer: PackedScorer, candidates: list[Any]) -> list[float]:
    """The rival: each candidate alone, with its full input."""
    model = models_of(scorer)
    found = []
    for candidate in candidates:
        written = scorer.written(candidate)
        ids, positions = torch.tensor([[*written.ids]]), torch.tensor([[*written.positions]])
        found.append(model(input_ids=ids, position_ids=positions).logits.item())
    return found


def speed(ner: llmner_hf.BioNerPipeline, data: Path, texts: int) -> None:
    """Print the speed of scoring, and its cost beside that of tagging, for each corpus."""
    selector: Any = ner.selector
    head = ("corpus", "texts", "candidates", "tagging s", "scoring s", "scoring / tagging")
    head += ("one by one s", "one by one / scoring")
    print("\n| " + " | ".join(head) + " |\n" + "|---" * len(head) + "|")
    for name in CORPORA:
        split = load_dataset(str(data / name), split="test").select(range(texts))
        schema = ner.settings.schema(name)
        requests = [Request(row["id"], row["text"], schema) for row in split]
        predictions = ner.decoder.decode(requests)
        candidates = candidates_of(predictions, [r.text for r in requests], [schema] * texts)
        alone, packed = one_by_one(selector.scorer, candidates), selector.scorer.logits(candidates)
        worst = max(abs(x - y) for x, y in zip(alone, packed, strict=True))
        if worst > 1e-3:
            raise RuntimeError(f"{name}: logits differ by {worst}")
        tagging = seconds(lambda r=requests: ner.decoder.decode(r))
        scoring = seconds(lambda c=candidates: selector.scorer.logits(c))
        single = seconds(lambda c=candidates: one_by_one(selector.scorer, c), 1)
        row = (name, texts, len(candidates), f"{tagging:.2f}", f"{scoring:.2f}")
        ratios = (f"{scoring / tagging:.2f}", f"{single:.2f}", f"{single / scoring:.1f}")
        print("| " + " | ".join(map(str, row + ratios)) + " |", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--selector", help="on the embedded model; random weights if absent")
    parser.add_argument(
        "--style",
        choices=("brief", "prefix"),
        default="brief",
        help="of a random selector's prompts",
    )
    parser.add_argument("--texts", type=int, default=64)
    parser.add_argument("--no-memory", action="store_true", help="speed alone")
    parser.add_argument("--kind", help=argparse.SUPPRESS)
    parser.add_argument("--places", type=Path, nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.kind:
        loaded(given.kind, *given.places)
        return
    with TemporaryDirectory() as folder:
        if not given.no_memory:
            memory(Path(folder))
        asked = replace(SETTINGS, style=given.style)
        place = given.selector or random_selector(EMBEDDED, Path(folder, "embedded"), asked)
        speed(llmner_hf.pipeline("bioner", selector=str(place)), given.data, given.texts)


if __name__ == "__main__":
    main()
