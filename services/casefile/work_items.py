"""Items of staff's worklists: what the index keeps of one for a whole side, and what a caller of that side is shown."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from msgspec import Struct
from msgspec.json import Decoder, Encoder
from msgspec.structs import replace

from contracts.codes import Role, Step
from services.casefile.access import POLICY, relations_of_row, standing_of
from services.casefile.actions import moving_on
from services.casefile.context import CaseContexts
from services.casefile.domain.case import CASE
from services.casefile.domain.context import Context
from services.casefile.domain.guards import ON_DAYS, blocked, steady_until
from services.casefile.domain.state import Case, case_stream
from services.casefile.projection import step_columns
from services.casefile.views import action_link, work_item
from services.casefile.worklist import ERROR_CONFIRMATION, MISSED_TERM, Work, work_of_mentee, work_of_staff
from services.chassis.access.identity import Caller
from services.chassis.deciding.streams import Streams
from services.chassis.http.response.rendering import Json
from services.chassis.index.index import Row
from services.chassis.modelling.decider import Actor
from services.chassis.time.clock import Clock

_SHORTLY: Final = timedelta(microseconds=1)


class Span(Struct, frozen=True):
    """What the guards do not refuse, until and with the last instant of it; None: until an event changes it."""

    until: datetime | None
    actions: tuple[str, ...]


class Item(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that any of the actor's staff may be shown of some work in a case, from the time on at which it is made.

    `shown` is how they read it, and `standing` how their organisation stands to the case. Of the actions that move the
    work on, `possible` has those that the case's guards do not refuse to their side, span by span. `links` are commands
    of another service. `time_zone` is set where the spans rest on the days of the `programme`. An error is confirmed by
    somebody else than its `reporter`; a handover waits for its `receiver` alone, and some is for those in a `role`.
    """

    shown: Json
    due_at: datetime | None
    agency: str
    organisation: str | None
    standing: str | None
    programme: str
    possible: tuple[Span, ...]
    links: tuple[Json, ...] = ()
    time_zone: str | None = None
    reporter: str | None = None
    receiver: str | None = None
    role: str | None = None


def item_of(work: Work, context: Context) -> Item:
    """The item of some work in the context's case, from the context's time on."""
    case = context.case
    names = moving_on(work.name) if _has_actions(work) else ()
    return Item(
        shown={**work_item(case.case, work, context.at), "clientRef": case.client_ref},
        due_at=work.due_at,
        agency=case.agency,
        organisation=case.organisation,
        standing=standing_of(work.actor, case),
        programme=case.programme,
        possible=_possible(names, work, context),
        links=_links(work, context),
        time_zone=None if ON_DAYS.isdisjoint(names) else context.rules.time_zone,
        reporter=work.owner.sub if work.name == ERROR_CONFIRMATION else None,
        receiver=work.person if work.step is None and work.role is None and work.name != ERROR_CONFIRMATION else None,
        role=work.role,
    )


def _has_actions(work: Work) -> bool:
    """Whether it is moved on here: an answer is given, and an error confirmed, in the referral service."""
    return work.name != ERROR_CONFIRMATION and not _awaits_answer(work)


def _awaits_answer(work: Work) -> bool:
    return work.name == Step.REFERRAL_ANSWER and work.awaiting is not None


def _links(work: Work, context: Context) -> tuple[Json, ...]:
    if work.name == ERROR_CONFIRMATION:
        return (action_link("confirm-error", f"/v1/referrals/{work.referral}/confirm-error"),)
    if work.name == MISSED_TERM:
        return _of_late_offer(work, context.case)
    if work.awaiting is not None and _awaits_answer(work):
        action = work.awaiting.action
        if (several := context.case.broadcast) is not None:
            return (action_link(action, f"/v1/broadcasts/{several.broadcast}/{action}"),)
        assert context.case.referral is not None  # noqa: S101 - it is its answer that is awaited
        return (action_link(action, f"/v1/referrals/{context.case.referral.referral}/{action}"),)
    return (action_link("refer", "/v1/referrals"),) if work.name == Step.NEXT_SERVICE else ()


def _of_late_offer(work: Work, case: Case) -> tuple[Json, ...]:
    """What the one who leads the case can do about a term that was missed of one of several offers."""
    if work.referral is None or work.awaiting is None or case.broadcast is None:
        return ()
    withdraw = action_link("withdraw", f"/v1/broadcasts/{case.broadcast.broadcast}/withdraw")
    if work.awaiting.org != case.agency:
        return (withdraw,)
    own = work.awaiting.action
    return (action_link(own, f"/v1/referrals/{work.referral}/{own}"), withdraw)


