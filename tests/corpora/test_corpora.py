"""Corpora built end to end from files made up here, and the sizes of the real ones."""

from __future__ import annotations

import importlib
import json
import lzma
import os
from pathlib import Path

import pytest
from datasets import get_dataset_config_names, load_dataset
from huggingface_hub import DatasetCard

from llmner_hf.core.catalogue import CORPORA
from llmner_hf.core.entities import Entity
from llmner_hf.core.errors import FormatError, InputError, RunError, SettingError
from llmner_hf.corpora import build, builder, publishing
from llmner_hf.corpora.report import BuildReport
from llmner_hf.corpora.rows import FEATURES, Row, check, label_set, to_example
from llmner_hf.corpora.sources import Count
from tests.conftest import ROOT

cmeee_v2 = importlib.import_module("llmner_hf.dataset_scripts.cmeee_v2")

TITLE = "Aspirin and asthma."
ABSTRACT = "We saw severe asthma in nine patients after aspirin. It ended without treatment."


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".xz":
        path.write_bytes(lzma.compress(text.encode("utf-8")))
    else:
        path.write_text(text, encoding="utf-8")


def article(number: str, abstract: str = ABSTRACT, chemical: str = "Chemical") -> str:
    text = f"{TITLE} {abstract}"
    start = text.index("aspirin")
    rows = [
        (number, "0", "7", "Aspirin", chemical, "D001241"),
        (number, str(start), str(start + 7), "aspirin", chemical, "D001241"),
        (number, "12", "18", "asthma", "Disease", "D001249"),
    ]
    lines = [f"{number}|t|{TITLE}", f"{number}|a|{abstract}", *("\t".join(row) for row in rows)]
    return "\n".join([*lines, f"{number}\tCID\tD001241\tD001249", "", ""])


def columns(*sentences: str) -> str:
    tokens = [sentence.replace(".", " .").split() for sentence in sentences]
    return "\n\n".join("\n".join(f"{token}\tO" for token in one) for one in tokens) + "\n"


def bc5cdr(folder: Path, published: bool = True) -> Path:
    """Training articles 101 and 102, development 103, test 104; all with other abstracts."""
    texts = {
        number: ABSTRACT.replace("nine", f"{number} adult").replace("ended", f"ended by {number}")
        for number in ("101", "102", "103", "104")
    }
    splits = {"Training": ("101", "102"), "Development": ("103",), "Test": ("104",)}
    names = {"Training": "train", "Development": "devel", "Test": "test"}
    for split, numbers in splits.items():
        content = "".join(article(number, texts[number]) for number in numbers)
        write(folder / f"CDR_{split}Set.PubTator.txt.xz", content)
        if published:
            # The published version has another break than our rules, and another order.
            pieces = [
                piece
                for number in reversed(numbers)
                for piece in (TITLE, *texts[number].replace("after", "|after").split("|"))
            ]
            write(folder / "conll" / f"{names[split]}.tsv", columns(*pieces))
    return folder


def biored(folder: Path, training: tuple[str, ...] = ("201",)) -> Path:
    for split, numbers in {"Train": training, "Dev": ("202",), "Test": ("203",)}.items():
        texts = {number: ABSTRACT.replace("nine", f"{number} old") for number in numbers}
        content = "".join(article(n, text, "ChemicalEntity") for n, text in texts.items())
        content = content.replace("Disease", "DiseaseOrPhenotypicFeature")
        write(folder / f"{split}.PubTator", content.replace("\n", "\r\n"))
    return folder


SENTENCES = [
    ("Expression of the IL-2 gene rises in T cells .", (18, 27, "DNA"), (18, 22, "protein")),
    (
        "The [NF-kappa B] protein binds the promoter at once .",
        (4, 24, "protein"),
        (5, 15, "protein"),
    ),
    ("No entity stands in this sentence of ours .",),
    ("It binds the c-fos promoter in monocytes as well .", (13, 27, "DNA")),
]


def genia(folder: Path) -> Path:
    for place, split in enumerate(("train", "dev", "test")):
        rows = []
        for index, (text, *spans) in enumerate(SENTENCES):
            text = text.replace(" .", f" {split} .") if index else text
            entities = [{"start": s, "end": e, "type": t, "text": text[s:e]} for s, e, t in spans]
            identifier = f"genia-{split}-{index:05d}"
            article = f"9000000{place}" if index else "95000000"
            rows.append({"id": identifier, "article": article, "text": text, "entities": entities})
        write(folder / f"derived/genia_{split}.jsonl.xz", "\n".join(map(json.dumps, rows)) + "\n")
    return folder


