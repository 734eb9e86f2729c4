"""What lists and worklists show: the index finds, and what the caller may read of a case decides."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from contracts.codes import CaseState, Role, Step
from services.casefile.access import ANY_ORGANISATION, POLICY
from services.casefile.domain.known_programme import KNOWN_ORGANISATION, organisation_stream
from services.casefile.domain.responsibility import OpenStep, find
from services.casefile.listing import CASES, KNOWN, PARTS, STEPS, part_key
from services.casefile.presenting import step_view
from services.casefile.reading import Cases, Found
from services.casefile.views import of_case
from services.chassis.clock import Clock
from services.chassis.http.positions import cursor, read_cursor, unknown_filter, unreadable
from services.chassis.http.rendering import Json
from services.chassis.identity import Caller
from services.chassis.index import IndexReader, Row, Value
from services.chassis.scheduler import sortable

ACTS_ON: Final[Mapping[str, tuple[str, ...]]] = {
    Step.FIRST_CONTACT: ("log-contact-attempt", "report-no-show"),
    Step.INTAKE: ("conclude-intake", "report-no-show"),
    Step.MATCHING: ("propose-match", "request-handback"),
    Step.MATCH_CONFIRMATION: ("confirm-match", "reject-match"),
    Step.AGREEMENT: ("sign-agreement", "reject-match"),
    Step.MENTORING: ("record-meeting", "complete-trajectory", "end-match", "extend-agreement", "decide-extension"),
    Step.CHECK_IN: ("record-check-in",),
    Step.PROGRESS_REPORT: ("report-progress",),
    Step.SUSPENSION_REVIEW: ("review-suspension", "resume", "end-match", "request-handback"),
    Step.ESCALATION: ("resolve-escalation", "accept-handback"),
    Step.HANDBACK_REPORT: ("request-handback",),
    Step.HANDBACK_ACKNOWLEDGEMENT: ("accept-handback", "return-handback"),
    Step.NEXT_SERVICE: ("close",),
    Step.OUTCOME_FOLLOW_UP: ("record-outcome", "waive-outcome"),
}
"""Which commands move a step on. A step that waits for a referral's answer names the referral's command itself."""

ALL: Final = 10_000
"""More organisations than are ever suspended at once."""

Place = int | tuple[str, str]
"""Where a list goes on: behind a `seq`, or, in the order of what is due first, behind (due, case)."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is asked for; None: never mind."""

    state: str | None
    organisation: str | None
    overdue: bool | None

    def fits(self, view: Json) -> bool:
        """Whether what the caller reads of a case is looked for."""
        late = bool(view.get("overdue"))
        return self.state in (None, view.get("state")) and self.overdue in (None, late)


@dataclass(frozen=True, slots=True)
class _Look:
    """Where in the index a list is found: rows with these values, and the columns of what the caller reads."""

    table: str
    where: Mapping[str, Value]
    organisation: str | None = None
    state: str = "state"
    due: str = "due"

    def key(self, case_id: str) -> str:
        """The key of a case's row here."""
        return part_key(case_id, self.organisation) if self.organisation is not None else case_id

    def case(self, row: Row) -> str:
        """The case of a row here."""
        return row.key if self.organisation is None else str(row.columns["case_id"])


