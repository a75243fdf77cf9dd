"""A candidate to token ids: its type, then its text with the candidate marked (equation 2).

In: candidates. Out: their ids in two parts that are tokenised apart, a prefix and a rest. A text is
read in one of two ways:

- *once*: the prefix is the type, and the rest is the marked text. All candidates of one schema and
  type share the prefix.
- *twice*: the prefix is a tagger's prompt for this type and text, and the rest is a tagger's answer
  up to the last token of the candidate, where a tagger decides whether an entity ends. The prompt
  has shown what follows the candidate. All candidates of one type and text share the prefix.

No rest depends on the prefix before it. A text appears as its view and cannot spell a special
token. Differs from the paper: a colon parts the type from the text, and an end token closes a text
that is read once, so that the same token is always pooled. A text that is read twice needs no
closing marker.

Beyond the paper, the last token may say what the tagger's gazetteer knows of the candidate. It is
the token that is pooled then, in both readings, so it stands behind the end token.

The markers are two tokens that the settings name. Training makes them where they are missing: of
the special tokens that a tokenizer holds in reserve, as Llama's, else as new ones, which take spare
rows of the embedding where it has some (GLM-4, Qwen2.5).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from transformers import PreTrainedTokenizerBase

from llmner_hf.core.entities import EntityType, LabelSet
from llmner_hf.core.errors import SettingError
from llmner_hf.core.mentions import Evidence
from llmner_hf.core.tagging.base import view
from llmner_hf.core.tagging.symbolic import header
from llmner_hf.selector.candidates import Candidate
from llmner_hf.settings import EVIDENCE_SIGNS, SelectorSettings
from llmner_hf.tokens.canonical import FRAMES, Tokens
from llmner_hf.tokens.layout import layout_of

Ids = tuple[int, ...]

# Names that tokenizers give to special tokens for later use.
_RESERVED = re.compile(r"<\|?(reserved|unused|extra)\w*\d\|?>")


@dataclass(frozen=True, slots=True)
class Written:
    """The tokens of an input.

    Attributes:
        prefix, rest: the ids, one part behind the other.
        placed: the positions of both; absent where they count on.
    """

    prefix: Ids
    rest: Ids
    placed: Sequence[int] | None = None

    @property
    def ids(self) -> Ids:
        """All of them."""
        return self.prefix + self.rest

    @property
    def positions(self) -> Sequence[int]:
        """The position of each."""
        return self.placed or range(len(self.prefix) + len(self.rest))


class Inputs:
    """The ids of candidates for one tokenizer.

    Raises:
        SettingError: the tokenizer lacks a marker, or a token for a sign of evidence.
    """

    def __init__(self, tokens: Tokens, settings: SelectorSettings) -> None:
        self.tokens = tokens
        self.settings = settings
        self.layout = layout_of(settings)
        self.markers = marker_ids(tokens.tokenizer, settings)
        self._said = evidence_ids(tokens) if settings.evidence else {}
        # What a text begins with for this model, as GLM's "[gMASK]<sop>"; nothing for most.
        self._opening: Ids = tuple(tokens.tokenizer("")["input_ids"])
        self._type_ids = lru_cache(FRAMES)(self._written_type)

    def written(self, candidate: Candidate) -> Written:
        """What the model reads."""
        type_ids = self._type_ids(candidate.entity_type)
        said = self._said.get(candidate.evidence, ())
        if self.settings.reading == "once":
            return Written(self._opening + type_ids, self._marked(candidate) + said)
        asked = replace(candidate.schema, labels=LabelSet((candidate.entity_type,)))
        prompt = self.tokens.prompt(candidate.text, asked, style=self.settings.style)
        before, inside = self._cut(candidate)
        opening = self.markers[:1]
        rest = (*type_ids, *before, *opening, *inside, *said)
        parts = (type_ids, False), (before, True), (opening, False), (inside, True), (said, False)
        copies = [copied for ids, copied in parts for _ in ids]
        layout = self.layout(prompt, self.tokens.brackets)
        return Written(tuple(prompt.ids), rest, layout.line(copies))

    def _written_type(self, entity_type: EntityType) -> Ids:
        """The name as a tagger's line has it, and the definition where it is asked for."""
        named = self.tokens.text_ids(header(entity_type.name))
        if not (self.settings.definition and entity_type.definition):
            return named
        return (*named, *self.tokens.text_ids(view(entity_type.definition)), self.tokens.line_end)

    def _cut(self, candidate: Candidate) -> tuple[Ids, Ids]:
        """The text before the candidate, and the candidate."""
        text, (start, end) = view(candidate.text), candidate.entity.span
        return self.tokens.text_ids(text[:start]), self.tokens.text_ids(text[start:end])

    def _marked(self, candidate: Candidate) -> Ids:
        """The whole text and the end token."""
        before, inside = self._cut(candidate)
        behind = self.tokens.text_ids(view(candidate.text)[candidate.entity.end :])
        opening, closing = self.markers
        return (*before, opening, *inside, closing, *behind, self.tokens.stop)


def marker_ids(tokenizer: PreTrainedTokenizerBase, settings: SelectorSettings) -> tuple[int, int]:
    """The ids of the two markers.

    Raises:
        SettingError: the tokenizer lacks one.
    """
    vocabulary = tokenizer.get_vocab()
    for marker in settings.markers:
        if marker not in vocabulary:
            raise SettingError(
                f"{tokenizer.name_or_path}: no token {marker!r}; use the tokenizer that was saved "
                "with the selector"
            )
    opening, closing = (vocabulary[marker] for marker in settings.markers)
    return opening, closing


def evidence_ids(tokens: Tokens) -> dict[Evidence, Ids]:
    """The id of each sign of evidence.

    Raises:
        SettingError: a sign is not a single token.
    """
    found = {evidence: tokens.piece_ids(sign) for evidence, sign in EVIDENCE_SIGNS.items()}
    for evidence, ids in found.items():
        if len(ids) != 1:
            raise SettingError(
                f"{tokens.tokenizer.name_or_path}: {EVIDENCE_SIGNS[evidence]!r}, which says "
                f"{evidence!r}, is {len(ids)} tokens and must be one; leave evidence out"
            )
    return found


def with_markers(
    tokenizer: PreTrainedTokenizerBase, settings: SelectorSettings
) -> SelectorSettings:
    """The settings with markers that the tokenizer has; it may gain two special tokens."""
    vocabulary = tokenizer.get_vocab()
    if all(marker in vocabulary for marker in settings.markers):
        return settings
    spare = sorted((i, name) for name, i in vocabulary.items() if _RESERVED.fullmatch(name))
    if len(spare) >= 2:
        return replace(settings, markers=(spare[0][1], spare[1][1]))
    tokenizer.add_special_tokens(
        {"extra_special_tokens": list(settings.markers)}, replace_extra_special_tokens=False
    )
    return settings
