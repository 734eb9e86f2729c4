"""What the index knows of nights: when the next one is, and what the last digest of each pair was."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from contracts.visibility import Parties
from services.chassis.index.index import Changes, IndexReader, Table
from services.chassis.log.metadata import Recorded
from services.chassis.modelling.days import USUAL_ZONE, day_in, start_of_day
from services.chassis.time.scheduler import DEADLINES, Pending, pending_in, set_pending, sortable
from services.notifications.domain.nightly_digest import DigestMade

NIGHTS: Final = Table("nights", columns=("agency", "organisation", "cases", "digest", "made_at"), indexes=((),))
"""One row per pair of an agency and an organisation, from their first case on, with the newest digest."""
STREAM: Final = "nights"
"""Under this name it stands among what is pending; nothing is ever written to such a stream."""
NIGHT: Final = "NIGHT"
"""The kind of what is pending: the digests of a night are made."""


def pair_key(agency: str, organisation: str) -> str:
    """The key of a pair."""
    return f"{agency} {organisation}"


def next_night(at: datetime) -> datetime:
    """The midnight that comes after an instant."""
    return start_of_day(day_in(USUAL_ZONE, at) + timedelta(days=1), USUAL_ZONE)


class NightRows:
    """Sees to it that a night comes after whatever happens to a case; where nothing happens, none does."""

    def __init__(self, reader: IndexReader) -> None:
        self._reader = reader
        self._pending: list[Pending] = []

    async def look(self) -> None:
        """Reads which nights are to come."""
        row = await self._reader.get(DEADLINES.name, STREAM)
        self._pending = pending_in(row) if row is not None else []

    def happened(self, recorded: Recorded, changes: Changes) -> None:
        """Something happened to a case."""
        night = sortable(next_night(recorded.meta.recorded_at))
        if self._pending and self._pending[-1].at >= night:
            return
        # One that is due and not yet made stays: it may be under way, and have looked before this was here.
        self._pending = [*self._pending[:1], Pending(night, NIGHT, NIGHT, night)]
        set_pending(changes, STREAM, recorded, self._pending)


def note_pairs(position: int, before: Parties, after: Parties, changes: Changes) -> None:
    """Notes with whom an agency has a case, once its parties have changed."""
    if after.agency is None:
        return
    for organisation in after.organisations - before.organisations - {after.agency}:
        key = pair_key(after.agency, organisation)
        changes.put(NIGHTS.name, key, position, agency=after.agency, organisation=organisation)


def index_digest(recorded: Recorded, event: DigestMade, changes: Changes) -> None:
    """Keeps the newest digest of a pair."""
    changes.put(
        NIGHTS.name,
        pair_key(event.agency, event.organisation),
        recorded.position,
        agency=event.agency,
        organisation=event.organisation,
        cases=event.cases,
        digest=event.digest,
        made_at=sortable(event.made_at),
    )
