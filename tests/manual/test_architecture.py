"""docs/architecture.md, held against the folders of the package and against its layers."""

import re
import tomllib

from tests.conftest import ROOT

PACKAGE = ROOT / "llmner_hf"
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
MOST_WORDS = 30


def section(title: str) -> str:
    """What stands under a heading."""
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def table(title: str) -> list[tuple[str, str]]:
    """The rows of the table under a heading."""
    rows = re.findall(r"^\| (.+?) \| (.+) \|$", section(title), re.MULTILINE)
    return rows[1:]  # without the head


def rooms() -> set[str]:
    """The folders that hold modules, and those at the top that hold anything else."""
    inside = {module.parent for module in PACKAGE.rglob("*.py")}
    top = {folder for folder in PACKAGE.iterdir() if folder.is_dir() and any(folder.iterdir())}
    found = {folder.relative_to(PACKAGE).as_posix() for folder in inside | top}
    return {f"{name}/" for name in found if name != "." and "__pycache__" not in name}


def test_every_room_is_named_once_and_none_that_is_not_there() -> None:
    named = [name.strip("`") for name, _ in table("Rooms")]
    assert sorted(named) == sorted(rooms())
    assert all(line.strip() for _, line in table("Rooms"))


def test_the_layers_are_those_that_are_checked() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (layers,) = [c["layers"] for c in contracts if c["name"] == "Layers, high to low"]
    lines = re.findall(r"^\d+\. (.+)$", section("Layers"), re.MULTILINE)
    named = [re.findall(r"`(\w+)`", line) for line in lines]
    assert [set(line) for line in named] == [set(layer.split(" | ")) for layer in layers]


def test_every_file_that_a_way_names_is_there() -> None:
    named = re.findall(r"`([a-z]+/[\w/]*(?:\.py)?)`", PAGE)
    assert len(named) > len(table("Rooms"))
    for path in named:
        base = ROOT if path.startswith(("tests/", "llmner_hf/")) else PACKAGE
        assert (base / path).exists(), path


def test_the_glossary_is_short_and_has_no_word_twice() -> None:
    words = [word for entry, _ in table("Glossary") for word in entry.split(", ")]
    assert 0 < len(table("Glossary")) <= MOST_WORDS
    assert len({*words}) == len(words)
