"""Mentors who wait for a mentee: citizens who offered themselves, and nobody has taken them up yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from services.casefile.domain.mentor import MENTOR, MentorDescribed, MentorEngaged, MentorReleased
from services.casefile.reports.report import MENTOR_PREFIX, Findings, History, Period, Report, Row, day_of

NAME: Final = "unmatched-mentors"
DEFINITION: Final = (
    "Mentors of an organisation who had no mentee, proposed or matched, on the last day that is asked for (else: when "
    "the newest event of the log was recorded), though they take one: since when they wait, and for how many days. "
    "A mentor waits from the first description, from the end of the last match, or from taking somebody again; a "
    "proposal that came to nothing does not begin the waiting again. The mentor's own profile says the same. A mentor "
    "is of an organisation and, while waiting, in nobody's case: leads of agencies, who read their own cases, read no "
    "row."
)
SOURCES: Final = ("MentorDescribed", "MentorEngaged", "MentorReleased")


class WaitFact(Struct, frozen=True, array_like=True):
    """A time without a mentee, from `free` to `until`, which is None as long as it goes on.

    `since` is when the waiting began: earlier than `free` where a proposal took the place for a while.
    """

    organisation: str
    mentor: str
    kind: str
    capacity: int
    since: datetime
    free: datetime
    until: datetime | None = None


def facts(history: History) -> Iterator[WaitFact]:
    """The times in which a mentor waited."""
    if not history.stream.startswith(MENTOR_PREFIX):
        return
    state, waits = MENTOR.initial, list[WaitFact]()
    organisation = mentor = ""
    for recorded in history.records:
        event, at = recorded.event, recorded.meta.recorded_at
        if isinstance(event, MentorDescribed):
            organisation, mentor = event.organisation, event.mentor
        elif not isinstance(event, MentorEngaged | MentorReleased):
            continue
        state = MENTOR.evolve(state, event)
        profile = state.profile
        waiting = bool(waits) and waits[-1].until is None
        free = profile is not None and profile.capacity > 0 and not state.cases
        if profile is not None and free and not waiting:
            # Time that was spent with a mentee is none of waiting, whatever was recorded later.
            begins = max(_happened(event, at), waits[-1].until or at) if waits else at
            since = state.since or begins
            waits.append(WaitFact(organisation, mentor, profile.kind, profile.capacity, since, begins))
        elif profile is not None and free:
            waits[-1] = replace(waits[-1], kind=profile.kind, capacity=profile.capacity)
        elif waiting:
            waits[-1] = replace(waits[-1], until=at)
    yield from waits


def _happened(event: object, at: datetime) -> datetime:
    return event.released_at or at if isinstance(event, MentorReleased) else at


def rows(findings: Iterable[Findings[WaitFact]], period: Period) -> Iterator[Row]:
    """A row per mentor who waits on the last day."""
    last = period.last or day_of(period.now)
    for each in findings:
        for wait in each.facts:
            free, until = day_of(wait.free), day_of(wait.until) if wait.until is not None else None
            if free <= last and (until is None or last < until):
                since = day_of(wait.since)
                yield {
                    "organisation": wait.organisation,
                    "mentor": wait.mentor,
                    "kind": wait.kind,
                    "capacity": wait.capacity,
                    "waitingSince": str(since),
                    "waitingDays": (last - since).days,
                }


REPORT: Final = Report(
    name=NAME,
    definition=DEFINITION,
    sources=SOURCES,
    columns=("organisation", "mentor", "kind", "capacity", "waitingSince", "waitingDays"),
    fact=WaitFact,
    facts=facts,
    rows=rows,
)
