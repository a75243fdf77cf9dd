"""Text to token ids, in the one canonical tokenisation that training, decoding and selection share.

In: a Hugging Face tokenizer with byte-level BPE (GLM, Qwen, Llama and DeepSeek have it, and so has
the embedded model). Out: token ids of prompts and of text pieces. Canonical means: a text is cut
into *pieces* by the tokenizer's own pre-tokenizer, and each piece becomes ids by BPE alone, so the
ids of a piece never depend on its neighbours, and no text can produce a special token, whatever it
spells. Brackets, headers and line ends are pieces of their own. A natural tokenisation merges
brackets with their neighbours (``].``, `` [[``), differs from what constrained decoding writes, and
lost 0.14 F1 in a study where training and decoding disagreed. Refused: tokenizers that are not
byte-level BPE, or that lack single tokens for ``[``, ``]`` and the line end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from transformers import PreTrainedTokenizerBase
from transformers.convert_slow_tokenizer import bytes_to_unicode

from llmner_hf.core.errors import SettingError
from llmner_hf.core.prompting import Message, Strategy, Style, messages
from llmner_hf.core.schema import Schema
from llmner_hf.core.tagging.base import view

# A piece longer than this is cut: the automaton tokenises every prefix of a piece, which is
# quadratic in its length, and a text may be 10,000 characters without a blank. Ours: real words
# are shorter, and so are nearly all stretches of Chinese between two punctuation marks.
LONGEST_PIECE = 32

# Llama-3.1's own default, in chat templates that write a date.
DATE = "26 Jul 2024"

# What is remembered of pieces and prompts is forgotten at this many: a service runs for months.
# Ours.
PIECES, FRAMES = 100_000, 256

# Noncharacters of Unicode, which no chat template holds: they stand for the text, for the answer,
# and (from the third on) for the rest of what the turns say.
TEXT, _ANSWER, _SAID = "\ufdd0", "\ufdd1", 0xFDD2

Span = tuple[int, int]


# The printable character that byte-level BPE writes for each byte.
_BYTE: Mapping[int, str] = bytes_to_unicode()


@dataclass(frozen=True, slots=True)
class Prompt:
    """Token ids up to the answer, in three parts that are tokenised apart.

    Attributes:
        head: everything before the text; with style ``prefix`` the same for all texts of a dataset.
        text: the view of the text.
        tail: everything behind it, the opening of the answer included.
    """

    head: tuple[int, ...]
    text: tuple[int, ...]
    tail: tuple[int, ...]

    @property
    def ids(self) -> list[int]:
        """The three parts in a row."""
        return [*self.head, *self.text, *self.tail]


class Tokens:
    """The canonical tokenisation of one tokenizer.

    Args:
        tokenizer: a fast tokenizer with byte-level BPE and, for prompts, a chat template.

    Raises:
        SettingError: the tokenizer cannot be used for copying; the message says why.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.tokenizer = tokenizer
        self._backend: Any = getattr(tokenizer, "backend_tokenizer", None)
        if self._backend is None or type(self._backend.model).__name__ != "BPE":
            raise SettingError(f"{tokenizer.name_or_path}: copying needs a fast BPE tokenizer")
        self._pieces: dict[str, tuple[int, ...]] = {}
        if tokenizer.eos_token_id is None:
            raise SettingError(f"{tokenizer.name_or_path}: the tokenizer has no end token")
        self.stop = int(tokenizer.eos_token_id)
        self.open, self.close, self.line_end = (self._single(c) for c in "[]\n")

    def _single(self, character: str) -> int:
        ids = self.piece_ids(character)
        if len(ids) != 1:
            raise SettingError(
                f"{self.tokenizer.name_or_path}: {character!r} is not a single token, so tags "
                "cannot be told from text; use a byte-level BPE tokenizer"
            )
        return ids[0]

    @cached_property
    def opening(self) -> tuple[int, ...]:
        """The tokens that open a bracket."""
        return tuple(token for token in (self.open, self.spaced_open) if token is not None)

    @cached_property
    def brackets(self) -> frozenset[int]:
        """The tokens that open or close a bracket."""
        return frozenset((*self.opening, self.close))

    @cached_property
    def spaced_open(self) -> int | None:
        """The token of a blank and an opening bracket, where the vocabulary has one."""
        ids = self.piece_ids(" [")
        return ids[0] if len(ids) == 1 else None

    def spans(self, text: str) -> list[Span]:
        """The pieces of a text: half-open characters, without gaps."""
        found: list[Span] = []
        for _, (start, end) in self._backend.pre_tokenizer.pre_tokenize_str(text):
            for cut in range(start, end, LONGEST_PIECE):
                found.append((cut, min(cut + LONGEST_PIECE, end)))
        return found

    def piece_ids(self, piece: str) -> tuple[int, ...]:
        """The ids of one piece by BPE alone; never a special token."""
        ids = self._pieces.get(piece)
        if ids is None:
            normal = self._backend.normalizer
            text = normal.normalize_str(piece) if normal else piece
            spelled = "".join(_BYTE[byte] for byte in text.encode("utf-8", "surrogatepass"))
            ids = tuple(token.id for token in self._backend.model.tokenize(spelled))
            if len(self._pieces) >= PIECES:
                self._pieces.clear()
            self._pieces[piece] = ids
        return ids

    def text_ids(self, text: str) -> tuple[int, ...]:
        """The ids of a text without tags."""
        return tuple(i for start, end in self.spans(text) for i in self.piece_ids(text[start:end]))

    def prompt(
        self,
        text: str,
        schema: Schema,
        *,
        style: Style = "prefix",
        strategy: Strategy = "symbolic",
    ) -> Prompt:
        """The prompt of a text; the arguments are those of `core.prompting.messages`."""
        key = (schema, style, strategy)
        parts = self._frames.get(key)
        if parts is None:
            turns = messages(TEXT, schema, style=style, strategy=strategy)
            if len(self._frames) >= FRAMES:
                self._frames.clear()
            parts = self._frames[key] = self.frame(turns)
        return Prompt(parts[0], self.text_ids(view(text)), parts[1])

    @cached_property
    def _frames(self) -> dict[Any, tuple[tuple[int, ...], tuple[int, ...]]]:
        return {}

    def frame(self, turns: Sequence[Message]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Head and tail of a prompt: the chat as it is written up to the answer's first character.

        The chat is rendered with an answer in place, not with the generation prompt: GLM's answer
        begins with a line end that its generation prompt lacks, and DeepSeek's generation prompt
        ends in a ``<think>`` that its answers do not have. A template that writes today's date is
        given a fixed one, so that a model is asked tomorrow as it was trained today.

        Raises:
            SettingError: the template is missing, or drops the text or the answer; or a turn holds
                the character that stands for the text.
        """
        if sum(turn.content.count(TEXT) for turn in turns) != 1:
            raise SettingError("a type or a title holds U+FDD0, which is no character; take it out")
        said: dict[int, str] = {}
        chat = [{"role": turn.role, "content": _hidden(turn.content, said)} for turn in turns]
        chat.append({"role": "assistant", "content": _ANSWER})
        if not self.tokenizer.chat_template:
            raise SettingError(f"{self.tokenizer.name_or_path}: the tokenizer has no chat template")
        written = str(self.tokenizer.apply_chat_template(chat, tokenize=False, date_string=DATE))
        head, text, rest = written.partition(TEXT)
        tail, answer, _ = rest.partition(_ANSWER)
        if not text or not answer:
            raise SettingError(
                f"{self.tokenizer.name_or_path}: the chat template drops the text or the answer"
            )
        return self._template_ids(head, said), self._template_ids(tail, said)

    def _template_ids(self, written: str, said: Mapping[int, str]) -> tuple[int, ...]:
        """The ids of template text, in which only the template's own marks are special tokens.

        A turn may spell a mark, and must not become one. So the tokenizer first reads the template
        without the words of the turns, to find its marks. Then the words are put back, and what
        lies between two marks is tokenised as plain text.
        """
        found = self.tokenizer(written, add_special_tokens=False, return_offsets_mapping=True)
        marks, ids, done = self.tokenizer.added_tokens_decoder, [], 0
        for token, (start, end) in zip(found["input_ids"], found["offset_mapping"], strict=True):
            if token in marks:
                ids += [*self._plain(written[done:start].translate(said)), token]
                done = end
        return (*ids, *self._plain(written[done:].translate(said)))

    def _plain(self, text: str) -> Iterator[int]:
        """The ids of a text as the tokenizer itself has them, without its special tokens."""
        normal = self._backend.normalizer
        text = normal.normalize_str(text) if normal else text
        for piece, _ in self._backend.pre_tokenizer.pre_tokenize_str(text):
            yield from (token.id for token in self._backend.model.tokenize(piece))


def _hidden(content: str, said: dict[int, str]) -> str:
    """A turn with a character in place of what stands before and behind the text; notes which."""
    parts = []
    for part in content.split(TEXT):
        parts.append(chr(_SAID + len(said)) if part else "")
        if part:
            said[_SAID + len(said)] = part
    return TEXT.join(parts)
