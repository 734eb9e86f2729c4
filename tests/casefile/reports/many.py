"""Many cases straight into a log: the rows of a few, each under other streams, as a restored backup would have them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from services.casefile.events import EVENT_TYPES
from services.casefile.reports.report import History
from services.chassis.stores import Stores


async def make_log(data: Path) -> None:
    """An empty log of cases, as the service makes it."""
    await Stores(data).event_log("casefile", EVENT_TYPES).close()


def write_cases(data: Path, templates: Sequence[History], many: int) -> int:
    """So many cases, each like one of these in turn; returns how many events that are."""

    def rows() -> Iterator[tuple[Any, ...]]:
        for number in range(many):
            stream = f"case-n{number}"
            for recorded in templates[number % len(templates)].records:
                yield stream, recorded.version, recorded.topic, recorded.state

    return _write(data, rows())


def write_history(data: Path, history: History) -> int:
    """A history as it is, such as that of a mentor; returns how many events there are."""
    return _write(data, ((history.stream, one.version, one.topic, one.state) for one in history.records))


def _write(data: Path, rows: Iterator[tuple[Any, ...]]) -> int:
    with closing(sqlite3.connect(data / "casefile-log.db", isolation_level=None)) as log:
        log.execute("PRAGMA synchronous = OFF")
        log.execute("BEGIN")
        log.executemany(
            "INSERT INTO stored_events (originator_id, originator_version, topic, state) VALUES (?, ?, ?, ?)", rows
        )
        log.execute("COMMIT")
        return int(log.execute("SELECT count(*) FROM stored_events").fetchone()[0])
