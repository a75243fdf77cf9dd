"""Concepts of predicted entities against those of gold ones.

In: two mappings, document id -> entity -> ids of concepts, gold and predicted. Out: `LinkScores`
for every document, which add, and the counts behind an accuracy at k. An answer is right when its
ids are exactly those of gold, as a set: half of a composite mention is wrong.

- ``mentions``: answers on mentions that both sides have. Its recall is the accuracy at 1 on gold
  mentions; where the predictions were made on gold mentions, on all of them.
- ``end_to_end``: span, type and ids are right; a mention that was not found is missed.
- ``documents``: the set of ids of each document (BioCreative V's score), whatever names them where.

A gold mention without a concept (no ids) counts in no accuracy and no recall, and an answer on it
is wrong. One whose concepts nobody annotated (None) counts nowhere, nor does an answer on it. To
give no ids, or None, is to give no answer: never right, but not wrong either.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from llmner_hf.core.entities import Entity
from llmner_hf.core.errors import SettingError
from llmner_hf.core.scoring.counts import Counts, aligned
from llmner_hf.core.sums import Summed

Answers = Mapping[Entity, Collection[str] | None]
Linked = Mapping[str, Answers]


@dataclass(frozen=True, slots=True)
class LinkScores(Summed):
    """The counts of a document or, added, of a corpus; of all types, and of each."""

    mentions: Counts = field(default_factory=Counts)
    end_to_end: Counts = field(default_factory=Counts)
    documents: Counts = field(default_factory=Counts)
    per_type: Mapping[str, LinkScores] = field(default_factory=dict)


def _ids(side: Answers) -> dict[Entity, frozenset[str]]:
    """The mentions that have a concept."""
    return {entity: frozenset(ids) for entity, ids in side.items() if ids}


def _scores(gold: Answers, predicted: Answers) -> LinkScores:
    wanted = _ids(gold)
    # An answer on a mention that nobody annotated can be neither right nor wrong.
    given = {e: ids for e, ids in _ids(predicted).items() if gold.get(e, ()) is not None}
    right = sum(given.get(entity) == ids for entity, ids in wanted.items())
    asked, told = (frozenset().union(*side.values()) for side in (wanted, given))
    return LinkScores(
        mentions=Counts(
            right, len(given.keys() & gold.keys()), len(wanted.keys() & predicted.keys())
        ),
        end_to_end=Counts(right, len(given), len(wanted)),
        documents=Counts(len(asked & told), len(told), len(asked)),
    )


def _of_type(side: Answers, label: str) -> Answers:
    return {entity: ids for entity, ids in side.items() if entity.label == label}


def link_scores(gold: Linked, predicted: Linked) -> dict[str, LinkScores]:
    """The scores of every document; they add to those of the corpus.

    Args:
        gold: every document, with all of its entities.
        predicted: likewise; a document that is absent has no entity.

    Raises:
        InputError: a document was predicted that gold does not know.

    >>> aspirin, asthma = Entity(0, 7, "Drug"), Entity(12, 18, "Disease")
    >>> gold = {"a": {aspirin: ["MESH:D001241"], asthma: ["MESH:D001249"]}}
    >>> found = link_scores(gold, {"a": {aspirin: ["MESH:D001241"]}})["a"]
    >>> found.mentions.recall, found.end_to_end.recall, found.documents.precision
    (1.0, 0.5, 1.0)
    """
    scores = {}
    for document, entities, guesses in aligned(gold, predicted):
        golds, found = gold[document], predicted.get(document, {})
        of_types = {
            label: _scores(_of_type(golds, label), _of_type(found, label))
            for label in sorted({entity.label for entity in entities | guesses})
        }
        whole = _scores(golds, found)
        scores[document] = LinkScores(whole.mentions, whole.end_to_end, whole.documents, of_types)
    return scores


def accuracy_counts(
    gold: Linked,
    ranked: Mapping[str, Mapping[Entity, Sequence[Collection[str]]]],
    k: int = 1,
) -> dict[str, Counts]:
    """Whether the right answer is among the first k, for every document; recall is the accuracy.

    Args:
        gold: every document.
        ranked: document id -> gold mention -> answers, the best first, each the ids it names.
        k: how many of them count.

    Raises:
        InputError: a document was predicted that gold does not know.
        SettingError: k is less than 1.

    >>> aspirin = Entity(0, 7, "Drug")
    >>> ranked = {"a": {aspirin: [["MESH:D000082"], ["MESH:D001241"]]}}
    >>> gold = {"a": {aspirin: ["MESH:D001241"]}}
    >>> [accuracy_counts(gold, ranked, k)["a"].recall for k in (1, 2)]
    [0.0, 1.0]
    """
    if k < 1:
        raise SettingError(f"k = {k}: an accuracy needs at least one answer")
    counts = {}
    for document, _, _ in aligned(gold, ranked):
        found = ranked.get(document, {})
        first = {e: [set(answer) for answer in found[e][:k] if answer] for e in found}
        wanted = _ids(gold[document])
        counts[document] = Counts(
            sum(ids in first.get(entity, ()) for entity, ids in wanted.items()),
            sum(bool(first.get(entity)) for entity in gold[document]),
            len(wanted),
        )
    return counts
