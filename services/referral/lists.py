"""Pages of what a caller may see: the index finds, and what the caller may read of each decides."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from contracts.codes import Role
from services.chassis.access.identity import Caller
from services.chassis.http.request.positions import unknown_filter
from services.chassis.http.response.rendering import Json
from services.chassis.index.index import IndexReader, Row, Value
from services.referral.access import ANY_ORGANISATION, POLICY
from services.referral.domain.organisation import ORGANISATION, organisation_stream
from services.referral.projection import ORGANISATIONS, REFERRALS
from services.referral.queries import Queries

REFERRALS_OF_A_CASE: Final = 10_000


class Lists:
    """Finds the referrals that a caller has a part in, and organisations."""

    def __init__(self, queries: Queries, index: IndexReader, caught_up: Callable[[], Awaitable[None]]) -> None:
        """`caught_up` returns once the index covers the log."""
        self._queries = queries
        self._index = index
        self._caught_up = caught_up

    async def referrals(
        self, caller: Caller, filters: Mapping[str, str], after: int, limit: int, *, states: Sequence[str] = ()
    ) -> tuple[list[Json], int | None]:
        """A page of the referrals that the caller may see, oldest first, and where the next page begins.

        With `states`, those in any of them.
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
            rows = self._rows(caller, filters, states, last, most)
            # Side by side: streams that are asked for at once come in one answer of the database.
            views = await asyncio.gather(*(self._view(caller, row.key) for row in rows))
            for row, view in zip(rows, views, strict=True):
                if view is not None:
                    if len(items) == limit:
                        return items, last
                    items.append(view)
                last = row.seq
            if len(rows) < most:
                return items, None

    def _rows(
        self, caller: Caller, filters: Mapping[str, str], states: Sequence[str], after: int, most: int
    ) -> list[Row]:
        of_agency: Mapping[str, Value] = {} if caller.role is Role.AUDITOR else {"agency": caller.org}
        looks: list[Mapping[str, Value]] = [{**filters, **of_agency}]
        if of_agency and filters.get("organisation") in (None, caller.org):
            others = {column: value for column, value in filters.items() if column != "organisation"}
            looks.append({**others, "reader": caller.org})
        if states:
            looks = [{**look, "state": state} for look in looks for state in states]
        if (case := filters.get("case_id")) is not None:
            # A case has a handful of referrals: the other filters are applied here.
            of_case = self._index.find(REFERRALS.name, {"case_id": case}, after=after, limit=REFERRALS_OF_A_CASE)
            return [row for row in of_case if any(look.items() <= row.columns.items() for look in looks)][:most]
        found = {
            row.seq: row for where in looks for row in self._index.find(REFERRALS.name, where, after=after, limit=most)
        }
        return [found[seq] for seq in sorted(found)][:most]

    async def _view(self, caller: Caller, referral_id: str) -> Json | None:
        found = await self._queries.find_silently(caller, referral_id)
        return self._queries.shown(caller, found) if found is not None else None

    async def organisations(self, kinds: Sequence[str], after: int, limit: int) -> tuple[list[Json], int | None]:
        """A page of organisations of these kinds, or of all, and where the next page begins."""
        await self._caught_up()
        looks: list[dict[str, Value]] = [{"kind": kind} for kind in kinds] or [{}]
        met = [
            row for look in looks for row in self._index.find(ORGANISATIONS.name, look, after=after, limit=limit + 1)
        ]
        rows = sorted(met, key=lambda row: row.seq)[: limit + 1]
        found = await asyncio.gather(*(self._queries.organisation(row.key) for row in rows[:limit]))
        return [view for view, _ in found], rows[limit - 1].seq if len(rows) > limit else None
