"""Decoding speed of a 9B GLM on a GPU, against ``generate`` and against the roofline.

In: tagged datasets, the tokenizer of GLM-4. Out: sentences a second for each corpus and batch size.
The weights are random, in bf16 (in fp32 on a CPU), and every decoder is made to write the gold
completion, so that lengths and brackets are real, while all computation is done. The roofline is
what the weights and the tokens computed would take if nothing else did: weights over bandwidth for
every pass, or floating-point operations over rate, whichever is more.

    python benchmarks/decoding_gpu.py --data data --tokenizer FOLDER -o runs/benchmark
    python benchmarks/decoding_gpu.py --data data --tokenizer FOLDER --tiny -o runs/benchmark
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from datasets import load_dataset
from decoding import CORPORA, Case
from transformers import AutoTokenizer, GlmConfig, GlmForCausalLM

from llmner_hf.core.mentions import Dictionary
from llmner_hf.corpora.rows import to_example
from llmner_hf.settings import MENTION_SHARE, TaggerSettings

# zai-org/glm-4-9b-chat-hf, config.json.
GLM_4_9B = {
    "hidden_size": 4096,
    "intermediate_size": 13_696,
    "num_hidden_layers": 40,
    "num_attention_heads": 32,
    "num_key_value_heads": 2,
    "head_dim": 128,
    "vocab_size": 151_552,
}
TINY = GLM_4_9B | {
    "hidden_size": 128,
    "intermediate_size": 256,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "head_dim": 32,
}


def build(tokenizer: Any, shape: dict[str, int], device: str) -> Any:
    """The model of random weights, made on the device."""
    torch.manual_seed(0)
    config = GlmConfig(
        **shape, pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id
    )
    torch.set_default_dtype(torch.bfloat16 if device == "cuda" else torch.float32)
    with torch.device(device):
        model = GlmForCausalLM(config)
    torch.set_default_dtype(torch.float32)
    return model.eval()


def seconds(run: Any) -> tuple[float, int]:
    """Seconds of the second of two runs, and what it returned."""
    run()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    started = perf_counter()
    result = run()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return perf_counter() - started, result


def gibibytes() -> float:
    """The peak of GPU memory since the last run began."""
    return torch.cuda.max_memory_allocated() / 2**30 if torch.cuda.is_available() else 0.0


def main(argv: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--tokenizer", required=True, help="folder of glm-4-9b-chat-hf's")
    parser.add_argument("--tiny", action="store_true", help="two narrow layers: does it run?")
    parser.add_argument("--texts", type=int, default=256, help="of each corpus")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8, 32, 128])
    parser.add_argument("--bandwidth", type=float, default=4.8e12, help="bytes a second (H200)")
    parser.add_argument("--rate", type=float, default=989e12, help="operations a second (H200)")
    parser.add_argument("-o", "--out", type=Path, required=True)
    given = parser.parse_args(argv)
    given.out.mkdir(parents=True, exist_ok=True)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer = AutoTokenizer.from_pretrained(given.tokenizer)
    model = build(tokenizer, TINY if given.tiny else GLM_4_9B, device)
    weights = sum(p.numel() for p in model.parameters())
    size = sum(p.numel() * p.element_size() for p in model.parameters())
    rows = []
    print("| corpus | batch | decoder | sentences/s | times generate | of roofline | GiB |")
    print("|---|---|---|---|---|---|---|")
    for name in CORPORA:
        splits = load_dataset(str(given.data / name))
        count = min(given.texts, len(splits["test"]))
        examples = {name: [to_example(row) for row in splits["test"].select(range(count))]}
        known = map(to_example, splits["train"])
        dictionary = Dictionary.learn(known, MENTION_SHARE)
        for batch in given.batch:
            # A batch of one needs no more texts than others need batches to be measured.
            part = {name: examples[name][: max(16, 2 * batch)]}
            case = Case(model, tokenizer, TaggerSettings(), part, dictionary, forced=True)
            texts = len(case.requests)
            tokens = sum(len(r.prompt) for r in case.rows) + sum(map(len, case.written))
            runs = {
                "generate": case.generate(batch, constrained=False),
                "ours": case.ours(batch),
                "ours, plain drafts": case.ours(batch, plain=True),
            }
            base = 0.0
            for decoder, run in runs.items():
                taken, passes = seconds(run)
                base = base or taken
                # What a perfect machine needs for the passes made, and for the tokens once.
                least = max(
                    max(passes, 1) * size / given.bandwidth, 2 * weights * tokens / given.rate
                )
                row = {
                    "corpus": name,
                    "batch": batch,
                    "decoder": decoder,
                    "sentences_per_second": texts / taken,
                    "passes": passes,
                    "times_generate": base / taken,
                    "of_roofline": least / taken,
                    "gib": gibibytes(),
                }
                rows.append(row)
                print(
                    f"| {name} | {batch} | {decoder} | {texts / taken:.2f} | {base / taken:.1f} | "
                    f"{least / taken:.0%} | {row['gib']:.1f} |",
                    flush=True,
                )
            (given.out / "decoding-gpu.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
