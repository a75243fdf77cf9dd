"""What selectors are worth to a tagger on four test sets (paper, Tables III and IV).

In: the tagged datasets, a tagger, the embedded one if none is named, and tuned selectors. Out, in
the run folder: what the tagger is (``system.json``); gold entities and what the tagger alone found,
of test and validation texts; every candidate's probability by every selector (``judged``); what
each selector leaves (``DATASET.SYSTEM.jsonl``), the files that ``llmner report`` reads;
and how well each is calibrated, with the thresholds (``tuning.md``). Files that are there already
are not made again, so a folder is of one tagger, and another tagger's is refused. Thresholds and
temperature of every selector come from the first validation rows of each corpus, which the tagger
must not have been trained on (``validation_size`` of its recipe).

Beside the selectors given stand those made here: BERT-CLS, an encoder from scratch, and LLM-CAUSAL,
the tagger tuned to answer, both on as many of the paper's candidates as the recipe draws; and those
that need no selector: the tagger's own probability under a threshold, and, where asked for, the
tagger with the ``bracket_bias`` that is best on validation.

    python recipes/selector/compare.py -o runs/selector/compare \
        --selector llm_cls=runs/selector/embedded llm_cls_found=runs/selector/found
    llmner report runs/selector/compare -o runs/selector/tables
"""

import argparse
import math
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import yaml
from datasets import load_dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainingArguments, set_seed

import llmner_hf
from llmner_hf.core.calibration import auc
from llmner_hf.core.entities import Entity, Example, Prediction
from llmner_hf.core.errors import InputError
from llmner_hf.core.negatives import sample
from llmner_hf.core.schema import Schema
from llmner_hf.core.scoring import score
from llmner_hf.corpora.rows import schema_of, to_example
from llmner_hf.paper.rivals import CausalScorer, encoder_from_scratch, with_marks
from llmner_hf.paper.runs import SYSTEM_FILE, System
from llmner_hf.pipelines.files import annotate
from llmner_hf.pipelines.local import EMBEDDED
from llmner_hf.readers.json_lines import gold_row, predicted_row, read_predictions, write
from llmner_hf.rendering.diagrams import reliability_diagram
from llmner_hf.selector.candidates import Candidate
from llmner_hf.selector.filtering import Selector
from llmner_hf.selector.inputs import Inputs
from llmner_hf.selector.scoring import Scorer
from llmner_hf.selector.sharing import selector_at
from llmner_hf.selector.tuning import Calibration, Tuning, tune
from llmner_hf.settings import TAGGER_FILE, Gazetteer, TaggerSettings
from llmner_hf.tokens.canonical import Tokens
from llmner_hf.training.recipe import SelectorTrainingSettings
from llmner_hf.training.selector.preparation import contrasts

CORPORA = ("cmeee_v2", "genia", "biored", "bc5cdr_chemical")
BIASES = (-0.5, 0.0, 0.5, 1.0, 1.5)
RECIPE = Path(__file__).with_name("embedded.yaml")
# What a rival's training has from that recipe.
SHARED = (
    *("per_device_train_batch_size", "lr_scheduler_type", "warmup_steps", "weight_decay"),
    *("train_sampling_strategy", "logging_steps", "seed", "bf16", "use_cpu", "report_to"),
)
OWN, BEST_BIAS = "own_probability", "best_bias"
TUNING = (
    *("selector", "candidates", "missed", "temperature", "threshold", "F1 before", "after"),
    *("ECE before", "after", "test: ECE before", "after", "AUC"),
)
THRESHOLDS = (
    *("selector", "corpus", "candidates", "threshold: all corpora", "best there", "used"),
    *("test F1: tagger alone", "all corpora", "best there", "used"),
)


@dataclass(frozen=True, slots=True)
class Known:
    """A scorer that looks up what was judged before."""

    scores: Mapping[tuple[str, Entity], float]

    def logits(self, candidates: Sequence[Candidate], batch_size: int = 64) -> list[float]:
        """One for each candidate; certainty has a finite one."""
        scores = [min(max(self.scores[c.text, c.entity], 1e-12), 1 - 1e-12) for c in candidates]
        return [math.log(score / (1 - score)) for score in scores]


