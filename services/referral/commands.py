"""Runs the commands of callers: checks their rights, stamps, keeps personal data in the vault, decides, answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
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
from services.chassis.deciding.streams import Doubtful, Reads, at_second_sight
from services.chassis.http.request.command import CommandRequest
from services.chassis.http.request.if_match import NOTHING
from services.chassis.http.request.merge_patch import merged
from services.chassis.http.request.national_numbers import check_text
from services.chassis.http.response import responses
from services.chassis.modelling.days import time_zone
from services.chassis.modelling.decider import EXISTENCE, Because, Fault, Reserved
from services.chassis.operating.traceparent import follow
from services.chassis.time.calendar import WorkingDays
from services.chassis.time.clock import Clock
from services.chassis.vault.vault import Deposit, Vault
from services.referral.access import AGENCY, POLICY, is_anonymous_to, relations_of_agency
from services.referral.actions import ACTIONS
from services.referral.contact import faults_of, faults_of_record, set_aside
from services.referral.context import country_of
from services.referral.domain.broadcasting import BroadcastCommand, BroadcastContext
from services.referral.domain.consent_withdrawal import WithdrawLegalBasis
from services.referral.domain.context import Context, ReferralCommand
from services.referral.domain.disclosure import DiscloseContact
from services.referral.domain.drafting import CreateDraft, EditDraft
from services.referral.domain.guards import blocked
from services.referral.domain.legal_basis import LEGAL_BASIS, legal_basis_stream
from services.referral.domain.offer import referral_stream
from services.referral.domain.organisation import (
    ORGANISATION,
    DescribeOrganisation,
    OrganisationContext,
    organisation_stream,
)
from services.referral.domain.programme import PROGRAMME, Parameters, Programme, PublishVersion, programme_stream
from services.referral.domain.referral import REFERRAL
from services.referral.domain.referral_state import Referral
from services.referral.domain.submission import SubmitDraft, SubmitReferral
from services.referral.queries import Found, Queries, as_tried
from services.referral.routes.requests import OrganisationBody, ProgrammeVersionBody, ReferralBody
from services.referral.stamping import (
    Stamp,
    earlier_referral_id_for,
    legal_basis_id_for,
    new_case_id_for,
    packet_of,
    referral_id_for,
)
from services.referral.views import organisation_view, packet_json, programme_view

LOG: Final = "referral"
PERSONAL: Final = frozenset({"contact"})
"""The body's field that may hold personal data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handlers:
    """The handlers of the service, one for each kind of stream that takes commands of callers."""

    referrals: Handler[ReferralCommand, Context]
    legal_bases: Handler[WithdrawLegalBasis, Context]
    broadcasts: Handler[BroadcastCommand, BroadcastContext]
    organisations: Handler[DescribeOrganisation, OrganisationContext]
    programmes: Handler[PublishVersion, Programme]