def cmeee(folder: Path, number: int = 10) -> Path:
    mention = {"start_idx": 0, "end_idx": 1, "type": "sym", "entity": "发热"}
    inner = {"start_idx": 4, "end_idx": 4, "type": "bod", "entity": "肺"}
    rows = [{"text": f"发热{i}天肺炎", "entities": [mention, inner]} for i in range(number)]
    write(folder / "CMeEE-V2_dev.json", json.dumps(rows, ensure_ascii=False))
    return folder


def answer(content: str) -> list[dict[str, str]]:
    """A completion: the turn of the assistant."""
    return [{"role": "assistant", "content": content}]


def rows(folder: Path, split: str) -> list[Row]:
    return list(load_dataset(str(folder), split=split))


def test_articles_in_published_sentences_with_the_original_offsets(tmp_path: Path) -> None:
    report = build("bc5cdr_chemical", bc5cdr(tmp_path / "bc5cdr"), tmp_path / "out")
    train = rows(tmp_path / "out", "train")
    assert [row["id"].split("-")[1:] for row in train][:3] == [
        ["101", "00000"],
        ["101", "00020"],
        ["101", "00063"],
    ]
    assert train[0]["text"] == TITLE
    assert train[1]["text"] == "We saw severe asthma in 101 adult patients"
    assert train[2]["text"] == "after aspirin. It ended by 101 without treatment."
    assert [to_example(row).entities for row in train[:3]] == [
        (Entity(0, 7, "Chemical"),),
        (),
        (Entity(6, 13, "Chemical"),),
    ]
    assert train[2]["completion"] == answer(
        "Chemical: after [aspirin]. It ended by 101 without treatment."
    )
    assert report.read == {"train": Count(6, 4), "validation": Count(3, 2), "test": Count(3, 2)}
    dropped = [file.dropped for file in report.files]
    assert [sum(counts.values()) for counts in dropped] == [2, 1, 1]
    assert all("Disease" in reason for counts in dropped for reason in counts)


def test_without_the_published_version_our_sentences_are_used_and_remarked(tmp_path: Path) -> None:
    source = bc5cdr(tmp_path / "bc5cdr", published=False)
    report = build("bc5cdr_chemical", source, tmp_path / "out")
    assert rows(tmp_path / "out", "train")[2]["text"] == "It ended by 101 without treatment."
    assert (
        report.remarks["train: article split by our own rules, as conll/train.tsv is absent"] == 2
    )


def test_a_published_version_of_other_articles_is_refused(tmp_path: Path) -> None:
    source = bc5cdr(tmp_path / "bc5cdr")
    write(source / "conll" / "test.tsv", columns("Another text altogether."))
    with pytest.raises(FormatError, match=r"test\.tsv"):
        build("bc5cdr_chemical", source, tmp_path / "out")


def test_nested_sentences_round_trip_streaming_or_not(tmp_path: Path) -> None:
    build("genia", genia(tmp_path / "genia"), tmp_path / "out", style="brief", drop_leaks=False)
    assert get_dataset_config_names(str(tmp_path / "out")) == ["genia"]
    whole = load_dataset(str(tmp_path / "out"))
    assert {name: table.num_rows for name, table in whole.items()} == {
        "train": 4,
        "validation": 4,
        "test": 4,
    }
    assert whole["train"].features == FEATURES
    streamed = load_dataset(str(tmp_path / "out"), split="train", streaming=True)
    assert list(streamed) == list(whole["train"])
    second = whole["train"][1]
    assert second["entities"][0]["text"] == "[NF-kappa B] protein"
    assert second["completion"][0]["content"].startswith(
        "protein: The [([NF-kappa B]) protein] binds"
    )
    assert label_set(second) == CORPORA["genia"].labels
    assert check(row for table in whole.values() for row in table) == 12


def test_an_article_and_a_sentence_of_the_test_split_leave_training(tmp_path: Path) -> None:
    report = build("genia", genia(tmp_path / "genia"), tmp_path / "out")
    # The first sentence is the same in the three splits; the shortest, "train .", differ.
    assert report.written == {"train": Count(3, 3), "validation": Count(3, 3), "test": Count(4, 5)}
    assert report.dropped["train: example that stands in a test split"] == 1
    assert report.dropped["train: mention in such an example"] == 2
    kept = build("genia", tmp_path / "genia", tmp_path / "kept", drop_leaks=False)
    assert kept.written["train"] == Count(4, 5)
    assert kept.leakage == report.leakage
    assert "KEPT" in kept.as_text()
    assert "KEPT" not in report.as_text()


