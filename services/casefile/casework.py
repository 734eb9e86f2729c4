"""What the routes of cases do: run commands, keep texts in the vault, and find what lists and worklists show."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import Response

from contracts.codes import Role, Step
from contracts.fields import Body
from services.casefile.access import ANY_ORGANISATION, CONSENT_WITHDRAWN, POLICY
from services.casefile.commands import Action, Stamp
from services.casefile.desk import Loaded
from services.casefile.domain.actions import check_side
from services.casefile.domain.case import case_stream
from services.casefile.domain.known_programme import KNOWN_ORGANISATION, organisation_stream
from services.casefile.domain.responsibility import find
from services.casefile.domain.transitions import CASE
from services.casefile.listing import CASES, PARTS, STEPS
from services.casefile.presenting import step_view
from services.casefile.reading import Cases, Found
from services.casefile.views import of_case
from services.chassis.clock import Clock
from services.chassis.decider import Command
from services.chassis.handler import Handler, PreconditionFailed
from services.chassis.http import answers
from services.chassis.http.asked import Asked
from services.chassis.http.positions import unknown_filter, unreadable
from services.chassis.http.rendering import Json
from services.chassis.http.texts import texts_of
from services.chassis.identity import Caller
from services.chassis.index import IndexReader, Row, Value
from services.chassis.scheduler import sortable
from services.chassis.vault import Vault

LOG: Final = "casefile"

ACTS_ON: Final[Mapping[str, tuple[str, ...]]] = {
    Step.FIRST_CONTACT: ("log-contact-attempt", "report-no-show"),
    Step.INTAKE: ("conclude-intake", "report-no-show"),
    Step.MATCHING: ("propose-match",),
    Step.MATCH_CONFIRMATION: ("confirm-match", "reject-match"),
    Step.AGREEMENT: ("sign-agreement", "reject-match"),
    Step.MENTORING: ("record-meeting", "complete-trajectory", "end-match"),
    Step.CHECK_IN: ("record-check-in",),
    Step.PROGRESS_REPORT: ("report-progress",),
    Step.SUSPENSION_REVIEW: ("resume", "end-match"),
    Step.HANDBACK_REPORT: ("request-handback",),
    Step.HANDBACK_ACKNOWLEDGEMENT: ("accept-handback", "return-handback"),
    Step.NEXT_SERVICE: ("close",),
    Step.OUTCOME_FOLLOW_UP: ("record-outcome", "waive-outcome"),
}
"""Which commands move a step on. A step that waits for a referral's answer names the referral's command itself."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is asked for; None: never mind."""

    state: str | None
    organisation: str | None
    overdue: bool | None

    def fits(self, state: object, *, late: bool) -> bool:
        """Whether a case in that state, late or not, is looked for."""
        return self.state in (None, state) and self.overdue in (None, late)


