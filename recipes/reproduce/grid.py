"""The grid: which runs of a backbone the paper's tables need, and the command lines of each.

In: a backbone, the folder of the tagged datasets, the folder to write, how many test rows. Out: one
`Cell` a run folder, each a list of commands with the file that each of them makes last. Nothing is
run, read or loaded here, so a plan costs nothing.

The cells: the dictionary; the backbone untuned (Figure 4, Table VII); one corpus alone, symbolic,
for each of four (Table V), and in HTML and JSON for two (Table II); the three selectors behind the
symbolic ones of these two (Tables III and IV); all four jointly with LLM-CLS, on seen and unseen
corpora (Tables V to VII).
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from llmner_hf.core.catalogue import CORPORA
from llmner_hf.core.prompting import Strategy
from llmner_hf.paper.runs import GOLD, TAGGER, System

SEEN = ("cmeee_v2", "genia", "biored", "bc5cdr_chemical")  # paper II-B
UNSEEN = ("ccks2019_as", "ncbi_disease")  # paper Table VII
COMPARED = ("cmeee_v2", "genia")  # paper Tables II and III
BY_SENTENCES = ("ccks2019_as",)  # its records are longer than what models are tuned on
# The first validation rows choose thresholds and are never trained on.
HELD_OUT = 150
RIVALS, LLM_CLS = ("bert_cls", "llm_causal"), "llm_cls"
HERE = "recipes/reproduce"
# In packs the loss over the vocabulary is computed for completion tokens alone, which are all that
# bear loss; without them for prompts too, at several times the cost.
PACKED = ("--pack", "8", "--train_sampling_strategy", "random")


@dataclass(frozen=True, slots=True)
class Step:
    """A command line, and the file that is there when it is done."""

    argv: tuple[str, ...]
    makes: Path

    def __str__(self) -> str:
        return shlex.join(self.argv)


@dataclass(frozen=True, slots=True)
class Cell:
    """A run folder, the commands that fill it, and what it then is; None: a command says so."""

    folder: Path
    steps: tuple[Step, ...]
    system: System | None

    @property
    def done(self) -> bool:
        """Whether nothing is left to run."""
        return all(step.makes.exists() for step in self.steps)


@dataclass(frozen=True, slots=True)
class Backbone:
    """What differs between the backbones.

    Attributes:
        name: as on the command line.
        tagger: the recipe of ``llmner train``; it names the untuned model.
        selector: the recipe of ``llmner train-selector``, also for LLM-CAUSAL and BERT-CLS.
        options: strategy -> options of its training.
        steps: run -> steps of its training; the recipe's if absent.
        on_tagger: whether selectors are tuned from the tagger, not from the untuned model.
        encoder: options of BERT-CLS: the encoder to tune, one from scratch if none is named.
        untuned_engine: how the untuned model decodes.
        rows: test rows of a corpus; 0: all.
    """

    name: str
    tagger: str
    selector: str
    options: Mapping[Strategy, tuple[str, ...]] = field(default_factory=dict)
    steps: Mapping[str, int] = field(default_factory=dict)
    on_tagger: bool = False
    encoder: tuple[str, ...] = ()
    untuned_engine: str = "free"
    rows: int = 0

    @property
    def recipe(self) -> dict[str, Any]:
        """The recipe of the tagger."""
        read: dict[str, Any] = yaml.safe_load(Path(self.tagger).read_text(encoding="utf-8"))
        return read


def of_paper(name: str, recipe: str) -> Backbone:
    """A backbone of the paper (III-A, Figure 4), by the paper's recipes."""
    # The paper does not say which BERT; one that reads both languages, at BERT's own rate.
    encoder = ("--encoder", "google-bert/bert-base-multilingual-cased", "--learning_rate", "3e-5")
    place = f"recipes/paper/{recipe}.yaml"
    return Backbone(name, place, "recipes/selector/paper.yaml", encoder=encoder)


BACKBONES = {
    "embedded": Backbone(
        name="embedded",
        tagger=f"{HERE}/embedded.yaml",
        selector=f"{HERE}/selector.yaml",
        # As the embedded model that ships: see docs/embedded.md for what each is worth.
        options={
            "symbolic": (
                *("--every_type", "true", "--lines_apart", "true", "--allowed_share", "1"),
                *("--bracket_biases", "0", "1", "2"),
            ),
            "html": PACKED,
            "json_list": PACKED,
        },
        steps={
            "cmeee_v2": 120,
            "genia": 350,
            "biored": 200,
            "bc5cdr_chemical": 500,
            "joint": 600,
        },
        on_tagger=True,
        encoder=("--learning_rate", "5e-4"),
        untuned_engine="constrained",
        rows=100,
    ),
    "glm4-9b": of_paper("glm4-9b", "glm4_9b"),
    "qwen2.5-7b": of_paper("qwen2.5-7b", "qwen2_5_7b"),
    "llama3.1-8b": of_paper("llama3.1-8b", "llama3_1_8b"),
    "deepseek-r1-distill-qwen-7b": of_paper(
        "deepseek-r1-distill-qwen-7b", "deepseek_r1_distill_qwen_7b"
    ),
}