def test_an_article_of_another_corpus_s_test_split_leaves_training(tmp_path: Path) -> None:
    bc5cdr(tmp_path / "bc5cdr")
    source = biored(tmp_path / "biored", training=("201", "104"))
    report = build("biored", source, tmp_path / "out")
    numbers = {row["id"].split("-")[1] for row in rows(tmp_path / "out", "train")}
    assert numbers == {"201"}
    assert report.unchecked == ["cmeee_v2", "ccks2019_as", "genia", "ncbi_disease"]
    overlap = next(o for o in report.leakage.overlaps if o.test == "bc5cdr_chemical")
    assert overlap.articles == 1
    assert {name.split("-")[1] for name in overlap.drop} == {"104"}
    elsewhere = build("biored", source, tmp_path / "all", against=tmp_path / "nowhere")
    assert "bc5cdr_chemical" in elsewhere.unchecked
    assert elsewhere.written["train"].texts == 2 * report.written["train"].texts


def test_article_numbers_of_another_series_do_not_meet(tmp_path: Path) -> None:
    """GENIA's are MEDLINE's: 104 there is not PubMed's 104."""
    bc5cdr(tmp_path / "bc5cdr")
    source = genia(tmp_path / "genia")
    path = source / "derived/genia_train.jsonl.xz"
    write(path, lzma.decompress(path.read_bytes()).decode().replace("90000000", "104"))
    report = build("genia", source, tmp_path / "out")
    overlap = next(o for o in report.leakage.overlaps if o.test == "bc5cdr_chemical")
    assert overlap.articles == 0


def test_held_out_texts_are_the_test_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ids.txt").write_text("# two\n3\n7\n", encoding="utf-8")
    monkeypatch.setattr(cmeee_v2, "HELD_OUT", tmp_path / "ids.txt")
    report = build("cmeee_v2", cmeee(tmp_path / "cmeee_v2"), tmp_path / "out", drop_leaks=False)
    test = rows(tmp_path / "out", "test")
    assert [row["id"][-5:] for row in test] == ["00003", "00007"]
    assert test[0]["text"] == "发热3天肺炎"
    assert test[0]["completion"] == answer("临床表现: [发热]3天肺炎\n身体: 发热3天[肺]炎")
    assert {name: count.texts for name, count in report.read.items()} == {
        "train": 4,
        "validation": 4,
        "test": 2,
    }
    everything = [row["id"] for name in report.read for row in rows(tmp_path / "out", name)]
    assert len(set(everything)) == 10


def test_a_registered_training_file_trains_and_the_development_texts_validate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ids.txt").write_text("0\n", encoding="utf-8")
    monkeypatch.setattr(cmeee_v2, "HELD_OUT", tmp_path / "ids.txt")
    source = cmeee(tmp_path / "cmeee_v2")
    write(source / "CMeEE-V2_train.json", json.dumps([{"text": "无发热咳嗽", "entities": []}]))
    report = build("cmeee_v2", source, tmp_path / "out")
    assert report.written == {"train": Count(1, 0), "validation": Count(9, 18), "test": Count(1, 2)}


def test_a_development_file_that_is_too_short_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="10 development texts"):
        build("cmeee_v2", cmeee(tmp_path / "cmeee_v2"), tmp_path / "out")


def test_the_committed_held_out_ids() -> None:
    ids = cmeee_v2.held_out()
    assert len(ids) == 500
    assert ids < set(range(5_000))


def test_records_keep_one_type_of_six(tmp_path: Path) -> None:
    source = tmp_path / "ccks2019"
    for place, name in enumerate(
        (
            "subtask1_training_part1.txt",
            "subtask1_training_part2.txt",
            "subtask1_test_set_with_answer.json",
        )
    ):
        site = {"label_type": "解剖部位", "start_pos": 2, "end_pos": 3}
        drug = {"label_type": "药物", "start_pos": 5, "end_pos": 9}
        record = {"originalText": f"患者腹痛，阿司匹林{place}片。", "entities": [site, drug]}
        write(source / name, ("\ufeff" if not place else "") + json.dumps(record))
    report = build("ccks2019_as", source, tmp_path / "out")
    assert report.written == {"train": Count(2, 2), "test": Count(1, 1)}
    assert rows(tmp_path / "out", "test")[0]["completion"] == answer(
        "解剖部位: 患者[腹]痛，阿司匹林2片。"
    )