class Casework:
    """Takes commands on cases from callers, and finds what they have to do."""

    def __init__(
        self,
        cases: Cases,
        handler: Handler[Command, Loaded],
        vault: Vault,
        index: IndexReader,
        caught_up: Callable[[], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._cases = cases
        self._handler = handler
        self._vault = vault
        self._index = index
        self._caught_up = caught_up
        self._clock = clock

    async def act(self, asked: Asked, found: Found, name: str, action: Action, body: Body) -> Response:
        """Runs a command on a case."""
        if CONSENT_WITHDRAWN in found.relations:
            # Not even an earlier answer is repeated: it would tell what must not be told any more.
            check_side(name, found.folded.state, asked.actor)
        stamp = Stamp(self._clock.now(), asked.actor, found.case_id, asked.if_match or 0)
        stamped = action.command(body, stamp)
        stream = case_stream(found.case_id)

        async def keep() -> None:
            for ref, record in stamped.texts.items():
                await self._vault.keep(ref, stream, record)

        occurred_at = getattr(body, "occurred_at", None)
        try:
            outcome = await self._handler.handle(
                stamped.command, stream, CASE, asked.call(occurred_at), before_append=keep
            )
        except PreconditionFailed:
            # Whoever has no part any more is told that, and not what has moved the case since.
            check_side(name, (await self._cases.streams.fold(stream, CASE)).state, asked.actor)
            raise
        view = await self._cases.after(asked.caller, found.case_id, outcome.state, outcome.version, outcome.etag)
        return answers.done(asked, outcome, view, LOG)

    async def texts(self, caller: Caller, found: Found) -> Response:
        """What was written in words about the case: expectations, justifications, reasons of corrections."""
        return answers.page(await texts_of(await self._cases.told(caller, found), self._vault), None)

    async def listed(
        self,
        caller: Caller,
        state: str | None,
        organisation: str | None,
        overdue: bool | None,  # noqa: FBT001 - three answers: yes, no, never mind
        after: int,
        limit: int,
    ) -> tuple[list[Json], int | None]:
        """A page of the cases that the caller may read, in the order of their opening, and where it goes on."""
        POLICY.require(caller, "list", (ANY_ORGANISATION,))
        if organisation is not None:
            known = await self._cases.streams.fold(organisation_stream(organisation), KNOWN_ORGANISATION)
            if known.state.name is None:
                raise unknown_filter("organisation", "the id of an organisation that there is")
        await self._caught_up()
        wanted = Wanted(state, organisation, overdue)
        items: list[Json] = []
        last = after
        while True:
            rows = self._rows(caller, organisation, last, limit)
            for row in rows:
                view = await self._listed(caller, row, wanted)
                if view is not None:
                    if len(items) == limit:
                        return items, last
                    items.append(view)
                last = row.seq
            if len(rows) < limit:
                return items, None

    async def _listed(self, caller: Caller, row: Row, wanted: Wanted) -> Json | None:
        """The case of a row, if the caller may read it and looks for it."""
        columns = row.columns
        if caller.role is Role.AUDITOR or columns["agency"] == caller.org:
            # Whoever sees all of it: what the index says need not be folded.
            due = columns["due"]
            if not wanted.fits(columns["state"], late=due is not None and str(due) < sortable(self._clock.now())):
                return None
            found = await self._cases.find_silently(caller, row.key)
            return await self._cases.view(caller, found) if found is not None else None
        # Others must not learn from a filter what the view keeps from them.
        found = await self._cases.find_silently(caller, row.key)
        if found is None or wanted.organisation not in (None, caller.org):
            return None
        view = await self._cases.view(caller, found)
        return view if wanted.fits(view.get("state"), late=bool(view.get("overdue"))) else None

    def _rows(self, caller: Caller, organisation: str | None, after: int, limit: int) -> Sequence[Row]:
        """Cases of the caller's organisation, or, for those who see all, of the one asked for."""
        if caller.role is Role.AUDITOR and organisation is None:
            return self._index.find(CASES.name, {}, after=after, limit=limit)
        if organisation is not None:
            # Another organisation's cases are filtered by what the caller may read of them.
            return self._of_parts({"organisation": organisation}, after, limit)
        found = {row.seq: row for row in self._index.find(CASES.name, {"agency": caller.org}, after=after, limit=limit)}
        found |= {row.seq: row for row in self._of_parts({"organisation": caller.org}, after, limit)}
        return [found[seq] for seq in sorted(found)][:limit]

    def _of_parts(self, where: Mapping[str, Value], after: int, limit: int) -> list[Row]:
        parts = self._index.find(PARTS.name, where, after=after, limit=limit)
        rows = (self._index.get(CASES.name, str(part.columns["case_id"])) for part in parts)
        return [row for row in rows if row is not None]

    async def worklist(self, caller: Caller, cursor: str | None, limit: int) -> tuple[list[Json], str | None]:
        """The steps that the caller's organisation must act on, the most urgent first."""
        POLICY.require(caller, "read-worklist", (ANY_ORGANISATION,))
        await self._caught_up()
        after = _read_place(cursor) if cursor is not None else None
        rows = self._index.first(STEPS.name, "due", where={"actor": caller.org}, after=after, limit=limit + 1)
        items = [item for row in rows[:limit] if (item := await self._work(caller, row)) is not None]
        more = rows[limit - 1] if len(rows) > limit else None
        return items, _place(str(more.columns["due"]), more.key) if more is not None else None

    async def _work(self, caller: Caller, row: Row) -> Json | None:
        case_id, step = str(row.columns["case_id"]), str(row.columns["step"])
        found = await self._cases.find_silently(caller, case_id)
        if found is None or (held := find(found.folded.state.steps, step)) is None:
            return None
        responsibility = of_case(found.folded.state, at=self._clock.now())
        shown = next(step_view(one) for one in responsibility.steps if one.step == step)
        if step == Step.REFERRAL_ANSWER and held.awaiting is not None and found.folded.state.referral is not None:
            path = f"/v1/referrals/{found.folded.state.referral.referral}/{held.awaiting.action}"
            actions = [{"action": held.awaiting.action, "href": path, "method": "POST"}]
        else:
            view = await self._cases.view(caller, found)
            wanted = ACTS_ON.get(step, ())
            actions = [action for action in view["allowedActions"] if action["action"] in wanted]
            if step == Step.NEXT_SERVICE:
                actions.append({"action": "refer", "href": "/v1/referrals", "method": "POST"})
        return {"case": case_id, **shown, "actions": actions}


def _place(due: str, key: str) -> str:
    return base64.urlsafe_b64encode(f"w1|{due}|{key}".encode()).decode().rstrip("=")


def _read_place(token: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode("ascii")
        kind, due, key = text.split("|")
    except (binascii.Error, ValueError):
        kind, due, key = "", "", ""
    if kind != "w1" or _place(due, key) != token:
        raise unreadable("cursor", "the `next` of an earlier answer")
    return due, key
