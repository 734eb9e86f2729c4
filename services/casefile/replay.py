"""Rebuilds a case from the log alone and prints it: no index, no bus, no running service is needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import reduce

from services.casefile.domain.case import case_stream
from services.casefile.domain.known_programme import KNOWN_PROGRAMME, programme_stream
from services.casefile.domain.responsibility import Party
from services.casefile.timeline import timeline
from services.casefile.topics import TOPICS
from services.casefile.views import fold, responsibility
from services.chassis.days import USUAL_ZONE, end_of_day
from services.chassis.event_types import EventTypes
from services.chassis.metadata import Recorded
from services.chassis.settings import Settings
from services.chassis.stores import Stores

UNKNOWN_CASE = 1


async def replay_case(
    settings: Settings,
    case_id: str,
    when: datetime | date | None,
    known: datetime | date | None,
    say: Callable[[str], None],
) -> int:
    """Prints timeline and responsibility of a case, as of and as known at an instant; returns the exit status.

    A date is the end of that day in the time zone of the case's programme.
    """
    stores = Stores.of(settings)
    if not stores.holds("casefile"):
        say(f"there is no casefile log under {settings.data}: set CASERELAY_DATA to the data directory")
        return UNKNOWN_CASE
    log = stores.event_log("casefile", EventTypes(TOPICS))
    try:
        records = await log.read(case_stream(case_id))
        case = fold(records)
        learnt = await log.read(programme_stream(case.programme))
    finally:
        await log.close()
    if not records:
        say(f"the log holds no case {case_id}; GET /v1/cases lists those that there are")
        return UNKNOWN_CASE
    zone = _zone(learnt, records[-1].meta.recorded_at)
    as_of, known_at = _instant(when, zone), _instant(known, zone)
    case = fold(records, as_of=as_of, known_at=known_at)
    items = timeline(records, as_of=as_of, known_at=known_at)
    say(f"case {case_id}: {case.state.value if case.state is not None else 'not opened'}, {len(items)} events\n")
    for item in items:
        held = _name(item.responsible)
        say(f"{item.position:>4}  {item.occurred_at:%Y-%m-%d %H:%M}  {item.type:<26} {item.text}")
        say(f"      {'':<16}  {'':<26} responsible: {held}{f' ({item.step})' if item.step else ''}")
    now = responsibility(records, as_of=as_of or records[-1].meta.recorded_at, known_at=known_at)
    say(f"\ncase lead: {_name(now.case_lead)}")
    for step in now.steps:
        due = f", due {step.due_at:%Y-%m-%d %H:%M} UTC" if step.due_at is not None else ""
        waits = f", awaiting {step.awaiting.org}: {step.awaiting.action}" if step.awaiting is not None else ""
        say(f"  {step.step:<26} {_name(step.owner)} since {step.since:%Y-%m-%d}{due}{waits}")
    return 0


def _zone(learnt: Sequence[Recorded], at: datetime) -> str:
    known = reduce(KNOWN_PROGRAMME.evolve, (one.event for one in learnt), KNOWN_PROGRAMME.initial).in_force(at)
    return known.rules.time_zone if known is not None else USUAL_ZONE


def _instant(when: datetime | date | None, zone: str) -> datetime | None:
    return when if isinstance(when, datetime) or when is None else end_of_day(when, zone)


def _name(party: Party | None) -> str:
    return f"{party.sub} ({party.role}, {party.org})" if party is not None else "nobody: no step is open"
