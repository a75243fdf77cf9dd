"""Training examples as the model will see them, with the tokens that bear loss marked.

In: prepared rows. Out: text, coloured for a terminal or with plain marks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedTokenizerBase

from llmner_hf.rendering.glyphs import escaped

GREY, CYAN, GREEN, RESET = "\x1b[90m", "\x1b[36m", "\x1b[1;32m", "\x1b[0m"


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of an example and whether its tokens bear loss."""

    text: str
    bears_loss: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """An example as the model will see it; lengths in tokens."""

    prompt: str
    completion: tuple[Piece, ...]
    prompt_tokens: int
    completion_tokens: int
    loss_tokens: int

    def lines(self, colour: bool) -> Iterator[str]:
        """Prompt and completion under their headings, control characters escaped."""
        yield f"prompt, {self.prompt_tokens} tokens"
        yield from _painted(self.prompt, GREY if colour else "")
        yield f"completion, {self.completion_tokens} tokens, {self.loss_tokens} bear loss"
        written = ""
        for piece in self.completion:
            if colour:
                paint = GREEN if piece.bears_loss else CYAN
                written += "\n".join(_painted(piece.text, paint))
            else:
                text = "\n".join(_painted(piece.text, ""))
                written += f"«{text}»" if piece.bears_loss else text
        yield from written.split("\n")


def shown(
    row: Mapping[str, Any], tokenizer: PreTrainedTokenizerBase, allowed_share: float
) -> Shown:
    """An example for a reader; with ``allowed_share`` 1 a token that is no choice bears no loss."""
    prompt, answer = row["ids"][: row["start"]], row["ids"][row["start"] :]
    bears = [True] * len(answer)
    if allowed_share == 1:
        bears = [len(choices) > 1 for choices in row["allowed"]]
    pieces: list[Piece] = []
    for text, marked in _characters(answer, bears, tokenizer):
        if pieces and pieces[-1].bears_loss == marked:
            text = pieces.pop().text + text
        pieces.append(Piece(text, marked))
    written = _decoded(prompt, tokenizer)
    return Shown(written, tuple(pieces), len(prompt), len(answer), sum(bears))


def _characters(
    ids: Sequence[int], bears: Sequence[bool], tokenizer: PreTrainedTokenizerBase
) -> Iterator[tuple[str, bool]]:
    """Tokens as text; those that share a character stand together, byte by byte they are none."""
    first = 0
    for end in range(1, len(ids) + 1):
        text = _decoded(ids[first:end], tokenizer)
        if not text.endswith("\N{REPLACEMENT CHARACTER}") or end == len(ids):
            yield text, any(bears[first:end])
            first = end


def _decoded(ids: Sequence[int], tokenizer: PreTrainedTokenizerBase) -> str:
    return str(tokenizer.decode(list(ids), clean_up_tokenization_spaces=False))


def _painted(text: str, colour: str) -> Iterator[str]:
    """The lines of a text, escaped and coloured each, so that a pager may cut anywhere."""
    for line in text.split("\n"):
        yield f"{colour}{escaped(line)}{RESET}" if colour and line else escaped(line)
