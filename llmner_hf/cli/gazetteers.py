"""``llmner gazetteer``: give a tagger the mentions of its training texts, weighed on others."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from llmner_hf.core.errors import InputError

NAME = "gazetteer"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("model", type=Path, help="folder of a tagger; its tagger.json is rewritten")
    parser.add_argument(
        "--datasets", nargs="+", required=True, help="tagged datasets that it was trained on"
    )
    parser.add_argument("--rows", type=int, default=150, help="validation rows to weigh by")
    parser.add_argument(
        "--all-rows",
        action="store_true",
        help="with the weights it has, learn of the validation rows too: the last step",
    )
    parser.add_argument("--batch-size", type=int, default=64)


def run(given: argparse.Namespace, _: list[str]) -> None:
    """``llmner gazetteer``."""
    from datasets import load_dataset

    import llmner_hf
    from llmner_hf.gazetteers import equipped, fit, general_bias, learnt, parts, relearnt
    from llmner_hf.settings import TAGGER_FILE, TaggerSettings

    if not given.model.is_dir():
        raise InputError(f"{given.model}: no such folder")
    datasets = {Path(place).name: load_dataset(place) for place in given.datasets}
    if given.all_rows:
        relearnt(TaggerSettings.load(given.model / TAGGER_FILE), datasets).save(given.model)
        return
    ner = llmner_hf.pipeline("bioner", model=str(given.model), selector=None)
    tagger = (ner.model, ner.tokenizer, ner.settings)
    known, held_out = {}, {}
    for name, splits in datasets.items():
        known[name], held_out[name] = parts(splits, given.rows)
    dictionaries, fits = learnt(ner.settings, known), []
    for name in datasets:
        found = fit(tagger, name, dictionaries[name], held_out[name], given.batch_size)
        fits.append(found)
        print(
            f"{name}: {found.mentions} mentions; F1 on {len(held_out[name])} validation rows: "
            f"tagger {100 * found.alone:.1f}, gazetteer {100 * found.listed:.1f}, both "
            f"{100 * found.tried[found.weights]:.1f} with {found.weights}",
            flush=True,
        )
        equipped(ner.settings, dictionaries, fits).save(given.model)  # what is finished is not lost
    tried = general_bias(tagger, held_out, given.batch_size)
    best = max(tried, key=lambda bias: tried[bias])
    listed = ", ".join(f"{100 * f1:.1f} with {bias}" for bias, f1 in tried.items())
    print(f"types without known mentions: bias {best}; mean F1 without gazetteers {listed}")
    equipped(replace(ner.settings, bracket_bias=best), dictionaries, fits).save(given.model)
