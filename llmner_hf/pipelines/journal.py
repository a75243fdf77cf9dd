"""What is decoded of a long document, written down step by step.

In: the requests of a step, and how to decode them. Out: their predictions, decoded or, where an
earlier run that was stopped has decoded the same step, read. The journal is JSON lines, a step a
line: a digest of its requests, and what each gave. A line that was not finished is cut off. Model,
settings and options are not in the digest: the record beside the unfinished file (`pipelines.job`)
refuses others before.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from llmner_hf.core.entities import Entity, Prediction, Problem, ProblemKind, ScoredEntity
from llmner_hf.core.errors import InputError, LlmnerError
from llmner_hf.decoding.request import Request


class Journal:
    """The steps of the texts that are annotated together.

    Args:
        path: the file, which need not be there.

    Raises:
        InputError: it was changed since.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[str, list[Prediction]] = {}
        for number, line in enumerate(whole_lines(path), 1):
            try:
                digest, rows = json.loads(line)
                self._known[digest] = [_prediction(row) for row in rows]
            except (ValueError, TypeError, LlmnerError) as error:
                raise InputError(
                    f"{path}:{number}: is no step of a run ({error!s:.60}); begin anew with "
                    "--restart (restart=True)"
                ) from None

    def step(
        self, requests: Sequence[Request], decode: Callable[[], list[Prediction]]
    ) -> list[Prediction]:
        """What the requests give: read if it is known, else decoded and written down."""
        stated = "\0".join(f"{r.text}\0{r.schema!r}" for r in requests)
        digest = sha256(stated.encode("utf-8", "surrogatepass")).hexdigest()
        if digest in self._known:
            return self._known[digest]
        found = decode()
        line = json.dumps([digest, [_row(each) for each in found]], ensure_ascii=False)
        with self.path.open("ab") as file:
            file.write(line.encode("utf-8", "surrogatepass") + b"\n")
        return found

    def close(self) -> None:
        """Take the file away: its texts are finished."""
        self._known.clear()
        self.path.unlink(missing_ok=True)


def beside(part: Path) -> Path:
    """Where the journal of an unfinished file lies."""
    return part.with_name(part.name + ".sentences")


def whole_lines(path: Path) -> list[bytes]:
    """The lines of an unfinished file; what stands behind the last line end is cut off."""
    if not path.exists():
        return []
    whole = path.read_bytes()
    whole = whole[: whole.rfind(b"\n") + 1]
    os.truncate(path, len(whole))
    return whole.split(b"\n")[:-1]


def _row(found: Prediction) -> list[Any]:
    scored = [[*one.entity.span, one.entity.label, one.score] for one in found.scored]
    return [found.id, scored, [[p.kind, p.position, p.detail] for p in found.problems]]


def _prediction(row: list[Any]) -> Prediction:
    identifier, scored, problems = row
    return Prediction(
        identifier,
        tuple(ScoredEntity(Entity(*entity), score) for *entity, score in scored),
        tuple(Problem(ProblemKind(kind), *place) for kind, *place in problems),
    )
