"""Rebuilds a case from the log alone: no index, no bus, no running service is needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce

from pydantic_core import to_json

from services.casefile.access import CONSENT_WITHDRAWN
from services.casefile.difference import difference
from services.casefile.domain.known_programme import KNOWN_PROGRAMME, KnownProgramme, programme_stream
from services.casefile.domain.state import case_stream
from services.casefile.domain.steps import Party
from services.casefile.domain.tellings import tellings_stream
from services.casefile.events import EVENT_TYPES
from services.casefile.history import Responsibility, fold, known, responsibility
from services.casefile.telling_views import tellings_of
from services.casefile.time_machine import seen, standing_in_place_of
from services.casefile.timeline import Item, timeline
from services.casefile.views import responsibility_view, timeline_view
from services.chassis.http.response.rendering import Json
from services.chassis.log.metadata import Recorded
from services.chassis.modelling.days import FIRST, USUAL_ZONE, end_of_day
from services.chassis.settings import Settings
from services.chassis.stores import Stores


class UnknownCase(Exception):  # noqa: N818 - reads as what happened
    """The log holds no such case; the message says where it was looked for."""


@dataclass(frozen=True)
class Replayed:
    """A case as of, and as known at, an instant."""

    case: str
    state: str | None
    items: Sequence[Item]
    responsibility: Responsibility
    tellings: Mapping[str, Sequence[Json]]

    def to_json(self) -> str:
        """One document with the timeline and the responsibility as the routes of a case have them."""
        document = {
            "case": self.case,
            "state": self.state,
            "timeline": [timeline_view(item, self.tellings.get(item.event, ())) for item in self.items],
            "responsibility": responsibility_view(self.responsibility),
        }
        return to_json(document).decode()

    def to_lines(self) -> Iterator[str]:
        """For people: two lines for each event, then who is responsible for which step."""
        yield f"case {self.case}: {self.state or 'not opened'}, {len(self.items)} events\n"
        for item in self.items:
            held = _name(item.responsible)
            yield f"{item.position:>4}  {item.occurred_at:%Y-%m-%d %H:%M}  {item.type:<26} {item.text}"
            yield f"      {'':<16}  {'':<26} responsible: {held}{f' ({item.step})' if item.step else ''}"
            for way in self.tellings.get(item.event, ()):
                by = f"{way['organisation']} by {way['channel']}: {way['state']} {way['at']:%Y-%m-%d %H:%M}"
                yield f"      {'':<16}  {'':<26} told: {by}"
        yield f"\ncase lead: {_name(self.responsibility.case_lead)}"
        for step in self.responsibility.steps:
            due = f", due {step.due_at:%Y-%m-%d %H:%M} UTC" if step.due_at is not None else ""
            waits = f", awaiting {step.awaiting.org}: {step.awaiting.action}" if step.awaiting is not None else ""
            yield f"  {step.step:<26} {_name(step.owner)} since {step.since:%Y-%m-%d}{due}{waits}"


@dataclass(frozen=True)
class Read:
    """What the log holds of a case and of its programme, and when the last of all its events was recorded."""

    records: Sequence[Recorded]
    tellings: Sequence[Recorded]
    programme: KnownProgramme
    ends_at: datetime

    def instant(self, when: datetime | date | None) -> datetime | None:
        """An instant; a date is the end of that day in the time zone of the case's programme."""
        if isinstance(when, datetime) or when is None:
            return when
        known = self.programme.in_force(self.records[-1].meta.recorded_at)
        return end_of_day(when, known.rules.time_zone if known is not None else USUAL_ZONE)


async def read_case(settings: Settings, case_id: str) -> Read:
    """A case's stream, from the log file or the database alone. Raises UnknownCase."""
    stores = Stores.of(settings)
    if not stores.holds("casefile"):
        raise UnknownCase(f"there is no casefile log under {settings.data}: set CASERELAY_DATA to the data directory")
    log = stores.event_log("casefile", EVENT_TYPES)
    try:
        records = await log.read(case_stream(case_id))
        tellings = await log.read(tellings_stream(case_id))
        learnt = await log.read(programme_stream(fold(records).programme))
        last = await log.read_all(max(0, await log.head() - 1), 1)
    finally:
        await log.close()
    if not records:
        raise UnknownCase(f"the log holds no case {case_id}; GET /v1/cases lists the cases")
    programme = reduce(KNOWN_PROGRAMME.evolve, (recorded.event for recorded in learnt), KNOWN_PROGRAMME.initial)
    return Read(records, tellings, programme, max(recorded.meta.recorded_at for recorded in (*last, records[-1])))


async def replay_case(
    settings: Settings,
    case_id: str,
    when: datetime | date | None,
    by: datetime | date | None,
    viewer: str | None = None,
) -> Replayed:
    """Timeline and responsibility of a case, as of `when`, as known `by`; with a `viewer`, as it saw them then.

    A date is the end of that day in the time zone of the case's programme. Raises UnknownCase, also where the viewer
    did not read the case at that moment.
    """
    read = await read_case(settings, case_id)
    as_of, known_at = read.instant(when), read.instant(by)
    records = list(known(read.records, as_of, known_at))
    agency = fold(records).agency
    seer = viewer if viewer != agency else None
    stopped = False
    if viewer is not None:
        if (stands := standing_in_place_of(viewer, records)) is None:
            raise UnknownCase(f"{viewer} does not read case {case_id} at that moment")
        stopped = CONSENT_WITHDRAWN in stands[1]
    items = timeline(records, seen_by=seer)
    own = seen(records, seer, stopped=stopped)
    case, at = fold(own), as_of or read.records[-1].meta.recorded_at
    now = responsibility(own, as_of=at)
    parties = None if seer is None else () if stopped else (seer, agency)
    tellings = tellings_of(read.tellings, as_of=as_of, known_at=known_at, seen_by=parties)
    return Replayed(case_id, case.state.value if case.state is not None else None, items, now, tellings)


async def replay_difference(
    settings: Settings, case_id: str, first: datetime | date | None, last: datetime | date | None
) -> dict[str, object]:
    """What changed in a case from one moment to another, as the route of it says; None: the beginning, and now.

    Raises UnknownCase.
    """
    read = await read_case(settings, case_id)
    begin, end = read.instant(first), read.instant(last)
    before, after = (fold(read.records, as_of=at) for at in (begin or FIRST, end))
    earlier, later = (timeline(read.records, as_of=at) for at in (begin or FIRST, end))
    return {"case": case_id, "from": begin, "to": end, **difference(before, after, earlier, later)}


def _name(party: Party | None) -> str:
    return f"{party.sub} ({party.role}, {party.org})" if party is not None else "nobody: no step is open"
