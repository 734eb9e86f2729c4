"""Which streams a decision about a referral has to read: what `Context` is filled from."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.codes import ReferralState
from services.chassis.modelling.decider import Command
from services.referral.domain.case_key import case_key_of
from services.referral.domain.drafting import CreateDraft, EditDraft
from services.referral.domain.offer import acts_for
from services.referral.domain.referral_state import Referral
from services.referral.domain.submission import SubmitDraft, SubmitReferral


@dataclass(frozen=True, slots=True, kw_only=True)
class RestsOn:
    """Ids, each None where the decision needs none.

    `person` is the (agency, client ref) whose referrals in all programmes the decision has to know: that of a command
    that makes a referral live.
    """

    case_key: str | None = None
    person: tuple[str, str] | None = None
    organisation: str | None = None
    agency: str | None = None
    programme: str | None = None
    legal_basis: str | None = None


def rests_on(command: Command | None, referral: Referral) -> RestsOn:
    """What to read for the command; without one, what to read for somebody who asks what is possible."""
    if isinstance(command, CreateDraft | SubmitReferral):
        packet = command.packet
        person = acts_for(command.by), packet.client_ref
        return RestsOn(
            case_key=case_key_of(*person, packet.programme),
            person=person,
            organisation=packet.to,
            # Its answer says whether the draft can be submitted.
            agency=person[0] if isinstance(command, CreateDraft) else None,
            programme=packet.programme,
        )
    offer, drafted = referral.offer, referral.packet
    if offer is None or drafted is None:
        return RestsOn()
    to = command.packet.to if isinstance(command, EditDraft) else drafted.to
    return RestsOn(
        case_key=offer.case_key,
        person=(offer.agency, drafted.client_ref) if isinstance(command, SubmitDraft) else None,
        organisation=to,
        # Whether the agency may still make an offer matters as long as it has not.
        agency=offer.agency if referral.state is ReferralState.DRAFT else None,
        programme=offer.programme,
        legal_basis=referral.legal_basis_id,
    )
