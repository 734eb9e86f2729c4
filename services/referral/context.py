"""What a decision rests on: which streams each command needs, declared as data, and the context made of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from msgspec import UNSET
from msgspec.structs import replace

from contracts.codes import ReferralState
from services.chassis.deciding.context import Needed
from services.chassis.deciding.streams import Reads, Streams
from services.chassis.time.calendar import Calendar, Calendars
from services.referral.actions import RULES
from services.referral.domain.answering import Accept
from services.referral.domain.broadcast import BROADCAST, Broadcast, broadcast_stream
from services.referral.domain.case_key import CASE_KEY, CaseKey, case_key_of, case_key_stream
from services.referral.domain.consent_withdrawal import WithdrawLegalBasis
from services.referral.domain.context import Context, ReferralCommand
from services.referral.domain.corrected_wait import CorrectWaiting
from services.referral.domain.deadlines import RemindDeadline
from services.referral.domain.drafting import CreateDraft, EditDraft
from services.referral.domain.legal_basis import (
    LEGAL_BASIS,
    LegalBasis,
    LegalBasisRecorded,
    LegalBasisReliedOn,
    LegalBasisWithdrawn,
    legal_basis_stream,
)
from services.referral.domain.offer import Offer, acts_for, referral_stream
from services.referral.domain.organisation import (
    ORGANISATION,
    CapacityReleased,
    CapacityTaken,
    Organisation,
    organisation_stream,
)
from services.referral.domain.person import PERSON, Elsewhere, person_stream
from services.referral.domain.programme import PROGRAMME, Programme, ProgrammeVersionPublished, programme_stream
from services.referral.domain.referral import REFERRAL
from services.referral.domain.referral_state import Referral
from services.referral.domain.reminders import REMINDERS, Reminders, reminders_stream
from services.referral.domain.submission import SubmitDraft, SubmitReferral
from services.referral.domain.waiting_list import ReferralWaitlisted
from services.referral.known_before import KnownBefore

Needs = dict[str, Needed]
"""The streams that a decision rests on, each by its part in it; the person's case keys as `case_key:` and the key."""


def needs_of(command: ReferralCommand | None, referral: Referral) -> Needs:
    """What a decision on a referral rests on beside the referral; without a command, what a reader's view rests on."""
    person = _person_of(command, referral)
    if isinstance(command, CreateDraft | SubmitReferral) and person is not None:
        return {
            **named(
                programme=person.programme,
                organisation=command.packet.to,
                # The answer to a draft says whether it can be submitted.
                agency=person.agency if isinstance(command, CreateDraft) else None,
            ),
            "case_key": case_key_needed(case_key_of(*person)),
            "person": Needed(person_stream(person.agency, person.client_ref), PERSON),
        }
    offer, packet_now = referral.offer, referral.packet
    if offer is None or packet_now is None:
        return {}
    needs = {
        **named(
            programme=offer.programme,
            organisation=command.packet.to if isinstance(command, EditDraft) else packet_now.to,
            # Whether the agency may still make an offer matters as long as it has not.
            agency=offer.agency if referral.state is ReferralState.DRAFT else None,
        ),
        **_basis(_basis_of(command, referral)),
        **broadcast_of(offer),
    }
    if command is not None:
        # What is possible in a state does not rest on the case key, so a reader needs none.
        needs["case_key"] = case_key_needed(offer.case_key)
    if person is not None:
        needs["person"] = Needed(person_stream(person.agency, person.client_ref), PERSON)
    if isinstance(command, RemindDeadline):
        needs["reminders"] = Needed(reminders_stream(offer.referral_id), REMINDERS)
    return needs


class _Person(NamedTuple):
    """A person whose case keys in all programmes a decision rests on, and the programme that they are referred to."""

    agency: str
    client_ref: str
    programme: str


def _person_of(command: ReferralCommand | None, referral: Referral) -> _Person | None:
    """The person, where the command makes a referral live."""
    if isinstance(command, CreateDraft | SubmitReferral):
        return _Person(acts_for(command.by), command.packet.client_ref, command.packet.programme)
    if isinstance(command, SubmitDraft) and referral.offer is not None and referral.packet is not None:
        return _Person(referral.offer.agency, referral.packet.client_ref, referral.offer.programme)
    return None


