"""The golden corpus: messages and events as they once were published and stored, which today's code must still read.

A file of the corpus is never changed; `SHA256SUMS` beside the files says so. To add what has no sample yet, run the
system (a sandbox, a test) and collect from its data: `python -m tests.support.golden DATA`.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from services.chassis.log.event_types import EventTypes
from services.chassis.log.metadata import Recorded

ROOT: Final = Path(__file__).parents[2]
SERVICES: Final = ("referral", "casefile", "notifications")
MESSAGES: Final = ROOT / "contracts" / "examples"
SUMS: Final = "SHA256SUMS"


@dataclass(frozen=True, slots=True)
class Corpus:
    """The stored events of a service: `events/<topic>.json`, one of each, and whole stories in `streams/`."""

    directory: Path

    def samples(self) -> dict[str, bytes]:
        """The bytes of one stored event per topic."""
        return {file.name.removesuffix(".json"): file.read_bytes() for file in self.directory.glob("events/*.json")}

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


def _collect_events(data: Path, service: str) -> None:
    known = corpus(service).samples()
    with closing(sqlite3.connect(f"file:{data / f'{service}-log.db'}?mode=ro", uri=True)) as log:
        # The longest of each kind says most.
        rows = log.execute("SELECT topic, state, MAX(length(state)) FROM stored_events GROUP BY topic").fetchall()
    for topic, state, _ in rows:
        if topic not in known:
            _add(corpus(service).directory, f"events/{topic}.json", state)


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
    """Adds a sample of every topic and message type that has none, as a data directory holds it, and lists it."""
    for service in SERVICES:
        _collect_events(data, service)
        list_new(corpus(service).directory)
    _collect_messages(data)
    list_new(MESSAGES)


if __name__ == "__main__":
    collect(Path(sys.argv[1]))
