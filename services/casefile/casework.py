"""What the routes of cases do: run commands, and keep texts in the vault."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from fastapi import Response
from msgspec import structs

from contracts.fields import Body
from services.casefile.access import CONSENT_WITHDRAWN, POLICY
from services.casefile.commands import Action, Stamp
from services.casefile.domain.case import Context, case_stream
from services.casefile.domain.guards import check_side
from services.casefile.domain.people import CorrectionRecorded
from services.casefile.domain.transitions import CASE
from services.casefile.domain.word import acting
from services.casefile.queries import ON_PROPOSAL, PAIR, Cases, Found, nothing_more
from services.casefile.routes.requests import CorrectBody
from services.casefile.timeline import find_event
from services.chassis.access.identity import Caller
from services.chassis.deciding.handler import Handler, PreconditionFailed
from services.chassis.deciding.idempotency import Key
from services.chassis.http.request.command import CommandRequest
from services.chassis.http.response import responses
from services.chassis.http.response.free_texts import texts_of
from services.chassis.modelling.callers_clock import by_our_clock
from services.chassis.modelling.decider import Because, Command, Refused
from services.chassis.time.clock import Clock
from services.chassis.vault.vault import Deposit, Vault

LOG: Final = "casefile"


class Casework:
    """Takes commands on cases from callers."""

    def __init__(
        self,
        cases: Cases,
        handler: Handler[Command, Context],
        vault: Vault,
        clock: Clock,
    ) -> None:
        self._cases = cases
        self._handler = handler
        self._vault = vault
        self._clock = clock

    async def act(self, asked: CommandRequest, found: Found, name: str, action: Action, body: Body) -> Response:
        """Runs a command on a case."""
        if CONSENT_WITHDRAWN in found.relations:
            # Not even an earlier answer is repeated: it would tell what must not be told any more.
            check_side(name, found.folded.state, asked.actor)
        held_to_proposal = not PAIR.isdisjoint(found.relations) and not await self._cases.is_bound(found)
        if held_to_proposal and name not in ON_PROPOSAL:
            if (answer := await self.repeated(asked, found.case_id)) is not None:
                return answer
            raise _not_now(name)
        stream = case_stream(found.case_id)
        deposit = Deposit(self._vault, stream)
        stamp = Stamp(self._clock.now(), asked.actor, found.case_id, _decided_on(asked, found), deposit)
        if isinstance(body, CorrectBody) and body.holds is not None:
            named = find_event(await self._cases.records(found), body.event)
            stamp = replace(stamp, said=named.said if named is not None else None)
        command = action.command(body, stamp)
        given = getattr(body, "occurred_at", None)
        occurred_at = by_our_clock(given, stamp.at) if given is not None else None
        call = structs.replace(asked.call(occurred_at), actor=acting(command, found.folded.state))
        try:
            outcome = await self._handler.handle(command, stream, CASE, call, before_append=deposit.keep)
        except (Refused, PreconditionFailed) as refusal:
            if held_to_proposal:
                raise _telling_nothing_more(refusal, name) from None
            if isinstance(refusal, PreconditionFailed):
                # Who has no part any more is told that, and not what has moved the case since.
                check_side(name, (await self._cases.streams.fold(stream, CASE)).state, asked.actor)
            raise
        view = await self._cases.after(asked.caller, found, outcome.state, outcome.version, outcome.etag)
        return responses.command_result(asked, outcome, view, LOG)

    async def did(self, caller: Caller, case_id: str, key: str | None) -> bool:
        """Whether the caller has done a command on the case under the key, with or without a part in it today."""
        return key is not None and await self._handler.knows(case_stream(case_id), CASE, Key.of(caller.actor(), key))

    async def repeated(self, asked: CommandRequest, case_id: str) -> Response | None:
        """The answer again to a command whose sender has no right to it any more; None where it was never sent.

        It may have taken that right itself, as a mentor's no does. Nothing is shown that would need one.
        """
        outcome = await self._handler.earlier(case_stream(case_id), CASE, asked.call())
        return (
            responses.command_result(asked, outcome, nothing_more(case_id, outcome.etag), LOG)
            if outcome is not None
            else None
        )

    async def texts(self, caller: Caller, found: Found) -> Response:
        """What was written in words about the case: expectations and justifications for those who work on it.

        Why something was corrected is for all who may read the case.
        """
        told = await self._cases.told(caller, found)
        if not POLICY.permits(caller, "read-texts", found.relations):
            told = [recorded for recorded in told if isinstance(recorded.event, CorrectionRecorded)]
        return responses.page(await texts_of(told, self._vault), None)


def _decided_on(asked: CommandRequest, found: Found) -> int:
    """The version that the caller decides on; of several the present one, if it is among them."""
    versions = asked.if_match or frozenset({0})
    return found.folded.etag if found.folded.etag in versions else max(versions)


def _telling_nothing_more(refusal: Refused | PreconditionFailed, name: str) -> Refused | PreconditionFailed:
    """A refusal for mentor or mentee who are not bound yet: it must not say where the case stands, or who moved it."""
    if isinstance(refusal, PreconditionFailed):
        return PreconditionFailed(refusal.current, "another command")
    if refusal.because is Because.INPUT or refusal.code == "NOT_YOUR_SIDE":
        return refusal
    return _not_now(name)


def _not_now(name: str) -> Refused:
    return Refused("STATE_DOES_NOT_ALLOW", f"{name} is not possible now; read the case for what is")
