"""What decisions on anything but a referral rest on: legal bases, broadcasts, organisations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from services.chassis.deciding.context import Needed
from services.chassis.deciding.streams import Reads
from services.referral.context import Needs, ReferralContexts, broadcast_of, case_key_needed, named, needs_of
from services.referral.domain.broadcast import Broadcast
from services.referral.domain.broadcasting import (
    BroadcastCommand,
    BroadcastContext,
    OpenBroadcast,
    WithdrawBroadcast,
)
from services.referral.domain.consent_withdrawal import WithdrawLegalBasis
from services.referral.domain.context import Context
from services.referral.domain.legal_basis import LEGAL_BASIS, LegalBasis, legal_basis_stream
from services.referral.domain.offer import referral_stream
from services.referral.domain.organisation import (
    ORGANISATION,
    DescribeOrganisation,
    Organisation,
    OrganisationContext,
    organisation_stream,
)
from services.referral.domain.programme import PROGRAMME, programme_stream
from services.referral.domain.referral import REFERRAL
from services.referral.domain.referral_state import Referral
from services.referral.domain.submission import SubmitReferral


class LegalBasisContexts:
    """The contexts of the withdrawal of a legal basis: those of the referral that it was given for."""

    def __init__(self, referrals: ReferralContexts) -> None:
        self._referrals = referrals
        self.references = referrals.references

    def needs(self, _command: WithdrawLegalBasis, own: LegalBasis, /) -> Needs:
        """The referral, and the broadcast that it was an offer of."""
        if own.offer is None:
            return {}
        return {"referral": Needed(referral_stream(own.offer.referral_id), REFERRAL), **broadcast_of(own.offer)}

    async def make(
        self, command: WithdrawLegalBasis, _stream: str, own: LegalBasis, found: Mapping[str, Any], reads: Reads, /
    ) -> Context:
        """The context of the referral, with this basis."""
        referral: Referral = found.get("referral") or REFERRAL.initial
        broadcast: Broadcast = found.get("broadcast") or Broadcast()
        won = next((offer for offer in broadcast.offers if offer.to.organisation == broadcast.winner), None)
        if won is not None:
            # The one yes of the person was for all of them: the referral that goes on by it ends with it.
            referral = await reads.state(referral_stream(won.to.referral_id), REFERRAL)
        needs = needs_of(None, referral)
        if referral.offer is not None:
            needs["case_key"] = case_key_needed(referral.offer.case_key)
        context = await self._referrals.load(needs, command.at, referral, reads)
        return replace(context, legal_basis=own, broadcast=broadcast)


class BroadcastContexts:
    """The contexts of commands on broadcasts: what a new referral of the person rests on, to each organisation."""

    def __init__(self, referrals: ReferralContexts) -> None:
        self._referrals = referrals

    def needs(self, command: BroadcastCommand, own: Broadcast, /) -> Needs:
        """What a new referral needs, and the organisations; for a withdrawal the programme, whose terms begin."""
        if isinstance(command, WithdrawBroadcast):
            return named(programme=own.whose.programme) if own.whose is not None else {}
        return {
            **self._referrals.needs(_as_one(command), Referral()),
            **{
                f"offered:{offer.organisation}": Needed(organisation_stream(offer.organisation), ORGANISATION)
                for offer in command.offers
            },
        }

    async def make(
        self, command: BroadcastCommand, stream: str, own: Broadcast, found: Mapping[str, Any], reads: Reads, /
    ) -> BroadcastContext:
        """The context of a command on a broadcast."""
        if isinstance(command, WithdrawBroadcast):
            others = [(referral_stream(standing.to.referral_id), REFERRAL) for standing in own.open_offers]
            await reads.together(others)
            return BroadcastContext(broadcast=own, context=self._referrals.of(command.at, Referral(), found))
        if own.state is None:
            # Their ids follow from the broadcast's, and they are written only together with it.
            for offer in command.offers:
                reads.take_as_new(referral_stream(offer.referral_id), REFERRAL)
                reads.take_as_new(legal_basis_stream(offer.legal_basis_id), LEGAL_BASIS)
        context = await self._referrals.make(_as_one(command), stream, Referral(), found, reads)
        organisations = {
            name.removeprefix("offered:"): state for name, state in found.items() if name.startswith("offered:")
        }
        return BroadcastContext(broadcast=own, context=context, organisations=organisations)

    def references(self, _command: BroadcastCommand, around: BroadcastContext, /) -> Mapping[str, str | None]:
        """The programme version; each offer names its own legal basis."""
        version = around.context.in_force
        return {
            "legal_basis_id": None,
            "charter_version": version.parameters.charter_version if version else None,
            "programme_version": f"{version.programme}/{version.version}" if version else None,
        }


def _as_one(command: OpenBroadcast) -> SubmitReferral:
    """The first of the offers as a referral of its own, for what all of them rest on."""
    first = command.offers[0]
    return SubmitReferral(
        at=command.at,
        by=command.by,
        referral_id=first.referral_id,
        packet=replace(command.packet, to=first.organisation),
        legal_basis_id=first.legal_basis_id,
        new_case_id=command.new_case_id,
    )


class OrganisationContexts:
    """The contexts of an organisation: its own state, and which of the programmes that it names exist."""

    def needs(self, command: DescribeOrganisation, _own: Organisation, /) -> Needs:
        """The programmes that it names."""
        named = command.description.programmes
        return {programme: Needed(programme_stream(programme), PROGRAMME) for programme in named}

    async def make(
        self,
        _command: DescribeOrganisation,
        _stream: str,
        own: Organisation,
        found: Mapping[str, Any],
        _reads: Reads,
        /,
    ) -> OrganisationContext:
        """The organisation with the programmes that exist."""
        known = frozenset(name for name, programme in found.items() if programme.versions)
        return OrganisationContext(organisation=own, known_programmes=known)

    def references(self, _command: DescribeOrganisation, _context: OrganisationContext, /) -> Mapping[str, str | None]:
        """None: nobody's data are involved."""
        return {}
