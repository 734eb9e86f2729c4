"""Shows an auditor who the person of a case is: an act of its own, which stands in the record and is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import Response
from pydantic_core import to_json

from contracts.codes import ReferralState
from services.chassis.access.identity import Caller
from services.chassis.access.policy import Hidden
from services.chassis.deciding.handler import Handler
from services.chassis.http.request.command import CommandRequest
from services.chassis.http.response import responses
from services.chassis.index.index import IndexReader
from services.chassis.log.position import Position
from services.chassis.time.clock import Clock
from services.chassis.vault.vault import Deposit, Vault
from services.referral.access import POLICY
from services.referral.domain.context import Context, ReferralCommand
from services.referral.domain.disclosure import RevealIdentity, refuse_to_reveal
from services.referral.domain.offer import referral_stream
from services.referral.domain.referral import REFERRAL
from services.referral.lists import REFERRALS_OF_A_CASE
from services.referral.projection import REFERRALS
from services.referral.queries import Found, Queries

LOG: Final = "referral"
REVEAL: Final = "reveal-identity"


class Reveals:
    """Reveals the persons of cases."""

    def __init__(
        self,
        queries: Queries,
        referrals: Handler[ReferralCommand, Context],
        vault: Vault,
        index: IndexReader,
        caught_up: Callable[[], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._queries = queries
        self._referrals = referrals
        self._vault = vault
        self._index = index
        self._caught_up = caught_up
        self._clock = clock

    async def reveal(self, request: CommandRequest, case_id: str, reason: str) -> Response:
        """Who the person is, by the newest referral of the case, once that it is shown stands in the record.

        Raises Hidden, Forbidden, or Refused after a withdrawal and where nothing is kept any more.
        """
        found = await self.newest(request.caller, case_id)
        packet = found.folded.state.packet
        ref = packet.contact_ref if packet is not None else None
        record = await self._vault.read(ref) if ref is not None else None
        stream, at = referral_stream(found.referral_id), self._clock.now()
        deposit = Deposit(self._vault, stream)
        command = RevealIdentity(
            referral_id=found.referral_id,
            at=at,
            by=request.actor,
            reason_ref=deposit.put("reveal", {"text": reason}),
            kept=record is not None,
        )
        outcome = await self._referrals.handle(command, stream, REFERRAL, request.call(), records=deposit)
        if outcome.replayed:
            # What was shown once is not shown again after a withdrawal or an erasure, whatever key it comes under.
            refuse_to_reveal(found.context, at, kept=record is not None)
        body: dict[str, Any] = {"case": case_id, "referral": found.referral_id}
        if request.dry_run:
            return Response(to_json({**body, **responses.dry_run(request, outcome.events)}), 200, {}, responses.JSON)
        headers = dict(responses.NOT_KEPT)
        if outcome.position is not None:
            headers["Position"] = Position(LOG, outcome.position).token()
        if outcome.replayed:
            headers[responses.REPLAYED] = "true"
        person = {**body, "clientRef": packet.client_ref if packet is not None else None, "identity": record}
        return Response(to_json(person), 200, headers, responses.JSON)

    async def newest(self, caller: Caller, case_id: str) -> Found:
        """The newest referral of a case, if the caller may have the identity revealed. Raises Hidden or Forbidden."""
        await self._caught_up()
        rows = await self._index.find(REFERRALS.name, {"case_id": case_id}, after=0, limit=REFERRALS_OF_A_CASE)
        sent = [row.key for row in rows if row.columns["state"] != ReferralState.DRAFT]
        if not sent:
            POLICY.require(caller, REVEAL, ())
            raise Hidden
        return await self._queries.find(caller, sent[-1], REVEAL)
