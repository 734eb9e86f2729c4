"""A report from the log alone: no index and no running service is needed."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from services.casefile.events import EVENT_TYPES
from services.casefile.known_filters import first_unknown
from services.casefile.reports.evaluation import key_of
from services.casefile.reports.kept import STREAMS_AT_ONCE, histories, newest
from services.casefile.reports.report import (
    CASE_PREFIX,
    MENTOR_PREFIX,
    Findings,
    Period,
    Report,
    Row,
    Wanted,
    subject_of,
)
from services.chassis.deciding.streams import Streams
from services.chassis.log.event_log import EventLog
from services.chassis.refused_start import RefusedStart
from services.chassis.settings import Settings
from services.chassis.stores import Stores
from services.progress import Progress, Say


class NoLog(RefusedStart):
    """There is no log of cases where the settings say."""


class UnknownFilter(RefusedStart):
    """A filter of a report names nothing that there is; the message says what would be accepted."""


async def findings_in(log: EventLog, report: Report[Any], progress: Progress | None = None) -> list[Findings[Any]]:
    """The facts of a report in all histories of a log, which are read one after another."""
    head, after, read = await log.head(), 0, 0
    found: list[Findings[Any]] = []
    while beginnings := await log.beginnings(after, STREAMS_AT_ONCE):
        after = beginnings[-1][0]
        streams = [stream for _, stream in beginnings if stream.startswith((CASE_PREFIX, MENTOR_PREFIX))]
        async for history in histories(log, streams):
            read += len(history.records)
            if facts := report.found_in(history):
                found.append(Findings(subject_of(history), facts))
        if progress is not None:
            progress.report(read, head)
    if progress is not None and read < head:
        # The streams that no report is made of were passed over.
        progress.report(head, head)
    return found


async def replay_report(settings: Settings, report: Report[Any], period: Period, wanted: Wanted, say: Say) -> list[Row]:
    """The rows of a report, from the log that the settings name. Raises NoLog and UnknownFilter."""
    stores = Stores.of(settings)
    if not stores.holds("casefile"):
        raise NoLog(f"there is no casefile log under {settings.data}: set CASERELAY_DATA to the data directory")
    log = stores.event_log("casefile", EVENT_TYPES)
    try:
        unknown = await first_unknown(Streams(log), programme=wanted.programme, organisation=wanted.organisation)
        if unknown is not None:
            raise UnknownFilter(f"--{unknown.name} is unknown; give {unknown.expected}")
        now = await newest(log)
        findings = await findings_in(log, report, Progress("read", say, lambda count: f"{count} events"))
    finally:
        await log.close()
    key = key_of(stores.epochs("casefile"))
    return report.answer(findings, replace(period, now=now, key=key), wanted)
