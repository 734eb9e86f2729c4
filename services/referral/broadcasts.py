"""Broadcasts for callers: opened, read, and withdrawn; the answer to an offer is a command on its referral."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, NamedTuple

from fastapi import Response
from msgspec.structs import replace

from contracts.broadcast_codes import BroadcastState
from contracts.codes import WithdrawReason
from services.chassis.access.identity import Caller
from services.chassis.access.policy import Hidden
from services.chassis.deciding.folded import Folded
from services.chassis.deciding.handler import Handler, Outcome
from services.chassis.deciding.idempotency import Key
from services.chassis.deciding.streams import Doubtful, Streams, at_second_sight
from services.chassis.http.request.command import CommandRequest
from services.chassis.http.response import responses
from services.chassis.http.response.rendering import Json
from services.chassis.time.clock import Clock
from services.chassis.vault.vault import Deposit, Vault
from services.referral.access import AGENCY, POLICY, relations_of_agency, relations_to_broadcast
from services.referral.contact import ContactBody, faults_of, set_aside
from services.referral.context import country_of
from services.referral.domain.broadcast import BROADCAST, Broadcast, Consent, OfferTo, broadcast_stream
from services.referral.domain.broadcasting import (
    BroadcastCommand,
    BroadcastContext,
    OpenBroadcast,
    WithdrawBroadcast,
)
from services.referral.domain.organisation import ORGANISATION, organisation_stream
from services.referral.domain.packet import Packet
from services.referral.stamping import (
    broadcast_id_for,
    legal_basis_id_for,
    new_case_id_for,
    offered_referral_id_for,
)
from services.referral.views import broadcast_view

LOG: Final = "referral"
WITHDRAW: Final = "withdraw-broadcast"


class Wanted(NamedTuple):
    """A broadcast as it is asked for: the packet without addressee, contact and legal basis, and these beside it."""

    packet: Packet
    contact: ContactBody | None
    to: tuple[str, ...]
    recipients: tuple[str, ...]
    consent: Consent | None


class Broadcasts:
    """Runs the commands on broadcasts, and reads one."""

    def __init__(
        self,
        handler: Handler[BroadcastCommand, BroadcastContext],
        streams: Streams,
        vault: Vault,
        clock: Clock,
        prepared: Callable[[], Awaitable[object]],
    ) -> None:
        """`prepared` is as in `Commands`."""
        self._handler = handler
        self._streams = streams
        self._vault = vault
        self._clock = clock
        self._prepared = prepared

    async def create(self, request: CommandRequest, wanted: Wanted) -> Response:
        """Offers a person to several organisations."""
        await self._prepared()
        broadcast_id, outcome = await at_second_sight(partial(self._created, request, wanted))
        return self._answer(request, broadcast_id, outcome, f"/v1/broadcasts/{broadcast_id}")

    async def _created(
        self,
        request: CommandRequest,
        wanted: Wanted,
        known: bool,  # noqa: FBT001 - see at_second_sight
    ) -> tuple[str, Outcome[Broadcast]]:
        own = organisation_stream(request.caller.org), ORGANISATION
        key = Key.of(request.actor, request.key or "")
        broadcast_id = broadcast_id_for(key)
        stream = broadcast_stream(broadcast_id)
        deposit = Deposit(self._vault, stream)
        command = self._command(request, wanted, broadcast_id, deposit)
        reads = await self._handler.read(command, stream, BROADCAST, key, own, known=known)
        if faults := faults_of(wanted.contact, await country_of(reads, wanted.packet.programme, command.at)):
            command = replace(command, contact_faults=faults)
        # A repeat makes nothing new: see `Commands`.
        repeated = (await reads.fold(stream, BROADCAST)).version > 0
        relations = (AGENCY,) if repeated else relations_of_agency(await reads.state(*own))
        if reads.doubtful and not POLICY.permits(request.caller, "create", relations):
            raise Doubtful
        POLICY.require(request.caller, "create", relations)
        outcome = await self._handler.handle(
            command, stream, BROADCAST, request.call(), must_exist=False, records=deposit, reads=reads
        )
        return broadcast_id, outcome

    def _command(self, request: CommandRequest, wanted: Wanted, broadcast_id: str, deposit: Deposit) -> OpenBroadcast:
        offers = []
        for organisation in wanted.to:
            referral_id = offered_referral_id_for(broadcast_id, organisation)
            basis = legal_basis_id_for(referral_id)
            offers.append(OfferTo(organisation=organisation, referral_id=referral_id, legal_basis_id=basis))
        return OpenBroadcast(
            at=self._clock.now(),
            by=request.actor,
            broadcast_id=broadcast_id,
            packet=replace(wanted.packet, contact_ref=set_aside(wanted.contact, deposit)),
            offers=tuple(offers),
            recipients=wanted.recipients,
            consent=wanted.consent,
            new_case_id=new_case_id_for(broadcast_id),
        )

    async def find(self, caller: Caller, broadcast_id: str, action: str) -> Folded[Broadcast]:
        """The broadcast, if the caller may do `action` to it. Raises Hidden or Forbidden."""
        folded = await self._streams.fold(broadcast_stream(broadcast_id), BROADCAST)
        POLICY.require(caller, action, relations_to_broadcast(caller, folded.state))
        if not folded.version:
            raise Hidden
        return folded

    async def read(self, caller: Caller, broadcast_id: str) -> tuple[Json, int]:
        """What the caller reads of the broadcast, and its ETag's version."""
        folded = await self.find(caller, broadcast_id, "read-broadcast")
        return self._shown(caller, broadcast_id, folded.state, folded.etag), folded.etag

    async def withdraw(self, request: CommandRequest, broadcast_id: str, reason: str, text: str | None) -> Response:
        """Takes all offers back that are still open."""
        stream = broadcast_stream(broadcast_id)
        deposit = Deposit(self._vault, stream)
        command = WithdrawBroadcast(
            at=self._clock.now(),
            by=request.actor,
            broadcast_id=broadcast_id,
            reason=WithdrawReason(reason),
            text_ref=deposit.put("withdraw", {"text": text}) if text is not None else None,
        )
        outcome = await self._handler.handle(command, stream, BROADCAST, request.call(), records=deposit)
        return self._answer(request, broadcast_id, outcome)

    def _answer(
        self, request: CommandRequest, broadcast_id: str, outcome: Outcome[Broadcast], location: str | None = None
    ) -> Response:
        body = self._shown(request.caller, broadcast_id, outcome.state, outcome.etag)
        return responses.command_result(request, outcome, body, LOG, location=location)

    def _shown(self, caller: Caller, broadcast_id: str, broadcast: Broadcast, etag: int) -> Json:
        href = f"/v1/broadcasts/{broadcast_id}/withdraw"
        allowed: list[Json] = []
        refused: list[Json] = []
        if not POLICY.permits(caller, WITHDRAW, relations_to_broadcast(caller, broadcast)):
            detail = f"withdraw is not for the role {caller.role} of {caller.org} in this broadcast"
            who = ", ".join(sorted(POLICY.who_may(WITHDRAW)))
            refused.append({"action": "withdraw", "code": "ROLE_NOT_ALLOWED", "detail": detail, "whoCanUnblock": who})
        elif broadcast.state is BroadcastState.OPEN:
            allowed.append({"action": "withdraw", "href": href, "method": "POST"})
        else:
            detail = f"the broadcast is {broadcast.state}; withdraw is possible while it is OPEN"
            refused.append({"action": "withdraw", "code": "BROADCAST_ENDED", "detail": detail, "whoCanUnblock": None})
        view = broadcast_view(broadcast_id, broadcast, etag)
        return {**view, "allowedActions": allowed, "blockedActions": refused}
