"""What the worklist shows: the index finds it, and what the caller may read of a case decides."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Final

from contracts.codes import Role
from contracts.identifiers import one_person
from contracts.staff import COORDINATORS, COUNSELLORS, LEADS
from services.casefile.access import ANY_ORGANISATION, POLICY
from services.casefile.context import CASES_OF_A_PERSON
from services.casefile.domain.absence import STAFF, absence_stream
from services.casefile.projection import CASES, KNOWN, PARTS, STEPS
from services.casefile.queries import PAIR, Queries
from services.casefile.work_items import WorkItems, shown_item
from services.casefile.worklist import actor_of, stands_at, those_in, work_in
from services.chassis.access.identity import Caller
from services.chassis.http.request.cursors import Pages
from services.chassis.http.response.rendering import Json
from services.chassis.index.index import IndexReader, Row, Value
from services.chassis.time.clock import Clock

ALL: Final = 10_000
"""More organisations than are ever suspended at once."""
STAFF_ROLES: Final = COUNSELLORS | COORDINATORS


class WorkLists:
    """Finds what a caller has to do."""

    def __init__(
        self,
        queries: Queries,
        items: WorkItems,
        index: IndexReader,
        caught_up: Callable[[], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._queries = queries
        self._items = items
        self._index = index
        self._caught_up = caught_up
        self._clock = clock

    async def work(
        self, caller: Caller, pages: Pages, limit: int, *, mine: bool = False
    ) -> tuple[list[Json], str | None]:
        """What the caller must act on, the most urgent first; `mine`: only what waits for the caller by name.

        What waits for a colleague who is away waits for the substitute as well. Staff find what waits for their
        organisation, an agency also its cases with an organisation that is suspended, where others must act; a mentor
        and a mentee find their own case.
        """
        POLICY.require(caller, "read-worklist", (ANY_ORGANISATION,))
        last = await pages.due()
        await self._caught_up()
        # Side by side: what is asked for at once comes in one answer of the database.
        rows, stands_in = await asyncio.gather(
            self._index.find(KNOWN.name, {"suspended": 1}, after=0, limit=ALL), self._stands_in(caller)
        )
        suspended = {row.key for row in rows}
        # What the leads were told of is theirs as well.
        in_role = (those_in(caller.role),) if caller.role in LEADS else ()
        persons = (caller.sub, *stands_in, *in_role) if mine else ()
        items: list[Json] = []
        while True:
            most = limit + 1 - len(items)
            rows = await self._work_rows(caller, suspended, last, most, persons)
            shown = await self.work_shown(caller, rows, suspended, stands_in, mine=mine)
            for row, item in zip(rows, shown, strict=True):
                if item is not None:
                    if len(items) == limit:
                        return items, pages.next(last)
                    items.append(item)
                last = _place(row)
            if len(rows) < most:
                return items, None

    async def _work_rows(
        self,
        caller: Caller,
        suspended: Collection[str],
        after: tuple[str, str] | None,
        most: int,
        persons: Collection[str],
    ) -> list[Row]:
        where: dict[str, Value] = {"actor": actor_of(caller.role, caller.org, caller.sub)}
        if caller.role is Role.MENTEE:
            of_person = {"client_ref": one_person(caller.sub)}
            cases = await self._index.find(CASES.name, of_person, after=0, limit=CASES_OF_A_PERSON)
            rows = await self._items.of_mentee(str(where["actor"]), cases)
            return [row for row in rows if after is None or _place(row) > after][:most]
        rows = []
        for whose in [{**where, "person": person} for person in persons] or [where]:
            rows += await self._index.first(STEPS.name, "due", where=whose, after=after, limit=most)
        # One of a pair finds their own case and nothing else.
        for organisation in sorted(suspended) if where["actor"] == caller.org else ():
            held: dict[str, Value] = {"holder": organisation, "agency": caller.org}
            rows += await self._index.first(PARTS.name, "due", where=held, after=after, limit=most)
        return sorted(rows, key=_place)[:most]

    async def work_shown(
        self,
        caller: Caller,
        rows: Sequence[Row],
        suspended: Collection[str],
        stands_in: Collection[str] = (),
        *,
        mine: bool = False,
    ) -> list[Json | None]:
        """What the caller is shown of each row of work; staff by what the index keeps of it."""
        items, now = await self._items.read(rows), self._clock.now()
        # Side by side: streams that are asked for at once come in one answer of the database.
        others = [row for row, item in zip(rows, items, strict=True) if item is None]
        made = await asyncio.gather(*(self.work_folded(caller, row, suspended, stands_in, mine=mine) for row in others))
        folded = iter(made)
        return [
            shown_item(caller, item, now, suspended, stands_in) if item is not None else next(folded) for item in items
        ]

    async def work_folded(
        self,
        caller: Caller,
        row: Row,
        suspended: Collection[str],
        stands_in: Collection[str] = (),
        *,
        mine: bool = False,
    ) -> Json | None:
        """What the caller is shown of one, by its case as it is now; None for what is not this caller's to do."""
        found = await self._queries.find_silently(caller, str(row.columns["case_id"]))
        if found is None:
            return None
        case = found.folded.state
        halted = case.organisation in suspended
        # The row of work names it; that of a case with a suspended organisation shows where the case stands.
        if (key := row.columns.get("work")) is not None:
            work = next((work for work in work_in(case) if work.key == key), None)
            if work is None:
                return None
            if PAIR & set(found.relations):
                return await self._queries.pair_work_view(caller, found, work)
            return shown_item(caller, await self._items.made(case, work), self._clock.now(), suspended, stands_in)
        stands = stands_at(case)
        if stands is None or stands.actor == caller.org or not halted:
            return None
        if mine and (case.lead is None or case.lead.sub not in (caller.sub, *stands_in)):
            return None
        return await self._queries.halted_view(caller, found, stands)

    async def _stands_in(self, caller: Caller) -> tuple[str, ...]:
        """The colleagues for whom the caller stands in now."""
        if caller.role not in STAFF_ROLES:
            return ()
        found = await self._queries.streams.fold(absence_stream(caller.org, caller.sub), STAFF)
        return found.state.colleagues_at(self._clock.now())


def _place(row: Row) -> tuple[str, str]:
    return str(row.columns["due"]), row.key