class Lists:
    """Finds the cases that a caller has a part in, and what the caller has to do."""

    def __init__(
        self, cases: Cases, index: IndexReader, caught_up: Callable[[], Awaitable[None]], clock: Clock
    ) -> None:
        self._cases = cases
        self._index = index
        self._caught_up = caught_up
        self._clock = clock

    async def cases(
        self, caller: Caller, wanted: Wanted, token: str | None, limit: int
    ) -> tuple[list[Json], str | None]:
        """A page of the cases that the caller may read, and where it goes on.

        They come in the order of their opening; asked for what is overdue or is not, in the order of what is due.
        """
        POLICY.require(caller, "list", (ANY_ORGANISATION,))
        last: Place | None = None
        if token is not None:
            last = read_cursor(token) if wanted.overdue is None else _read_place(token)
        if wanted.organisation is not None:
            known = await self._cases.streams.fold(organisation_stream(wanted.organisation), KNOWN_ORGANISATION)
            if known.state.name is None:
                raise unknown_filter("organisation", "the id of an organisation that there is")
        await self._caught_up()
        looks = _looks(caller, wanted.organisation)
        items: list[Json] = []
        while True:
            most = limit + 1 - len(items)
            found = self._places(looks, wanted, last, most)
            views = await asyncio.gather(*(self._view(caller, case_id, wanted) for case_id in found.values()))
            for place, view in zip(found, views, strict=True):
                if view is not None:
                    if len(items) == limit:
                        return items, _token(last)
                    items.append(view)
                last = place
            if len(found) < most:
                return items, None

    def _places(self, looks: list[_Look], wanted: Wanted, after: Place | None, most: int) -> dict[Place, str]:
        """The next places of a list, in order, and the case at each."""
        found: dict[Place, str] = {}
        for look in looks:
            where = {**look.where, **({look.state: wanted.state} if wanted.state is not None else {})}
            if wanted.overdue is None:
                assert not isinstance(after, tuple)  # noqa: S101 - as the cursor was read
                rows = self._index.find(look.table, where, after=after or 0, limit=most)
                found |= {row.seq: look.case(row) for row in rows}
                continue
            assert not isinstance(after, int)  # noqa: S101 - as the cursor was read
            now = self._clock.now()
            begin = None if wanted.overdue else (sortable(now), "")
            rows = self._index.first(
                look.table,
                look.due,
                where=where,
                after=(after[0], look.key(after[1])) if after is not None else begin,
                at_most=sortable(now - timedelta(microseconds=1)) if wanted.overdue else None,
                limit=most,
            )
            found |= {(str(row.columns[look.due]), look.case(row)): look.case(row) for row in rows}
        return {place: found[place] for place in sorted(found)[:most]}

    async def _view(self, caller: Caller, case_id: str, wanted: Wanted) -> Json | None:
        """What the caller reads of a case, if that is looked for."""
        found = await self._cases.find_silently(caller, case_id)
        if found is None:
            return None
        view = await self._cases.view(caller, found)
        return view if wanted.fits(view) else None

    async def work(self, caller: Caller, token: str | None, limit: int) -> tuple[list[Json], str | None]:
        """The steps that the caller's organisation must act on, the most urgent first.

        For an agency also its cases with an organisation that is suspended, where others must act.
        """
        POLICY.require(caller, "read-worklist", (ANY_ORGANISATION,))
        await self._caught_up()
        after = _read_place(token) if token is not None else None
        suspended = {row.key for row in self._index.find(KNOWN.name, {"suspended": 1}, after=0, limit=ALL)}
        rows = self._index.first(STEPS.name, "due", where={"actor": caller.org}, after=after, limit=limit + 1)
        for organisation in sorted(suspended):
            where = {"holder": organisation, "agency": caller.org}
            rows += self._index.first(PARTS.name, "due", where=where, after=after, limit=limit + 1)
        rows.sort(key=_place)
        shown = await asyncio.gather(*(self._work(caller, row, suspended) for row in rows[:limit]))
        following = _token(_place(rows[limit - 1])) if len(rows) > limit else None
        return [item for item in shown if item is not None], following

    async def _work(self, caller: Caller, row: Row, suspended: Collection[str]) -> Json | None:
        case_id = str(row.columns["case_id"])
        found = await self._cases.find_silently(caller, case_id)
        if found is None:
            return None
        case = found.folded.state
        # The row of a step names it; that of a case with a suspended organisation shows where the case stands.
        own = str(row.columns["step"]) if "step" in row.columns else None
        step = own or case.current_step
        if step is None or (held := find(case.steps, step)) is None:
            return None
        if own is None and (held.actor == caller.org or case.organisation not in suspended):
            return None
        responsibility = of_case(case, at=self._clock.now())
        shown = next(step_view(one) for one in responsibility.steps if one.step == step)
        actions = await (self._may(caller, found) if own is None else self._moves(caller, found, held))
        return {"case": case_id, **shown, "organisationSuspended": case.organisation in suspended, "actions": actions}

    async def _moves(self, caller: Caller, found: Found, held: OpenStep) -> list[Json]:
        """What moves a step on, of that what the caller may do."""
        referral = found.folded.state.referral
        if held.step == Step.REFERRAL_ANSWER and held.awaiting is not None and referral is not None:
            return [_of_referral(referral.referral, held.awaiting.action)]
        view = await self._cases.view(caller, found)
        wanted = ACTS_ON.get(held.step, ())
        actions = [action for action in view["allowedActions"] if action["action"] in wanted]
        if held.step == Step.NEXT_SERVICE:
            actions.append({"action": "refer", "href": "/v1/referrals", "method": "POST"})
        return actions

    async def _may(self, caller: Caller, found: Found) -> list[Json]:
        """What the agency can do about a case that others must act on."""
        case = found.folded.state
        offer = case.referral if case.state == CaseState.REFERRED else None
        own = [_of_referral(offer.referral, "withdraw")] if offer is not None else []
        return [*own, *(await self._cases.view(caller, found))["allowedActions"]]


def _of_referral(referral: str, action: str) -> Json:
    return {"action": action, "href": f"/v1/referrals/{referral}/{action}", "method": "POST"}


def _place(row: Row) -> tuple[str, str]:
    return str(row.columns["due"]), row.key


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


def _token(place: Place | None) -> str | None:
    if place is None or isinstance(place, int):
        return cursor(place or 0)
    due, key = place
    return base64.urlsafe_b64encode(f"w1|{due}|{key}".encode()).decode().rstrip("=")


def _read_place(token: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode("ascii")
        kind, due, key = text.split("|")
    except (binascii.Error, ValueError):
        kind, due, key = "", "", ""
    if kind != "w1" or _token((due, key)) != token or not f"{due}{key}".isprintable():
        raise unreadable("cursor", "the `next` of an earlier answer")
    return due, key