@dataclass(frozen=True, slots=True)
class Part:
    """The texts of one corpus and split, and the folder of what is found in them."""

    name: str
    examples: Sequence[Example]
    schema: Schema
    folder: Path

    def file(self, system: str, place: str = "") -> Path:
        """Where the entities of a system lie."""
        return self.folder / place / f"{self.name}.{system}.jsonl"

    def found(self, system: str, place: str = "") -> tuple[Prediction, ...]:
        """The entities of a system."""
        return read_predictions(self.file(system, place))

    def write(self, system: str, predictions: Sequence[Prediction], place: str = "") -> None:
        """Keep the entities of a system."""
        texts = {example.id: example.text for example in self.examples}
        self.file(system, place).parent.mkdir(exist_ok=True)
        write(self.file(system, place), (predicted_row(texts[p.id], p) for p in predictions))

    def scores(self, system: str) -> dict[tuple[str, Entity], float]:
        """What a system thinks of each candidate."""
        pairs = zip(self.examples, self.found(system, "judged"), strict=True)
        return {(e.text, found.entity): found.score for e, p in pairs for found in p.scored}

    def selected(self, selector: Selector) -> list[Prediction]:
        """What a selector leaves of what the tagger found."""
        texts = [example.text for example in self.examples]
        return selector.select(self.found("predicted"), texts, [self.schema] * len(texts))

    def probabilities(self, selector: Selector) -> list[float]:
        """What a selector thinks of every candidate, in their order."""
        judged = self.selected(selector.cut_at(None))
        return [found.score for prediction in judged for found in prediction.scored]

    def right(self) -> list[bool]:
        """Whether each candidate is gold, in their order."""
        pairs = zip(self.examples, self.found("predicted"), strict=True)
        return [entity in e.entities for e, p in pairs for entity in p.entities]

    def f1(self, predictions: Sequence[Prediction]) -> float:
        """Strict F1."""
        gold = {example.id: example.entities for example in self.examples}
        return score(gold, {p.id: p.entities for p in predictions}).strict.f1


def parts_of(
    names: Sequence[str], data: Path, out: Path, split: str, most: int | None = None
) -> list[Part]:
    """The first rows of a split of every corpus, or all, with their gold files."""
    found = []
    for name in names:
        rows = load_dataset(str(data / name))[split]
        examples = [
            to_example(row) for row in rows.select(range(min(most or len(rows), len(rows))))
        ]
        found.append(Part(name, examples, schema_of(rows), out))
        write(found[-1].file("gold"), map(gold_row, examples))
    return found


def tag(
    part: Part, model: Path, system: str = "predicted", settings: TaggerSettings | None = None
) -> None:
    """Annotate by the tagger alone."""
    if not part.file(system).exists():
        tagger = llmner_hf.pipeline("bioner", model=model, settings=settings, selector=None)
        options = {"dataset": part.name, "sentences": False, "batch_size": 64}
        annotate(tagger, part.examples, part.file(system), **options)


def drawn(
    names: Sequence[str], data: Path, settings: SelectorTrainingSettings, tokens: Tokens, seed: int
) -> Iterator[tuple[Candidate, bool]]:
    """The candidates that LLM-CLS is trained on, each with whether it is gold."""
    inputs = Inputs(tokens, settings.selector())
    for name in names:
        rows = load_dataset(str(data / name))["train"]
        schema = schema_of(rows)
        pool = contrasts(map(to_example, rows), schema, settings, inputs, {})
        share = settings.positive_share
        for example, contrast in sample(pool, settings.candidates, positive_share=share, seed=seed):
            yield Candidate(example.text, contrast.entity, schema), contrast.positive


