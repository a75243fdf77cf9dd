"""Decoding speed, as ratios within one run: ours against ``generate`` and against the limit.

In: a tagged dataset in English and one in Chinese, and either the embedded model or a GLM of a few
layers with random weights and a real tokenizer. Out: a table, and a curve over the batch size.

The rivals are (a) plain ``generate``, (b) ``generate`` with the constraint, (c) ``generate`` with
prompt lookup, one text at a time, and (d) the limit: one pass over prompts and finished outputs,
without the output matrix. Ours also scores, which in a small model with a large vocabulary is much
of the work. All rivals are made to write what ours does, doing all their computation:
``generate`` knows neither gazetteers nor lines apart. Where the weights are random, ours is made to
write the gold completion, so that lengths and brackets are real; hints then show nothing and are
worth nothing.

    python benchmarks/decoding.py --data data -o runs/benchmark
    python benchmarks/decoding.py --data data --tokenizer FOLDER -o runs/benchmark
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any
from unittest.mock import patch

import torch
from datasets import load_dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, GlmConfig, GlmForCausalLM

from llmner_hf.core.entities import Example
from llmner_hf.core.mentions import Dictionary
from llmner_hf.corpora.rows import to_example
from llmner_hf.decoding.fast import constrained
from llmner_hf.decoding.fast.automaton import Automaton
from llmner_hf.decoding.fast.constrained import ConstrainedDecoder
from llmner_hf.decoding.fast.drafts import Drafter
from llmner_hf.decoding.fast.walk import Walk
from llmner_hf.decoding.reference import ReferenceDecoder
from llmner_hf.decoding.request import Request
from llmner_hf.pipelines.local import EMBEDDED
from llmner_hf.settings import MENTION_SHARE, TAGGER_FILE, Gazetteer, TaggerSettings, Weights
from llmner_hf.tokens.prior import Prior

CORPORA = ("genia", "cmeee_v2")
# What the picture shows; the table has all.
DRAWN = (
    "(d) limit",
    "ours, scores among the allowed",
    "ours, no limit to drafts",
    "ours",
    "(a) generate",
    "(b) generate, constrained",
)


class PlainDrafter(Drafter):
    """Drafts the copy alone."""

    def knowledge(self, automaton: Automaton, prior: Prior) -> Any:
        """Nothing, even where the model brings a gazetteer."""
        names = automaton.lattice.grammar.labels.names
        return super().knowledge(automaton, Prior(names, (), Weights()))


class GoldDrafter(Drafter):
    """Drafts as usual, and knows what will be answered: the gold completion."""

    gold: dict[str, list[int]]

    def knowledge(self, automaton: Automaton, prior: Prior) -> Any:
        """Also what is left to write."""
        known: Any = super().knowledge(automaton, prior)
        known.left = self.gold[automaton.lattice.text]
        return known

    def draft(self, automaton, cell, line, known, open, most) -> Walk:
        """Also the answers: gold up to the first token that is not drafted, then anything."""
        walk = super().draft(automaton, cell, line, known, open, most)
        agreed = 0
        while agreed < len(walk.tokens) and walk.tokens[agreed] == known.left[agreed]:
            agreed += 1
        answers = [*known.left[: agreed + 1], *walk.tokens[agreed + 1 :]]
        walk.answers = (answers + [cell.draft for cell in walk.cells])[: len(walk.cells)]
        known.left = known.left[agreed + 1 :]
        return walk


class PlainGoldDrafter(GoldDrafter, PlainDrafter):
    """Drafts the copy alone, and knows what will be answered."""


def drafting(
    settings: TaggerSettings, dictionary: Dictionary, names: Iterable[str]
) -> TaggerSettings:
    """Settings with known mentions of these datasets, which are drafted and weigh nothing."""
    schemas = {name: settings.schema(name) for name in names}
    return replace(
        settings,
        gazetteer=Gazetteer({schema.title: dictionary for schema in schemas.values()}),
        schemas=schemas,
        weights=dict.fromkeys(schemas, Weights()),
    )


class GoldDecoder(ConstrainedDecoder):
    """Does all the work of its base class, then writes the gold completion."""

    def _choose(self, states, walks, priors):
        _, among = super()._choose(states, walks, priors)
        return [token for walk in walks for token in walk.answers], among


class Case:
    """A model, the requests, and the completions that every decoder writes.

    Args:
        model, tokenizer, settings: the tagger.
        examples: of each corpus.
        dictionary: mentions of the training texts, for a model that brings no gazetteer.
        forced: whether the gold completions are written, for random weights.
    """

    def __init__(self, model, tokenizer, settings, examples, dictionary, forced: bool) -> None:
        self.model, self.tokenizer, self.forced = model, tokenizer, forced
        self.settings = settings if dictionary is None else drafting(settings, dictionary, examples)
        self.requests = [
            Request(f"{name}/{e.id}", e.text, settings.schema(name))
            for name, part in examples.items()
            for e in part
        ]
        reference = ReferenceDecoder(model, tokenizer, settings)
        self.rows = [reference.row(request) for request in self.requests]
        if forced:
            gold = [e.entities for part in examples.values() for e in part]
            self.written = [
                row.lattice.encode([x for x in found if row.lattice.writable(x, found)])
                for row, found in zip(self.rows, gold, strict=True)
            ]
        else:
            for begin in range(0, len(self.rows), 16):
                reference.write(self.rows[begin : begin + 16])
            self.written = [row.record.tokens for row in self.rows]
        marks = {reference.tokens.open, reference.tokens.spaced_open, reference.tokens.close}
        self.brackets = sum(t in marks for ids in self.written for t in ids)
        self.lines = sum(ids.count(reference.tokens.line_end) + 1 for ids in self.written)

    def decoder(
        self, *, plain: bool = False, confidence: str | None = None, **options: Any
    ) -> ConstrainedDecoder:
        """Ours, with plain drafts or with all that it knows."""
        settings = replace(self.settings, confidence=confidence or self.settings.confidence)
        kind, drafter = ConstrainedDecoder, Drafter()
        if self.forced:
            kind = GoldDecoder
            drafter = (PlainGoldDrafter if plain else GoldDrafter)(hints=False)
            drafter.gold = {
                row.lattice.text: ids for row, ids in zip(self.rows, self.written, strict=True)
            }
        elif plain:
            drafter = PlainDrafter(hints=False)
        return kind(self.model, self.tokenizer, settings, drafter=drafter, **options)

    def ours(self, batch_size: int, **options: Any) -> Callable[[], int]:
        """A run of ours, which returns the passes; what it writes is checked."""
        decoder = self.decoder(**options)
        decoder.write(self.requests[:2], batch_size)  # prefixes, and the cost of a pass

        def run() -> int:
            decoder.passes = 0
            found = decoder.write(self.requests, batch_size)
            assert [record.tokens for record in found] == self.written
            return decoder.passes

        return run

    def _batches(self, size: int) -> Iterator[list[int]]:
        order = sorted(range(len(self.rows)), key=lambda i: -len(self.rows[i].prompt))
        for begin in range(0, len(order), size):
            yield order[begin : begin + size]

    def generate(self, batch_size: int, *, constrained: bool, lookup: int = 0) -> Callable[[], int]:
        """``generate``, in batches of like lengths, padded on the left."""

        def run() -> int:
            for chosen in self._batches(batch_size):
                self._generate([self.rows[i] for i in chosen], chosen, constrained, lookup)
            return 0

        return run

    def _generate(self, rows: list[Any], chosen: list[int], constrained: bool, lookup: int) -> None:
        width = max(len(row.prompt) for row in rows)
        stop = self.tokenizer.eos_token_id
        ids = torch.full((len(rows), width), stop)
        mask = torch.zeros_like(ids)
        for place, row in enumerate(rows):
            ids[place, width - len(row.prompt) :] = torch.tensor(row.prompt)
            mask[place, width - len(row.prompt) :] = 1
        longest = max(len(self.written[i]) for i in chosen)
        options: dict[str, Any] = {"prompt_lookup_num_tokens": lookup} if lookup else {}
        if constrained:
            states = [{(): row.lattice.start} for row in rows]

            def allowed(batch: int, sequence: torch.Tensor) -> list[int]:
                written = tuple(sequence[width:].tolist())
                known = states[batch]
                if stop in written:
                    return [stop]
                at = known.get(written)
                if at is None:
                    before = known[written[:-1]]
                    at = known[written] = rows[batch].lattice.steps(before)[written[-1]]
                assert self.written[chosen[batch]][len(written)] in rows[batch].lattice.steps(at)
                return [self.written[chosen[batch]][len(written)]]

            options["prefix_allowed_tokens_fn"] = allowed
        else:  # as long as ours; the tokens are the model's own
            options["min_new_tokens"] = longest
        made = self.model.generate(
            ids.to(self.model.device),
            attention_mask=mask.to(self.model.device),
            max_new_tokens=longest,
            do_sample=False,
            **options,
        )
        if constrained:
            for place, i in enumerate(chosen):
                own = made[place, width : width + len(self.written[i])].tolist()
                assert own == self.written[i]

    def limit(self, batch_size: int) -> Callable[[], int]:
        """One pass over what was asked and what was written."""

        def run() -> int:
            for chosen in self._batches(batch_size):
                whole = [self.rows[i].prompt + self.written[i] for i in chosen]
                ids = torch.full((len(whole), max(map(len, whole))), self.tokenizer.eos_token_id)
                for place, tokens in enumerate(whole):
                    ids[place, : len(tokens)] = torch.tensor(tokens)
                with torch.inference_mode():
                    self.model.get_decoder()(input_ids=ids.to(self.model.device), use_cache=False)
            return 0

        return run


def timed(runs: dict[str, Callable[[], int]], repeats: int) -> dict[str, tuple[float, int]]:
    """Median seconds and passes of each; the runs take turns, so that all meet the same noise."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    passes = dict.fromkeys(runs, 0)
    for _ in range(repeats):
        for name, run in runs.items():
            started = perf_counter()
            passes[name] = run()
            times[name].append(perf_counter() - started)
    return {name: (median(found), passes[name]) for name, found in times.items()}


