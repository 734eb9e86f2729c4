"""Pages of what a caller may see: the index finds, and what the caller may read of each decides."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from contracts.codes import ReferralState, Role
from services.chassis.access.identity import Caller
from services.chassis.http.request.positions import unknown_filter
from services.chassis.http.response.rendering import Json
from services.chassis.index.index import IndexReader, Row, Value
from services.chassis.time.clock import Clock
from services.chassis.time.scheduler import instant
from services.referral.access import ANY_ORGANISATION, POLICY, Parties, relations_of_parties, sees_only_the_stop
from services.referral.domain.organisation import ORGANISATION, organisation_stream
from services.referral.projection import ORGANISATIONS, REFERRALS, UNRECORDED
from services.referral.queries import Queries
from services.referral.views import anonymous, disclosures_link, stopped_view, summary_view

REFERRALS_OF_A_CASE: Final = 10_000
EVERY_STATE: Final = tuple(state.value for state in ReferralState)


class Lists:
    """Finds the referrals that a caller has a part in, and organisations."""

    def __init__(
        self, queries: Queries, index: IndexReader, caught_up: Callable[[], Awaitable[None]], clock: Clock
    ) -> None:
        """`caught_up` returns once the index covers the log."""
        self._queries = queries
        self._index = index
        self._caught_up = caught_up
        self._clock = clock

    async def referrals(
        self,
        caller: Caller,
        filters: Mapping[str, str],
        after: int,
        limit: int,
        *,
        states: Sequence[str] = (),
        full: bool = False,
    ) -> tuple[list[Json], int | None]:
        """A page of the referrals that the caller may see, oldest first, and where the next page begins.

        With `states`, those in any of them. `full`: as they are read one by one, and not a summary of each.
        """
        POLICY.require(caller, "list", (ANY_ORGANISATION,))
        if (organisation := filters.get("organisation")) is not None:
            known = await self._queries.streams.fold(organisation_stream(organisation), ORGANISATION)
            if known.state.description is None:
                raise unknown_filter("organisation", "the id of an existing organisation")
        await self._caught_up()
        items: list[Json] = []
        last = after
        while True:
            most = limit + 1 - len(items)
            rows = await self._rows(caller, filters, states, last, most)
            if full:
                # Side by side: streams that are asked for at once come in one answer of the database.
                views = await asyncio.gather(*(self._view(caller, row) for row in rows))
            else:
                views = [await self._summary(caller, row) for row in rows]
            for row, view in zip(rows, views, strict=True):
                if view is not None:
                    if len(items) == limit:
                        return items, last
                    items.append(view)
                last = row.seq
            if len(rows) < most:
                return items, None

    async def _rows(
        self, caller: Caller, filters: Mapping[str, str], states: Sequence[str], after: int, most: int
    ) -> list[Row]:
        wanted = states or EVERY_STATE
        of_agency: Mapping[str, Value] = {} if caller.role is Role.AUDITOR else {"agency": caller.org}
        looks: list[Mapping[str, Value]] = [{**filters, **of_agency}]
        if of_agency and filters.get("organisation") in (None, caller.org):
            others = {column: value for column, value in filters.items() if column != "organisation"}
            looks.append({**others, "reader": caller.org})
        if (case := filters.get("case_id")) is not None:
            # A case has a handful of referrals: the other filters are applied here.
            of_case = await self._index.find(REFERRALS.name, {"case_id": case}, after=after, limit=REFERRALS_OF_A_CASE)
            fits = (row for row in of_case if row.columns["state"] in wanted and _may_know(caller, row))
            return [row for row in fits if any(look.items() <= row.columns.items() for look in looks)][:most]
        found: dict[int, Row] = {}
        # Of all referrals, one by one: asked for any of several states, a planner may read everything.
        everything: list[dict[str, Value | Sequence[Value]]] = [{"state": state} for state in states] or [{}]
        for where in everything if looks == [{}] else [{**look, "state": wanted} for look in looks]:
            found |= {row.seq: row for row in await self._index.find(REFERRALS.name, where, after=after, limit=most)}
        return [found[seq] for seq in sorted(found)][:most]

    async def _view(self, caller: Caller, row: Row) -> Json | None:
        found = await self._queries.find_silently(caller, row.key)
        return self._queries.shown(caller, found) if found is not None else None

    async def _summary(self, caller: Caller, row: Row) -> Json | None:
        now = self._clock.now()
        if row.columns["access_ends"] == UNRECORDED:
            # Events of old do not say when the access ends: the programme does, which no row has.
            found = await self._queries.find_silently(caller, row.key)
            relations = found.relations if found is not None else ()
        else:
            relations = relations_of_parties(caller, _parties(row), now)
        if not POLICY.permits(caller, "read", relations):
            return None
        view = summary_view(row.key, row.columns, now)
        if sees_only_the_stop(relations):
            view = stopped_view(view["id"], view["case"], view["state"], view["version"])
        if row.columns["broadcast"] is not None and not _may_know(caller, row):
            view = anonymous(view, str(row.columns["broadcast"]))
        if POLICY.permits(caller, "read-disclosures", relations):
            view["links"] |= disclosures_link(row.key)
        return view

    async def organisations(self, kinds: Sequence[str], after: int, limit: int) -> tuple[list[Json], int | None]:
        """A page of organisations of these kinds, or of all, and where the next page begins."""
        await self._caught_up()
        looks: list[dict[str, Value]] = [{"kind": kind} for kind in kinds] or [{}]
        met = [
            row
            for look in looks
            for row in await self._index.find(ORGANISATIONS.name, look, after=after, limit=limit + 1)
        ]
        rows = sorted(met, key=lambda row: row.seq)[: limit + 1]
        found = await asyncio.gather(*(self._queries.organisation(row.key) for row in rows[:limit]))
        return [view for view, _ in found], rows[limit - 1].seq if len(rows) > limit else None


def _may_know(caller: Caller, row: Row) -> bool:
    """Whether the caller may know of which case a referral is: no organisation before an offer to several is won."""
    return row.columns["broadcast"] is None or caller.org == row.columns["agency"] or caller.role is Role.AUDITOR


def _parties(row: Row) -> Parties:
    columns = row.columns
    organisation, client_ref, ends = columns["organisation"], columns["client_ref"], columns["access_ends"]
    return Parties(
        agency=str(columns["agency"]),
        organisation=str(organisation) if organisation is not None else None,
        client_ref=str(client_ref) if client_ref is not None else None,
        consent_withdrawn=bool(columns["consent_withdrawn"]),
        access_ends=instant(str(ends)) if ends is not None else None,
        anonymous=columns["broadcast"] is not None,
    )
