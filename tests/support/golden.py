"""The golden corpus: messages and events as they once were published and stored, which today's code must still read.

A file of the corpus is never changed; `SHA256SUMS` beside the files says so. To add what has no sample yet, run the
system (a sandbox, a test) and collect from its data: `python -m tests.support.golden DATA`.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from msgspec import NODEFAULT, Struct
from msgspec.structs import FieldInfo, fields

from contracts import casefile, notifications, referral
from contracts.message import Message, decode_data, published
from services.chassis.log.event_types import EventTypes
from services.chassis.log.metadata import Recorded

ROOT: Final = Path(__file__).parents[2]
SERVICES: Final = ("referral", "casefile", "notifications")
MESSAGES: Final = ROOT / "contracts" / "examples"
SUMS: Final = "SHA256SUMS"


@dataclass(frozen=True, slots=True)
class Corpus:
    """The stored events of a service: `events/<topic>.json`, one of each, and whole stories in `streams/`.

    `forms/<topic>/<n>.json` are events of the same kind with fields that the first one leaves out.
    """

    directory: Path

    def samples(self) -> dict[str, bytes]:
        """The bytes of one stored event per topic."""
        return {file.name.removesuffix(".json"): file.read_bytes() for file in self.directory.glob("events/*.json")}

    def forms(self, topic: str) -> list[bytes]:
        """The bytes of every sample of a topic, the first one first."""
        others = sorted(self.directory.glob(f"forms/{topic}/*.json"))
        return [self.samples()[topic], *(file.read_bytes() for file in others)]

    def story(self, name: str, types: EventTypes) -> list[Recorded]:
        """The events of a story in the order of their log, read by today's code."""
        return [_recorded(line, types) for line in self.lines(name)]

    def lines(self, name: str) -> list[bytes]:
        """The same as they are kept: position, stream, version, topic and stored bytes, with tabs between them."""
        return (self.directory / "streams" / f"{name}.tsv").read_bytes().splitlines()


def _recorded(line: bytes, types: EventTypes) -> Recorded:
    position, stream, version, topic, state = line.split(b"\t")
    event, meta = types.decode(topic.decode(), state)
    return Recorded(int(position), stream.decode(), int(version), topic.decode(), event, meta, state)


def corpus(service: str) -> Corpus:
    """The stored events of a service."""
    return Corpus(ROOT / "tests" / service / "golden")


def files(directory: Path) -> dict[str, str]:
    """The SHA-256 of every file of a corpus by its path."""
    found = sorted(file for file in directory.rglob("*") if file.is_file() and file.name != SUMS)
    return {str(file.relative_to(directory)): hashlib.sha256(file.read_bytes()).hexdigest() for file in found}


def sums(directory: Path) -> dict[str, str]:
    """The SHA-256 that every file of a corpus had when it was added."""
    lines = (directory / SUMS).read_text(encoding="utf-8").splitlines()
    return {path: digest for digest, path in (line.split("  ", 1) for line in lines)}


