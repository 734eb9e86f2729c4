"""What lists of referrals show: the index finds, and what the caller may read of a referral decides."""

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
from services.referral.projection import REFERRALS
from services.referral.queries import Referrals

ALL_OF_A_CASE: Final = 10_000


class Lists:
    """Finds the referrals that a caller has a part in."""

    def __init__(self, referrals: Referrals, index: IndexReader, caught_up: Callable[[], Awaitable[None]]) -> None:
        self._referrals = referrals
        self._index = index
        self._caught_up = caught_up

    async def referrals(
        self, caller: Caller, filters: Mapping[str, str], after: int, limit: int, *, states: Sequence[str] = ()
    ) -> tuple[list[Json], int | None]:
        """A page of what the caller may see, in the order of its beginning, and where it goes on.

        Of the `states` it has any, without them all.
        """
        POLICY.require(caller, "list", (ANY_ORGANISATION,))
        if (organisation := filters.get("organisation")) is not None:
            known = await self._referrals.streams.fold(organisation_stream(organisation), ORGANISATION)
            if known.state.description is None:
                raise unknown_filter("organisation", "the id of an organisation that there is")
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
        whose: Mapping[str, Value] = {} if caller.role is Role.AUDITOR else {"agency": caller.org}
        looks: list[Mapping[str, Value]] = [{**filters, **whose}]
        if whose and filters.get("organisation") in (None, caller.org):
            others = {column: value for column, value in filters.items() if column != "organisation"}
            looks.append({**others, "reader": caller.org})
        if states:
            looks = [{**look, "state": state} for look in looks for state in states]
        if (case := filters.get("case_id")) is not None:
            # A case has a handful of referrals: whether they are looked for is seen here.
            of_case = self._index.find(REFERRALS.name, {"case_id": case}, after=after, limit=ALL_OF_A_CASE)
            return [row for row in of_case if any(look.items() <= row.columns.items() for look in looks)][:most]
        found = {
            row.seq: row for where in looks for row in self._index.find(REFERRALS.name, where, after=after, limit=most)
        }
        return [found[seq] for seq in sorted(found)][:most]

    async def _view(self, caller: Caller, referral_id: str) -> Json | None:
        found = await self._referrals.find_silently(caller, referral_id)
        return self._referrals.shown(caller, found) if found is not None else None