def test_genia_s_own_file_is_divided_in_its_order(tmp_path: Path) -> None:
    sentences = "".join(f"<sentence>Sentence {i} of our own.</sentence>" for i in range(20))
    article = (
        "<article><articleinfo><bibliomisc>MEDLINE:9</bibliomisc></articleinfo>"
        f"<abstract>{sentences}</abstract></article>"
    )
    write(tmp_path / "g" / "GENIAcorpus3.02.xml", f"<set>{article}</set>")
    report = build("genia", tmp_path / "g", tmp_path / "out", drop_leaks=False)
    assert {name: count.texts for name, count in report.read.items()} == {
        "train": 17,
        "validation": 1,
        "test": 2,
    }
    assert rows(tmp_path / "out", "test")[0]["text"] == "Sentence 18 of our own."


def test_what_a_strategy_cannot_write_leaves_training_and_stays_in_the_test(tmp_path: Path) -> None:
    source = genia(tmp_path / "genia")
    for split in ("train", "test"):
        path = source / f"derived/genia_{split}.jsonl.xz"
        wide = '{"start": 2, "end": 12, "type": "RNA"}, {"start": 18'
        text = lzma.decompress(path.read_bytes()).decode()
        crossing = text.replace('{"start": 18', wide, 1).replace('"end": 12', '"end": 20', 1)
        write(path, crossing)
    report = build("genia", source, tmp_path / "out", strategy="html", drop_leaks=False)
    assert report.dropped["train: example that html tagging cannot write"] == 1
    assert report.dropped["train: example that html tagging cannot write, its mentions"] == 3
    assert sum(report.remarks.values()) == 1
    first = rows(tmp_path / "out", "test")[0]
    assert first["completion"] is None
    assert len(first["entities"]) == 3


def test_a_builder_works_as_any_builder_of_datasets(tmp_path: Path) -> None:
    made = builder("genia")(
        data_dir=str(genia(tmp_path / "genia")), cache_dir=str(tmp_path / "cache"), style="brief"
    )
    made.download_and_prepare()
    assert made.as_dataset(split="train").features == FEATURES
    assert made.report.written["test"] == Count(4, 5)


@pytest.mark.parametrize("name", CORPORA)
def test_every_corpus_has_its_builder(name: str) -> None:
    found = builder(name)
    assert name == found.NAME
    script = ROOT / "dataset_scripts" / f"{name}.py"
    assert len(script.read_text(encoding="utf-8").splitlines()) <= 70


def test_a_malformed_file_names_its_line_and_leaves_nothing(tmp_path: Path) -> None:
    source = biored(tmp_path / "biored")
    write(source / "Dev.PubTator", article("202") + "202\t900\t907\taspirin\tChemicalEntity\tD1\n")
    (tmp_path / "made").mkdir()
    with pytest.raises(FormatError, match=r"Dev\.PubTator:8: "):
        build("biored", source, tmp_path / "made" / "out")
    assert list((tmp_path / "made").iterdir()) == []


def test_a_crash_while_writing_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(publishing, "card", full)
    source = genia(tmp_path / "genia")
    with pytest.raises(RunError, match="No space left"):
        build("genia", source, tmp_path / "made" / "out")
    assert list((tmp_path / "made").iterdir()) == []


