"""What a selector leaves of what a tagger found, in a run folder (paper, Tables III to V).

In: a run folder with the tagger's predictions of test texts, and of validation texts below it in
``validation``. Out: the same texts by the name of the selector. Its threshold and temperature come
from the validation texts (`recipes.selector.compare`); every judgement is kept, so that a run that
was stopped goes on. LLM-CLS is a folder that ``llmner train-selector`` made. BERT-CLS and
LLM-CAUSAL are tuned here, by the recipe and the options of that command, on the same candidates.

    python -m recipes.reproduce.judging runs/mine llm_cls --selector runs/selector --only genia
    python -m recipes.reproduce.judging runs/mine bert_cls --only genia \
        --recipe recipes/reproduce/selector.yaml --model_name_or_path MODEL --datasets data/genia
"""

import argparse
from functools import partial
from pathlib import Path

from llmner_hf.paper.runs import GOLD
from llmner_hf.readers import json_lines
from llmner_hf.selector.sharing import selector_at
from llmner_hf.settings import TAGGER_FILE, TaggerSettings
from recipes.reproduce import rivals
from recipes.selector.compare import Part, apply, judge, tuned


def part(folder: Path, name: str, tagger: TaggerSettings) -> Part:
    """The texts of one corpus in a run folder."""
    reading = json_lines.read(folder / f"{name}.{GOLD}.jsonl", dataset=name, language=None)
    return Part(name, reading.examples, tagger.schema(name), folder)


def main() -> None:
    """Judge every candidate, choose the threshold, apply it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="run folder; its tagger is in the folder tagger")
    parser.add_argument("system", choices=("bert_cls", "llm_causal", "llm_cls"))
    parser.add_argument("--only", nargs="+", required=True, metavar="DATASET")
    parser.add_argument("--selector", type=Path, help="of llm_cls: its folder")
    parser.add_argument("--recipe", type=Path, help="of the others: that of llm_cls")
    parser.add_argument("--encoder", help="of bert_cls: folder or Hub id; from scratch if absent")
    given, options = parser.parse_known_args()
    tagger = TaggerSettings.load(given.run / "tagger" / TAGGER_FILE)
    held_out = given.run / "validation"
    test = [part(given.run, name, tagger) for name in given.only]
    validation = [
        part(held_out, name, tagger)
        for name in given.only
        if (held_out / f"{name}.{GOLD}.jsonl").exists()
    ]
    if given.selector:
        scorer = partial(lambda place: selector_at(place).scorer, given.selector)
    else:
        scorer = partial(rivals.tuned, given.system, given.recipe, options, given.encoder)
    judge(given.system, scorer, [*validation, *test], tagger.gazetteer)
    print(apply(tuned(given.system, validation), given.system, test))


if __name__ == "__main__":
    main()
