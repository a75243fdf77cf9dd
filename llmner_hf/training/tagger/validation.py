"""Scores by decoding while a model is trained; the best weights are kept.

In: a trainer, and a function that scores a tagger. Out: scores in the trainer's log, and in
``best/`` the best weights with the scores that they had.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import broadcast_object_list
from transformers import TrainerCallback

from llmner_hf.settings import TaggerSettings, Weights
from llmner_hf.tagger.tagger import Tagger
from llmner_hf.training.checkpoints import UNFINISHED, put
from llmner_hf.training.evaluation import Validate
from llmner_hf.training.tagger.trainer import TaggerTrainer


def save(trainer: TaggerTrainer, tagger: TaggerSettings, folder: Path) -> None:
    """Model or adapter, tokenizer and ``tagger.json``; every process calls it, one writes."""
    trainer.save_model(str(folder))
    if trainer.args.should_save:
        tagger.save(folder)
    trainer.accelerator.wait_for_everyone()


def chosen(
    tagger: TaggerSettings, tried: Mapping[float, Mapping[str, float]]
) -> tuple[TaggerSettings, dict[str, float]]:
    """The settings with the best biases, of all datasets and of each, and the scores with these.

    Args:
        tagger: the settings.
        tried: the scores with each bias: ``f1``, the mean, and ``f1_<dataset>``.
    """
    general = max(tried, key=lambda bias: tried[bias]["f1"])
    names = [name for name in tagger.schemas if f"f1_{name}" in tried[general]]
    best = {name: max(tried, key=lambda bias: tried[bias][f"f1_{name}"]) for name in names}
    scores = {f"f1_{name}": tried[bias][f"f1_{name}"] for name, bias in best.items()}
    mean = sum(scores.values()) / len(scores) if scores else tried[general]["f1"]
    biases = {f"bias_{name}": bias for name, bias in best.items()}
    own = {name: tagger.weights.get(name, Weights()) for name in best}
    weights = {name: replace(own[name], bias=bias) for name, bias in best.items()}
    settings = replace(tagger, bracket_bias=general, weights=weights)
    return settings, {"f1": mean, **scores, "bracket_bias": general, **biases}


class Validation(TrainerCallback):
    """Scores by decoding every ``eval_steps``, if any, and at the end; keeps the best in ``best/``.

    The scores of the kept weights lie beside them, so that a resumed run knows what to beat.

    Args:
        trainer: the trainer whose model is scored.
        tagger: how the model is asked; afterwards with the best biases.
        validate: what scores it.
        biases: the values of ``bracket_bias`` to try.
    """

    def __init__(
        self,
        trainer: TaggerTrainer,
        tagger: TaggerSettings,
        validate: Validate,
        biases: Sequence[float],
    ) -> None:
        self.trainer, self.tagger = trainer, tagger
        self.validate, self.biases = validate, biases
        self._last = -1

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Validate where it is due."""
        if args.eval_steps and state.global_step % int(args.eval_steps) == 0:
            self._score(args, state, control)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Validate what will be saved."""
        if state.global_step != self._last:
            self._score(args, state, control)

    def _score(self, args: Any, state: Any, control: Any) -> None:
        self._last = state.global_step
        model: Any = self.trainer.accelerator.unwrap_model(self.trainer.model)
        tokenizer: Any = self.trainer.processing_class
        model.eval()
        with torch.no_grad():
            tried = {
                bias: self.validate(Tagger(model, tokenizer, self.tagger.biased(bias)))
                for bias in self.biases
            }
        model.train()
        self.tagger, scores = chosen(self.tagger, tried)
        due = control.should_log  # forgotten by any log, so this step's loss would not be written
        self.trainer.log({f"validation_{name}": value for name, value in scores.items()})
        control.should_log = due
        self._keep(Path(args.output_dir), {"step": state.global_step, **scores})

    def _keep(self, run: Path, scores: Mapping[str, float]) -> None:
        """Put the weights in ``best/`` if they are; written whole first, as checkpoints are."""
        kept = run / "best" / "validation.json"
        better = [not kept.exists() or scores["f1"] > json.loads(kept.read_text())["f1"]]
        broadcast_object_list(better)  # the first process may replace the file before others read
        if not better[0]:
            return
        filled = run / UNFINISHED / "best"
        save(self.trainer, self.tagger, filled)
        if self.trainer.args.should_save:
            (filled / kept.name).write_text(json.dumps(scores) + "\n")
            put(filled, kept.parent)
        self.trainer.accelerator.wait_for_everyone()
