"""Scores by decoding while a model is trained; the best weights are kept.

In: a trainer, and a function that scores a model, which belongs to a higher layer. Out: scores in
the trainer's log, and in ``best/`` the best weights with the scores that they had.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from llmner_hf.settings import TaggerSettings
from llmner_hf.training.trainer import TaggerTrainer

Validate = Callable[[Any, Any, TaggerSettings], Mapping[str, float]]


def save(trainer: TaggerTrainer, tagger: TaggerSettings, folder: Path) -> None:
    """Model or adapter, tokenizer and ``tagger.json``; no pickle: ``run.json`` has the settings."""
    trainer.save_model(str(folder))
    (folder / "training_args.bin").unlink(missing_ok=True)
    tagger.save(folder)


class Validation(TrainerCallback):
    """Scores by decoding every ``eval_steps`` and at the end; keeps the best weights in ``best/``.

    The scores of the kept weights lie beside them, so that a resumed run knows what to beat.

    Args:
        trainer: the trainer whose model is scored.
        tokenizer: its tokenizer.
        tagger: how the model is asked; afterwards with the best of the biases.
        validate: what scores it.
        biases: the values of ``bracket_bias`` to try.
    """

    def __init__(
        self,
        trainer: TaggerTrainer,
        tokenizer: Any,
        tagger: TaggerSettings,
        validate: Validate,
        biases: Sequence[float],
    ) -> None:
        self.trainer, self.tokenizer, self.tagger = trainer, tokenizer, tagger
        self.validate, self.biases = validate, biases
        self._last = -1

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Validate where it is due."""
        if state.global_step % int(args.eval_steps) == 0:
            self._score(args, state)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Validate what will be saved."""
        if state.global_step != self._last:
            self._score(args, state)

    def _score(self, args: Any, state: Any) -> None:
        self._last = state.global_step
        model = self.trainer.accelerator.unwrap_model(self.trainer.model)
        model.eval()
        with torch.no_grad():
            tried = {
                bias: self.validate(model, self.tokenizer, replace(self.tagger, bracket_bias=bias))
                for bias in self.biases
            }
        model.train()
        best = max(tried, key=lambda bias: tried[bias]["f1"])
        self.tagger = replace(self.tagger, bracket_bias=best)
        scores = {**tried[best], "bracket_bias": best}
        self.trainer.log({f"validation_{name}": value for name, value in scores.items()})
        folder = Path(args.output_dir, "best")
        kept = folder / "validation.json"
        if not kept.exists() or scores["f1"] > json.loads(kept.read_text())["f1"]:
            save(self.trainer, self.tagger, folder)
            kept.write_text(json.dumps({"step": state.global_step, **scores}) + "\n")
