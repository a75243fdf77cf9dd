"""A packed batch trains as its rows would one by one."""

from dataclasses import asdict

import pytest
import torch
from datasets import Dataset
from torch.nn.attention.flex_attention import create_mask
from trl import SFTConfig

from llmner_hf.core.entities import Entity, EntityType, Example, LabelSet
from llmner_hf.core.errors import SettingError
from llmner_hf.core.schema import Schema
from llmner_hf.settings import TaggerSettings
from llmner_hf.tokens.packing import mask_for, seen
from llmner_hf.training.tagger.losses import IGNORED, add_losses
from llmner_hf.training.tagger.preparation import Preparation
from llmner_hf.training.tagger.trainer import Collator, TaggerTrainer
from tests.doubles.models import tiny

ENGLISH = Schema("ours", "en", LabelSet((EntityType("protein", "a chain of amino acids"),)))
CHINESE = Schema("ours", "zh", LabelSet((EntityType("疾病", "病名"), EntityType("身体"))))
TEXTS = (
    ("en", "the CD28 receptor", (Entity(4, 8, "protein"),)),
    ("zh", "患者有高血压", (Entity(3, 6, "疾病"), Entity(4, 5, "身体"))),
    ("en", "IL-2 binds NF-kappa B in monocytes", (Entity(0, 4, "protein"),)),
    ("en", "nothing", ()),
    ("zh", "头痛消失", (Entity(0, 2, "疾病"),)),
)


@pytest.fixture(scope="module")
def rows(tokens):
    """Prepared rows of two languages, with the prefixes of a real prompt."""
    made = {}
    for language, schema in (("en", ENGLISH), ("zh", CHINESE)):
        examples = [
            Example(str(i), text, entities, "ours", language)
            for i, (own, text, entities) in enumerate(TEXTS)
            if own == language
        ]
        made[language] = iter(Preparation(tokens, schema, TaggerSettings(), 2_000).rows(examples))
    return [asdict(next(made[language])) for language, _, _ in TEXTS]


def losses_and_gradients(model, tokenizer, rows, share, folder, pack):
    """The summed loss of the rows in one batch, and the gradient of every parameter."""
    model.zero_grad()
    trainer = TaggerTrainer(
        model=model,
        allowed_share=share,
        args=SFTConfig(
            output_dir=str(folder),
            use_cpu=True,
            bf16=False,
            activation_checkpointing=False,
            report_to="none",
            dataset_kwargs={"skip_prepare_dataset": True},
            remove_unused_columns=False,
            max_length=None,
        ),
        processing_class=tokenizer,
        train_dataset=Dataset.from_list(rows),
        data_collator=Collator(tokenizer.pad_token_id, 0.0, True, pack),
    )
    loss = trainer.compute_loss(model, trainer.data_collator(rows), num_items_in_batch=1)
    loss.backward()
    return loss.item(), {n: p.grad.clone() for n, p in model.named_parameters()}


@pytest.mark.parametrize("family", ["glm", "qwen2", "llama"])
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_loss_and_every_gradient_are_the_same(tokenizer, rows, tmp_path, family, share):
    model = tiny(family, tokenizer, max_position_embeddings=2048, initializer_range=0.1).train()
    alone = [losses_and_gradients(model, tokenizer, [row], share, tmp_path, 1) for row in rows]
    loss, gradients = losses_and_gradients(model, tokenizer, rows, share, tmp_path, 4)
    assert loss == pytest.approx(sum(one for one, _ in alone), rel=1e-5)
    for name, gradient in gradients.items():
        wanted = sum(own[name] for _, own in alone)
        assert torch.allclose(gradient, wanted, rtol=1e-4, atol=1e-5), name


def test_a_prefix_is_laid_once_and_a_full_pack_begins_another(tokens, rows):
    english = [row for row, (language, _, _) in zip(rows, TEXTS, strict=True) if language == "en"]
    batch = Collator(tokens.stop, with_allowed=True, pack=2)(rows)
    assert len(batch["input_ids"]) == 3  # two English of three, the third, two Chinese
    packs = [english[:2], english[2:], [row for row in rows if row not in english]]
    assert english[0]["prefix"] > 20
    assert batch["input_ids"].shape[1] == max(
        pack[0]["prefix"] + sum(len(row["ids"]) - row["prefix"] for row in pack) for pack in packs
    )
    assert seen(batch["segments"]).diagonal(dim1=-2, dim2=-1).all()  # no row sees nothing
    gold = batch["labels"][batch["labels"] != IGNORED]
    assert torch.equal(gold, batch["allowed"][:, 0])
    assert len(gold) == sum(len(row["ids"]) - row["start"] for row in rows)


def test_who_sees_whom():
    mask = seen(torch.tensor([[0, 0, 1, 1, 2, 2, -1]]))[0, 0].int().tolist()
    assert mask == [
        [1, 0, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0, 0],
        [1, 1, 1, 1, 0, 0, 0],
        [1, 1, 0, 0, 1, 0, 0],
        [1, 1, 0, 0, 1, 1, 0],
        [1, 1, 0, 0, 0, 0, 1],
    ]


@pytest.mark.parametrize("family", ["glm", "qwen2", "llama"])
def test_eager_attention_gives_the_same(tokenizer, tokens, rows, family):
    model = tiny(family, tokenizer, max_position_embeddings=2048, initializer_range=0.1).eval()
    add_losses(model, 0.5, lambda decoder: decoder)
    batch = Collator(tokens.stop, with_allowed=True, pack=4)(rows)
    with torch.no_grad():
        wanted = model(**batch, completion_losses=True)
        model.set_attn_implementation("eager")
        found = model(**batch, completion_losses=True)
    assert torch.allclose(found, wanted, atol=1e-5)
    assert len(found) == len(batch["allowed"])


def test_flex_attention_is_told_the_same(tokens, rows):
    """transformers compiles it, which takes a minute, and on a CPU it has no gradient."""
    segments = Collator(tokens.stop, pack=4)(rows)["segments"]
    mask = mask_for("flex_attention", segments, torch.float32)
    packs, length = segments.shape
    told = create_mask(mask.mask_mod, packs, 1, length, length, device="cpu")
    assert torch.equal(told, seen(segments))


def test_attention_without_such_masks_is_refused():
    with pytest.raises(SettingError, match=r"flash_attention_2.*pack to 1"):
        mask_for("flash_attention_2", torch.zeros(1, 3), torch.float32)
