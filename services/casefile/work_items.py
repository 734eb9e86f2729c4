"""Items of staff's worklists: what the index keeps of one for a whole side, and what a caller of that side is shown."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from msgspec.structs import replace
from pydantic_core import from_json, to_json

from contracts.codes import Role, Step
from services.casefile.access import POLICY, relations_of_row, standing_of
from services.casefile.actions import moving_on
from services.casefile.context import CaseContexts
from services.casefile.domain.context import Context
from services.casefile.domain.guards import ON_DAYS, blocked, steady_until
from services.casefile.domain.state import Case
from services.casefile.views import action_link, work_item
from services.casefile.worklist import ERROR_CONFIRMATION, Work, work_of_staff
from services.chassis.access.identity import Caller
from services.chassis.deciding.streams import Streams
from services.chassis.http.response.rendering import Json
from services.chassis.index.index import Row
from services.chassis.modelling.decider import Actor
from services.chassis.time.clock import Clock

_SHORTLY: Final = timedelta(microseconds=1)


def kept_item(work: Work, context: Context) -> str:
    """All that any of the actor's staff may be shown of some work in the context's case, from its time on, as JSON.

    `shown` is as they read it, and `standing` how their organisation stands to the case. Of the actions that move the
    work on, `possible` has those that the case's guards do not refuse to their side, from now on in one or more spans:
    `until` is the last instant of each, None where nothing but an event ends it. `links` are commands of another
    service. `time_zone` is set where the spans rest on the programme's days.
    """
    case = context.case
    names = moving_on(work.name) if _has_actions(work) else ()
    on_days = not ON_DAYS.isdisjoint(names)
    return to_json(
        {
            "shown": {**work_item(case.case, work, context.at), "clientRef": case.client_ref},
            "agency": case.agency,
            "organisation": case.organisation,
            "standing": standing_of(work.actor, case),
            "programme": case.programme,
            "time_zone": context.rules.time_zone if on_days else None,
            "reporter": work.owner.sub if work.name == ERROR_CONFIRMATION else None,
            "receiver": work.person if work.step is None and work.name != ERROR_CONFIRMATION else None,
            "possible": _possible(names, work, context),
            "links": _links(work, context),
        }
    ).decode()


def _has_actions(work: Work) -> bool:
    """Whether it is moved on here: an answer is given, and an error confirmed, in the referral service."""
    return work.name != ERROR_CONFIRMATION and not _awaits_answer(work)


def _awaits_answer(work: Work) -> bool:
    return work.name == Step.REFERRAL_ANSWER and work.awaiting is not None


def _links(work: Work, context: Context) -> list[Json]:
    if work.name == ERROR_CONFIRMATION:
        return [action_link("confirm-error", f"/v1/referrals/{work.referral}/confirm-error")]
    if work.awaiting is not None and _awaits_answer(work):
        assert context.case.referral is not None  # noqa: S101 - it is its answer that is awaited
        action = work.awaiting.action
        return [action_link(action, f"/v1/referrals/{context.case.referral.referral}/{action}")]
    return [action_link("refer", "/v1/referrals")] if work.name == Step.NEXT_SERVICE else []


def _possible(names: Sequence[str], work: Work, context: Context) -> list[Json]:
    # The guards ask staff for their organisation alone; which of its roles may do what is the table of access's.
    by = Actor(sub=work.owner.sub, role=work.owner.role, org=work.actor)
    spans: list[Json] = []
    while True:
        ends = [end for name in names if (end := steady_until(name, context)) is not None]
        until = min(ends, default=None)
        spans.append({"until": until, "actions": [name for name in names if blocked(name, context, by) is None]})
        if until is None:
            return spans
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
        return {work.key: kept_item(work, context) for work in works} if context is not None else {}

    async def made(self, case: Case, work: Work) -> Json:
        """The item of some work of staff as it is now. Raises ProgrammeUnknown."""
        return read_item(kept_item(work, await self._contexts.for_worklist(case, self._clock.now(), self._streams)))

    async def read(self, rows: Sequence[Row]) -> list[Json | None]:
        """The items that rows of work keep; None for a row that has none, or one that does not hold any more."""
        kept = [row.columns.get("item") for row in rows]
        items = [read_item(str(one)) if one is not None else None for one in kept]
        now = self._clock.now()
        programmes = {item["programme"] for item in items if item is not None and item["time_zone"] is not None}
        zones = {name: await self._contexts.time_zone(name, now, self._streams) for name in programmes}
        return [
            item if item is not None and item["time_zone"] in (None, zones.get(item["programme"])) else None
            for item in items
        ]


def read_item(kept: str) -> Json:
    """What `kept_item` made. Its instants are as the worklist shows them."""
    item: Json = from_json(kept)
    return item


def shown_item(caller: Caller, item: Json, now: datetime, suspended: Collection[str]) -> Json | None:
    """What a caller of the actor's staff is shown at `now`; None for what the caller may not read, or is not theirs.

    `suspended` are the organisations that the operator has suspended.
    """
    relations = relations_of_row(caller, item["agency"], caller.org, item["standing"])
    if not POLICY.permits(caller, "read", relations):
        return None
    if item["receiver"] not in (None, caller.sub):
        return None
    # For somebody else than the reporter, in the role that may confirm.
    if item["reporter"] is not None and (caller.role is not Role.AGENCY_TEAM_LEAD or caller.sub == item["reporter"]):
        return None
    shown: Json = item["shown"]
    path = f"/v1/cases/{shown['case']}"
    may = _may(caller, relations)
    possible = [action_link(name, f"{path}/{name}") for name in _at(item["possible"], now) if name in may]
    due_at = shown["dueAt"]
    shown["overdue"] = due_at is not None and datetime.fromisoformat(due_at) < now
    shown["organisationSuspended"] = item["organisation"] in suspended
    shown["actions"] = [*possible, *item["links"]]
    return shown


def _at(spans: Sequence[Json], now: datetime) -> list[str]:
    span = next(span for span in spans if span["until"] is None or now <= datetime.fromisoformat(span["until"]))
    names: list[str] = span["actions"]
    return names


@lru_cache(maxsize=512)
def _may(caller: Caller, relations: tuple[str, ...]) -> frozenset[str]:
    # The table never changes, and the same people look at case after case.
    return frozenset(action for action in POLICY.actions if POLICY.permits(caller, action, relations))
