"""A small run: examples, a model to start from, settings; and processes of their own for runs."""

import re
import sys
from multiprocessing import get_context
from unittest.mock import patch

import torch
from accelerate.state import AcceleratorState, GradientState, PartialState
from datasets import Dataset, DatasetDict
from transformers import GlmConfig, GlmForCausalLM
from trl import ModelConfig, SFTConfig

from llmner_hf.core.entities import Entity, EntityType, Example, LabelSet
from llmner_hf.core.schema import Schema
from llmner_hf.corpora.rows import FEATURES, to_row
from llmner_hf.training.recipe import TrainingSettings
from llmner_hf.training.tagger import run

LABELS = LabelSet((EntityType("protein"), EntityType("DNA"), EntityType("疾病")))
MARKED = (
    ("en", "the p[IL-2] of d[p[CD28] gene]"),
    ("en", "p[NF-kappa B] binds"),
    ("zh", "患者有z[高血压]"),
    ("en", "no names here"),
    ("zh", "z[糖尿病]和z[高血压]"),
    ("en", "a d[promoter] and a p[receptor]"),
)
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_up_proj", "down_proj"]


def example(number, language, marked):
    """An example from a text with ``p[...]``, ``d[...]`` and ``z[...]`` in it."""
    names = {"p": "protein", "d": "DNA", "z": "疾病"}
    text, opened, entities = "", [], []
    for part in re.split(r"([pdz]\[|\])", marked):
        if part == "]":
            start, label = opened.pop()
            entities.append(Entity(start, len(text), label))
        elif part.endswith("[") and part[0] in names:
            opened.append((len(text), names[part[0]]))
        else:
            text += part
    return Example(f"{language}-{number}", text, tuple(entities), "ours", language)


EXAMPLES = tuple(example(i, *row) for i, row in enumerate(MARKED))


def tagged(examples):
    """A tagged dataset whose validation split is its training split."""
    rows = [
        to_row(e, Schema("ours", "en", LABELS), style="brief", strategy="symbolic")
        for e in examples
    ]
    split = Dataset.from_list(rows, features=FEATURES)
    return DatasetDict(train=split, validation=split)


def config(tokenizer):
    """A tiny GLM."""
    return GlmConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        head_dim=16,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        architectures=["GlmForCausalLM"],
    )


def save_base(folder, tokenizer):
    """A tiny GLM with random weights, from which training starts."""
    torch.manual_seed(1)
    GlmForCausalLM(config(tokenizer)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def settings(**given):
    own = {"style": "brief", "datasets": ["ours"], "validation_size": 0}
    return TrainingSettings(**(own | given))


def scored_by(validate):
    """While a run lasts its taggers are scored by this function, or by nobody, not by decoding."""
    return patch.object(run, "validator", lambda datasets, size: validate)


def optimisation(folder, steps, **given):
    return SFTConfig(
        **(
            {
                "output_dir": str(folder),
                "max_steps": steps,
                "per_device_train_batch_size": 3,
                "learning_rate": 5e-3,
                "lr_scheduler_type": "constant",
                "logging_steps": 5,
                "save_steps": 4,
                "eval_steps": 1000,
                "use_cpu": True,
                "bf16": False,
                "activation_checkpointing": False,
                "report_to": "none",
                "disable_tqdm": True,
            }
            | given
        )
    )


def model_settings(base, kind, **given):
    """Of a ``full`` tuning, of ``lora``, or of ``qlora``, whose base is in NF4."""
    adapter = {"use_peft": True, "lora_r": 4, "lora_dropout": 0.1, "lora_target_modules": TARGETS}
    nf4 = {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "use_bnb_nested_quant": True}
    kinds = {"full": {}, "lora": adapter, "qlora": adapter | nf4}
    return ModelConfig(model_name_or_path=str(base), **kinds[kind], **given)


def exit_codes(function, *calls):
    """The exit codes of processes that run a function at the same time, one for each arguments.

    They are forked, since importing everything anew takes longer than a run.
    """
    context = get_context("fork")
    processes = [context.Process(target=_alone, args=(function, call)) for call in calls]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return [process.exitcode for process in processes]


def _alone(function, call):
    torch.set_num_threads(1)  # OpenMP's threads do not survive a fork
    for state in (AcceleratorState, GradientState, PartialState):
        state._shared_state.clear()  # this process is not the one that set it
    function(*call)
    sys.stdout.flush()
