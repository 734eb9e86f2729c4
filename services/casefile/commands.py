"""Runs the commands on cases: those of callers, and those that messages of the referral service and the clock bring."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from msgspec import structs

from contracts.fields import Body
from contracts.message import CaseMessage, CloudEvent, Message, decode_data
from services.casefile.access import CONSENT_WITHDRAWN
from services.casefile.actions import Action
from services.casefile.domain.case import CASE
from services.casefile.domain.context import Context
from services.casefile.domain.deadlines import PassDeadline, RemindDeadline
from services.casefile.domain.guards import check_part
from services.casefile.domain.matching import acting
from services.casefile.domain.organisation import (
    KNOWN_ORGANISATION,
    KnownOrganisation,
    LearnOrganisation,
    decide_organisation,
)
from services.casefile.domain.programme import KNOWN_PROGRAMME, KnownProgramme, LearnProgramme, decide_programme
from services.casefile.domain.state import Case, case_stream
from services.casefile.history import find_event
from services.casefile.queries import ON_PROPOSAL, PAIR, Cases, Found
from services.casefile.reactions import REACTIONS, Delivery, stream_of
from services.casefile.routes.requests import CorrectBody
from services.casefile.stamping import Stamp
from services.casefile.views import nothing_more
from services.chassis.access.identity import Caller
from services.chassis.deciding.context import OwnState
from services.chassis.deciding.handler import Call, Handler, Outcome, PreconditionFailed
from services.chassis.deciding.idempotency import Key
from services.chassis.deciding.streams import Streams
from services.chassis.http.request.command import CommandRequest
from services.chassis.http.response.rendering import Json
from services.chassis.index.index import Row
from services.chassis.modelling.callers_clock import by_our_clock
from services.chassis.modelling.decider import Actor, Because, Command, Refused
from services.chassis.time.clock import Clock
from services.chassis.time.scheduler import instant
from services.chassis.vault.vault import Deposit, Vault

SYSTEM: Final = Actor(sub="casefile-service", role="SYSTEM", org="caserelay")

_MESSAGES: Final = {kind.TYPE: kind for kind in REACTIONS}


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a command, and what its sender reads of the case after it."""

    outcome: Outcome[Case]
    view: Json


class Commands:
    """Runs the commands of callers."""

    def __init__(self, cases: Cases, handler: Handler[Command, Context], vault: Vault, clock: Clock) -> None:
        self._cases = cases
        self._handler = handler
        self._vault = vault
        self._clock = clock

    async def run(self, request: CommandRequest, found: Found, action: Action[Any, Any], body: Body) -> Done:
        """Runs a command on a case. Raises Refused, and what the handler raises."""
        if CONSENT_WITHDRAWN in found.relations:
            # Not even an earlier answer is repeated: it would show what must not be shown any more.
            check_part(action.side, found.folded.state, request.actor)
        held_to_proposal = not PAIR.isdisjoint(found.relations) and not await self._cases.is_bound(found)
        if held_to_proposal and action.name not in ON_PROPOSAL:
            if (earlier := await self.earlier(request, found.case_id)) is not None:
                return earlier
            raise _not_now(action.name)
        stream = case_stream(found.case_id)
        deposit = Deposit(self._vault, stream)
        command, call = await self._stamped(request, found, action, body, deposit)
        try:
            outcome = await self._handler.handle(command, stream, CASE, call, before_append=deposit.keep)
        except (Refused, PreconditionFailed) as refusal:
            if held_to_proposal:
                raise _without_state(refusal, action.name) from None
            if isinstance(refusal, PreconditionFailed):
                # A caller whose part has ended is told that, and not what has moved the case since.
                check_part(action.side, (await self._cases.streams.fold(stream, CASE)).state, request.actor)
            raise
        return Done(outcome, await self._cases.after(request.caller, found, outcome))

    async def _stamped(
        self, request: CommandRequest, found: Found, action: Action[Any, Any], body: Body, deposit: Deposit
    ) -> tuple[Command, Call]:
        """The command that a body stands for, and the terms on which it is handled."""
        stamp = Stamp(self._clock.now(), request.actor, found.case_id, _decided_on(request, found), deposit)
        if isinstance(body, CorrectBody) and body.holds is not None:
            named = find_event(await self._cases.records(found), body.event)
            stamp = replace(stamp, reported=named.reported if named is not None else None)
        command = action.built(body, stamp)
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


class Reactor:
    """Runs the commands that messages and deadlines bring."""

    def __init__(self, streams: Streams, cases: Handler[Command, Context], clock: Clock) -> None:
        self._cases = cases
        self._clock = clock
        self._learning = asyncio.Lock()
        self._programmes = Handler[LearnProgramme, KnownProgramme](streams, OwnState(), decide_programme)
        self._organisations = Handler[LearnOrganisation, KnownOrganisation](streams, OwnState(), decide_organisation)

    async def react(self, event: CloudEvent) -> None:
        """Takes in one message; what casefile does not react to passes by."""
        if (kind := _MESSAGES.get(event.type)) is None:
            return
        message: Message = decode_data(kind, event.data)
        stream = stream_of(message)
        if stream is None:
            return
        delivery = Delivery(
            at=self._clock.now(), by=SYSTEM, source_event_id=event.id, source_position=int(event.sequence)
        )
        command = REACTIONS[kind](message, delivery)
        call = Call(
            actor=command.by,
            causation_id=event.id,
            causation_sequence=int(event.sequence),
            correlation_id=event.id,
            occurred_at=message.occurred_at if isinstance(message, CaseMessage) else None,
            traceparent=event.traceparent,
        )
        match command:
            case LearnProgramme():
                async with self._learning:
                    await self._programmes.handle(command, stream, KNOWN_PROGRAMME, call, must_exist=False)
            case LearnOrganisation():
                await self._organisations.handle(command, stream, KNOWN_ORGANISATION, call, must_exist=False)
            case _:
                # Keys are handled side by side, and a case rests on the programme that was published before it.
                async with self._learning:
                    pass
                await self._cases.handle(command, stream, CASE, call, must_exist=False)

    async def fire(self, row: Row, _at: datetime) -> None:
        """A deadline fell due."""
        kind = RemindDeadline if row.columns["kind"] == "REMIND" else PassDeadline
        due_at = instant(str(row.columns["due"]))
        command = kind(at=self._clock.now(), by=SYSTEM, name=str(row.columns["name"]), due_at=due_at)
        await self._cases.handle(command, str(row.columns["stream"]), CASE, Call(actor=SYSTEM))


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