def rival(kind: str, given: argparse.Namespace) -> Scorer:
    """BERT-CLS or LLM-CAUSAL, tuned on the candidates of LLM-CLS."""
    recipe = yaml.safe_load(RECIPE.read_text(encoding="utf-8"))
    known = SelectorTrainingSettings.__dataclass_fields__
    settings = SelectorTrainingSettings(**{k: v for k, v in recipe.items() if k in known})
    tokenizer = AutoTokenizer.from_pretrained(given.model)
    tokens, seed = Tokens(tokenizer), recipe["seed"]
    candidates = list(drawn(given.datasets, given.data, settings, tokens, seed))
    set_seed(seed)
    if kind == "bert_cls":
        scorer = with_marks(encoder_from_scratch(tokenizer), tokenizer)
    else:
        scorer = CausalScorer(AutoModelForCausalLM.from_pretrained(given.model).float(), tokenizer)
    arguments = TrainingArguments(
        output_dir=str(given.out / kind),
        max_steps=given.steps,
        learning_rate=5e-4,
        **{key: recipe[key] for key in SHARED},
    )
    scorer.train(candidates, arguments)
    return scorer


def judge(
    system: str,
    made: Callable[[], Scorer],
    parts: Sequence[Part],
    gazetteer: Gazetteer | None = None,
) -> None:
    """Have every candidate judged by a system, which is made only where something is left to do.

    Args:
        system: its name.
        made: makes its scorer.
        parts: where the candidates are.
        gazetteer: the tagger's.
    """
    waiting = [part for part in parts if not part.file(system, "judged").exists()]
    scorer = made() if waiting else None
    for part in waiting:
        everything = Selector(scorer, threshold=None, gazetteer=gazetteer)
        part.write(system, part.selected(everything), "judged")
        print(f"{part.file(system, 'judged')}: judged", flush=True)


def tuned(system: str, validation: Sequence[Part]) -> Tuning:
    """What the validation texts of these corpora say about a system that has judged them."""
    scores = {key: p for part in validation for key, p in part.scores(system).items()}
    examples = [example for part in validation for example in part.examples]
    predictions = [found for part in validation for found in part.found("predicted")]
    schemas = {part.name: part.schema for part in validation}
    return tune(Selector(Known(scores)), examples, predictions, schemas)


def apply(tuning: Tuning, system: str, test: Sequence[Part]) -> str:
    """Write what a system leaves of each test set; returns its row of the first table."""
    own, calibrated, gold = [], [], []
    for part in test:
        selector = tuning.applied(Selector(Known(part.scores(system))))
        own += part.probabilities(replace(selector, temperature=1.0))
        calibrated += part.probabilities(selector)
        gold += part.right()
        part.write(system, part.selected(selector))
    before, after = Calibration.of(own, gold), Calibration.of(calibrated, gold)
    panels = {
        f"{name}: error {c.error:.3f}": c.bins for name, c in (("before", before), ("after", after))
    }
    reliability_diagram(test[0].folder / f"{system}.png", panels)
    every = tuning.every
    found = (tuning.temperature, every.threshold, 100 * every.f1, 100 * every.selected)
    errors = (tuning.before.error, tuning.after.error, before.error, after.error, auc(own, gold))
    return row(
        *(system, every.candidates, every.missed),
        *(f"{number:.2f}" for number in found),
        *(f"{number:.3f}" for number in errors),
    )


def choices(tuning: Tuning, system: str, test: Sequence[Part]) -> Iterator[str]:
    """What each choice of a threshold is worth on the test sets: rows of the second table."""
    for part in test:
        tuned = tuning.datasets.get(part.schema.title)
        if tuned:
            selector = tuning.applied(Selector(Known(part.scores(system))))
            tried = (tuning.every.threshold, tuned.best.threshold, tuned.threshold)
            scores = (part.f1(part.selected(selector.cut_at(threshold))) for threshold in tried)
            alone = part.f1(part.found("predicted"))
            yield row(
                *(system, part.name, tuned.candidates, *(f"{number:.3f}" for number in tried)),
                *(f"{100 * number:.2f}" for number in (alone, *scores)),
            )


def row(*cells: object) -> str:
    """A line of a table."""
    return f"| {' | '.join(map(str, cells))} |"


