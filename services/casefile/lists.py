"""What lists of cases show: the index finds, and what the caller may read of a case decides."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pydantic_core import from_json

from contracts.codes import CaseState, Role
from contracts.identifiers import is_one_person, one_person
from services.casefile.access import ANY_ORGANISATION, POLICY, relations_of_row
from services.casefile.context import CASES_OF_A_PERSON
from services.casefile.known_filters import check_filters
from services.casefile.projection import CASES, PARTS, STOPPED, part_key
from services.casefile.queries import SEES_ALL, Queries
from services.chassis.access.identity import Caller
from services.chassis.http.request.cursors import Pages, Place
from services.chassis.http.response.rendering import Json
from services.chassis.index.index import IndexReader, Row, Value
from services.chassis.time.clock import Clock
from services.chassis.time.scheduler import sortable

EVERY_STATE: Final = (*(state.value for state in CaseState), STOPPED)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The filters of a list; None, and no states, let everything through."""

    states: tuple[str, ...]
    organisation: str | None
    overdue: bool | None
    client_ref: str | None = None
    full: bool = False
    """Whole cases with their actions, as they are read one by one, and not a summary of each."""

    def fits(self, view: Json) -> bool:
        """Whether what the caller reads of a case passes the filters."""
        late = bool(view.get("overdue"))
        shown, wanted = view.get("clientRef"), self.client_ref
        here = wanted is None or (isinstance(shown, str) and is_one_person(wanted, shown))
        return here and (not self.states or view.get("state") in self.states) and self.overdue in (None, late)


@dataclass(frozen=True, slots=True)
class _Look:
    """Where in the index a list is found: rows with these values, and the columns of what the caller reads."""

    table: str
    where: Mapping[str, Value]
    organisation: str | None = None
    state: str = "state"
    due: str = "due"

    def wheres(self, states: Sequence[str]) -> list[dict[str, Value | Sequence[Value]]]:
        """What is asked of the index for cases in any of these states; without any, in all."""
        if self.where:
            return [{**self.where, self.state: states or EVERY_STATE}]
        # Of all cases, one by one: a planner that is to look among everything for any of several may read all of it.
        return [{self.state: state} for state in states] or [{}]

    @property
    def as_reader(self) -> bool:
        """Whether a row shows what its organisation reads, which may be an earlier state of the case."""
        return self.state != "state"

    def key(self, case_id: str) -> str:
        """The key of a case's row here."""
        return part_key(case_id, self.organisation) if self.organisation is not None else case_id

    def case(self, row: Row) -> str:
        """The case of a row here."""
        return row.key if self.organisation is None else str(row.columns["case_id"])

    def met(self, row: Row) -> _Met:
        """A row found here, as what the list shows of it is made."""
        if self.organisation is None:
            return _Met(row.key, row, None)
        return _Met(self.case(row), None, row if self.as_reader else None)


@dataclass(frozen=True, slots=True)
class _Met:
    """A case that a list came upon: its row, and that of the part by which the caller reads it; None: not looked up."""

    case_id: str
    case: Row | None
    part: Row | None

    @property
    def shows_earlier(self) -> bool:
        """Whether the caller reads an earlier state, which the part itself has."""
        return self.part is not None and self.part.columns["seen"] is not None