def automaton_cost(case: Case, batch_size: int) -> str:
    """Processor time that drafts, their acceptance and the choice of tokens take a row and pass.

    The automata are kept from a first run: they are made once a text.
    """
    made: dict[Any, Automaton] = {}
    spent: Counter[str] = Counter()
    passes = 0

    def clocked(kind: type, name: str) -> Any:
        usual = getattr(kind, name)

        def run(*given: Any, **options: Any) -> Any:
            nonlocal passes
            passes += name == "draft"
            started = process_time()
            try:
                return usual(*given, **options)
            finally:
                spent[name] += process_time() - started

        return patch.object(kind, name, run)

    def kept(lattice: Any) -> Automaton:
        return made.setdefault((lattice.text, lattice.grammar), Automaton(lattice))

    decoder = case.decoder()
    with patch.object(constrained, "Automaton", kept):
        decoder.write(case.requests, batch_size)
        with (
            clocked(Drafter, "draft"),
            clocked(constrained.Row, "take"),
            clocked(ConstrainedDecoder, "_choose"),
            clocked(ConstrainedDecoder, "logits"),
        ):
            decoder.write(case.requests, batch_size)
    spent["_choose"] -= spent["logits"]
    each = ", ".join(f"{name.strip('_')} {1e6 * t / passes:.0f}" for name, t in spent.items())
    return f"microseconds a row and pass at batch {batch_size}: {each}"