@dataclass(frozen=True, slots=True)
class Grid:
    """All runs of one backbone.

    Attributes:
        backbone: of the runs.
        start: the untuned model, a folder or Hub id.
        data: the folder of the tagged datasets.
        out: where the run folders are.
        rows: test rows of a corpus, the first ones; 0: all.
        invocation: the command line that makes the grid, without ``--only``.
    """

    backbone: Backbone
    start: str
    data: Path
    out: Path
    rows: int
    invocation: str

    def cells(self) -> list[Cell]:
        """Every run, in the order in which they are made."""
        return [
            self._dictionary(),
            self._untuned(),
            *(self._tuned(name, (name,), (name,)) for name in SEEN),
            *(
                self._tuned(f"{strategy}-{name}", (name,), (name,), strategy)
                for strategy in ("html", "json_list")
                for name in COMPARED
            ),
            self._tuned("joint", SEEN, (*SEEN, *UNSEEN)),
        ]

    def report(self) -> Step:
        """The tables and figures of all run folders there are."""
        pages = self.out / "report"
        return Step(("llmner", "report", str(self.out), "-o", str(pages)), pages / "results.md")

    def _dictionary(self) -> Cell:
        folder = self.out / "dictionary"
        names = (*SEEN, *UNSEEN)
        argv = ("python", "recipes/reproduce/baselines.py", "dictionary", "--data", str(self.data))
        argv = (*argv, "--only", *names, "-o", str(folder))
        return Cell(folder, (Step(argv, file(folder, names[-1])),), None)

    def _untuned(self) -> Cell:
        folder, names = self.out / "zero-shot", (*SEEN, *UNSEEN)
        steps = (
            self._texts(folder, names),
            *(annotate(folder, name, self.start, self.backbone.untuned_engine) for name in names),
        )
        return Cell(folder, steps, self._system("zero-shot", "symbolic", "zero-shot"))

    def _tuned(
        self,
        name: str,
        trained: Sequence[str],
        tested: Sequence[str],
        strategy: Strategy = "symbolic",
    ) -> Cell:
        """A tagger, what it finds, and the selectors that the paper has behind it."""
        folder, tagger = self.out / name, str(self.out / name / "tagger")
        engine = "constrained" if strategy == "symbolic" else "free"
        joint = len(trained) > 1
        steps = [
            self._texts(folder, tested),
            self._train(name, trained, strategy),
            *(annotate(folder, each, tagger, engine) for each in tested),
        ]
        if strategy == "symbolic" and (joint or name in COMPARED):
            held_out = folder / "validation"
            steps.append(self._texts(held_out, trained, "validation", HELD_OUT))
            steps += [annotate(held_out, each, tagger, engine) for each in trained]
            steps += self._selectors(folder, trained, tested, () if joint else RIVALS)
        training = "joint" if joint else "single"
        return Cell(folder, tuple(steps), self._system(name, strategy, training))

    def _texts(
        self, folder: Path, names: Sequence[str], split: str = "test", rows: int | None = None
    ) -> Step:
        most = self.rows if rows is None else rows
        argv = ("python", "-m", "recipes.reproduce.texts", "--data", str(self.data))
        argv = (*argv, "--split", split, "--rows", str(most), "--only", *names, "-o", str(folder))
        return Step(argv, file(folder, names[-1], GOLD))

    def _train(self, name: str, trained: Sequence[str], strategy: Strategy) -> Step:
        folder = self.out / name / "tagger"
        steps = self.backbone.steps.get(name.rpartition("-")[2])
        names = ("cmeee_v2", "biored") if len(trained) > 1 else trained
        defaults = {CORPORA[each].language: each for each in names}
        argv = (
            *("llmner", "train", self.backbone.tagger, "--model_name_or_path", self.start),
            *("--datasets", *(str(self.data / each) for each in trained)),
            *("--default_datasets", json.dumps(defaults)),
            *("--strategy", strategy),
            *self.backbone.options.get(strategy, ()),
            *(("--max_steps", str(steps)) if steps else ()),
            *("--output_dir", str(folder)),
        )
        return Step(argv, folder / "run.json")

    def _selectors(
        self, folder: Path, trained: Sequence[str], tested: Sequence[str], rivals: Sequence[str]
    ) -> list[Step]:
        """LLM-CLS and its rivals: tuned on the same candidates, then asked."""
        base = str(folder / "tagger") if self.backbone.on_tagger else self.start
        layers = self.backbone.recipe.get("lora_target_modules", ())
        options = (
            *("--model_name_or_path", base),
            *("--datasets", *(str(self.data / each) for each in trained)),
            *(("--lora_target_modules", *layers) if layers else ()),
        )
        recipe, tuned = self.backbone.selector, folder / LLM_CLS
        trains = ("llmner", "train-selector", recipe, *options, "--output_dir", str(tuned))
        judges = ("python", "-m", "recipes.reproduce.judging", str(folder))
        of_rival = {"bert_cls": self.backbone.encoder}
        asked = {LLM_CLS: ("--selector", str(tuned))} | {
            kind: ("--recipe", recipe, *options, *of_rival.get(kind, ())) for kind in rivals
        }
        return [
            Step(trains, tuned / "run.json"),
            *(
                Step((*judges, kind, "--only", *tested, *rest), file(folder, tested[-1], kind))
                for kind, rest in asked.items()
            ),
        ]

    def _system(self, name: str, strategy: Strategy, training: Any) -> System:
        return System(
            title=f"{self.backbone.name}, {name}",
            backbone=self.backbone.name,
            strategy=strategy,
            training=training,
            command=f"{self.invocation} --only {name}",
        )


def annotate(folder: Path, name: str, model: str, engine: str) -> Step:
    """The tagger alone on the texts of a gold file."""
    out = file(folder, name)
    argv = ("llmner", "annotate", str(file(folder, name, GOLD)), "-o", str(out), "--model", model)
    argv = (*argv, "--no-selector", "--engine", engine, "--batch-size", "64")
    # A sentence by itself, as in the paper.
    return Step((*argv, "--no-repeats" if name in BY_SENTENCES else "--whole"), out)


def file(folder: Path, name: str, system: str = TAGGER) -> Path:
    """A file of a run folder."""
    return folder / f"{name}.{system}.jsonl"