class Lists:
    """Finds the cases that a caller has a part in."""

    def __init__(
        self,
        queries: Queries,
        index: IndexReader,
        caught_up: Callable[[], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._queries = queries
        self._index = index
        self._caught_up = caught_up
        self._clock = clock

    async def cases(self, caller: Caller, wanted: Wanted, pages: Pages, limit: int) -> tuple[list[Json], str | None]:
        """A page of the cases that the caller may read, and where it goes on.

        They come in the order of their opening; with the filter `overdue`, in the order of what is due.
        """
        POLICY.require(caller, "list", (ANY_ORGANISATION,))
        last: Place | None = await pages.number() if wanted.overdue is None else await pages.due()
        await check_filters(self._queries.streams, organisation=wanted.organisation)
        await self._caught_up()
        if wanted.client_ref is not None:
            items, last = await self._of_person(caller, wanted, wanted.client_ref, last, limit)
            return items, pages.next(last)
        looks = _looks(caller, wanted.organisation)
        items = []
        while True:
            most = limit + 1 - len(items)
            found = await self._places(looks, wanted, last, most)
            views = await self._views(caller, list(found.values()), wanted)
            for place, view in zip(found, views, strict=True):
                if view is not None:
                    if len(items) == limit:
                        return items, pages.next(last)
                    items.append(view)
                last = place
            if len(found) < most:
                return items, None

    async def _of_person(
        self, caller: Caller, wanted: Wanted, client_ref: str, after: Place | None, limit: int
    ) -> tuple[list[Json], Place | None]:
        """The cases of one person: a handful, so the filters are applied here."""
        rows = await self._index.find(
            CASES.name, {"client_ref": one_person(client_ref)}, after=0, limit=CASES_OF_A_PERSON
        )
        places: dict[Place, _Met] = {}
        for row in rows:
            place: Place = row.seq if wanted.overdue is None else (str(row.columns["due"]), row.key)
            if after is not None and place <= after:  # type: ignore[operator]
                continue
            if await self._has_part(caller, wanted.organisation, row):
                part = await self._index.get(PARTS.name, part_key(row.key, caller.org))
                places[place] = _Met(row.key, row, part if part is not None and part.columns["reader"] else None)
        items, last = list[Json](), after
        views = await self._views(caller, [places[place] for place in sorted(places)], wanted)
        for place, view in zip(sorted(places), views, strict=True):
            if view is not None:
                if len(items) == limit:
                    return items, last
                items.append(view)
            last = place
        return items, None

    async def _has_part(self, caller: Caller, organisation: str | None, row: Row) -> bool:
        """Whether the case is among those that `_looks` would look through."""
        if organisation is None:
            return True
        if caller.role is not Role.AUDITOR and caller.org not in (row.columns["agency"], organisation):
            return False
        return await self._index.get(PARTS.name, part_key(row.key, organisation)) is not None

    async def _places(self, looks: list[_Look], wanted: Wanted, after: Place | None, most: int) -> dict[Place, _Met]:
        """The next places of a list, in order, and what is met at each."""
        found: dict[Place, _Met] = {}
        for look, where in _questions(looks, wanted):
            if wanted.overdue is None:
                assert not isinstance(after, tuple)  # noqa: S101 - as the cursor was read
                for row in await self._index.find(look.table, where, after=after or 0, limit=most):
                    found.setdefault(row.seq, look.met(row))
                continue
            assert not isinstance(after, int)  # noqa: S101 - as the cursor was read
            now = self._clock.now()
            begin = None if wanted.overdue else (sortable(now), "")
            rows = await self._index.first(
                look.table,
                look.due,
                where=where,
                after=(after[0], look.key(after[1])) if after is not None else begin,
                at_most=sortable(now - timedelta(microseconds=1)) if wanted.overdue else None,
                limit=most,
            )
            for row in rows:
                found.setdefault((str(row.columns[look.due]), look.case(row)), look.met(row))
        return {place: found[place] for place in sorted(found)[:most]}

    async def _views(self, caller: Caller, met: Sequence[_Met], wanted: Wanted) -> list[Json | None]:
        """What the caller reads of each case, if it may read it and it passes the filters."""
        if wanted.full:
            # Side by side: streams that are asked for at once come in one answer of the database.
            return await asyncio.gather(*(self._view(caller, place.case_id, wanted) for place in met))
        missing = [place.case_id for place in met if place.case is None and not place.shows_earlier]
        cases = await self._index.rows(CASES.name, missing) if missing else {}
        summaries = [self._summary(caller, place, place.case or cases.get(place.case_id)) for place in met]
        return [shown if shown is not None and wanted.fits(shown) else None for shown in summaries]

    async def _view(self, caller: Caller, case_id: str, wanted: Wanted) -> Json | None:
        found = await self._queries.find_silently(caller, case_id)
        if found is None:
            return None
        view = await self._queries.view(caller, found)
        return view if wanted.fits(view) else None

    def _summary(self, caller: Caller, met: _Met, case: Row | None) -> Json | None:
        if (found := case if case is not None else met.part) is None:
            return None
        part = met.part.columns if met.part is not None else {}
        agency, organisation = str(found.columns["agency"]), _text(part.get("organisation"))
        relations = relations_of_row(caller, agency, organisation, _text(part.get("standing")))
        if not POLICY.permits(caller, "read", relations):
            return None
        summary = part.get("seen") if not SEES_ALL & set(relations) else None
        if summary is None:
            summary = found.columns.get("summary")
        shown: Json = from_json(str(summary))
        if "state" in shown:
            shown["overdue"] = any(datetime.fromisoformat(at) < self._clock.now() for at in shown["dueAt"].values())
        return shown


def _questions(looks: Sequence[_Look], wanted: Wanted) -> Iterator[tuple[_Look, Mapping[str, Value | Sequence[Value]]]]:
    for look in looks:
        for where in look.wheres(wanted.states):
            yield look, where


def _text(value: Value) -> str | None:
    return None if value is None else str(value)


def _looks(caller: Caller, organisation: str | None) -> list[_Look]:
    """Where a caller's cases are: all of them, those that the caller's agency leads, those with a part in them."""
    sees_all = caller.role is Role.AUDITOR
    whose = {} if sees_all else {"agency": caller.org}
    if organisation is None:
        looks = [_Look(CASES.name, whose)]
    else:
        looks = [_Look(PARTS.name, {"organisation": organisation, **whose}, organisation)]
    # Others must not learn from a filter what the view keeps from them: they look among what they read themselves.
    if not sees_all and organisation in (None, caller.org):
        looks.append(_Look(PARTS.name, {"reader": caller.org}, caller.org, "seen_state", "seen_due"))
    return looks
