"""Ways of tampering with the rows of an event log, or with what proves them, directly in the database."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import psycopg

from services.chassis.audit.pacing import PAGE
from services.chassis.engines.migrations import log_of
from tests.chassis.conftest import ADDRESS, address_in

Statement = tuple[str, tuple[Any, ...]]
"""With its values; `{events}`, `{position}` and `{audit}` stand for what is called otherwise in each engine."""

_SLIP_IN: Final = (
    "INSERT INTO {events} ({position}, originator_id, originator_version, topic, state)"
    " SELECT ?, 'counter-z', 1, topic, state FROM {events} WHERE {position} = 1"
)
_STATE: Final = "SELECT state FROM {events} WHERE {position} = "
_OF_EVENTS: Final = "UPDATE {events} SET"


def tamper(directory: Path, statements: list[Statement]) -> None:
    """Runs statements over the stores of counters in a directory, whichever engine they are in."""
    if (directory / ADDRESS).exists():
        database = log_of(address_in(directory), "counters")
        with psycopg.connect(database.conninfo, autocommit=True) as connection:
            for statement, values in statements:
                names = {"events": "stored_events", "position": "notification_id", "audit": "audit_"}
                connection.execute(statement.format(**names).replace("?", "%s"), values)
        return
    for statement, values in statements:
        file = "audit" if "{audit}" in statement else "log"
        db = sqlite3.connect(directory / f"counters-{file}.db")
        db.execute("DROP TRIGGER IF EXISTS stored_events_gap")
        db.execute(statement.format(events="stored_events", position="position", audit=""), values)
        db.commit()
        db.close()


TAMPERINGS: Final[Mapping[str, tuple[list[Statement], set[tuple[int, str]]]]] = {
    "a byte of an event is changed": (
        [(f"{_OF_EVENTS} state = ? WHERE {{position}} = 3", (b'{"meta": 1}',))],
        {(3, "CHANGED")},
    ),
    "an event is emptied": ([(f"{_OF_EVENTS} state = ? WHERE {{position}} = 3", (b"",))], {(3, "CHANGED")}),
    "an event is nested more deeply than anybody reads": (
        [(f"{_OF_EVENTS} state = ? WHERE {{position}} = 3", (b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",))],
        {(3, "CHANGED")},
    ),
    "an event is told twice, in place of another": (
        [(f"{_OF_EVENTS} state = ({_STATE}2) WHERE {{position}} = 3", ())],
        {(3, "CHANGED")},
    ),
    "the first event is deleted": ([("DELETE FROM {events} WHERE {position} = 1", ())], {(1, "MISSING")}),
    "an event in the middle is deleted": ([("DELETE FROM {events} WHERE {position} = 4", ())], {(4, "MISSING")}),
    "two events after each other are deleted": (
        [("DELETE FROM {events} WHERE {position} IN (4, 5)", ())],
        {(4, "MISSING"), (5, "MISSING")},
    ),
    "all events of a stream are deleted": (
        [("DELETE FROM {events} WHERE originator_id = 'counter-b'", ())],
        {(5, "TRUNCATED"), (6, "TRUNCATED"), (7, "TRUNCATED")},
    ),
    "the last event is deleted": ([("DELETE FROM {events} WHERE {position} = 7", ())], {(7, "TRUNCATED")}),
    "the tail is cut off": (
        [("DELETE FROM {events} WHERE {position} > 4", ())],
        {(5, "TRUNCATED"), (6, "TRUNCATED"), (7, "TRUNCATED")},
    ),
    "all events are deleted": ([("DELETE FROM {events}", ())], {(n, "TRUNCATED") for n in range(1, 8)}),
    "an event is slipped in before all others": (
        [
            (_SLIP_IN, (0,)),
        ],
        {(0, "ADDED")},
    ),
    "an event is slipped in where no position was ever": (
        [
            (_SLIP_IN, (-(2**63),)),
        ],
        {(-(2**63), "ADDED")},
    ),
    "an event is slipped in in place of a deleted one": (
        [
            ("DELETE FROM {events} WHERE {position} = 4", ()),
            (_SLIP_IN, (4,)),
        ],
        {(4, "REORDERED")},
    ),
    "an event is moved to another stream": (
        [(f"{_OF_EVENTS} originator_id = 'counter-z', originator_version = 4 WHERE {{position}} = 4", ())],
        {(4, "MOVED")},
    ),
    "a stream is renamed": (
        [(f"{_OF_EVENTS} originator_id = 'counter-z' WHERE originator_id = 'counter-b'", ())],
        {(5, "MOVED"), (6, "MOVED"), (7, "MOVED")},
    ),
    "the topic of an event is another": (
        [(f"{_OF_EVENTS} topic = 'counter.closed.v1' WHERE {{position}} = 2", ())],
        {(2, "RENAMED")},
    ),
    "two events change places": (
        [
            (f"{_OF_EVENTS} {{position}} = 100 WHERE {{position}} = 2", ()),
            (f"{_OF_EVENTS} {{position}} = 2 WHERE {{position}} = 3", ()),
            (f"{_OF_EVENTS} {{position}} = 3 WHERE {{position}} = 100", ()),
        ],
        {(2, "REORDERED"), (3, "REORDERED")},
    ),
    "the versions of two events are swapped": (
        [
            (f"{_OF_EVENTS} originator_version = 100 WHERE {{position}} = 2", ()),
            (f"{_OF_EVENTS} originator_version = 2 WHERE {{position}} = 3", ()),
            (f"{_OF_EVENTS} originator_version = 3 WHERE {{position}} = 2", ()),
        ],
        {(2, "REORDERED"), (3, "REORDERED")},
    ),
    "an event gets a later position": (
        [(f"{_OF_EVENTS} {{position}} = 100 WHERE {{position}} = 3", ())],
        {(3, "MISSING")},
    ),
    "the copy of an entry is changed": (
        [("UPDATE {audit}entries SET entry = ? WHERE number = 2", (b"{}",))],
        {(3, "ENTRY_CHANGED")},
    ),
    "the copy of an entry is deleted": (
        [("DELETE FROM {audit}entries WHERE number = 6", ())],
        {(7, "ENTRY_CHANGED")},
    ),
    "a tile is changed": (
        [("UPDATE {audit}tiles SET hashes = ? WHERE level = 0", (bytes(32 * 7),))],
        {(0, "REPLACED"), *((n, "CHANGED") for n in range(1, 8))},
    ),
    "the tiles are thrown away": (
        [("DELETE FROM {audit}tiles", ())],
        {(0, "REPLACED"), *((n, "CHANGED") for n in range(1, 8))},
    ),
    "there are to be more leaves than were signed": (
        [("UPDATE {audit}epochs SET size = 9", ())],
        {(0, "REPLACED"), (8, "TRUNCATED"), (9, "TRUNCATED")},
    ),
    "there are to be more leaves than anybody can go through": (
        [("UPDATE {audit}epochs SET size = ?", (2**62,))],
        {(0, "REPLACED"), (0, "TRUNCATED"), *((n, "TRUNCATED") for n in range(8, PAGE + 1))},
    ),
    "the checkpoint is another": (
        [("UPDATE {audit}epochs SET note = ?", (b"nothing",))],
        {(0, "NOT_SIGNED")},
    ),
    "the transparency log is thrown away": (
        [
            ("DELETE FROM {audit}keys", ()),
            ("DELETE FROM {audit}epochs", ()),
        ],
        {(0, "NOT_SIGNED")},
    ),
}
"""Each with what is found of it: of seven events, four of `counter-a` and then three of `counter-b`."""

_ANY_TYPE: Final = {(n, "CHANGED") for n in range(1, 8)} | {(0, "REPLACED")}
TAMPERINGS_OF_FILES: Final[Mapping[str, tuple[list[Statement], set[tuple[int, str]]]]] = {
    "the stream of an event is no UTF-8": (
        [(f"{_OF_EVENTS} originator_id = CAST(x'ff41' AS TEXT) WHERE {{position}} = 3", ())],
        {(3, "MOVED")},
    ),
    "the topic of an event is no UTF-8": (
        [(f"{_OF_EVENTS} topic = CAST(x'ff41' AS TEXT) WHERE {{position}} = 3", ())],
        {(3, "RENAMED")},
    ),
    "an event is a text, and no UTF-8": (
        [(f"{_OF_EVENTS} state = CAST(x'ff41' AS TEXT) WHERE {{position}} = 3", ())],
        {(3, "CHANGED")},
    ),
    "a tile is a number": ([("UPDATE {audit}tiles SET hashes = 7", ())], _ANY_TYPE),
    "an entry is a number": ([("UPDATE {audit}entries SET entry = 7 WHERE number = 2", ())], {(3, "ENTRY_CHANGED")}),
    "the checkpoint is a text": ([("UPDATE {audit}epochs SET note = 'abc'", ())], {(0, "NOT_SIGNED")}),
    "the secret is a text": (
        [("UPDATE {audit}epochs SET secret = 'abc'", ())],
        {(n, "MOVED") for n in range(1, 8)},
    ),
    "the number of leaves is a text": (
        [("UPDATE {audit}epochs SET size = 'abc'", ())],
        {(0, "REPLACED"), *((n, "ADDED") for n in range(1, 8))},
    ),
    "a key is no UTF-8": ([("UPDATE {audit}keys SET key = CAST(x'ff' AS TEXT)", ())], {(0, "NOT_SIGNED")}),
}
"""The same where a column holds whatever somebody writes into it."""
