"""What the routes of referrals do: stamp, keep what is personal in the vault, run the command, render the answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Final

from fastapi import Response
from fastapi.exceptions import RequestValidationError
from msgspec.structs import replace
from pydantic import ValidationError
from pydantic_core import to_json, to_jsonable_python

from contracts.codes import ReferralState
from contracts.fields import Body
from services.chassis.access.identity import Caller
from services.chassis.deciding.handler import Call, Handler, NotFound, Outcome, PreconditionFailed
from services.chassis.deciding.idempotency import Key
from services.chassis.deciding.streams import Reads
from services.chassis.http.request.command import CommandRequest
from services.chassis.http.request.if_match import NOTHING
from services.chassis.http.request.national_numbers import check_text
from services.chassis.http.response import responses
from services.chassis.http.response.free_texts import texts_of
from services.chassis.http.response.rendering import recorded_view
from services.chassis.log.metadata import Recorded
from services.chassis.modelling.decider import Because, Command, Fault
from services.chassis.operating.traceparent import follow
from services.chassis.time.clock import Clock
from services.chassis.vault.vault import Deposit, Vault
from services.referral.access import ADDRESSED_ORGANISATION, AGENCY, OWNER_AGENCY, POLICY, relations_of_agency
from services.referral.commands import (
    ACTIONS,
    Stamp,
    earlier_referral_id_for,
    legal_basis_id_for,
    new_case_id_for,
    packet_of,
    referral_id_for,
)
from services.referral.contact import ContactBody, faults_of, faults_of_record
from services.referral.disclosures import disclosed
from services.referral.domain.context import Context, ReferralCommand
from services.referral.domain.disclosure import DiscloseContact
from services.referral.domain.drafting import CreateDraft, EditDraft
from services.referral.domain.guards import blocked
from services.referral.domain.offer import referral_stream
from services.referral.domain.organisation import ORGANISATION, organisation_stream
from services.referral.domain.programme import PROGRAMME, programme_stream
from services.referral.domain.referral import REFERRAL
from services.referral.domain.referral_state import Referral
from services.referral.domain.submission import SubmitDraft, SubmitReferral
from services.referral.queries import Found, Referrals
from services.referral.routes.requests import ReferralBody
from services.referral.views import packet_json

LOG: Final = "referral"
PERSONAL: Final = frozenset({"contact"})
"""The body's field that may hold personal data."""


