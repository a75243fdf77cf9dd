"""Prompts: every style, strategy and language; the view in its place; one prefix for all texts."""

from itertools import product
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmner_hf.core.catalogue import CORPORA, Corpus
from llmner_hf.core.entities import EntityType, LabelSet, Language
from llmner_hf.core.errors import SettingError
from llmner_hf.core.prompting import WORDINGS, Message, Strategy, Style, messages
from llmner_hf.core.schema import Schema
from llmner_hf.core.tagging.base import view
from tests.strategies import label_sets, texts

STYLES, STRATEGIES, LANGUAGES = get_args(Style), get_args(Strategy), get_args(Language)
every = pytest.mark.parametrize(
    ("style", "strategy", "language"), list(product(STYLES, STRATEGIES, LANGUAGES))
)
OWN = LabelSet((EntityType("vessel", "a tube that carries blood"), EntityType("器官")))
UNTITLED = {language: Schema("", language, OWN) for language in LANGUAGES}
TEXT = "the [3H]aorta\tand\u3000心脏"
VIEW = "the (3H)aorta and 心脏"


def joined(turns: tuple[Message, ...]) -> str:
    """All that is said, in order."""
    return "\n".join(turn.content for turn in turns)


def test_there_is_a_wording_for_every_language_and_strategy() -> None:
    assert set(WORDINGS) == set(LANGUAGES)
    assert all(set(wording.format) == set(STRATEGIES) for wording in WORDINGS.values())


@every
def test_what_every_prompt_holds(style: Style, strategy: Strategy, language: Language) -> None:
    """The view once and never the text itself; every name, in order; the roles as chats have them.

    The brief style alone does without role, dataset, definitions and format.
    """
    turns = messages(TEXT, Schema("Vessels-1", language, OWN), style=style, strategy=strategy)
    said = joined(turns)
    assert said.count(VIEW) == 1
    assert TEXT not in said
    assert 0 <= said.index("vessel") < said.index("器官")
    wording = WORDINGS[language]
    full = style != "brief"
    assert [turn.role for turn in turns] == (["system", "user"] if full else ["user"])
    assert (wording.role in turns[0].content) is full
    assert ("Vessels-1" in said) is full
    assert ("a tube that carries blood" in said) is full
    assert (wording.format[strategy] in said) is full


@every
def test_only_the_text_differs_between_two_texts(
    style: Style, strategy: Strategy, language: Language
) -> None:
    """Wherever it stands; and in the styles that say so it is the end of the prompt."""
    one, other = (
        messages(text, Schema("Vessels-1", language, OWN), style=style, strategy=strategy)
        for text in ("QQ", "ZZZ")
    )
    assert [turn.content.replace("QQ", "ZZZ") for turn in one] == [turn.content for turn in other]
    assert one[:-1] == other[:-1]
    assert one[-1].content.endswith("\nQQ") is (style != "paper")


@given(texts(), texts(), label_sets(), st.sampled_from(STRATEGIES), st.sampled_from(LANGUAGES))
def test_prefix_ends_with_the_view(
    text: str, other: str, labels: LabelSet, strategy: Strategy, language: Language
) -> None:
    """Nothing is stripped, nothing follows, and what stands before is the same for every text."""
    for style in ("prefix", "brief"):
        ends = [
            messages(source, Schema("", language, labels), style=style, strategy=strategy)[
                -1
            ].content
            for source in (text, other)
        ]
        heads = [
            end.removesuffix(view(source)) for end, source in zip(ends, (text, other), strict=True)
        ]
        assert heads[0] == heads[1]
        assert ends == [heads[0] + view(text), heads[0] + view(other)]


@given(texts(), label_sets(), st.sampled_from(LANGUAGES))
def test_paper_puts_the_text_before_the_types(
    text: str, labels: LabelSet, language: Language
) -> None:
    """In lines of its own; the two styles hold the same parts."""
    wording = WORDINGS[language]
    types = "\n".join([wording.types, *(f"- {name}" for name in labels.names)])
    source = f"{wording.text}\n{view(text)}"
    ends = {"paper": f"\n{source}\n{types}", "prefix": f"\n{types}\n{source}"}
    heads = set()
    for style, end in ends.items():
        content = messages(text, Schema("", language, labels), style=style)[-1].content
        assert content.endswith(end)
        heads.add(content[: -len(end)])
    assert len(heads) == 1


@pytest.mark.parametrize("style", ["prefix", "paper"])
def test_a_type_without_a_definition_is_its_name(style: Style) -> None:
    lines = joined(messages("x", UNTITLED["en"], style=style)).split("\n")
    assert "- vessel: a tube that carries blood" in lines
    assert "- 器官" in lines
    assert "- vessel：a tube that carries blood" in joined(messages("x", UNTITLED["zh"])).split(
        "\n"
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_a_title_no_dataset_is_named(language: Language) -> None:
    wording = WORDINGS[language]
    named = joined(messages("x", Schema("{0} GENIA", language, OWN)))
    assert wording.dataset.replace("{title}", "{0} GENIA") in named  # braces are characters
    said = joined(messages("x", UNTITLED[language]))
    assert wording.any_dataset in said
    assert "GENIA" not in said
    assert "{" not in said


@pytest.mark.parametrize("corpus", CORPORA.values(), ids=CORPORA)
def test_a_corpus_brings_its_title_types_and_definitions(corpus: Corpus) -> None:
    said = joined(messages("x", Schema(corpus.title, corpus.language, corpus.labels)))
    assert corpus.title in said
    colon = WORDINGS[corpus.language].colon
    lines = said.split("\n")
    assert all(f"- {t.name}{colon}{t.definition}" in lines for t in corpus.labels)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_strategies_ask_for_different_things(language: Language) -> None:
    asked = {
        joined(messages("x", UNTITLED[language], strategy=strategy)) for strategy in STRATEGIES
    }
    assert len(asked) == 3


def test_defaults_are_prefix_and_symbolic() -> None:
    schema = UNTITLED["en"]
    assert messages("x", schema) == messages("x", schema, style="prefix", strategy="symbolic")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"style": "suffix"}, "unknown style 'suffix'; known are prefix, paper, brief"),
        (
            {"strategy": "json"},
            "unknown tagging strategy 'json'; known are symbolic, html, json_list",
        ),
        ({"language": "de"}, "unknown language 'de'; known are en, zh"),
        ({"language": "de", "style": "brief"}, "unknown language 'de'"),
    ],
)
def test_unknown_settings_are_refused(wrong: dict[str, Any], message: str) -> None:
    """The message names the value and what there is."""
    with pytest.raises(SettingError, match=message):
        messages("x", Schema("", wrong.pop("language", "en"), OWN), **wrong)
