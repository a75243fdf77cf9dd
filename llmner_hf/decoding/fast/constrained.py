"""Copy-constrained decoding: masked greedy, with drafts that are verified many tokens at a time.

In: requests. Out: predictions whose entities lie inside the text, always, whatever the text says.
At every step the most probable token among those that copy and tag; on a tie the lowest id. The
tokens are those of `decoding.reference`, which writes one a step: here a pass of the model verifies
a draft (`decoding.fast.drafts`), keeps what it would have written itself, and corrects the first
token that it would not. Rows of a batch advance on their own and are given to the next text when
done; what the prompts of a label set have in common is computed once. Neither drafts nor company
change a token, but for ties within rounding.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from llmner_hf.core.entities import Prediction
from llmner_hf.decoding.fast.automaton import Automaton
from llmner_hf.decoding.fast.cache import Prefixes, RowCache, layers_of
from llmner_hf.decoding.fast.choice import agreement, choose
from llmner_hf.decoding.fast.costs import parts, pass_tokens
from llmner_hf.decoding.fast.drafts import Drafter
from llmner_hf.decoding.fast.row import Row
from llmner_hf.decoding.fast.walk import Walk
from llmner_hf.decoding.record import Record
from llmner_hf.decoding.request import Request
from llmner_hf.decoding.symbolic import SymbolicDecoder
from llmner_hf.settings import TaggerSettings
from llmner_hf.tokens.prior import Prior

# Memory for the prefixes of label sets. Ours: 40 prompts of 650 tokens of a 9B GLM, 41 kB each.
PREFIX_BYTES = 2**30
# A draft may cost as much as this many passes. Ours, on two cores at batch 8: one pass's worth was
# 1.5 times slower than no limit where drafts are mostly right, no limit 1.1 times slower elsewhere.
DRAFT_PASSES = 4
# No draft is shorter, however many rows share a pass: each reads its own keys again. Ours, for the
# embedded model on one core at batch 32: 16 to 64 within a fifth, 8 up to 1.6 times slower.
# The longest is a few lines.
SHORTEST_DRAFT, LONGEST_DRAFT = 32, 1024


class ConstrainedDecoder(SymbolicDecoder):
    """Copy-constrained decoding with one model.

    Args:
        model: a causal language model, with its adapter if it has one; all layers attend fully.
        tokenizer: its tokenizer.
        settings: how it was tuned.
        drafter: the policy of drafts; changes speed alone.
        longest_draft: the longest draft in tokens; measured on the device if absent.
        prefix_bytes: memory for what prompts have in common; 0 computes every prompt whole.

    Raises:
        SettingError: as in ``SymbolicDecoder``, or the model's attention has windows.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        settings: TaggerSettings,
        *,
        drafter: Drafter | None = None,
        longest_draft: int | None = None,
        prefix_bytes: int = PREFIX_BYTES,
    ) -> None:
        layers_of(model)
        super().__init__(model, tokenizer, settings)
        self.drafter = drafter or Drafter()
        self.longest_draft = longest_draft
        self.passes = 0
        self._prefixes = Prefixes(model, prefix_bytes)

    @torch.inference_mode()
    def decode(self, requests: Sequence[Request], batch_size: int = 16) -> list[Prediction]:
        """The predictions of all requests, in their order.

        Args:
            requests: what to annotate; long texts first, so that a batch holds like lengths.
            batch_size: texts at a time; changes speed and memory, never a result.
        """
        return [record.prediction for record in self.write(requests, batch_size)]

    @torch.inference_mode()
    def write(self, requests: Sequence[Request], batch_size: int = 16) -> list[Record]:
        """The completions of all requests, in their order; arguments as in ``decode``."""
        waiting = deque(sorted(range(len(requests)), key=lambda i: -len(requests[i].text)))
        size = min(batch_size, len(waiting))
        records: dict[int, Record] = {}
        cache = RowCache(self.model, size)
        rows: list[Row] = []
        while waiting or rows:
            while waiting and len(rows) < size:
                rows.append(self._begin(requests, waiting.popleft(), cache, len(rows)))
            self._advance(rows, cache, self._longest(len(rows)))  # fewer rows, longer drafts
            keep = []
            for place, row in enumerate(rows):
                if row.done:
                    self._weigh(row)
                    records[row.index] = row.record
                    if not waiting:
                        continue
                    rows[place] = self._begin(requests, waiting.popleft(), cache, place)
                keep.append(place)
            if len(keep) < len(rows):
                cache.keep(keep)
                rows = [rows[place] for place in keep]
        return [records[index] for index in range(len(requests))]

    def _begin(self, requests: Sequence[Request], index: int, cache: RowCache, place: int) -> Row:
        """The row of a request, its place in the cache made ready."""
        request = requests[index]
        prompt = self.prompt(request)
        automaton = Automaton(self.lattice(request))
        prior = self.prior(request)
        known = self.drafter.knowledge(automaton, prior)
        layout = self.layout(prompt, self.tokens.brackets)
        row = Row(index, automaton, request, known, prior, layout)
        head = prompt.head if self._prefixes.most_bytes else ()
        cache.begin(place, self._prefixes.get(head))
        row.pending = prompt.ids[len(head) :]
        row.standing = layout.prompt(len(head))
        return row

    def _advance(self, rows: list[Row], cache: RowCache, most: int) -> None:
        """One pass of every row; rows with much to read go apart, lest the others be padded."""
        walks = [
            self.drafter.draft(
                row.automaton,
                row.cell,
                row.line,
                row.known,
                [start for start, _ in row.record.open],
                most,
            )
            for row in rows
        ]
        widths = [
            len(row.pending) + len(walk.tokens) for row, walk in zip(rows, walks, strict=True)
        ]
        for chosen in parts(widths, self._pass_tokens):
            self._verify(
                [rows[place] for place in chosen],
                [walks[place] for place in chosen],
                cache,
                chosen,
            )

    def _verify(
        self, rows: list[Row], walks: list[Walk], cache: RowCache, places: list[int]
    ) -> None:
        """Read pending tokens and drafts; write what the model itself would have written."""
        self.passes += 1
        states = self._read(rows, walks, cache, places)
        choices, among = self._choose(states, walks, [row.prior for row in rows])
        begin = 0  # of the row's part of states, choices and logs: one for each cell of its walk
        for row, walk, place in zip(rows, walks, places, strict=True):
            count = self._accept(row, walk, choices[begin : begin + len(walk.cells)], cache, place)
            # The token written at a cell was chosen by the state behind that cell, and cells are
            # written in order: the first ``count`` of the row's part are those of what was written.
            written = slice(begin, begin + count)
            row.among.append(among[written])
            if self.settings.confidence == "full":  # a copy: a view would keep the whole pass
                row.states.append(states[written].clone())
            begin += len(walk.cells)

    def _read(
        self, rows: list[Row], walks: list[Walk], cache: RowCache, places: list[int]
    ) -> torch.Tensor:
        """One pass of the model: the states behind the cells of all walks, (cells, hidden)."""
        width = max(len(r.pending) + len(w.tokens) for r, w in zip(rows, walks, strict=True))
        ids = np.full((len(rows), width), self.tokens.stop)
        chosen_at = []
        for number, (row, walk) in enumerate(zip(rows, walks, strict=True)):
            tokens = row.pending + walk.tokens
            ids[number, : len(tokens)] = tokens
            row.standing = row.stand(walk, int(cache.lengths[places[number]]))
            # The state behind a token chooses the next one. So the walk's first cell is judged by
            # the last pending token, and each further cell by the token of the draft before it.
            first = number * width + len(row.pending) - 1  # in the flattened batch
            chosen_at.append(np.arange(first, first + len(walk.cells)))
        positions, mask = self._placed(rows, cache, places, width)
        hidden = self.model.get_decoder()(
            input_ids=torch.from_numpy(ids).to(self.model.device),
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
        ).last_hidden_state.flatten(0, 1)
        found: torch.Tensor = hidden[torch.from_numpy(np.concatenate(chosen_at)).to(hidden.device)]
        return found

    def _accept(self, row: Row, walk: Walk, answers: list[int], cache: RowCache, place: int) -> int:
        """Write the draft as far as the model agrees, and then its own token; returns how many.

        Args:
            row: what is written.
            walk: the draft.
            answers: the model's choice at each cell of the draft.
            cache: of the batch.
            place: the row's place in it.
        """
        agreed = agreement(answers, walk.tokens)
        # Kept in the cache is what was read and is right: the pending tokens and the agreed part.
        # The slots behind it hold refused tokens. The next pass begins to write at the first of
        # them, and no token sees a slot behind its own, so nobody ever sees a refused token.
        cache.lengths[place] += len(row.pending) + agreed
        if agreed < len(walk.tokens):
            self.drafter.learn(walk, answers, agreed, row.known)
        # The line is that of the last token kept: one that began in the refused part never did.
        row.begun = row.standing.begun[len(row.pending) + agreed - 1]
        row.take(walk, agreed)
        row.pending = []
        # Everything before the answer at this cell is right, so it is what the model itself writes.
        # There is no such cell where the whole draft was right and ended with the end token.
        for token in answers[agreed : agreed + 1]:
            row.correct(token, int(cache.lengths[place]))
        return agreed + len(row.pending)

    def _placed(
        self, rows: list[Row], cache: RowCache, places: list[int], width: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Positions, (rows, width), and mask of a pass; see `RowCache.place`."""
        positions = np.zeros((len(rows), width), dtype=np.int64)  # padding may stand anywhere
        hidden = np.zeros((len(rows), width, 2), dtype=np.int64)
        for number, row in enumerate(rows):
            count = len(row.standing.positions)
            positions[number, :count] = row.standing.positions
            # A token does not see what lies between the prompt and the beginning of its line. Where
            # the line begins before the prompt ends, that is nothing.
            hidden[number, :count] = row.layout.asked, 0
            hidden[number, :count, 1] = row.standing.begun
        mask = cache.place(places, width, hidden)
        return torch.from_numpy(positions).to(mask.device), mask

    def _weigh(self, row: Row) -> None:
        """Score a finished row: once, since the whole output matrix is read for it."""
        judged = torch.tensor(row.record.judged)
        logs = among = torch.cat(row.among)[judged]
        if row.states:
            written = torch.tensor(row.record.tokens)[judged].to(logs.device)
            logs = self.log_probabilities(torch.cat(row.states)[judged], written)
        row.record.weigh(logs.tolist(), (logs - among).tolist())

    def _choose(
        self, states: torch.Tensor, walks: list[Walk], priors: list[Prior]
    ) -> tuple[list[int], torch.Tensor]:
        """See `choice.choose`."""
        return choose(states, walks, priors, self.logits, self.tokens)

    def _longest(self, size: int) -> int:
        """The longest draft that pays, from what a pass costs and what its tokens cost."""
        if self.longest_draft is not None:
            return self.longest_draft
        longest = int(DRAFT_PASSES * self._pass_tokens / max(size, 1))
        return max(SHORTEST_DRAFT, min(longest, LONGEST_DRAFT))

    @cached_property
    def _pass_tokens(self) -> float:
        return pass_tokens(self.model)