class Intake:
    """Takes commands on referrals from callers, and shows them what became of them."""

    def __init__(
        self,
        referrals: Referrals,
        handler: Handler[Command, Context],
        vault: Vault,
        clock: Clock,
        prepared: Callable[[], Awaitable[object]],
    ) -> None:
        """`prepared` returns once this process knows what a new referral is held against; at once, but the first time.

        CommandRequest before anything else, so that those that come first are taken in the order in which they came.
        """
        self.prepared = prepared
        self._referrals = referrals
        self._handler = handler
        self._vault = vault
        self._clock = clock

    async def create(self, asked: CommandRequest, body: ReferralBody) -> Response:
        """Submits a new referral, or keeps it as a draft."""
        await self.prepared()
        call, own = asked.call(), (organisation_stream(asked.caller.org), ORGANISATION)
        key = Key.of(asked.actor, asked.key or "")
        command, deposit = self._creation(asked, body, referral_id_for(key))
        before = referral_stream(earlier_referral_id_for(key)), REFERRAL
        reads = await self._handler.read(command, referral_stream(command.referral_id), REFERRAL, key, own, before)
        if key in (await reads.fold(*before)).keys:
            command, deposit = self._creation(asked, body, earlier_referral_id_for(key))
        if faults := faults_of(body.contact, await _country(reads, body.programme, command.at)):
            command = replace(command, contact_faults=faults)
        # Who sent it before, and did not get the answer, makes nothing new, suspended meanwhile or not.
        repeated = (await reads.fold(referral_stream(command.referral_id), REFERRAL)).version > 0
        relations = (AGENCY,) if repeated else relations_of_agency(await reads.state(*own))
        POLICY.require(asked.caller, "create", relations)
        outcome = await self._run(call, command, deposit, must_exist=False, reads=reads)
        location = f"/v1/referrals/{command.referral_id}"
        return await self._answer(asked, command.referral_id, outcome, location=location)

    def _creation(
        self, asked: CommandRequest, body: ReferralBody, referral_id: str
    ) -> tuple[CreateDraft | SubmitReferral, Deposit]:
        deposit = Deposit(self._vault, referral_stream(referral_id))
        packet = packet_of(body, _set_aside(body.contact, deposit))
        at, by, case_id = self._clock.now(), asked.actor, new_case_id_for(referral_id)
        if body.draft:
            draft = CreateDraft(referral_id=referral_id, at=at, by=by, packet=packet, new_case_id=case_id)
            return draft, deposit
        submission = SubmitReferral(
            referral_id=referral_id,
            at=at,
            by=by,
            packet=packet,
            legal_basis_id=legal_basis_id_for(referral_id),
            new_case_id=case_id,
        )
        return submission, deposit

    async def edit(self, asked: CommandRequest, found: Found, patch: Mapping[str, Any]) -> Response:
        """Replaces a draft's packet by the one that a merge patch (RFC 7396) makes of it."""
        call = asked.call()
        if found.folded.etag not in (call.if_match or ()):
            # Not the version that the caller names: a repeat may be answered, nothing be merged into it and stored.
            call, patch = replace(call, if_match=NOTHING), {}
        else:
            # Of several versions that the caller names, the one that is merged into: another one may be there by then.
            call = replace(call, if_match=frozenset({found.folded.etag}))
        body = await self._merged(found, patch)
        # Of the right shape, and so no longer than a referral may be.
        check_text(patch, PERSONAL)
        packet, deposit = found.folded.state.packet, Deposit(self._vault, referral_stream(found.referral_id))
        ref = packet.contact_ref if packet is not None else None
        if "contact" in patch:
            ref = _set_aside(body.contact, deposit)
        command = EditDraft(
            referral_id=found.referral_id,
            at=self._clock.now(),
            by=asked.actor,
            packet=packet_of(body, ref),
            contact_faults=faults_of(body.contact, _country_of(found)),
        )
        outcome = await self._run(call, command, deposit)
        return await self._answer(asked, found.referral_id, outcome)

    async def _merged(self, found: Found, patch: Mapping[str, Any]) -> ReferralBody:
        """The draft's body with the patch applied. Raises RequestValidationError."""
        packet = found.folded.state.packet
        before: dict[str, Any] = to_jsonable_python(packet_json(packet)) if packet is not None else {}
        if "contact" in patch and packet is not None and packet.contact_ref is not None:
            before["contact"] = await self._vault.read(packet.contact_ref)
        after = _merge(before, patch)
        # Draft it stays, whatever the patch says: submit is a command of its own.
        after["draft"] = True
        try:
            return ReferralBody.model_validate(after)
        except ValidationError as error:
            faults = error.errors(include_url=False)
            raise RequestValidationError([{**fault, "loc": ("body", *fault["loc"])} for fault in faults]) from None

    async def act(self, asked: CommandRequest, found: Found, name: str, body: Body) -> Response:
        """Runs one of the commands that have a route of their own."""
        if name == "submit" and found.folded.state.state is ReferralState.DRAFT:
            # What was allowed when the draft was stored, such as a code, may have gone since.
            await self._merged(found, {})
        deposit = Deposit(self._vault, referral_stream(found.referral_id))
        command = ACTIONS[name].command(body, Stamp(found.referral_id, self._clock.now(), asked.actor, deposit))
        if isinstance(command, SubmitDraft):
            command = replace(command, contact_faults=await self._faults_at_rest(found))
        try:
            outcome = await self._run(asked.call(), command, deposit)
        except PreconditionFailed:
            # Whoever has lost the right to act is told so, not that something has changed meanwhile.
            refusal = blocked(name, found.context, asked.actor)
            if refusal is not None and refusal.because is Because.RIGHTS:
                raise refusal from None
            raise
        return await self._answer(asked, found.referral_id, outcome)

    async def _faults_at_rest(self, found: Found) -> tuple[Fault, ...]:
        packet = found.folded.state.packet
        if packet is None or packet.contact_ref is None:
            return ()  # that nothing is there, the packet says itself
        return faults_of_record(await self._vault.read(packet.contact_ref), _country_of(found))

    async def _run(
        self,
        call: Call,
        command: ReferralCommand,
        deposit: Deposit,
        *,
        must_exist: bool = True,
        reads: Reads | None = None,
    ) -> Outcome[Referral]:
        return await self._handler.handle(
            command,
            referral_stream(command.referral_id),
            REFERRAL,
            call,
            must_exist=must_exist,
            before_append=deposit.keep,
            reads=reads,
        )

    async def _answer(
        self, asked: CommandRequest, referral_id: str, outcome: Outcome[Referral], *, location: str | None = None
    ) -> Response:
        body = await self._referrals.after(asked.caller, referral_id, outcome)
        return responses.command_result(asked, outcome, body, LOG, location=location)

    async def recorded(
        self, caller: Caller, referral_id: str, after: int, limit: int
    ) -> tuple[list[dict[str, Any]], Recorded | None]:
        """The raw record of a referral behind version `after`, and its last event if more come.

        An organisation's begins with its addressing.
        """
        found = await self._referrals.find(caller, referral_id, "read-record")
        records = await self._referrals.streams.log.read(referral_stream(referral_id), after=after)
        if ADDRESSED_ORGANISATION in found.relations:
            records = [one for one in records if one.event.offer.organisation is not None]
        items = [recorded_view(one) for one in records[:limit]]
        return items, records[limit - 1] if len(records) > limit else None

    async def disclosed(
        self, caller: Caller, referral_id: str, after: int, limit: int
    ) -> tuple[list[dict[str, Any]], int | None]:
        """To whom the person's data went, behind a position of the log."""
        found = await self._referrals.find(caller, referral_id, "read-disclosures")
        basis = found.folded.state.legal_basis_id
        return await disclosed(self._referrals.streams.log, referral_id, basis, after, limit)

    async def texts(self, caller: Caller, referral_id: str) -> Response:
        """What the parties wrote to each other about a referral: answers, and reasons that no code says."""
        found = await self._referrals.find(caller, referral_id, "read-texts")
        records = await self._referrals.streams.log.read(referral_stream(referral_id))
        # Why the agency thinks that it made a mistake is its own affair.
        own = OWNER_AGENCY in found.relations
        leave_out = PERSONAL if own else PERSONAL | {"justification"}
        return responses.page(await texts_of(records, self._vault, leave_out=leave_out), None)

    async def contact(
        self, caller: Caller, referral_id: str, traceparent: str | None, *, head: bool = False
    ) -> Response:
        """The person's contact data, after the reading is recorded. Raises Refused once the basis is withdrawn.

        `head`: nothing of them is shown, their length neither, and so nothing is recorded.
        """
        found = await self._referrals.find(caller, referral_id, "read-contact")
        packet = found.folded.state.packet
        ref = packet.contact_ref if packet is not None else None
        record = await self._vault.read(ref) if ref is not None else None
        if record is None and found.context.legal_basis.withdrawn_at is None:
            # Nothing is shown, so no disclosure goes on record.
            raise NotFound(referral_id)
        command = DiscloseContact(referral_id=referral_id, at=self._clock.now(), by=caller.actor())
        call = Call(actor=caller.actor(), traceparent=str(follow(traceparent)), dry_run=head)
        await self._handler.handle(command, referral_stream(referral_id), REFERRAL, call)
        if record is None:
            raise NotFound(referral_id)
        answer = Response(to_json({"contact": record}), 200, {"Cache-Control": "no-store"}, "application/json")
        if head:
            del answer.headers["content-length"]
        return answer


def _set_aside(contact: ContactBody | None, deposit: Deposit) -> str | None:
    return deposit.put("contact", contact.record()) if contact is not None else None


async def _country(reads: Reads, programme: str, at: datetime) -> str | None:
    """The country of a programme's version in force; None where there is none."""
    version = (await reads.state(programme_stream(programme), PROGRAMME)).in_force(at)
    return version.parameters.country if version is not None else None


def _country_of(found: Found) -> str | None:
    version = found.context.programme.in_force(found.context.at)
    return version.parameters.country if version is not None else None


def _merge(target: Any, patch: Any) -> Any:
    if not isinstance(patch, Mapping):
        return patch
    merged_object = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged_object.pop(name, None)
        else:
            merged_object[name] = _merge(merged_object.get(name), value)
    return merged_object
