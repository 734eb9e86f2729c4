"""The facts of reports as they are kept, so that nobody who asks waits for all histories to be read.

They are in an index of their own, behind the one that lists search in: no command and no list waits for them. Facts
are found in a whole history at once, so a case that moves a hundred times between two looks is read once. They are
looked after now and then by the process that leads, and brought up to date where a report is asked for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec.json import Decoder, Encoder

from services.casefile.reports.catalogue import REPORTS
from services.casefile.reports.report import CASE_PREFIX, MENTOR_PREFIX, Findings, History, Report, Subject, subject_of
from services.chassis.index.index import Changes, Index, Row, Table, Value
from services.chassis.index.projection import Projection
from services.chassis.log.event_log import EventLog
from services.chassis.log.metadata import Recorded
from services.chassis.modelling.days import FIRST

KEPT: Final = Table(
    "kept",
    columns=("version", "agency", "programme", "standings", *(report.column for report in REPORTS.values())),
    indexes=((),),
    wide=True,
)
"""One row per case or mentor, by its stream, with the facts of each report as JSON; None: there are none.

`version` is that of the newest event of the stream that they are found in; `standings` are the subject's, as JSON.
"""
KEPT_AS: Final = "reports"
REPORTS_VERSION: Final = 2
"""Raised whenever the facts of a report change: they are then found again in all histories."""
READ_AT_ONCE: Final = 500
ROWS_AT_ONCE: Final = 500
REST_SECONDS: Final = 30.0
"""How long facts rest at least after they were brought up to date."""
SHARE: Final = 20
"""And so many times as long as that took: an installation where much happens spends at most a twentieth on it."""


class Kept:
    """Keeps the facts of all reports abreast of the log, and reads them."""

    def __init__(self, log: EventLog, index: Index, *, at_once: int = READ_AT_ONCE) -> None:
        self._log = log
        self._index = index
        self._found: dict[str, tuple[int, dict[str, Value]]] = {}
        self.projection = Projection(log, index, self._project, self._look, at_once=at_once)

    async def round(self) -> None:
        """Brings the facts up to date, and rests."""
        began = time.monotonic()
        await self.projection.catch_up()
        await asyncio.sleep(max(REST_SECONDS, SHARE * (time.monotonic() - began)))

    async def now(self) -> datetime:
        """See `newest`."""
        return await newest(self._log)

    async def findings(self, report: Report[Any]) -> list[Findings[Any]]:
        """The facts of a report in all histories."""
        found: list[Findings[Any]] = []
        after = 0
        # A row has the facts of all reports: of the others' nothing is read.
        only = ("agency", "programme", "standings", report.column)
        while rows := await self._index.find(KEPT.name, {}, after=after, limit=ROWS_AT_ONCE, only=only):
            found += [
                Findings(_subject(row), report.decoded(str(kept)))
                for row in rows
                if (kept := row.columns[report.column]) is not None
            ]
            after = rows[-1].seq
            # Of many cases there is a second of it.
            await asyncio.sleep(0)
        return found

    async def _look(self, batch: Sequence[Recorded]) -> None:
        moved = {
            recorded.stream: recorded.version
            for recorded in batch
            if recorded.stream.startswith((CASE_PREFIX, MENTOR_PREFIX))
        }
        rows = await self._index.rows(KEPT.name, list(moved)) if moved else {}
        # A history is read to its end: when a batch comes that is in it already, there is nothing to find.
        behind = [
            stream
            for stream, version in moved.items()
            if stream not in rows or int(rows[stream].columns["version"] or 0) < version
        ]
        self._found = {}
        async for history in histories(self._log, behind):
            self._found[history.stream] = history.records[0].position, columns_of(history)

    def _project(self, recorded: Recorded, changes: Changes) -> None:
        found = self._found.pop(recorded.stream, None)
        if found is not None:
            seq, columns = found
            changes.put(KEPT.name, recorded.stream, seq, **columns)


async def newest(log: EventLog, head: int | None = None) -> datetime:
    """When the newest event of a log was recorded, or the one at the position `head`."""
    head = await log.head() if head is None else head
    found = await log.read_all(head - 1, 1) if head else []
    return found[-1].meta.recorded_at if found else FIRST


async def histories(log: EventLog, streams: Sequence[str]) -> AsyncIterator[History]:
    """The histories of these streams."""
    for first in range(0, len(streams), STREAMS_AT_ONCE):
        some = streams[first : first + STREAMS_AT_ONCE]
        for stream, records in zip(some, await log.read_tails([(stream, 0) for stream in some]), strict=True):
            yield History(stream, records)
            await asyncio.sleep(0)


STREAMS_AT_ONCE: Final = 50


def columns_of(history: History) -> dict[str, Value]:
    """What is kept of a history."""
    subject = subject_of(history)
    facts: dict[str, Value] = {report.column: report.encoded(report.found_in(history)) for report in REPORTS.values()}
    version = history.records[-1].version
    standings = _ENCODER.encode(subject.standings).decode() if subject.standings else None
    about: dict[str, Value] = {"agency": subject.agency, "programme": subject.programme, "standings": standings}
    return {"version": version, **about, **facts}


_ENCODER: Final = Encoder()
_STANDINGS: Final = Decoder(dict[str, str])


def _subject(row: Row) -> Subject:
    standings = row.columns["standings"]
    return Subject(
        row.key,
        _text(row.columns["agency"]),
        _text(row.columns["programme"]),
        _STANDINGS.decode(str(standings)) if standings is not None else {},
    )


def _text(value: Value) -> str | None:
    return str(value) if value is not None else None
