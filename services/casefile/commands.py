"""Runs the commands of callers on cases: checks their rights, stamps, keeps texts in the vault, decides, answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from msgspec import structs

from contracts.fields import Body
from services.casefile.access import STOPPED
from services.casefile.action_rows import Action
from services.casefile.corrections import command_for
from services.casefile.domain.case import CASE
from services.casefile.domain.context import Context
from services.casefile.domain.disclosure import Attempt
from services.casefile.domain.guards import check_part
from services.casefile.domain.side_answers import acting
from services.casefile.domain.state import Case, case_stream
from services.casefile.history import find_event
from services.casefile.pair_views import nothing_more
from services.casefile.queries import ON_PROPOSAL, PAIR, Found, Queries
from services.casefile.routes.requests import CorrectBody
from services.casefile.stamping import Stamp
from services.chassis.access.identity import Caller
from services.chassis.deciding.handler import Call, Handler, Outcome, PreconditionFailed
from services.chassis.deciding.idempotency import Key
from services.chassis.http.request.command import CommandRequest
from services.chassis.http.response.rendering import Json
from services.chassis.modelling.callers_clock import by_our_clock
from services.chassis.modelling.decider import Because, Command, Refused
from services.chassis.time.clock import Clock
from services.chassis.vault.vault import Deposit, Vault


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a command, and what its sender reads of the case after it."""

    outcome: Outcome[Case]
    view: Json


class Commands:
    """Runs the commands of callers."""

    def __init__(self, queries: Queries, handler: Handler[Command, Context], vault: Vault, clock: Clock) -> None:
        self._queries = queries
        self._handler = handler
        self._vault = vault
        self._clock = clock

    async def run(self, request: CommandRequest, found: Found, action: Action[Any, Any], body: Body) -> Done:
        """Runs a command on a case. Raises Refused, and what the handler raises."""
        if not STOPPED.isdisjoint(found.relations):
            # Not even an earlier answer is repeated: it would show what must not be shown any more.
            await self._check_part(request, found.case_id, action, found.folded.state)
        held_to_proposal = not PAIR.isdisjoint(found.relations) and not await self._queries.is_bound(found)
        if held_to_proposal and action.name not in ON_PROPOSAL:
            if (earlier := await self.earlier(request, found.case_id)) is not None:
                return earlier
            raise _not_now(action.name)
        stream = case_stream(found.case_id)
        deposit = Deposit(self._vault, stream)
        command, call = await self._stamped(request, found, action, body, deposit)
        try:
            outcome = await self._handler.handle(command, stream, CASE, call, records=deposit)
        except (Refused, PreconditionFailed) as refusal:
            if held_to_proposal:
                raise _without_state(refusal, action.name) from None
            if isinstance(refusal, PreconditionFailed):
                # A caller whose part has ended is told that, and not what has moved the case since.
                now = (await self._queries.streams.fold(stream, CASE)).state
                await self._check_part(request, found.case_id, action, now)
            raise
        return Done(outcome, await self._queries.after(request.caller, found, outcome))

    async def _check_part(self, request: CommandRequest, case_id: str, action: Action[Any, Any], case: Case) -> None:
        """Refuses who has no part in the case any more. What is to stand of that does."""
        try:
            check_part(action.side, case, request.actor, action.name)
        except Refused as refusal:
            attempt = Attempt(at=self._clock.now(), by=request.actor)
            await self._handler.refuse(refusal, attempt, case_stream(case_id), CASE, request.call())

    async def _stamped(
        self, request: CommandRequest, found: Found, action: Action[Any, Any], body: Body, deposit: Deposit
    ) -> tuple[Command, Call]:
        """The command that a body stands for, and the terms on which it is handled."""
        stamp = Stamp(
            at=self._clock.now(),
            by=request.actor,
            deposit=deposit,
            case_id=found.case_id,
            version=_decided_on(request, found),
        )
        if isinstance(body, CorrectBody) and body.holds is not None:
            named = find_event(await self._queries.records(found), body.event)
            if named is not None and named.reported is not None:
                stamp = replace(stamp, holds=command_for(body.holds, named.reported, stamp))
        command = action.command_of(body, stamp)
        given = getattr(body, "occurred_at", None)
        occurred_at = by_our_clock(given, stamp.at) if given is not None else None
        return command, structs.replace(request.call(occurred_at), actor=acting(command, found.folded.state))

    async def did(self, caller: Caller, case_id: str, key: str | None) -> bool:
        """Whether the caller has done a command on the case under the key, with or without a part in it today."""
        return key is not None and await self._handler.knows(case_stream(case_id), CASE, Key.of(caller.actor(), key))

    async def earlier(self, request: CommandRequest, case_id: str) -> Done | None:
        """What became of a command whose sender has no right to it any more; None where it was never sent.

        It may have taken that right itself, as a mentor's no does. Nothing is shown that would need one.
        """
        outcome = await self._handler.earlier(case_stream(case_id), CASE, request.call())
        return Done(outcome, nothing_more(case_id, outcome.etag)) if outcome is not None else None


def _decided_on(request: CommandRequest, found: Found) -> int:
    """The version that the caller decides on; of several the present one, if it is among them."""
    versions = request.if_match or frozenset({0})
    return found.folded.etag if found.folded.etag in versions else max(versions)


def _without_state(refusal: Refused | PreconditionFailed, name: str) -> Refused | PreconditionFailed:
    """A refusal for mentor or mentee who are not bound yet: it must not say where the case stands, or who moved it."""
    if isinstance(refusal, PreconditionFailed):
        return PreconditionFailed(refusal.current, "another command")
    if refusal.because is Because.INPUT or refusal.code == "NOT_YOUR_SIDE":
        return refusal
    return _not_now(name)


def _not_now(name: str) -> Refused:
    return Refused("STATE_DOES_NOT_ALLOW", f"{name} is not possible now; read the case for what is possible")
