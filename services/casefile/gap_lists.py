"""Reading gaps in services for a caller: one, or a page of them; the index finds, and the case decides."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from contracts.gap_codes import GapState
from contracts.staff import MENTORS
from services.casefile.access import ANY_ORGANISATION, OVERSIGHT, POLICY, relations_to_gap
from services.casefile.domain.case import CASE
from services.casefile.domain.gap_report import case_of
from services.casefile.domain.open_matters import Gap
from services.casefile.domain.state import Case, case_stream
from services.casefile.gap_rows import GAPS, mentor_key
from services.casefile.gap_views import with_words
from services.casefile.known_filters import check_filters
from services.casefile.queries import Found, Queries
from services.chassis.access.identity import Caller
from services.chassis.access.policy import Hidden
from services.chassis.http.request.cursors import Pages
from services.chassis.http.response.rendering import Json
from services.chassis.index.index import IndexReader, Row, Value
from services.chassis.modelling.decider import Fault, Refused
from services.chassis.vault.vault import Vault

_Where = Mapping[str, Value | Sequence[Value]]

EVERY_STATE: Final = tuple(state.value for state in GapState)


class GapLists:
    """Finds gaps for callers."""

    def __init__(
        self, queries: Queries, index: IndexReader, vault: Vault, caught_up: Callable[[], Awaitable[None]]
    ) -> None:
        self._queries = queries
        self._streams = queries.streams
        self._index = index
        self._vault = vault
        self._caught_up = caught_up

    async def gap(self, caller: Caller, gap_id: str) -> tuple[Json, int]:
        """A gap with the words about it, and the ETag of its case. Raises as `Queries.find` does."""
        case_id = case_of(gap_id)
        folded = await self._streams.fold(case_stream(case_id), CASE)
        gap = _find(folded.state, gap_id)
        if gap is None:
            # A party to the case learns no more of what is not there than anybody else.
            raise Hidden
        found = Found(case_id, folded, relations_to_gap(caller, folded.state, gap))
        await self._queries.require(caller, "read-gap", found)
        return await self._in_words(caller, found, gap), folded.etag

    async def _in_words(self, caller: Caller, found: Found, gap: Gap) -> Json:
        """The gap, with the words about it if they are for the caller."""
        may = POLICY.permits(caller, "read-gap-words", found.relations)
        return await with_words(found.case_id, gap, self._vault if may else None)

    async def check_alike(self, caller: Caller, gap_ids: list[str]) -> None:
        """Refuses gaps of several services or types; those that the caller does not read are left to their answers."""
        kinds: set[tuple[str, str]] = set()
        for place, gap_id in enumerate(gap_ids):
            case = (await self._streams.fold(case_stream(case_of(gap_id)), CASE)).state
            gap = _find(case, gap_id)
            if gap is None or not POLICY.permits(caller, "read-gap", relations_to_gap(caller, case, gap)):
                continue
            kinds.add((gap.service_kind, gap.gap_type))
            if len(kinds) > 1:
                raise Refused.input(
                    Fault(f"/gaps/{place}", "GAPS_UNLIKE", "gaps of one service and one type are answered together")
                )

    async def page(
        self, caller: Caller, states: tuple[str, ...], agency: str | None, pages: Pages, limit: int
    ) -> tuple[list[Json], str | None]:
        """A page of the gaps that the caller reads, those first whose answer is due first, and where it goes on."""
        POLICY.require(caller, "list-gaps", (ANY_ORGANISATION,))
        last = await pages.due()
        await check_filters(self._streams, agency=agency)
        await self._caught_up()
        looks = _looks(caller, states, agency)
        items: list[Json] = []
        while True:
            most = limit + 1 - len(items)
            rows = await self._rows(looks, last, most)
            shown = await asyncio.gather(*(self._shown(caller, row, agency) for row in rows))
            for row, item in zip(rows, shown, strict=True):
                if item is not None:
                    if len(items) == limit:
                        return items, pages.next(last)
                    items.append(item)
                last = _place(row)
            if len(rows) < most:
                return items, None

    async def _rows(self, looks: list[_Where], after: tuple[str, str] | None, most: int) -> list[Row]:
        found: dict[str, Row] = {}
        for where in looks:
            for row in await self._index.first(GAPS.name, "due", where=where, after=after, limit=most):
                found.setdefault(row.key, row)
        return sorted(found.values(), key=_place)[:most]

    async def _shown(self, caller: Caller, row: Row, agency: str | None) -> Json | None:
        if agency not in (None, row.columns["agency"]):
            return None
        case_id = str(row.columns["case_id"])
        folded = await self._streams.fold(case_stream(case_id), CASE)
        gap = _find(folded.state, row.key)
        if gap is None:
            return None
        found = Found(case_id, folded, relations_to_gap(caller, folded.state, gap))
        return await self._in_words(caller, found, gap) if POLICY.permits(caller, "read-gap", found.relations) else None


def _find(case: Case, gap_id: str) -> Gap | None:
    return next((gap for gap in case.gaps if gap.gap == gap_id), None)


def _place(row: Row) -> tuple[str, str]:
    return str(row.columns["due"]), row.key


def _looks(caller: Caller, states: tuple[str, ...], agency: str | None) -> list[_Where]:
    """Where a caller's gaps are: all of them, those of the caller's agency, those of the organisation or the mentor."""
    whose = {"agency": agency} if agency is not None else {}
    wanted = states or EVERY_STATE
    if caller.role in MENTORS:
        # A handful, nearly always to one agency: which of them are that one's is asked of the rows.
        return [{"mentor": mentor_key(caller.org, caller.sub), "state": wanted}]
    if POLICY.permits(caller, "read-gap", (OVERSIGHT,)):
        if not whose:
            return [{"state": state} for state in states] or [{}]
        return [{**whose, "state": wanted}]
    own = [{"agency": caller.org, "state": wanted}] if agency in (None, caller.org) else []
    return [*own, {"reader": caller.org, **whose, "state": wanted}]
