"""A case as of any moment, as it was known at any other, and as an organisation saw it then; and what lies between two.

It is folded from the record for each reader, with the rules by which that reader sees the case of today.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from contracts.codes import Role
from services.casefile.access import ADDRESSED_ORGANISATION, CONSENT_WITHDRAWN, POLICY, relations_to_case
from services.casefile.beside_views import norm_view
from services.casefile.context import CaseContexts
from services.casefile.difference import difference
from services.casefile.history import fold, known
from services.casefile.queries import SEES_STATE, Found, Moment, Queries
from services.casefile.timeline import Sight, history_of, sight_of, timeline
from services.casefile.views import case_view, stopped_view
from services.chassis.access.identity import Caller
from services.chassis.access.policy import Hidden
from services.chassis.http.response.rendering import Json
from services.chassis.log.metadata import Recorded
from services.chassis.time.clock import Clock

READ_AT: Final = "read-at"
READ_AS: Final = "read-as"
NOTHING_TO_DO: Final[Json] = {"allowedActions": [], "blockedActions": []}
"""Of a moment that is over nothing can be changed."""


def standing_in_place_of(organisation: str, records: Sequence[Recorded]) -> tuple[Caller, tuple[str, ...]] | None:
    """Somebody of an organisation who reads the case that these records make, and how they stand to it.

    None where the organisation does not read it.
    """
    reader = Caller(sub="", org=organisation, role=Role.DPO)
    relations = relations_to_case(reader, fold(records))
    return (reader, relations) if POLICY.permits(reader, "read-timeline", relations) else None


def seen(records: Sequence[Recorded], organisation: str | None, *, stopped: bool = False) -> list[Recorded]:
    """The records from which an organisation's own view of the case is folded; None: all. Empty where it sees none."""
    if organisation is None:
        return list(records)
    sight = sight_of(records, organisation) if not stopped else Sight()
    if not any(recorded.version in sight.seen for recorded in records):
        return []
    return history_of(records, sight)


class TimeMachine:
    """Reads cases of the past for callers, whom `Queries` has let in."""

    def __init__(self, queries: Queries, contexts: CaseContexts, clock: Clock) -> None:
        self._queries = queries
        self._contexts = contexts
        self._clock = clock

    async def seen_as(self, found: Found, organisation: str, at: Moment) -> tuple[Caller, Found]:
        """The case as somebody of an organisation would have found it at a moment.

        Raises Hidden where the organisation did not read it then.
        """
        records = await self._known(found, at)
        if (stands := standing_in_place_of(organisation, records)) is None:
            raise Hidden
        reader, relations = stands
        return reader, Found(found.case_id, found.folded, relations, as_of_then=True)

    async def case(self, caller: Caller, found: Found, at: Moment) -> Json:
        """What the caller reads of the case as it was. Raises Hidden where there was nothing to read."""
        relations = set(found.relations)
        if CONSENT_WITHDRAWN in relations and not relations & SEES_STATE:
            return {**stopped_view(found.case_id, await self._queries.etag(caller, found)), **NOTHING_TO_DO}
        seer = self._queries.seen_by(caller, found)
        records = await self._known(found, at)
        if not (found.as_of_then and ADDRESSED_ORGANISATION in relations):
            records = await self._seen(found, at, seer)
        if not records:
            raise Hidden
        case, now = fold(records), at.as_of or self._clock.now()
        body = case_view(case, records[-1].version, now, seer)
        if relations & SEES_STATE:
            zone = await self._contexts.time_zone(case.programme, now, self._queries.streams)
            body["contactNorm"] = norm_view(case, zone, now)
        return {**body, **NOTHING_TO_DO}

    async def difference(self, caller: Caller, found: Found, first: Moment, last: Moment) -> Json:
        """What changed from one moment to another, in words, as far as the caller may see it."""
        seer = self._queries.seen_by(caller, found)
        before, after = [await self._seen(found, at, seer) for at in (first, last)]
        records = await self._queries.records(found)
        items = [timeline(records, as_of=at.as_of, known_at=at.known_at, seen_by=seer) for at in (first, last)]
        return difference(fold(before), fold(after), items[0], items[1])

    async def _known(self, found: Found, at: Moment) -> list[Recorded]:
        return [*known(await self._queries.records(found), at.as_of, at.known_at)]

    async def _seen(self, found: Found, at: Moment, seer: str | None) -> list[Recorded]:
        """As `seen`; who reads today reads of a moment what they may see today, and not what they saw then."""
        records = await self._known(found, at)
        stopped = CONSENT_WITHDRAWN in found.relations
        if seer is None or found.as_of_then:
            return seen(records, seer, stopped=stopped)
        sight = sight_of(await self._queries.records(found), seer) if not stopped else Sight()
        return history_of(records, sight) if any(each.version in sight.seen for each in records) else []
