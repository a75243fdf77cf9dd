"""What selectors are worth to the embedded tagger on four test sets (paper, Tables III and IV).

In: the tagged datasets and tuned selectors. Out, in the run folder: gold entities and what the
tagger alone found, of test and validation texts; every candidate's probability by every selector
(``judged``); what each selector leaves (``DATASET.SYSTEM.jsonl``), the files that
``llmner report selector`` reads; and how well each is calibrated (``tuning.md``). Files that are
there already are not made again. Threshold and temperature of every selector come from the first
150 validation rows of each corpus, all that the embedded tagger was not trained on.

Beside the selectors given stand those made here: BERT-CLS, an encoder from scratch, and LLM-CAUSAL,
the embedded tagger tuned to answer, both on as many of the paper's candidates as the recipe draws;
and two that need no selector: the tagger's own probability under a threshold, and, where asked
for, the tagger with the ``bracket_bias`` that is best on validation.

    python recipes/selector/compare.py -o runs/selector/compare \
        --selector llm_cls=runs/selector/embedded llm_cls_mined=runs/selector/mined
    llmner report selector runs/selector/compare -o runs/selector/tables
"""

import argparse
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import yaml
from datasets import load_dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainingArguments, set_seed

import llmner_hf
from llmner_hf.annotation import annotate
from llmner_hf.core.calibration import auc
from llmner_hf.core.entities import Entity, Example, Prediction
from llmner_hf.core.negatives import sample
from llmner_hf.core.scoring import score
from llmner_hf.data import to_example
from llmner_hf.pipelines import EMBEDDED
from llmner_hf.readers.json_lines import gold_row, predicted_row, read_predictions, write
from llmner_hf.reports.diagrams import reliability_diagram
from llmner_hf.selector.candidates import Candidate
from llmner_hf.selector.filtering import Selector
from llmner_hf.selector.inputs import Inputs
from llmner_hf.selector.preparation import contrasts, schema_of
from llmner_hf.selector.rivals import CausalScorer, encoder_from_scratch, with_marks
from llmner_hf.selector.scoring import Scorer
from llmner_hf.selector.sharing import selector_at
from llmner_hf.selector.tuning import Calibration, Tuning, tune
from llmner_hf.settings import TAGGER_FILE, Schema, SelectorTrainingSettings, TaggerSettings
from llmner_hf.tokens import Tokens

CORPORA = ("cmeee_v2", "genia", "biored", "bc5cdr_chemical")
UNSEEN = 150  # validation rows that recipes/embedded/tagger.yaml keeps from training
BIASES = (-0.5, 0.0, 0.5, 1.0, 1.5)
RECIPE = Path(__file__).with_name("embedded.yaml")
# What a rival's training has from that recipe.
SHARED = (
    *("per_device_train_batch_size", "lr_scheduler_type", "warmup_steps", "weight_decay"),
    *("train_sampling_strategy", "logging_steps", "seed", "bf16", "use_cpu", "report_to"),
)
OWN, BEST_BIAS = "own_probability", "best_bias"


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

    def scores(self, system: str, place: str) -> dict[tuple[str, Entity], float]:
        """The score of each candidate."""
        pairs = zip(self.examples, self.found(system, place), strict=True)
        return {(e.text, found.entity): found.score for e, p in pairs for found in p.scored}

    def selected(self, selector: Selector) -> list[Prediction]:
        """What a selector leaves of what the tagger found."""
        texts = [example.text for example in self.examples]
        return selector.select(self.found("predicted"), texts, [self.schema] * len(texts))

    def probabilities(self, selector: Selector) -> list[float]:
        """What a selector thinks of every candidate, in their order."""
        judged = self.selected(replace(selector, threshold=None))
        return [found.score for prediction in judged for found in prediction.scored]

    def right(self) -> list[bool]:
        """Whether each candidate is gold, in their order."""
        pairs = zip(self.examples, self.found("predicted"), strict=True)
        return [entity in e.entities for e, p in pairs for entity in p.entities]

    def f1(self, system: str) -> float:
        """Strict F1."""
        gold = {example.id: example.entities for example in self.examples}
        return score(gold, {p.id: p.entities for p in self.found(system)}).strict.f1


def parts_of(data: Path, out: Path, split: str, most: int | None = None) -> list[Part]:
    """The first rows of a split of every corpus, with their gold files."""
    found = []
    for name in CORPORA:
        rows = load_dataset(str(data / name))[split]
        examples = [
            to_example(row) for row in rows.select(range(min(most or len(rows), len(rows))))
        ]
        found.append(Part(name, examples, schema_of(rows), out))
        write(found[-1].file("gold"), map(gold_row, examples))
    return found


def tag(part: Part, system: str = "predicted", settings: TaggerSettings | None = None) -> None:
    """Annotate by the tagger alone."""
    if not part.file(system).exists():
        tagger = llmner_hf.pipeline("bioner", settings=settings, selector=None)
        options = {"dataset": part.name, "sentences": False, "batch_size": 64}
        annotate(tagger, part.examples, part.file(system), **options)


def drawn(
    data: Path, settings: SelectorTrainingSettings, seed: int
) -> Iterator[tuple[Candidate, bool]]:
    """The candidates that LLM-CLS is trained on, each with whether it is gold."""
    inputs = Inputs(Tokens(AutoTokenizer.from_pretrained(EMBEDDED)), settings.selector())
    for name in CORPORA:
        rows = load_dataset(str(data / name))["train"]
        schema = schema_of(rows)
        pool = contrasts(map(to_example, rows), schema, settings, inputs, {})
        share = settings.positive_share
        for example, contrast in sample(pool, settings.candidates, positive_share=share, seed=seed):
            yield Candidate(example.text, contrast.entity, schema), contrast.positive