def best_bias(model: Path, validation: Sequence[Part], test: Sequence[Part]) -> Iterator[str]:
    """Annotate each test set with the bias that is best on its validation texts."""
    settings = TaggerSettings.load(model / TAGGER_FILE)
    for known, part in zip(validation, test, strict=True):
        found = {}
        for bias in BIASES:
            system = f"bias{bias}"
            tag(known, model, system, settings.biased(bias))
            found[bias] = known.f1(known.found(system))
        best = max(found, key=lambda bias: found[bias])
        tag(part, model, BEST_BIAS, settings.biased(best))
        listed = ", ".join(f"{100 * f1:.1f} at {bias}" for bias, f1 in found.items())
        yield f"{part.name}: bracket_bias {best}; validation F1 {listed}"


def described(given: argparse.Namespace) -> System:
    """What the tagger is; refuses the folder of another one."""
    system = System(
        title=f"{given.name}, {given.training}",
        backbone=given.name,
        strategy=TaggerSettings.load(given.model / TAGGER_FILE).strategy,
        training=given.training,
        command=shlex.join(["python", *sys.argv]),
        rows=dict.fromkeys(given.datasets, given.rows) if given.rows else {},
    )
    if (given.out / SYSTEM_FILE).exists():
        there = System.load(given.out)
        if (there.backbone, there.rows) != (system.backbone, system.rows):
            raise InputError(
                f"{given.out}: holds {there.title} with rows {dict(there.rows)}, not "
                f"{system.title} with {dict(system.rows)}; name another folder"
            )
    return system


def parsed() -> argparse.Namespace:
    """The arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--datasets", nargs="+", default=list(CORPORA))
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--model", type=Path, default=EMBEDDED, help="folder of the tagger")
    parser.add_argument("--name", help="of the tagger in reports; that of its folder if absent")
    parser.add_argument("--training", choices=("single", "joint"), default="joint")
    parser.add_argument("--validation", type=int, default=150, help="rows it was not trained on")
    parser.add_argument("--rows", type=int, help="so many first test rows; all if absent")
    parser.add_argument("--selector", nargs="*", default=[], metavar="SYSTEM=FOLDER")
    parser.add_argument("--rivals", nargs="*", default=["bert_cls", "llm_causal"])
    parser.add_argument("--steps", type=int, default=1000, help="of a rival's training")
    parser.add_argument("--best-bias", action="store_true", help="the tagger at its best bias too")
    given = parser.parse_args()
    given.name = given.name or given.model.resolve().name
    return given


def main() -> None:
    """Judge, choose thresholds, apply; every step only if its files are missing."""
    given = parsed()
    (given.out / "validation").mkdir(parents=True, exist_ok=True)
    described(given).save(given.out)
    place = given.out / "validation"
    validation = parts_of(given.datasets, given.data, place, "validation", given.validation)
    test = parts_of(given.datasets, given.data, given.out, "test", given.rows)
    for part in (*validation, *test):
        tag(part, given.model)
        part.write(OWN, part.found("predicted"), "judged")
    made = {
        name: partial(lambda folder: selector_at(folder).scorer, folder)
        for name, _, folder in (entry.partition("=") for entry in given.selector)
    }
    systems = made | {kind: partial(rival, kind, given) for kind in given.rivals}
    gazetteer = TaggerSettings.load(given.model / TAGGER_FILE).gazetteer
    for system, maker in systems.items():
        judge(system, maker, [*validation, *test], gazetteer)
    rows, chosen = [], []
    for system in (OWN, *systems):
        tuning = tuned(system, validation)
        rows.append(apply(tuning, system, test))
        chosen += choices(tuning, system, test)
    tables = [[row(*head), "|---" * len(head) + "|"] for head in (TUNING, THRESHOLDS)]
    biases = best_bias(given.model, validation, test) if given.best_bias else ()
    text = "\n".join([*tables[0], *rows, "", *tables[1], *chosen, "", *biases]) + "\n"
    (given.out / "tuning.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