def named(*, programme: str | None = None, organisation: str | None = None, agency: str | None = None) -> Needs:
    """What is asked for by its own id, where it is known."""
    needs = {}
    if programme:
        needs["programme"] = Needed(programme_stream(programme), PROGRAMME)
    if organisation:
        needs["organisation"] = Needed(organisation_stream(organisation), ORGANISATION)
    if agency:
        needs["agency"] = Needed(organisation_stream(agency), ORGANISATION)
    return needs


def _basis(legal_basis_id: str | None) -> Needs:
    return {"legal_basis": Needed(legal_basis_stream(legal_basis_id), LEGAL_BASIS)} if legal_basis_id else {}


def broadcast_of(offer: Offer | None) -> Needs:
    """The broadcast that an offer is one of; nothing where it is no such offer."""
    if offer is None or offer.broadcast is UNSET:
        return {}
    return {"broadcast": Needed(broadcast_stream(offer.broadcast), BROADCAST)}


def _basis_of(command: ReferralCommand | WithdrawLegalBasis | None, referral: Referral) -> str | None:
    if referral.legal_basis_id is not None:
        return referral.legal_basis_id
    if isinstance(command, SubmitReferral | SubmitDraft | WithdrawLegalBasis):
        return command.legal_basis_id
    return None


def case_key_needed(case_key: str) -> Needed:
    """A case key, by its id."""
    return Needed(case_key_stream(case_key), CASE_KEY)


def _keys_as_written(person: _Person, programmes: Iterable[str]) -> set[tuple[str, str]]:
    """The case keys of a person by the pseudonym as it is written now, each with its programme."""
    return {(programme, case_key_of(person.agency, person.client_ref, programme)) for programme in programmes}


