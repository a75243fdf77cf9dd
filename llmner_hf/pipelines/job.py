"""What an annotation of a file does, written down beside the unfinished file, and who does it.

In: a pipeline, the options of its call and the texts. Out: the record ``NAME.part.json``: model,
revision and settings, selector and thresholds, engine, options, a digest of the input. Refused: to
go on with an unfinished file that was begun otherwise, and to write a file that another process is
writing. The record is locked as long as it is written by; a process that is killed holds no lock.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

from llmner_hf.core.entities import Example
from llmner_hf.core.errors import InputError
from llmner_hf.pipelines.endpoint import EndpointPipeline
from llmner_hf.pipelines.journal import beside, whole_lines
from llmner_hf.pipelines.local import BioNerPipeline
from llmner_hf.selector.filtering import Selector
from llmner_hf.settings import TaggerSettings
from llmner_hf.settings.origin import Origin
from llmner_hf.terminology.linking import Linker

try:
    import fcntl
except ImportError:  # Windows has none: two writers are not told apart there
    fcntl = None  # type: ignore[assignment]

Job = Mapping[str, Any]
_OF_THE_RUN = ("progress", "journal")  # arguments of a call that change no result


def job_of(
    pipeline: BioNerPipeline | EndpointPipeline,
    examples: Iterable[Example],
    fields: Mapping[str, Mapping[str, object]],
    options: Mapping[str, Any],
) -> Job:
    """What an annotation does: name -> what a result depends on, as JSON holds it."""
    call = replace(pipeline.call.but(**options), progress=None, journal=None)
    asked = {name: value for name, value in asdict(call).items() if name not in _OF_THE_RUN}
    if isinstance(pipeline, EndpointPipeline):
        model: object = repr(pipeline.decoder.server)
    else:
        model = _place(pipeline.tagger.origin)
    texts = [(e.id, e.text, e.dataset, e.language, fields.get(e.id)) for e in examples]
    job = {
        "input": _digest([json.dumps(each, default=str, sort_keys=True) for each in texts]),
        "texts": len(texts),
        "model": model,
        "settings": _settings(pipeline.settings),
        "engine": type(pipeline.decoder).__name__,
        "selector": _selector(pipeline.selector),
        "terminology": _linker(pipeline.annotator.linker),
        "names": _digest(map(str, sorted(pipeline.annotator.names.mentions.items()))),
        **asked,
    }
    plain: Job = json.loads(json.dumps(job, default=str))
    return plain


def _place(origin: Origin | None) -> object:
    return "in memory" if origin is None else origin.identity()


def _settings(settings: TaggerSettings) -> str:
    known = settings.gazetteer.dictionaries if settings.gazetteer else {}
    parts = [json.dumps(asdict(replace(settings, gazetteer=None)), default=str, sort_keys=True)]
    for title, dictionary in sorted(known.items()):
        parts += [title, *sorted(map(str, dictionary.mentions.items()))]
        parts += sorted(map(str, dictionary.unsure))
    return _digest(parts)


def _selector(selector: Selector | None) -> object:
    if selector is None:
        return None
    own = [selector.threshold, dict(selector.thresholds), selector.temperature]
    return [_place(selector.origin), *own]


def _linker(linker: Linker | None) -> object:
    if linker is None:
        return None
    return [linker.terminology.about.name, linker.terminology.digest(), linker.threshold]


def _digest(parts: Iterable[str]) -> str:
    digest = sha256()
    for part in parts:
        digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()[:16]


@contextmanager
def claimed(part: Path, job: Job, restart: bool) -> Iterator[None]:
    """The right to write an unfinished file, of which this is the job; the record goes at the end.

    Args:
        part: the unfinished file, whose folder is made. With ``restart`` it is removed, and its
            journal.
        job: what `job_of` gave.
        restart: whether to begin anew, whatever lies there.

    Raises:
        InputError: another process writes it, or it was begun with another job.
    """
    place = part.with_name(part.name + ".json")
    place.parent.mkdir(parents=True, exist_ok=True)
    with _locked(place) as record:
        files = part, beside(part)
        for file in files if restart else ():
            file.unlink(missing_ok=True)
        if any(file.exists() and file.stat().st_size for file in files):
            _check(part, record.read(), job)
        record.seek(0)
        record.truncate()
        record.write(json.dumps(job, ensure_ascii=False, indent=1) + "\n")
        record.flush()
        yield
        place.unlink(missing_ok=True)


@contextmanager
def _locked(place: Path) -> Iterator[IO[str]]:
    """The record, which no other process has open here.

    Raises:
        InputError: one has.
    """
    while True:
        with place.open("a+", encoding="utf-8") as record:
            if fcntl is not None:
                try:
                    fcntl.flock(record, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise InputError(
                        f"{place.with_suffix('')}: another process is writing it; wait for it, or "
                        "name another file"
                    ) from None
            # Its writer may have finished, and removed it, between the opening and the lock.
            if not place.exists() or not os.path.samestat(place.stat(), os.fstat(record.fileno())):
                continue
            record.seek(0)
            yield record
            return


def _check(part: Path, recorded: str, job: Job) -> None:
    """Refuse to go on with a file that was begun otherwise.

    Raises:
        InputError: what differs, and what to do.
    """
    way = "or begin anew with --restart (restart=True)"
    try:
        before = json.loads(recorded)
        differing = [name for name in {**before, **job} if before.get(name) != job.get(name)]
    except (ValueError, TypeError, AttributeError):
        raise InputError(
            f"{part}: nothing beside it says how it was begun; move it away, {way}"
        ) from None
    if {"input", "texts"} & set(differing):
        raise InputError(f"{part}: was begun on another input; go on with that, {way}")
    if differing:
        told = "; ".join(_told(name, before.get(name), job.get(name)) for name in differing)
        raise InputError(f"{part}: was begun with {told}; go on with the same, {way}")


def _told(name: str, before: object, now: object) -> str:
    """How one thing differs.

    >>> _told("entity_types", ["Drug"], None)
    'another entity_types (["Drug"], now null)'
    """
    first, second = (json.dumps(value, ensure_ascii=False) for value in (before, now))
    if name == "settings" or len(first) + len(second) > 200:
        return f"another {name}"
    return f"another {name} ({first}, now {second})"


def finished(part: Path, examples: Sequence[Example]) -> int:
    """How many texts an earlier run has finished; cuts off a line that it could not finish.

    Raises:
        InputError: the file was changed since.
    """
    lines = whole_lines(part)
    for number, (line, example) in enumerate(zip(lines, examples, strict=False), 1):
        try:
            row = json.loads(line)
            fits = (row["id"], row["text"]) == (example.id, example.text)
        except (ValueError, TypeError, KeyError):
            fits = False
        if not fits:
            raise InputError(
                f"{part}:{number}: is not text {example.id!r} of the input; begin anew with "
                "--restart (restart=True)"
            )
    if len(lines) > len(examples):
        raise InputError(
            f"{part}: {len(lines)} lines and {len(examples)} texts; begin anew with --restart "
            "(restart=True)"
        )
    return len(lines)
