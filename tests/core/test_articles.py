"""Articles are what their sentences were cut from."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from llmner_hf.core.articles import articles, identifier
from llmner_hf.core.entities import Entity, Example
from llmner_hf.core.errors import InputError
from llmner_hf.core.offsets import within
from llmner_hf.core.sentences import join_over, split
from tests.strategies import Case, cases


@given(cases())
def test_the_article_of_all_its_sentences_is_the_article(case: Case) -> None:
    """Cut as `llmner build` cuts, and put together: the same but for blanks."""
    whole = Example("7-a", case.text, case.entities, "own", "en")
    spans, _ = join_over(split(whole.text, "en"), whole.entities)
    rows = [
        replace(
            whole,
            id=identifier("own", whole.id, start),
            text=whole.text[start:end],
            entities=within((start, end), whole.entities),
        )
        for start, end in spans
    ]
    together = articles(rows)
    assert len(together) == bool(rows)
    for article in together:
        assert article.id == "own-7-a"
        assert article.entities == whole.entities
        assert "".join(article.text.split()) == "".join(whole.text.split())
        for start, end in spans:
            assert article.text[start:end] == whole.text[start:end]


def row(name: str, text: str = "IL-2.") -> Example:
    """A sentence."""
    return Example(name, text, (Entity(0, 4, "DNA"),), "own", "en")


def test_articles_are_kept_apart_and_in_order() -> None:
    """Neighbours of one article are one; offsets count from its start."""
    found = articles([row("own-2-00003"), row("own-2-00010"), row("own-1-00000")])
    assert [(e.id, e.text) for e in found] == [("own-2", "   IL-2.  IL-2."), ("own-1", "IL-2.")]
    assert [e.span for e in found[0].entities] == [(3, 7), (10, 14)]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([row("7")], "'7' is no id of a sentence, DATASET-ARTICLE-START"),
        ([row("own-7-x")], "'own-7-x' is no id of a sentence"),
        ([row("own-7-00000"), row("own-7-00004")], "'own-7-00004' begins before the sentence"),
    ],
)
def test_other_rows_are_refused(rows: list[Example], message: str) -> None:
    """A corpus of sentences that belong to no article."""
    with pytest.raises(InputError, match=message):
        articles(rows)
