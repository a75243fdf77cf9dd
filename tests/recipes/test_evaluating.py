"""The table of the embedded model: sentences by themselves, and articles put together."""

from datasets import Dataset, DatasetDict

from llmner_hf.core.articles import identifier
from llmner_hf.core.entities import Entity, Example
from llmner_hf.core.offsets import within
from llmner_hf.core.schema import Schema
from llmner_hf.core.sentences import split
from llmner_hf.corpora.rows import FEATURES, to_row
from llmner_hf.paper.runs import trials
from tests.doubles import scripts

NAME = "bc5cdr_chemical"
TEXT = "We gave tetrafluoroprusside (TFP) to mice. Mice with TFP slept more. TFP was stopped."
GOLD = tuple(
    Entity(start, end, "Chemical") for start, end in ((8, 27), (29, 32), (53, 56), (69, 72))
)


def test_an_article_gives_what_its_sentences_alone_do_not(tmp_path, capsys):
    examples = [
        Example(identifier(NAME, "7", s), TEXT[s:e], within((s, e), GOLD), NAME, "en")
        for s, e in split(TEXT, "en")
    ]
    rows = [to_row(e, Schema.of_corpus(NAME), style="brief", strategy="symbolic") for e in examples]
    made = DatasetDict({"test": Dataset.from_list(rows, features=FEATURES)})
    made["test"].to_parquet(tmp_path / "data" / NAME / "test.parquet")
    listed = tmp_path / "dictionary"
    listed.mkdir()
    (listed / f"{NAME}.predicted.jsonl").write_text("")
    recall, shown = [], []
    for flags in ([], ["--articles"]):
        out = tmp_path / f"out{len(flags)}"
        given = ["--data", tmp_path / "data", "--dictionary", listed, "-o", out, "--only", NAME]
        assert not scripts.run(scripts.EMBEDDED / "evaluate.py", *given, *flags)
        shown.append(capsys.readouterr().out.splitlines()[-1])
        (trial,) = trials(out)
        recall.append(trial.scores("llm_cls").strict.recall)
        assert trial.scores("llm_cls").strict.precision == 1.0
    assert recall == [0.5, 1.0]
    assert [row.split(" | ")[1:3] for row in shown] == [["3", "4"], ["1", "4"]]