def _possible(names: Sequence[str], work: Work, context: Context) -> tuple[Span, ...]:
    # The guards ask staff for their organisation alone; which of its roles may do what is the table of access's.
    by = Actor(sub=work.owner.sub, role=work.owner.role, org=work.actor)
    spans: list[Span] = []
    while True:
        ends = [end for name in names if (end := steady_until(name, context)) is not None]
        until = min(ends, default=None)
        spans.append(Span(until, tuple(name for name in names if blocked(name, context, by) is None)))
        if until is None:
            return tuple(spans)
        context = replace(context, at=until + _SHORTLY)


class WorkItems:
    """Makes items of the cases themselves, for the index and where what the index has does not hold."""

    def __init__(self, streams: Streams, contexts: CaseContexts, clock: Clock) -> None:
        self._streams = streams
        self._contexts = contexts
        self._clock = clock

    async def kept(self, case: Case) -> Mapping[str, str]:
        """What the index keeps of all work of staff in a case, by the work's key. Nothing where no programme is known.

        The programme is as it was known the last time: whether its days still end there is asked when items are read.
        """
        if not (works := work_of_staff(case)):
            return {}
        context = await self._contexts.for_index(case, self._clock.now(), self._streams)
        return {work.key: _encode(item_of(work, context)).decode() for work in works} if context is not None else {}

    async def of_mentee(self, actor: str, cases: Sequence[Row]) -> list[Row]:
        """What a mentee must act on in some cases, of which these are the rows: as rows of STEPS, in their order."""
        folds = await asyncio.gather(*(self._streams.fold(case_stream(row.key), CASE) for row in cases))
        works = (
            Row(f"{row.key}:{work.key}", row.seq, step_columns(row.key, work))
            for row, folded in zip(cases, folds, strict=True)
            for work in work_of_mentee(folded.state)
            if work.actor == actor
        )
        return sorted(works, key=lambda row: (str(row.columns["due"]), row.key))

    async def made(self, case: Case, work: Work) -> Item:
        """The item of some work of staff as it is now. Raises ProgrammeUnknown."""
        item = item_of(work, await self._contexts.for_worklist(case, self._clock.now(), self._streams))
        # As the index would have it: instants are as the worklist shows them.
        return _decode(_encode(item))

    async def read(self, rows: Sequence[Row]) -> list[Item | None]:
        """The items that rows of work keep; None for a row that has none, or one that does not hold any more."""
        kept = [row.columns.get("item") for row in rows]
        items = [_decode(str(item)) if item is not None else None for item in kept]
        now = self._clock.now()
        programmes = {item.programme for item in items if item is not None and item.time_zone is not None}
        zones = {name: await self._contexts.time_zone(name, now, self._streams) for name in programmes}
        return [
            item if item is not None and item.time_zone in (None, zones.get(item.programme)) else None for item in items
        ]


_encode: Final = Encoder().encode
_decode: Final = Decoder(Item).decode


def shown_item(
    caller: Caller, item: Item, now: datetime, suspended: Collection[str], stands_in: Collection[str] = ()
) -> Json | None:
    """What a caller of the actor's staff is shown at `now`; None for what the caller may not read, or is not theirs.

    `suspended` are the organisations that the operator has suspended, `stands_in` the colleagues for whom the caller
    stands in. The item itself becomes what is shown.
    """
    may = _may(caller, item.agency, item.standing)
    if "read" not in may or item.role not in (None, caller.role):
        return None
    if item.receiver not in (None, caller.sub, *stands_in):
        return None
    # For somebody else than the reporter, in the role that may confirm.
    if item.reporter is not None and (caller.role is not Role.AGENCY_TEAM_LEAD or caller.sub == item.reporter):
        return None
    shown = item.shown
    path = f"/v1/cases/{shown['case']}"
    span = next(span for span in item.possible if span.until is None or now <= span.until)
    possible = [action_link(name, f"{path}/{name}") for name in span.actions if name in may]
    shown["overdue"] = item.due_at is not None and item.due_at < now
    shown["organisationSuspended"] = item.organisation in suspended
    shown["actions"] = [*possible, *item.links]
    return shown


@lru_cache(maxsize=1024)
def _may(caller: Caller, agency: str, standing: str | None) -> frozenset[str]:
    # The table never changes, and the same people look at case after case.
    relations = relations_of_row(caller, agency, caller.org, standing)
    return frozenset(action for action in POLICY.actions if POLICY.permits(caller, action, relations))