def embedded() -> tuple[Any, Any, TaggerSettings]:
    """The embedded model as it ships."""
    model = AutoModelForCausalLM.from_pretrained(EMBEDDED).eval()
    tokenizer = AutoTokenizer.from_pretrained(EMBEDDED)
    return model, tokenizer, TaggerSettings.load(EMBEDDED / TAGGER_FILE)


def random_glm(tokenizer: str, layers: int, hidden: int) -> tuple[Any, Any, TaggerSettings]:
    """A GLM of random weights with a real tokenizer and the full prompts."""
    made = AutoTokenizer.from_pretrained(tokenizer)
    torch.manual_seed(0)
    model = GlmForCausalLM(
        GlmConfig(
            vocab_size=len(made),
            hidden_size=hidden,
            intermediate_size=3 * hidden,
            num_hidden_layers=layers,
            num_attention_heads=hidden // 64,
            num_key_value_heads=max(hidden // 128, 1),
            head_dim=64,
            pad_token_id=made.pad_token_id,
            eos_token_id=made.eos_token_id,
        )
    )
    return model.eval(), made, TaggerSettings()


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Sentences a second over the batch size, relative to (b) at the smallest."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 3.6), layout="constrained")
    axes = figure.subplots()
    base = next(row["seconds"] for row in rows if row["decoder"].startswith("(b)"))
    ticks = sorted({row["batch"] for row in rows})
    for name in DRAWN:
        own = [row for row in rows if row["decoder"] == name]
        style = ":" if name.startswith("(d)") else "--" if name.startswith("(") else "-"
        speeds = [base / row["seconds"] for row in own]
        axes.plot([row["batch"] for row in own], speeds, "o" + style, label=name if own else None)
    axes.set(xscale="log", yscale="log", xlabel="batch size")
    axes.set_ylabel("speed, (b) at the smallest batch = 1")
    axes.set_xticks(ticks, [str(tick) for tick in ticks], minor=False)
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right center", fontsize=8)
    figure.savefig(path, dpi=150)


def main(argv: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--tokenizer", help="folder; a GLM of random weights instead of embedded")
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--texts", type=int, default=32, help="of each corpus")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("-o", "--out", type=Path, required=True)
    given = parser.parse_args(argv)
    given.out.mkdir(parents=True, exist_ok=True)
    examples: dict[str, list[Example]] = {}
    known: list[Example] = []
    for name in CORPORA:
        splits = load_dataset(str(given.data / name))
        examples[name] = [to_example(row) for row in splits["test"].select(range(given.texts))]
        known += [to_example(row) for row in splits["train"]]
    random = given.tokenizer is not None
    parts = random_glm(given.tokenizer, given.layers, given.hidden) if random else embedded()
    dictionary = Dictionary.learn(known, MENTION_SHARE) if random else None
    case = Case(*parts, examples, dictionary, random)
    texts = len(case.requests)
    print(
        f"{texts} texts, {sum(map(len, case.written)) / texts:.1f} tokens written a text, "
        f"{case.brackets / texts:.1f} brackets, {case.lines / texts:.2f} lines, "
        f"{sum(len(r.prompt) for r in case.rows) / texts:.0f} tokens of prompt"
    )
    rows = []
    print("| batch | decoder | s | passes a text | times (b) | times the limit |")
    print("|---|---|---|---|---|---|")
    for batch in given.batch:
        runs = {
            "ours": case.ours(batch),
            "ours, plain drafts": case.ours(batch, plain=True),
            "ours, no limit to drafts": case.ours(batch, longest_draft=1024),
            "ours, prompts read whole": case.ours(batch, prefix_bytes=0),
            "(a) generate": case.generate(batch, constrained=False),
            "(b) generate, constrained": case.generate(batch, constrained=True),
            "(d) limit": case.limit(batch),
        }
        if case.settings.confidence == "full":
            runs["ours, scores among the allowed"] = case.ours(batch, confidence="allowed")
        if batch == 1:
            runs["(c) generate, prompt lookup"] = case.generate(1, constrained=False, lookup=10)
        found = timed(runs, given.repeats)
        for name, (seconds, passes) in found.items():
            rows.append({"batch": batch, "decoder": name, "seconds": seconds, "passes": passes})
            faster = found["(b) generate, constrained"][0] / seconds
            limit = seconds / found["(d) limit"][0]
            print(
                f"| {batch} | {name} | {seconds:.2f} | "
                f"{f'{passes / texts:.2f}' if passes else ''} | {faster:.1f} | {limit:.1f} |",
                flush=True,
            )
    print(automaton_cost(case, max(given.batch)))
    stem = "decoding-glm" if random else "decoding-embedded"
    (given.out / f"{stem}.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    draw(rows, given.out / f"{stem}.png")


if __name__ == "__main__":
    main()
