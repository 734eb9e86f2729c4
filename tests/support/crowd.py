"""Many cases, made from a few real ones: what the services recorded and indexed of these, again under other ids.

So lists are asked among thousands of cases without anybody bringing thousands of cases there.
"""

from __future__ import annotations

import re
import sqlite3
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import psycopg

from services.chassis.engines.migrations import log_of
from services.chassis.index.index import Changes, Index, Row, Table

_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SPACE: Final = uuid.UUID("6f0c3a52-8d6f-4ef1-9a53-0d4f0b1f9a77")
AT_ONCE: Final = 100
"""So many cases are written in one go: an index is not waited for longer than a few seconds."""

Event = tuple[int, str, int, str, bytes]
"""Position, stream, version, topic and stored bytes."""


class _Log(Protocol):
    def read(self) -> list[Event]:
        """All that is there."""

    def add(self, events: Sequence[Event]) -> None:
        """More, as it is given."""


@dataclass(frozen=True)
class _InFile:
    path: Path

    def read(self) -> list[Event]:
        with sqlite3.connect(self.path) as db:
            columns = "position, originator_id, originator_version, topic, state"
            return db.execute(f"SELECT {columns} FROM stored_events ORDER BY position").fetchall()  # noqa: S608 - constant

    def add(self, events: Sequence[Event]) -> None:
        with sqlite3.connect(self.path) as db:
            db.executemany("INSERT INTO stored_events VALUES (?, ?, ?, ?, ?)", events)


@dataclass(frozen=True)
class _InDatabase:
    url: str
    service: str

    def _connected(self) -> psycopg.Connection[Any]:
        return psycopg.connect(log_of(self.url, self.service).conninfo)

    def read(self) -> list[Event]:
        columns = "notification_id, originator_id, originator_version, topic, state"
        with self._connected() as connection:
            rows = connection.execute(f"SELECT {columns} FROM stored_events ORDER BY notification_id")  # noqa: S608 - constant
            return [
                (position, stream, version, topic, bytes(state)) for position, stream, version, topic, state in rows
            ]

    def add(self, events: Sequence[Event]) -> None:
        columns = "(notification_id, originator_id, originator_version, topic, state)"
        with self._connected() as connection, connection.cursor() as cursor:
            with cursor.copy(f"COPY stored_events {columns} FROM STDIN") as copy:
                for event in events:
                    copy.write_row(event)
            cursor.execute(
                "SELECT setval('stored_events_notification_id_seq', max(notification_id)) FROM stored_events"
            )


@dataclass(frozen=True)
class Model:
    """A case that a crowd is made from: its id and its referral's, how many, and words that others have in its place.

    `others(n)` says what the n-th one has instead of which words.
    """

    case: str
    referral: str
    many: int
    others: Callable[[int], dict[str, str]] = lambda _: {}


async def make_crowd(directory: Path, url: str | None, service: str, index: Index, models: Sequence[Model]) -> None:
    """Adds to a service's log and index what they hold of the models, as many times as they say.

    `url` is the database's address, if the service keeps its log in one. Nobody may write to it meanwhile.
    """
    log: _Log = _InDatabase(url, service) if url is not None else _InFile(directory / f"{service}-log.db")
    recorded = log.read()
    tables: Sequence[Table] = list(index._tables.values())  # type: ignore[attr-defined]  # every store has them
    indexed = [
        (table.name, row) for table in tables for row in await index.find(table.name, {}, after=0, limit=1_000_000)
    ]
    position = recorded[-1][0]
    for model in models:
        events = list(_events_of(model, recorded))
        rows = [(table, row) for table, row in indexed if _is_of(model, row)]
        ids = {found for event in events for found in _ID.findall(f"{event[1]} {event[4].decode()}")}
        ids |= {found for _, row in rows for found in _ID.findall(row.key)}
        for start in range(0, model.many, AT_ONCE):
            added, changes, after = list[Event](), Changes(), await index.through()
            for n in range(start, min(start + AT_ONCE, model.many)):
                swap = _swap({**{one: _as_another(one, n) for one in ids}, **model.others(n)})
                places = {old: position + place for place, (old, *_) in enumerate(events, start=1)}
                added += [
                    (places[old], swap(stream), version, topic, swap(state.decode()).encode())
                    for old, stream, version, topic, state in events
                ]
                position += len(events)
                for table, row in rows:
                    columns = {name: swap(v) if isinstance(v, str) else v for name, v in row.columns.items()}
                    changes.put(table, swap(_moved(row.key, places)), places.get(row.seq, position), **columns)
            assert await index.apply(changes, after=after, through=position)
            log.add(added)


def _events_of(model: Model, recorded: Sequence[Event]) -> Iterator[Event]:
    for event in recorded:
        _, stream, _, _, state = event
        said = state.decode()
        # What has no id of its own is shared with others: programmes, organisations, mentors.
        if _ID.search(stream) and (model.case in said or model.referral in said or model.case in stream):
            yield event


def _is_of(model: Model, row: Row) -> bool:
    said = f"{row.key} {' '.join(str(value) for value in row.columns.values())}"
    return model.case in said or model.referral in said


def _moved(key: str, places: Mapping[int, int]) -> str:
    # The feed's keys begin with a position.
    begin, blank, rest = key.partition(" ")
    return f"{places[int(begin)]} {rest}" if blank and begin.isdigit() else key


def _as_another(one: str, n: int) -> str:
    return str(uuid.uuid5(_SPACE, f"{n} {one}"))


def _swap(words: dict[str, str]) -> Callable[[str], str]:
    pattern = re.compile("|".join(map(re.escape, sorted(words, key=len, reverse=True))))
    return lambda text: pattern.sub(lambda found: words[found[0]], text)
