"""Selectors of random weights, saved as training saves them."""

import torch
from peft import LoraConfig, get_peft_model

from llmner_hf.core.entities import Entity, EntityType, LabelSet
from llmner_hf.core.schema import Schema
from llmner_hf.selector.candidates import Candidate
from llmner_hf.selector.storage import from_backbone
from llmner_hf.settings import SelectorSettings

TARGETS = ["q_proj", "v_proj", "gate_up_proj", "down_proj"]
SETTINGS = SelectorSettings(
    reading="twice", style="brief", markers=("[", "]"), threshold=0.4, temperature=1.7
)
ENGLISH = Schema(
    "Ours",
    "en",
    LabelSet((EntityType("protein", "a chain of amino acids"), EntityType("DNA", "a gene"))),
)
CHINESE = Schema("", "zh", LabelSet((EntityType("疾病", "身体的异常"), EntityType("药物"))))
TEXTS = {
    "the CD28 surface receptor binds [3H]IL-2": ENGLISH,
    "<|end|>protein: IL-2 gene": ENGLISH,
    "患者有高血压和糖尿病，服用阿司匹林": CHINESE,
}


def candidates(step=3):
    """Spans of every length and of every type in texts of both languages."""
    return [
        Candidate(text, Entity(start, end, label), schema)
        for text, schema in TEXTS.items()
        for label in schema.labels.names
        for start in range(0, len(text), step)
        for end in range(start + 1, len(text) + 1, 2 * step + 1)
    ]


def adapter_on(base, folder, tokenizer, settings=SETTINGS, seed=11):
    """An adapter of random weights with its layer and its markers, on the base in that folder."""
    torch.manual_seed(seed)
    lora = LoraConfig(
        r=4,
        lora_alpha=8,
        target_modules=TARGETS,
        init_lora_weights=False,
        modules_to_save=["fc_cls"],
        trainable_token_indices={
            "embed_tokens": tokenizer.convert_tokens_to_ids(list(settings.markers))
        },
    )
    model = get_peft_model(from_backbone(str(base)), lora)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "trainable_tokens_delta" in name:
                parameter.normal_()
            elif "fc_cls" in name and parameter.requires_grad:
                parameter.normal_(std=0.5)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    settings.save(folder)
    return folder