class ReferralContexts:
    """The contexts of commands on referrals. Keeps the calendars of programme versions, which never change."""

    def __init__(self, before: KnownBefore) -> None:
        self._before = before
        self._calendars = Calendars()

    def needs(self, command: ReferralCommand, own: Referral, /) -> Needs:
        """The streams that a command needs; for a new referral, every case key that its person may have among them."""
        needs = needs_of(command, own)
        if own.offer is None and (person := _person_of(command, own)) is not None:
            for _, key in sorted(_keys_as_written(person, self._before.known or ())):
                needs[f"case_key:{key}"] = case_key_needed(key)
        return needs

    async def make(
        self, command: ReferralCommand, stream: str, own: Referral, found: Mapping[str, Any], reads: Reads, /
    ) -> Context:
        """The context of a command on a referral."""
        basis = found.get("legal_basis") or LegalBasis()
        if isinstance(command, SubmitReferral):
            if own.state is None:
                # Its id follows from the referral's, and it is written only together with it.
                reads.take_as_new(legal_basis_stream(command.legal_basis_id), LEGAL_BASIS)
            basis = await reads.state(legal_basis_stream(command.legal_basis_id), LEGAL_BASIS)
        waitlisted_by = await _waitlisted_by(stream, reads) if isinstance(command, CorrectWaiting) else None
        context = self.of(command.at, own, {**found, "legal_basis": basis}, waitlisted_by)
        if isinstance(command, Accept) and context.broadcast.whose is not None:
            # The others' ends are written with it: read together, their versions cost one round trip.
            others = [referral_stream(standing.to.referral_id) for standing in context.broadcast.open_offers]
            await reads.together((other, REFERRAL) for other in others)
        return await self._with_person(context, _person_of(command, own), reads)

    def references(
        self, command: ReferralCommand | WithdrawLegalBasis, context: Context, /
    ) -> Mapping[str, str | None]:
        """Under which legal basis, charter and programme version the decision is taken, where it is under one."""
        version = context.in_force
        return {
            "legal_basis_id": _basis_of(command, context.referral),
            "charter_version": version.parameters.charter_version if version else None,
            "programme_version": f"{version.programme}/{version.version}" if version else None,
        }

    async def for_reader(self, referral_id: str, at: datetime, streams: Streams) -> Context:
        """The context for a reader who asks what is possible."""
        reads = Reads(streams)
        referral = await reads.state(referral_stream(referral_id), REFERRAL)
        return await self.load(needs_of(None, referral), at, referral, reads)

    async def load(self, needs: Needs, at: datetime, referral: Referral, reads: Reads) -> Context:
        """The context of a recorded referral, from what it needs."""
        await reads.together(needs.values())
        context = self.of(at, referral, {part: reads.seen(*needed) for part, needed in needs.items()})
        return await self._with_person(context, None, reads)

    def of(
        self, at: datetime, referral: Referral, found: Mapping[str, Any], waitlisted_by: str | None = None
    ) -> Context:
        """The context of the states that were found, by their parts in the decision."""
        programme: Programme = found.get("programme") or Programme()
        in_force = programme.in_force(at)
        return Context(
            at=at,
            actions=RULES,
            referral=referral,
            programme=programme,
            in_force=in_force,
            terms=self._terms_of(in_force),
            case_key=found.get("case_key") or CaseKey(),
            case_key_id=referral.offer.case_key if referral.offer is not None else "",
            organisation=found.get("organisation") or Organisation(),
            agency=found.get("agency") or Organisation(),
            legal_basis=found.get("legal_basis") or LegalBasis(),
            reminders=found.get("reminders") or Reminders(),
            waitlisted_by=waitlisted_by,
            broadcast=found.get("broadcast") or Broadcast(),
        )

    def _terms_of(self, version: ProgrammeVersionPublished | None) -> Calendar | None:
        if version is None:
            return None
        return self._calendars.of((version.programme, version.version), version.parameters)

    async def _with_person(self, context: Context, person: _Person | None, reads: Reads) -> Context:
        """The context with the case key that the referral is under, and the person's others.

        A recorded referral has its key. A new one goes on with the key in its programme that most hangs on.
        """
        if person is None:
            return context
        stream = person_stream(person.agency, person.client_ref)
        as_written = _keys_as_written(person, await self._before.all())
        found = sorted(as_written | (await reads.state(stream, PERSON)).keys | await self._before.keys(stream))
        await reads.together([case_key_needed(key) for _, key in found])
        keys = {key: (of, reads.seen(*case_key_needed(key))) for of, key in found}
        own = context.case_key_id
        if not own:
            own = case_key_of(*person)
            keys[own] = person.programme, context.case_key
            here = [key for key, (of, _) in keys.items() if of == person.programme]
            own = max(here, key=lambda key: (keys[key][1].weight, key == own))
        case_key = keys[own][1] if own in keys else context.case_key
        others = tuple(Elsewhere(programme=of, key=key) for name, (of, key) in keys.items() if name != own)
        return replace(context, case_key=case_key, case_key_id=own, elsewhere=others)


async def _waitlisted_by(stream: str, reads: Reads) -> str | None:
    records = await reads.log.read(stream)
    listed = [recorded.meta.event_id for recorded in records if isinstance(recorded.event, ReferralWaitlisted)]
    return listed[-1] if listed else None


def after(context: Context, referral: Referral, events: Sequence[object]) -> Context:
    """The context of a command after its events, as a reader needs it who asks what is possible now."""
    organisation, legal_basis = context.organisation, context.legal_basis
    for event in events:
        match event:
            case CapacityTaken() | CapacityReleased():
                organisation = ORGANISATION.evolve(organisation, event)
            case LegalBasisRecorded() | LegalBasisReliedOn() | LegalBasisWithdrawn():
                legal_basis = LEGAL_BASIS.evolve(legal_basis, event)
            case _:
                pass
    return replace(context, referral=referral, organisation=organisation, legal_basis=legal_basis)


async def country_of(reads: Reads, programme: str, at: datetime) -> str | None:
    """The country of a programme's version in force; None where there is none."""
    version = (await reads.state(programme_stream(programme), PROGRAMME)).in_force(at)
    return version.parameters.country if version is not None else None
