"""The selectors that the paper compares LLM-CLS with (Table III): BERT-CLS and LLM-CAUSAL.

In: candidates. Out: logits, as from every `selector.scoring.Scorer`. BERT-CLS is an encoder with a
classification layer that reads the type and the marked text. LLM-CAUSAL is a causal model that is
asked whether the marked entity is right; its logit is that of "yes" less that of "no", so that the
sigmoid is the probability of yes among the two. Both are trained by transformers' ``Trainer`` on
the same candidates as LLM-CLS. Differs from the paper, which does not show LLM-CAUSAL's question:
the words are ours, and the candidate stands in square brackets, which the view of a text never has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import islice
from types import MappingProxyType
from typing import Any

import torch
from datasets import Dataset
from torch.nn.utils.rnn import pad_sequence
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    PreTrainedTokenizerBase,
    Trainer,
    TrainingArguments,
)

from llmner_hf.core.entities import EntityType, Language
from llmner_hf.core.errors import SettingError
from llmner_hf.core.prompting import Message
from llmner_hf.core.tagging.base import view
from llmner_hf.selector.candidates import Candidate
from llmner_hf.selector.inputs import Ids, Written
from llmner_hf.selector.scoring import PackedScorer, require_masks
from llmner_hf.tokens.canonical import FRAMES, TEXT, Tokens

IGNORED = -100  # PyTorch's label of a position without loss

# A row to train on: its ids, whether it is an entity, and its length, by which rows can be grouped.
Row = Mapping[str, Any]

QUESTIONS: Mapping[Language, str] = MappingProxyType(
    {
        "en": "Is the span in square brackets an entity of the type {type}, with exactly these "
        "boundaries? Answer yes or no.",
        "zh": "方括号中的片段是否是类型为{type}的实体，且边界完全正确？请回答yes或no。",
    }
)
YES, NO = "yes", "no"  # in either language: a batch may hold both


class EncoderScorer:
    """BERT-CLS: any encoder with a classification layer of one logit.

    Args:
        model: as of ``AutoModelForSequenceClassification`` with ``num_labels=1``.
        tokenizer: its tokenizer; `with_marks` has given it the two marks.
        marks: the tokens around a candidate.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: PreTrainedTokenizerBase,
        marks: tuple[str, str] = ("<|s1|>", "<|s2|>"),
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.marks = [tokenizer.convert_tokens_to_ids(mark) for mark in marks]
        self.first = tokenizer.cls_token_id or tokenizer.eos_token_id
        self.between = tokenizer.sep_token_id or tokenizer.eos_token_id
        self.pad = int(tokenizer.pad_token_id)

    def ids(self, candidate: Candidate) -> Ids:
        """First token, type, separator, marked text, separator.

        A text that does not fit is cut at its ends, so that the candidate keeps its neighbours.
        """
        text, (start, end) = view(candidate.text), candidate.entity.span
        label, before, inside, behind = (
            self._plain(part)
            for part in (candidate.entity.label, text[:start], text[start:end], text[end:])
        )
        room = self.model.config.max_position_embeddings - len(label) - 5
        inside = inside[:room]
        room -= len(inside)
        left = min(len(before), max(room // 2, room - len(behind)))
        before, behind = before[len(before) - left :], behind[: room - left]
        marked = (*before, self.marks[0], *inside, self.marks[1], *behind)
        return (self.first, *label, self.between, *marked, self.between)

    def _plain(self, text: str) -> list[int]:
        """The ids of a text, which cannot spell a special token."""
        found = self.tokenizer(text, add_special_tokens=False, split_special_tokens=True)
        return list(found["input_ids"])

    @torch.inference_mode()
    def logits(self, candidates: Sequence[Candidate], batch_size: int = 64) -> list[float]:
        """A logit for each candidate, in their order; inputs of like length together, each once."""
        inputs = [self.ids(candidate) for candidate in candidates]
        waiting = iter(sorted(set(inputs), key=lambda ids: (len(ids), ids)))
        found: dict[Ids, float] = {}
        while batch := list(islice(waiting, batch_size)):
            tensors = padded(batch, self.pad)
            moved = {name: part.to(self.model.device) for name, part in tensors.items()}
            found.update(zip(batch, self.model(**moved).logits[:, 0].tolist(), strict=True))
        return [found[ids] for ids in inputs]

    def train(self, rows: Sequence[tuple[Candidate, bool]], arguments: TrainingArguments) -> None:
        """Tune the encoder on candidates, each with whether it is gold."""

        def collate(batch: Sequence[Row]) -> dict[str, torch.Tensor]:
            gold = torch.tensor([[float(row["gold"])] for row in batch])
            return padded([row["ids"] for row in batch], self.pad) | {"labels": gold}

        self.model.config.problem_type = "multi_label_classification"  # binary cross-entropy
        _train(self.model, [(self.ids(c), right) for c, right in rows], collate, arguments)


def encoder_from_scratch(
    tokenizer: PreTrainedTokenizerBase, width: int = 160, layers: int = 4, heads: int = 5
) -> Any:
    """A BERT of random weights, where no trained encoder can be had.

    It has not read any text before, so it says little about the paper's BERT-CLS.
    """
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        pad_token_id=tokenizer.pad_token_id,
    )
    config.num_labels = 1
    return BertForSequenceClassification(config)


def with_marks(
    model: Any, tokenizer: PreTrainedTokenizerBase, marks: tuple[str, str] = ("<|s1|>", "<|s2|>")
) -> EncoderScorer:
    """An encoder and its tokenizer with the two marks, which are new tokens, as a scorer."""
    tokenizer.add_special_tokens(
        {"extra_special_tokens": list(marks)}, replace_extra_special_tokens=False
    )
    if len(tokenizer) > model.config.vocab_size:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    return EncoderScorer(model, tokenizer, marks)


class CausalScorer(PackedScorer):
    """LLM-CAUSAL: a causal model that answers yes or no.

    Args:
        model: a causal language model.
        tokenizer: its tokenizer, with a chat template.

    Raises:
        SettingError: the two answers begin with the same token.
    """

    def __init__(self, model: Any, tokenizer: PreTrainedTokenizerBase) -> None:
        require_masks(model)
        self.model = model
        self.tokens = Tokens(tokenizer)
        self.yes, self.no = (self.tokens.text_ids(answer)[0] for answer in (YES, NO))
        if self.yes == self.no:
            raise SettingError(f"{YES!r} and {NO!r} begin with the same token in this vocabulary")
        self._frame = lru_cache(FRAMES)(self._asked)
        super().__init__(self._written, self._judge, model.device)

    def _asked(self, entity_type: EntityType, language: Language) -> tuple[Ids, Ids]:
        """The chat before and behind the marked text."""
        defined = f" ({view(entity_type.definition)})" if entity_type.definition else ""
        question = QUESTIONS[language].format(type=entity_type.name + defined)
        return self.tokens.frame([Message("user", f"{question}\n{TEXT}")])

    def _written(self, candidate: Candidate) -> Written:
        head, tail = self._frame(candidate.entity_type, candidate.schema.language)
        text, (start, end) = view(candidate.text), candidate.entity.span
        before, inside, behind = map(
            self.tokens.text_ids, (text[:start], text[start:end], text[end:])
        )
        marked = (*before, self.tokens.open, *inside, self.tokens.close, *behind)
        return Written(head, (*marked, *tail))

    def _judge(self, *, pooled: torch.Tensor, **batch: torch.Tensor) -> torch.Tensor:
        states = self.model.get_decoder()(**batch, use_cache=False).last_hidden_state
        logits = self.model.get_output_embeddings()(states[pooled[:, 0], pooled[:, 1]]).float()
        difference: torch.Tensor = logits[:, self.yes] - logits[:, self.no]
        return difference

    def train(self, rows: Sequence[tuple[Candidate, bool]], arguments: TrainingArguments) -> None:
        """Tune the model to answer, by the loss of the answer's first token alone."""

        def collate(batch: Sequence[Row]) -> dict[str, torch.Tensor]:
            answered = [(*row["ids"], self.yes if row["gold"] else self.no) for row in batch]
            tensors = padded(answered, self.tokens.stop)
            labels = torch.full_like(tensors["input_ids"], IGNORED)
            for row, ids in enumerate(answered):
                labels[row, len(ids) - 1] = ids[-1]
            return tensors | {"labels": labels}

        asked = [(self.written(candidate).ids, right) for candidate, right in rows]
        _train(self.model, asked, collate, arguments)


def padded(rows: Sequence[Ids], pad: int) -> dict[str, torch.Tensor]:
    """``input_ids`` and ``attention_mask`` (rows, tokens), padded on the right."""
    ids = [torch.tensor(row) for row in rows]
    mask = [torch.ones_like(row) for row in ids]
    return {
        "input_ids": pad_sequence(ids, batch_first=True, padding_value=pad),
        "attention_mask": pad_sequence(mask, batch_first=True),
    }


def _train(
    model: Any, rows: list[tuple[Ids, bool]], collate: Any, arguments: TrainingArguments
) -> None:
    arguments.remove_unused_columns = False
    dataset = Dataset.from_list(
        [{"ids": ids, "gold": right, "length": len(ids)} for ids, right in rows]
    )
    Trainer(model=model, args=arguments, train_dataset=dataset, data_collator=collate).train()
    model.eval()
