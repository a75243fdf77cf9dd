"""Several tagged datasets as the configurations of one: ``load_dataset("ns/bioner", "genia")``.

In: the contents of several dataset folders. Out: one, each dataset with its files and its own card
in a folder of its name, below a card whose front matter says which files are which.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from llmner_hf.core.errors import InputError
from llmner_hf.hub.contents import CARD, Contents

_CARD = """\
---
{front}---

# Biomedical named entities, tagged for language models

Each configuration is a corpus with terms, sizes, changes and a leakage report of its own, which
its card tells. No configuration is the default.

| configuration | dataset | language | license |
|---|---|---|---|
{rows}

```python
from datasets import load_dataset

dataset = load_dataset("FOLDER_OR_REPOSITORY", "{first}")
```
"""


def joined(parts: Sequence[Contents]) -> Contents:
    """Several datasets as one.

    Raises:
        InputError: one of them is no dataset, or two have a configuration of the same name.
    """
    files: dict[str, Path | bytes] = {}
    cards: dict[str, dict[str, Any]] = {}
    for part in parts:
        if part.kind != "dataset":
            raise InputError(f"a {part.kind} cannot be joined with others; push it alone")
        card = part.metadata
        if not card.get("configs"):
            raise InputError("a dataset's card names no configuration; push it alone")
        name = "-".join(config["config_name"] for config in card["configs"])
        if name in cards:
            raise InputError(f"two of the datasets are called {name}; push one of them")
        cards[name] = card
        files |= {f"{name}/{path}": file for path, file in part.files.items()}
    files[CARD] = _card(cards).encode()
    left_out = tuple(name for part in parts for name in part.left_out)
    restricted = tuple(name for part in parts for name in part.restricted)
    return Contents("dataset", files, left_out, restricted)


def _card(cards: Mapping[str, Mapping[str, Any]]) -> str:
    """The card over the cards."""
    front = {
        "language": _united(cards, "language"),
        "license": _united(cards, "license"),
        "task_categories": _united(cards, "task_categories"),
        "pretty_name": "Biomedical named entities, tagged",
        "tags": _united(cards, "tags"),
        "configs": [config for name, card in cards.items() for config in _moved(name, card)],
    }
    rows = [
        f"| `{name}` | [{card.get('pretty_name', name)}]({name}/{CARD}) | "
        f"{', '.join(_listed(card, 'language'))} | {', '.join(_listed(card, 'license'))} |"
        for name, card in cards.items()
    ]
    text = yaml.safe_dump(front, allow_unicode=True, sort_keys=False)
    return _CARD.format(front=text, rows="\n".join(rows), first=next(iter(cards)))


def _moved(name: str, card: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The configurations of a card, with the paths they have below the folder of its name."""
    for config in card["configs"]:
        files = []
        for entry in config["data_files"]:
            paths = [entry["path"]] if isinstance(entry["path"], str) else entry["path"]
            files.append({"split": entry["split"], "path": [f"{name}/{path}" for path in paths]})
        yield {"config_name": config["config_name"], "data_files": files}


def _listed(card: Mapping[str, Any], key: str) -> list[str]:
    value = card.get(key) or []
    return [value] if isinstance(value, str) else list(value)


def _united(cards: Mapping[str, Mapping[str, Any]], key: str) -> list[str]:
    """All values of a key, each once, in their order."""
    return list(dict.fromkeys(value for card in cards.values() for value in _listed(card, key)))