def lost(before: Any, after: Any, at: str = "") -> Iterator[str]:
    """Where `after` lacks, or has otherwise, what stands in `before`; what it has in addition is no loss."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name, value in before.items():
            if name in after:
                yield from lost(value, after[name], f"{at}/{name}")
            elif value is not None:
                yield f"{at}/{name}"
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (value, kept) in enumerate(zip(before, after, strict=True)):
            yield from lost(value, kept, f"{at}/{index}")
    elif before != after:
        yield at


def optional_fields(of: type) -> Iterator[tuple[type, str]]:
    """The optional fields of a struct, each with the class that declares it, which others may inherit it from."""
    for field in fields(of) if issubclass(of, Struct) else ():
        if not field.required:
            yield (
                next(one for one in reversed(of.__mro__) if field.name in vars(one).get("__annotations__", ())),
                field.name,
            )


def told(sample: object) -> set[tuple[type, str]]:
    """Those of its optional fields of which a sample says something."""
    default = {field.name: _default(field) for field in fields(sample)} if isinstance(sample, Struct) else {}
    return {one for one in optional_fields(type(sample)) if getattr(sample, one[1]) != default[one[1]]}


def _default(field: FieldInfo) -> Any:
    return field.default_factory() if field.default is NODEFAULT and not field.required else field.default


def _collect_forms(data: Path, service: str, types: EventTypes) -> None:
    """Adds events that say something of a field of which no sample says anything; the longest come first."""
    kept = corpus(service)
    known = {
        one for topic in kept.samples() for form in kept.forms(topic) for one in told(types.decode(topic, form)[0])
    }
    with closing(sqlite3.connect(f"file:{data / f'{service}-log.db'}?mode=ro", uri=True)) as log:
        rows = log.execute("SELECT topic, state FROM stored_events ORDER BY length(state) DESC, position").fetchall()
    for topic, state in rows:
        if (new := told(types.decode(topic, state)[0])) - known:
            known |= new
            _add(kept.directory, f"forms/{topic}/{len(kept.forms(topic)) + 1}.json", state)


def _collect_events(data: Path, service: str) -> None:
    known = corpus(service).samples()
    with closing(sqlite3.connect(f"file:{data / f'{service}-log.db'}?mode=ro", uri=True)) as log:
        # The longest of each kind says most.
        rows = log.execute("SELECT topic, state, MAX(length(state)) FROM stored_events GROUP BY topic").fetchall()
    for topic, state, _ in rows:
        if topic not in known:
            _add(corpus(service).directory, f"events/{topic}.json", state)


def _collect_message_forms(data: Path, models: Mapping[str, type[Message]]) -> None:
    with closing(sqlite3.connect(f"file:{data / 'bus.db'}?mode=ro", uri=True)) as bus:
        bodies = [bytes(body) for (body,) in bus.execute("SELECT body FROM messages ORDER BY length(body) DESC")]
    known = {
        one
        for kind, model in models.items()
        for each in examples(kind)
        for one in told(decode_data(model, each["data"]))
    }
    for body in bodies:
        message = json.loads(body)
        kind = message["type"]
        if (model := models.get(kind)) is not None and (new := told(decode_data(model, message["data"]))) - known:
            known |= new
            text = json.dumps(message, ensure_ascii=False, indent=2) + "\n"
            _add(MESSAGES, f"{kind}/{len(examples(kind)) + 1}.json", text.encode())


def examples(kind: str) -> list[dict[str, Any]]:
    """The envelopes of every example of a type of message, with their data."""
    return [json.loads(file.read_bytes()) for file in sorted((MESSAGES / kind).glob("*.json"))]


def _collect_messages(data: Path) -> None:
    with closing(sqlite3.connect(f"file:{data / 'bus.db'}?mode=ro", uri=True)) as bus:
        bodies = [bytes(body) for (body,) in bus.execute("SELECT body FROM messages ORDER BY length(body) DESC")]
    for body in bodies:
        message = json.loads(body)
        if not (MESSAGES / message["type"]).exists():
            text = json.dumps(message, ensure_ascii=False, indent=2) + "\n"
            _add(MESSAGES, f"{message['type']}/1.json", text.encode())


def _add(directory: Path, path: str, content: bytes) -> None:
    file = directory / path
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("xb") as new:
        new.write(content)
    sys.stdout.write(f"{file.relative_to(ROOT)}\n")


def list_new(directory: Path) -> None:
    """Adds to a corpus' sums the files that they do not have; a sum that stands there stays."""
    kept = sums(directory) if (directory / SUMS).exists() else {}
    lines = [f"{digest}  {path}\n" for path, digest in sorted({**files(directory), **kept}.items())]
    (directory / SUMS).write_text("".join(lines), encoding="utf-8")


def collect(data: Path) -> None:
    """Adds a sample of every topic and message type, and of every optional field of them, that has none; lists them."""
    for service in SERVICES:
        _collect_events(data, service)
        _collect_forms(data, service, import_module(f"services.{service}.events").EVENT_TYPES)
        list_new(corpus(service).directory)
    _collect_messages(data)
    _collect_message_forms(data, {**published(referral), **published(casefile), **published(notifications)})
    list_new(MESSAGES)


if __name__ == "__main__":
    collect(Path(sys.argv[1]))
