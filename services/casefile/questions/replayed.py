"""Questions asked of the log alone: of one case, of a programme, or of a sample. No running service is needed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime
from typing import Any

from services.casefile.domain.known_programme import KNOWN_PROGRAMME, programme_stream
from services.casefile.domain.opening import CaseOpened
from services.casefile.domain.state import case_stream
from services.casefile.domain.tellings import tellings_stream
from services.casefile.events import EVENT_TYPES
from services.casefile.history import known
from services.casefile.known_filters import first_unknown
from services.casefile.questions.many import together
from services.casefile.questions.question import Inquiry, Question
from services.casefile.questions.sampling import Which, drawn
from services.casefile.replay import read_case
from services.casefile.reports.kept import STREAMS_AT_ONCE
from services.casefile.reports.replayed import NoLog, UnknownFilter
from services.casefile.reports.report import CASE_PREFIX
from services.chassis.deciding.streams import Streams
from services.chassis.log.event_log import EventLog
from services.chassis.log.metadata import Recorded
from services.chassis.modelling.days import USUAL_ZONE, end_of_day
from services.chassis.settings import Settings
from services.chassis.stores import Stores
from services.progress import Progress, Say

When = datetime | date | None
"""An instant; or a date, the end of that day in the time zone of the case's programme; None: all that is on record."""


async def answer_of_case(settings: Settings, question: Question, case_id: str, when: When, by: When) -> dict[str, Any]:
    """The answer of one case in its JSON shape, as of `when`, as known `by`. Raises UnknownCase."""
    read = await read_case(settings, case_id)
    return question.document(Inquiry(read.records, read.tellings, read.instant(when), read.instant(by)))


async def answers_of_many(
    settings: Settings, question: Question, which: Which, when: When, by: When, say: Say
) -> dict[str, Any]:
    """The answers of many cases, as of `when`, as known `by`. Raises NoLog and UnknownFilter."""
    stores = Stores.of(settings)
    if not stores.holds("casefile"):
        raise NoLog(f"there is no casefile log under {settings.data}: set CASERELAY_DATA to the data directory")
    log = stores.event_log("casefile", EVENT_TYPES)
    try:
        if (unknown := await first_unknown(Streams(log), programme=which.programme)) is not None:
            raise UnknownFilter(f"--{unknown.name} is unknown; give {unknown.expected}")
        moments = Moments(log, when, by)
        there = [case async for case in _cases(log, which.programme, moments)]
        cases = drawn(there, which.sample, which.seed)
        progress = Progress("answered", say, lambda count: f"{count} cases")
        documents: list[dict[str, Any]] = []
        async for inquiry in _inquiries(log, cases, moments):
            documents.append(question.document(inquiry))
            progress.report(len(documents), len(cases))
    finally:
        await log.close()
    return together(question, documents, programme=which.programme, sample=which.sample, seed=which.seed)


class Moments:
    """Makes instants of days, each in the time zone of a case's programme."""

    def __init__(self, log: EventLog, when: When, by: When) -> None:
        self._streams = Streams(log)
        self._given = when, by
        self._zones: dict[str, str] = {}

    async def of(self, programme: str, at: datetime) -> tuple[datetime | None, datetime | None]:
        """As of when, and as known when, for a case of a programme whose version at an instant has the zone."""
        if programme not in self._zones:
            learnt = (await self._streams.fold(programme_stream(programme), KNOWN_PROGRAMME)).state
            in_force = learnt.in_force(at)
            self._zones[programme] = in_force.rules.time_zone if in_force is not None else USUAL_ZONE
        zone = self._zones[programme]
        as_of, known_at = (
            given if given is None or isinstance(given, datetime) else end_of_day(given, zone) for given in self._given
        )
        return as_of, known_at


async def _cases(log: EventLog, programme: str | None, moments: Moments) -> AsyncIterator[str]:
    """The ids of the cases that were there, from their first events."""
    after = 0
    while beginnings := await log.beginnings(after, STREAMS_AT_ONCE):
        after = beginnings[-1][0]
        for _, stream in beginnings:
            if not stream.startswith(CASE_PREFIX):
                continue
            first = await log.read(stream, through=1)
            own = programme_of(first)
            as_of, known_at = await moments.of(own, first[0].meta.recorded_at)
            if programme in (None, own) and list(known(first, as_of, known_at)):
                yield stream.removeprefix(CASE_PREFIX)


async def _inquiries(log: EventLog, cases: Sequence[str], moments: Moments) -> AsyncIterator[Inquiry]:
    for first in range(0, len(cases), STREAMS_AT_ONCE):
        some = cases[first : first + STREAMS_AT_ONCE]
        streams = [stream for case in some for stream in (case_stream(case), tellings_stream(case))]
        tails = await log.read_tails([(stream, 0) for stream in streams])
        for records, beside in zip(tails[::2], tails[1::2], strict=True):
            as_of, known_at = await moments.of(programme_of(records), records[0].meta.recorded_at)
            yield Inquiry(records, beside, as_of, known_at)


def programme_of(records: Sequence[Recorded]) -> str:
    """The programme that a case was opened in."""
    opened = records[0].event
    return opened.programme if isinstance(opened, CaseOpened) else ""