def test_what_is_there_already_is_not_touched(tmp_path: Path) -> None:
    source = genia(tmp_path / "genia")
    write(tmp_path / "out" / "mine.txt", "mine")
    with pytest.raises(InputError, match="something already"):
        build("genia", source, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_bad_arguments_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown corpus 'genja'"):
        build("genja", tmp_path, tmp_path / "out")
    with pytest.raises(InputError, match="no such folder"):
        build("genia", tmp_path / "absent", tmp_path / "out")
    with pytest.raises(InputError, match=r"genia_train\.jsonl is not there"):
        build("genia", tmp_path, tmp_path / "out")
    with pytest.raises(SettingError, match="xml"):
        build("genia", genia(tmp_path / "g"), tmp_path / "out", strategy="xml")  # type: ignore[arg-type]


def test_a_corpus_built_anew_is_not_read_from_the_cache_of_the_old(tmp_path: Path) -> None:
    """datasets caches by the folder's name and card: the file names have to differ."""
    source = bc5cdr(tmp_path / "bc5cdr")
    for strategy, shown in (("symbolic", "Chemical: [Aspirin]"), ("html", "<Chemical:Aspirin>")):
        build("bc5cdr_chemical", source, tmp_path / strategy / "out", strategy=strategy)
        assert rows(tmp_path / strategy / "out", "train")[0]["completion"][0]["content"].startswith(
            shown
        )


def test_the_card_and_the_report_say_what_was_built(tmp_path: Path) -> None:
    report = build("bc5cdr_chemical", bc5cdr(tmp_path / "bc5cdr"), tmp_path / "out")
    card = DatasetCard.load(tmp_path / "out" / "README.md")
    assert card.data.task_categories == ["token-classification"]
    assert card.data.language == ["en"]
    assert [one["split"] for one in card.data.configs[0]["data_files"]] == list(report.written)
    for part in (report.sizes(), report.changes(), report.leaks(), report.splits()):
        assert part in card.text
    assert "| Table I | 9,141 | 10,550 | 4,797 | |" in card.text
    assert "$" not in card.text
    assert "NOT as distributed, which is 500 texts with 5,203" in report.as_text()
    stored = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert stored["written"]["train"] == {"texts": 6, "mentions": 4}
    assert sorted(
        path.name for path in (tmp_path / "out").iterdir() if "parquet" not in path.name
    ) == [
        "README.md",
        "report.json",
    ]


def test_the_report_explains_the_sizes() -> None:
    equal = BuildReport("ncbi_disease", read={"train": Count(6_347, 5_921), "test": Count(940, 9)})
    assert "The sizes are equal." in equal.as_text()
    assert "these are others" in BuildReport("ncbi_disease", read={}).as_text()
    assert CORPORA["biored"].remark in BuildReport("biored", read=equal.read).as_text()


def test_a_corpus_that_may_not_be_published_says_so(tmp_path: Path) -> None:
    config = builder("ccks2019_as").BUILDER_CONFIG_CLASS()
    assert "keep this dataset private" in publishing.card(BuildReport("ccks2019_as"), config, ())
    assert "keep this dataset private" not in publishing.card(BuildReport("genia"), config, ())


# The sizes that the paper's Table I prints, or what its remark in the catalogue says of them.
SIZES = {
    "cmeee_v2": ("cmeee_v2", Count(4_500, 23_547), Count(500, 2_534)),
    "ccks2019_as": ("ccks2019", Count(1_000, 8_426), Count(379, 3_094)),
    "genia": ("genia", Count(16_692, 48_139), Count(1_854, 5_510)),
    "bc5cdr_chemical": ("bc5cdr", Count(9_141, 10_550), Count(4_797, 5_385)),
    "ncbi_disease": ("ncbi_disease", Count(6_347, 5_921), Count(940, 960)),
}


@pytest.fixture(scope="session")
def corpora() -> Path:
    repository = ROOT
    shared = Path(os.environ.get("LLMNER_SHARED", repository.parent / "shared"))
    if not (shared / "corpora").is_dir():
        pytest.skip(f"no corpora in {shared}: their licences bar redistribution; set LLMNER_SHARED")
    return shared / "corpora"


@pytest.mark.parametrize("name", SIZES)
def test_sizes_of_the_real_corpora(name: str, corpora: Path) -> None:
    folder, training, test = SIZES[name]
    parts, files = builder(name).read(corpora / folder)
    assert all("NOT" not in file.as_text() for file in files)
    counts = {split: Count.of(reading) for split, reading in parts.items()}
    assert counts["train"] + counts.get("validation", Count()) == training
    assert counts["test"] == test


def test_sizes_of_the_real_biored(corpora: Path) -> None:
    parts, files = builder("biored").read(corpora / "biored")
    assert all("NOT" not in file.as_text() for file in files)
    assert sum(file.found.texts for file in files) == 600
    mentions = [Count.of(parts[split]).mentions for split in ("train", "validation")]
    assert sum(mentions) == 16_884


def test_leaks_between_the_real_corpora(corpora: Path, tmp_path: Path) -> None:
    report = build("biored", corpora / "biored", tmp_path / "out", style="brief")
    shared = {overlap.test: overlap.articles for overlap in report.leakage.overlaps}
    assert shared["bc5cdr_chemical"] == 53 + 16
    assert shared["ncbi_disease"] == 1
    assert shared["biored"] == 0
    assert report.unchecked == []