def rival(kind: str, data: Path, out: Path, steps: int) -> Scorer:
    """BERT-CLS or LLM-CAUSAL, tuned on the candidates of LLM-CLS in as many steps."""
    recipe = yaml.safe_load(RECIPE.read_text(encoding="utf-8"))
    known = SelectorTrainingSettings.__dataclass_fields__
    settings = SelectorTrainingSettings(**{k: v for k, v in recipe.items() if k in known})
    set_seed(recipe["seed"])
    tokenizer = AutoTokenizer.from_pretrained(EMBEDDED)
    if kind == "bert_cls":
        scorer = with_marks(encoder_from_scratch(tokenizer), tokenizer)
    else:
        scorer = CausalScorer(AutoModelForCausalLM.from_pretrained(EMBEDDED).float(), tokenizer)
    arguments = TrainingArguments(
        output_dir=str(out / kind),
        max_steps=steps,
        learning_rate=5e-4,
        **{key: recipe[key] for key in SHARED},
    )
    scorer.train(list(drawn(data, settings, recipe["seed"])), arguments)
    return scorer


def judge(system: str, made: Callable[[], Scorer], parts: Sequence[Part]) -> None:
    """Have every candidate judged by a system, which is made only where something is left to do."""
    waiting = [part for part in parts if not part.file(system, "judged").exists()]
    scorer = made() if waiting else None
    for part in waiting:
        everything = Selector(scorer, threshold=None)
        part.write(system, part.selected(everything), "judged")
        print(f"{part.file(system, 'judged')}: judged", flush=True)


def tuned(system: str, validation: Sequence[Part], place: str) -> Tuning:
    """What the validation texts of these corpora say about a system that has judged them."""
    scores = {key: p for part in validation for key, p in part.scores(system, place).items()}
    examples = [example for part in validation for example in part.examples]
    predictions = [found for part in validation for found in part.found("predicted")]
    schemas = {part.name: part.schema for part in validation}
    return tune(Known(scores), examples, predictions, schemas)


def apply(system: str, validation: Sequence[Part], test: Sequence[Part], place: str) -> str:
    """Write what a system leaves of each test set; returns its row of ``tuning.md``."""
    tuning = tuned(system, validation, place)
    own, calibrated, gold = [], [], []
    for part in test:
        selector = tuning.applied(Known(part.scores(system, place)))
        own += part.probabilities(replace(selector, temperature=1.0))
        calibrated += part.probabilities(selector)
        gold += part.right()
        part.write(system if place else OWN, part.selected(selector))
    before, after = Calibration.of(own, gold), Calibration.of(calibrated, gold)
    title = system if place else OWN
    panels = {
        f"{name}: error {c.error:.3f}": c.bins for name, c in (("before", before), ("after", after))
    }
    reliability_diagram(test[0].folder / f"{title}.png", panels)
    found = (tuning.temperature, tuning.cut.threshold, 100 * tuning.f1, 100 * tuning.cut.f1)
    errors = (tuning.before.error, tuning.after.error, before.error, after.error, auc(own, gold))
    cells = [title, str(tuning.candidates), str(tuning.missed)]
    return (
        "| "
        + " | ".join([*cells, *(f"{n:.2f}" for n in found), *(f"{n:.3f}" for n in errors)])
        + " |"
    )


def best_bias(validation: Sequence[Part], test: Sequence[Part]) -> Iterator[str]:
    """Annotate each test set with the bias that is best on its validation texts."""
    settings = TaggerSettings.load(EMBEDDED / TAGGER_FILE)
    for known, part in zip(validation, test, strict=True):
        found = {}
        for bias in BIASES:
            system = f"bias{bias}"
            tag(known, system, replace(settings, bracket_bias=bias))
            found[bias] = known.f1(system)
        best = max(found, key=lambda bias: found[bias])
        tag(part, BEST_BIAS, replace(settings, bracket_bias=best))
        listed = ", ".join(f"{100 * f1:.1f} at {bias}" for bias, f1 in found.items())
        yield f"{part.name}: bracket_bias {best}; validation F1 {listed}\n"


def main() -> None:
    """Judge, choose thresholds, apply; every step only if its files are missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--selector", nargs="*", default=[], metavar="SYSTEM=FOLDER")
    parser.add_argument("--rivals", nargs="*", default=["bert_cls", "llm_causal"])
    parser.add_argument("--steps", type=int, default=1000, help="of a rival's training")
    parser.add_argument("--best-bias", action="store_true", help="the tagger at its best bias too")
    given = parser.parse_args()
    (given.out / "validation").mkdir(parents=True, exist_ok=True)
    validation = parts_of(given.data, given.out / "validation", "validation", UNSEEN)
    test = parts_of(given.data, given.out, "test")
    for part in (*validation, *test):
        tag(part)
    systems = {
        name: partial(lambda place: selector_at(place).scorer, place)
        for name, _, place in (entry.partition("=") for entry in given.selector)
    } | {kind: partial(rival, kind, given.data, given.out, given.steps) for kind in given.rivals}
    rows = [apply("predicted", validation, test, "")]
    for system, made in systems.items():
        judge(system, made, [*validation, *test])
        rows.append(apply(system, validation, test, "judged"))
    head = (
        *("selector", "candidates", "missed", "temperature", "threshold", "F1 before", "after"),
        *("ECE before", "after", "test: ECE before", "after", "AUC"),
    )
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|", *rows, ""]
    biases = best_bias(validation, test) if given.best_bias else ()
    text = "\n".join([*lines, *biases]) + "\n"
    (given.out / "tuning.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
