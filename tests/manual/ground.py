"""The folder that a page takes for granted: a checkout, tagged datasets, original files, models.

Everything is made up or tiny, under the names that the manual uses. What a page writes lands here.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from datasets import Dataset

from llmner_hf.core.catalogue import CORPORA
from llmner_hf.core.entities import Entity, Example, Prediction, ScoredEntity
from llmner_hf.core.schema import Schema
from llmner_hf.corpora.rows import FEATURES, to_row
from llmner_hf.paper.runs import System
from llmner_hf.readers.json_lines import gold_row, predicted_row, write
from llmner_hf.settings import TaggerSettings
from tests.manual.pages import ROOT

SPLITS = ("train", "validation", "test")
# Corpus -> a sentence of our own and an entity in it, of the corpus's first type.
SENTENCES = {
    "genia": ("IL-{} binds its receptor.", "IL-{}"),
    "biored": ("The gene TP{} was silent in the cells.", "TP{}"),
    "bc5cdr_chemical": ("Aspirin-{} relieved the fever.", "Aspirin-{}"),
    "ncbi_disease": ("The fever of day {} was gone.", "fever"),
    "cmeee_v2": ("第{}例检出链球菌。", "链球菌"),
    "ccks2019_as": ("第{}例腹部无压痛。", "腹部"),
}
CARD = """\
---
language: {language}
license: other
pretty_name: {name}, made up
configs:
  - config_name: {name}
    data_files:
{files}
---
# {name}
"""
# Blocks of data: page and language -> the file that they are for the commands of the page.
FILES = {
    ("own_corpus.md", "conll"): "mine/train.conll",
    ("own_corpus.md", "yaml"): "types.yaml",
    ("formats.md", "json"): "doc.jsonl",
    ("terminology.md", "obo"): "mine.obo",
    ("terminology.md", "csv"): "mine.csv",
    ("terminology.md", "pubtator"): "articles.PubTator",
}
PUBTATOR = """\
{number}|t|Asthma of patient {number}.
{number}|a|We saw familial asthma.
{number}\t0\t6\tAsthma\tSpecificDisease\tD001249

"""


# Datasets that lend mentions, and whose rows they have here.
LENDERS = {"cmeee_v1_lent": "cmeee_v2", "bc5cdr_disease": "ncbi_disease", "genia_genes": "genia"}


def examples(name: str, split: str, many: int = 3) -> list[Example]:
    """Texts of a corpus, no two the same."""
    corpus, (pattern, word) = CORPORA[name], SENTENCES[name]
    made = []
    for number in range(many):
        place = 10 * SPLITS.index(split) + number
        text, mention = pattern.format(place), word.format(place)
        start = text.index(mention)
        entity = Entity(start, start + len(mention), corpus.labels.names[0])
        made.append(Example(f"{name}-{split}-{number}", text, (entity,), name, corpus.language))
    return made


def lay(folder: Path, tagger: Path) -> None:
    """What every page finds."""
    for name in ("recipes", "examples", "benchmarks", "docs"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "llmner_hf").mkdir()
    # Not linked, as pages write into it.
    shutil.copytree(ROOT / "llmner_hf" / "embedded", folder / "llmner_hf" / "embedded")
    (folder / "tiny").symlink_to(tagger)
    for name in CORPORA:
        lay_dataset(folder / "data" / name)
    for name, other in LENDERS.items():
        shutil.copytree(folder / "data" / other, folder / "data" / name)
    lay_articles(folder / "corpora" / "ncbi_disease")
    lay_more(folder)
    passages = [f"Without aspirin the fever of patient {n} was gone in 3 days." for n in range(50)]
    (folder / "pretraining.txt").write_text("\n".join(passages), encoding="utf-8")
    write(folder / "validation.jsonl", map(gold_row, examples("genia", "validation")))


def lay_dataset(folder: Path) -> None:
    """A tagged dataset with its card."""
    corpus = CORPORA[folder.name]
    folder.mkdir(parents=True)
    how = {"style": "brief", "strategy": "symbolic"}
    for split in SPLITS:
        rows = [
            to_row(e, Schema.of_corpus(folder.name), **how) for e in examples(folder.name, split)
        ]
        Dataset.from_list(rows, features=FEATURES).to_parquet(folder / f"{split}.parquet")
    files = "\n".join(f"      - split: {s}\n        path: {s}.parquet" for s in SPLITS)
    card = CARD.format(name=folder.name, language=corpus.language, files=files)
    (folder / "README.md").write_text(card, encoding="utf-8")


def lay_articles(folder: Path) -> None:
    """The original files of NCBI-Disease, an article each."""
    folder.mkdir(parents=True)
    for number, split in enumerate(("train", "develop", "test"), start=101):
        content = PUBTATOR.format(number=number)
        (folder / f"NCBI{split}set_corpus.txt").write_text(content, encoding="utf-8")


def lay_more(folder: Path) -> None:
    """What the embedded model learns from besides: ``CHIP``, ``CDR`` and ``GENIA``."""
    lines = [f"第{number}例检出链球菌。|||5    7    mic|||\n" for number in range(9)]
    (folder / "chip.train").write_text("".join(lines), encoding="utf-8")
    for name, label in (("cdr", "Disease"), ("genia", "protein")):
        (folder / name).mkdir()
        for number, split in enumerate(SPLITS, start=201):
            content = PUBTATOR.format(number=number).replace("SpecificDisease", label)
            (folder / name / f"{split}.txt").write_text(content, encoding="utf-8")


def lay_adapter(folder: Path, base: str, tokenizer) -> None:
    """An adapter of random weights, as training leaves it, on the tiny tagger of that name."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    config = LoraConfig(task_type="CAUSAL_LM", target_modules=["q_proj"], r=4)
    model = get_peft_model(AutoModelForCausalLM.from_pretrained("tiny"), config)
    model.save_pretrained(folder)
    described = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(
        json.dumps(described | {"base_model_name_or_path": base})
    )
    tokenizer.save_pretrained(folder)
    TaggerSettings.load(Path("tiny/tagger.json")).save(folder)


def lay_annotations(path: Path, name: str, split: str) -> None:
    """Another tool's PubTator file, which names the rows of a corpus and finds their entities."""
    found = []
    for text in examples(name, split):
        (gold,) = text.entities
        found += [f"{text.id}|t|{text.text}", f"{text.id}|a|"]
        row = (text.id, gold.start, gold.end, gold.surface(text.text), gold.label, "-")
        found += ["\t".join(map(str, row)), ""]
    path.write_text("\n".join(found) + "\n", encoding="utf-8")


def lay_run(folder: Path, split: str, names: tuple[str, ...], *systems: str) -> None:
    """A run folder in which every system found each gold entity and a wrong one."""
    folder.mkdir(parents=True)
    System(folder.name, "tiny", "symbolic", "joint", "made up").save(folder)
    for name in names:
        texts = examples(name, split)
        write(folder / f"{name}.gold.jsonl", map(gold_row, texts))
        for system in systems:
            rows = []
            for text in texts:
                (gold,) = text.entities
                wrong = Entity(len(text.text) - 3, len(text.text), gold.label)
                found = Prediction(text.id, (ScoredEntity(gold, 0.9), ScoredEntity(wrong, 0.4)))
                rows.append(predicted_row(text.text, found))
            write(folder / f"{name}.{system}.jsonl", rows)
