"""Rebuilds a case from the log alone and prints it: no index, no bus, no running service is needed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from services.casefile.domain.case import case_stream
from services.casefile.domain.responsibility import Party
from services.casefile.timeline import timeline
from services.casefile.topics import TOPICS
from services.casefile.views import fold, responsibility
from services.chassis.event_types import EventTypes
from services.chassis.settings import Settings
from services.chassis.stores import Stores

UNKNOWN_CASE = 1


async def replay_case(
    settings: Settings, case_id: str, as_of: datetime | None, known_at: datetime | None, say: Callable[[str], None]
) -> int:
    """Prints timeline and responsibility of a case, as of and as known at an instant; returns the exit status."""
    stores = Stores.of(settings)
    if not stores.holds("casefile"):
        say(f"there is no casefile log under {settings.data}: set CASERELAY_DATA to the data directory")
        return UNKNOWN_CASE
    log = stores.event_log("casefile", EventTypes(TOPICS))
    try:
        records = await log.read(case_stream(case_id))
    finally:
        await log.close()
    if not records:
        say(f"the log holds no case {case_id}; GET /v1/cases lists those that there are")
        return UNKNOWN_CASE
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


def _name(party: Party | None) -> str:
    return f"{party.sub} ({party.role}, {party.org})" if party is not None else "nobody: no step is open"