class Commands:
    """The commands of callers, each with its answer."""

    def __init__(
        self,
        queries: Queries,
        handlers: Handlers,
        vault: Vault,
        clock: Clock,
        prepared: Callable[[], Awaitable[object]],
    ) -> None:
        """`prepared` returns once this process knows what a new referral is checked against: soon, then at once.

        It is awaited before anything else, so that the first requests are taken in the order in which they came.
        """
        self.prepared = prepared
        self._queries = queries
        self._handlers = handlers
        self._vault = vault
        self._clock = clock

    async def create(self, request: CommandRequest, body: ReferralBody) -> Response:
        """Submits a new referral, or keeps it as a draft."""
        await self.prepared()
        referral_id, outcome = await at_second_sight(partial(self._created, request, body))
        return await self._answer(request, referral_id, outcome, f"/v1/referrals/{referral_id}")

    async def _created(
        self,
        request: CommandRequest,
        body: ReferralBody,
        known: bool,  # noqa: FBT001 - see at_second_sight
    ) -> tuple[str, Outcome[Referral]]:
        call, own = request.call(), (organisation_stream(request.caller.org), ORGANISATION)
        key = Key.of(request.actor, request.key or "")
        command, deposit = self._creation(request, body, referral_id_for(key))
        before = referral_stream(earlier_referral_id_for(key)), REFERRAL
        stream = referral_stream(command.referral_id)
        reads = await self._handlers.referrals.read(command, stream, REFERRAL, key, own, before, known=known)
        if key in (await reads.fold(*before)).keys:
            command, deposit = self._creation(request, body, earlier_referral_id_for(key))
        if faults := faults_of(body.contact, await country_of(reads, body.programme, command.at)):
            command = replace(command, contact_faults=faults)
        # A repeat makes nothing new: the sender gets the answer that they lost, suspended meanwhile or not.
        repeated = (await reads.fold(referral_stream(command.referral_id), REFERRAL)).version > 0
        relations = (AGENCY,) if repeated else relations_of_agency(await reads.state(*own))
        if reads.doubtful and not POLICY.permits(request.caller, "create", relations):
            raise Doubtful
        POLICY.require(request.caller, "create", relations)
        outcome = await self._run(call, command, deposit, must_exist=False, reads=reads)
        return command.referral_id, outcome

    def _creation(
        self, request: CommandRequest, body: ReferralBody, referral_id: str
    ) -> tuple[CreateDraft | SubmitReferral, Deposit]:
        deposit = Deposit(self._vault, referral_stream(referral_id))
        packet = packet_of(body, set_aside(body.contact, deposit))
        at, by, case_id = self._clock.now(), request.actor, new_case_id_for(referral_id)
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

    async def edit(self, request: CommandRequest, found: Found, patch: Mapping[str, Any]) -> Response:
        """Replaces a draft's packet by the one that a merge patch (RFC 7396) makes of it."""
        call = request.call()
        if found.folded.etag not in (call.if_match or ()):
            # Not the version that the caller names: a repeat may be answered; nothing may be merged into it and stored.
            call, patch = replace(call, if_match=NOTHING), {}
        else:
            # If-Match may name several versions: the one that is merged into counts, for another may be there by then.
            call = replace(call, if_match=frozenset({found.folded.etag}))
        body = await self._merged(found, patch)
        # The patch has the right shape now, and so is no longer than a referral may be.
        check_text(patch, PERSONAL)
        packet, deposit = found.folded.state.packet, Deposit(self._vault, referral_stream(found.referral_id))
        ref = packet.contact_ref if packet is not None else None
        if "contact" in patch:
            ref = set_aside(body.contact, deposit)
        command = EditDraft(
            referral_id=found.referral_id,
            at=self._clock.now(),
            by=request.actor,
            packet=packet_of(body, ref),
            contact_faults=faults_of(body.contact, _country_of(found)),
        )
        return await self._answer(request, found.referral_id, await self._run(call, command, deposit))

    async def _merged(self, found: Found, patch: Mapping[str, Any]) -> ReferralBody:
        """The draft's body with the patch applied. Raises RequestValidationError."""
        packet = found.folded.state.packet
        before: dict[str, Any] = to_jsonable_python(packet_json(packet)) if packet is not None else {}
        if "contact" in patch and packet is not None and packet.contact_ref is not None:
            before["contact"] = await self._vault.read(packet.contact_ref)
        after = merged(before, patch)
        # It stays a draft, whatever the patch has: submit is an action of its own.
        after["draft"] = True
        try:
            return ReferralBody.model_validate(after)
        except ValidationError as error:
            faults = error.errors(include_url=False)
            raise RequestValidationError([{**fault, "loc": ("body", *fault["loc"])} for fault in faults]) from None

    async def act(self, request: CommandRequest, found: Found, action: str, body: Body) -> Response:
        """Runs an action that has a route of its own."""
        if action == "submit" and found.folded.state.state is ReferralState.DRAFT:
            # What was allowed when the draft was stored, such as a code, may not be any more.
            await self._merged(found, {})
        deposit = Deposit(self._vault, referral_stream(found.referral_id))
        stamp = Stamp(at=self._clock.now(), by=request.actor, deposit=deposit, referral_id=found.referral_id)
        command = ACTIONS[action].command_of(body, stamp)
        if isinstance(command, SubmitDraft):
            command = replace(command, contact_faults=await self._faults_of_draft(found))
        try:
            outcome = await self._run(request.call(), command, deposit)
        except PreconditionFailed:
            # A caller who has lost the right to act learns that, and not that something has changed meanwhile.
            refusal = blocked(action, found.context, request.actor)
            if refusal is not None and refusal.because is Because.RIGHTS:
                await self._queries.refuse(refusal, found, request.call())
            if is_anonymous_to(found.relations, found.folded.state.offer):
                # Nor who has changed it: it may be the one who won. The state says all that this one may know.
                found = await self._queries.find(request.caller, found.referral_id, action)
                if (refusal := blocked(action, found.context, request.actor)) is not None:
                    await self._queries.refuse(refusal, found, request.call())
            raise
        return await self._answer(request, found.referral_id, outcome)

    async def _faults_of_draft(self, found: Found) -> tuple[Fault, ...]:
        packet = found.folded.state.packet
        if packet is None or packet.contact_ref is None:
            return ()  # the packet itself shows that there are no contact data
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
        return await self._handlers.referrals.handle(
            command,
            referral_stream(command.referral_id),
            REFERRAL,
            call,
            must_exist=must_exist,
            records=deposit,
            reads=reads,
        )

    async def _answer(
        self, request: CommandRequest, referral_id: str, outcome: Outcome[Referral], location: str | None = None
    ) -> Response:
        outcome = as_tried(outcome, request.caller.org) if request.dry_run else outcome
        body = await self._queries.after(request.caller, referral_id, outcome)
        return responses.command_result(request, outcome, body, LOG, location=location)

    async def read_contact(
        self, caller: Caller, referral_id: str, traceparent: str | None, *, head: bool = False
    ) -> Response:
        """The person's contact data, after the reading is recorded. Raises Refused once the basis is withdrawn.

        `head`: nothing of them is shown, not even their length, and so nothing is recorded.
        """
        found = await self._queries.find(caller, referral_id, "read-contact")
        packet = found.folded.state.packet
        ref = packet.contact_ref if packet is not None else None
        record = await self._vault.read(ref) if ref is not None else None
        if record is None and found.context.legal_basis.withdrawn_at is None:
            # Nothing is shown, so no disclosure goes on record.
            raise NotFound(referral_id)
        command = DiscloseContact(referral_id=referral_id, at=self._clock.now(), by=caller.actor())
        call = Call(actor=caller.actor(), traceparent=str(follow(traceparent)), dry_run=head)
        await self._handlers.referrals.handle(command, referral_stream(referral_id), REFERRAL, call)
        if record is None:
            raise NotFound(referral_id)
        answer = Response(to_json({"contact": record}), 200, {"Cache-Control": "no-store"}, "application/json")
        if head:
            del answer.headers["content-length"]
        return answer

    async def withdraw_legal_basis(
        self, request: CommandRequest, basis_id: str, found: Found, channel: str | None
    ) -> Response:
        """The person withdraws a legal basis."""
        command = WithdrawLegalBasis(at=self._clock.now(), by=request.actor, legal_basis_id=basis_id, channel=channel)
        stream = legal_basis_stream(basis_id)
        outcome = await self._handlers.legal_bases.handle(command, stream, LEGAL_BASIS, request.call())
        view = self._queries.basis_shown(found, outcome.state, outcome.etag)
        return responses.command_result(request, outcome, view, LOG)

    async def describe_organisation(
        self, request: CommandRequest, organisation_id: str, body: OrganisationBody, reserved: Reserved
    ) -> Response:
        """Describes an organisation, but for the fields that are reserved from the caller."""
        stream = organisation_stream(organisation_id)
        deposit = Deposit(self._vault, stream)
        command = DescribeOrganisation(
            at=self._clock.now(),
            by=request.actor,
            organisation=organisation_id,
            description=body.description(await self._contact_point(stream, body.contact_point, deposit)),
            # A caller who does not know of suspension does not end it; otherwise a PUT by the operator is complete.
            left_out=((reserved.fields - {EXISTENCE}) | {"suspended"}) - body.model_fields_set,
            reserved=reserved,
        )
        outcome = await self._handlers.organisations.handle(
            command, stream, ORGANISATION, request.call(), must_exist=False, records=deposit
        )
        view = organisation_view(organisation_id, outcome.state, outcome.etag, body.contact_point)
        return responses.command_result(request, outcome, view, LOG)

    async def _contact_point(self, stream: str, text: str | None, deposit: Deposit) -> str | None:
        """The reference of a contact point; the present one, where it is of the same text."""
        if text is None:
            return None
        current = (await self._queries.streams.fold(stream, ORGANISATION)).state.description
        ref = current.contact_point_ref if current is not None else None
        kept = await self._vault.read(ref) if ref is not None else None
        record = {"text": text}
        return ref if kept == record else deposit.put("contact-point", record)

    async def publish_programme(
        self, request: CommandRequest, programme_id: str, version: int, body: ProgrammeVersionBody
    ) -> Response:
        """Publishes a version of a programme's parameters."""
        parameters = body.parameters()
        command = PublishVersion(
            at=self._clock.now(),
            by=request.actor,
            programme=programme_id,
            version=version,
            valid_from=body.valid_from,
            parameters=parameters,
            unknown=tuple(_without_calendar(parameters)),
        )
        stream = programme_stream(programme_id)
        outcome = await self._handlers.programmes.handle(command, stream, PROGRAMME, request.call(), must_exist=False)
        view = programme_view(programme_id, outcome.state, outcome.etag, self._clock.now())
        return responses.command_result(request, outcome, view, LOG)


def _country_of(found: Found) -> str | None:
    version = found.context.in_force
    return version.parameters.country if version is not None else None


def _without_calendar(parameters: Parameters) -> Iterator[Fault]:
    try:
        time_zone(parameters.time_zone)
    except ValueError:
        yield Fault("/timeZone", "CALENDAR_UNKNOWN", "no such time zone; give one of the IANA database")
    country, region = parameters.country, parameters.region
    if (unknown := WorkingDays(country).unknown()) is not None:
        yield Fault("/country", "CALENDAR_UNKNOWN", unknown)
    elif (unknown := WorkingDays(country, region).unknown()) is not None:
        yield Fault("/region", "CALENDAR_UNKNOWN", unknown, rests_on=("/country",))
