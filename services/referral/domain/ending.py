"""How a referral ends other than by a no: withdrawn by its agency, completed, or stopped by the person.

Every end gives back what the referral held: the person's case key, and the place at the organisation.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from contracts.codes import SYSTEM_WITHDRAW_REASONS, Closure, LegalBasisKind, ReferralState, WithdrawReason
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.decider import Fault, Refused, To
from services.referral.domain.case_key import CaseKeyReleased, case_key_stream
from services.referral.domain.context import Context, ReferralCommand, nothing_recorded
from services.referral.domain.guards import allow
from services.referral.domain.legal_basis import LegalBasisWithdrawn, WithdrawLegalBasis
from services.referral.domain.offer import PartEnds, ReferralEvent, acts_for, referral_stream
from services.referral.domain.organisation import CapacityReleased, organisation_stream
from services.referral.domain.referral_state import TERMINAL, Answer


class Withdraw(ReferralCommand, frozen=True, kw_only=True):
    """Take the offer back before it is accepted. A text goes with OTHER only; it is in the vault."""

    reason: WithdrawReason
    text_ref: str | None = None


class CompleteReferral(ReferralCommand, frozen=True, kw_only=True):
    """The agency accepted the handback at `closed_at` (a fact that casefile tells): the loop is closed.

    `access` is when the organisation's access ends, counted from the end of the trajectory, as casefile wrote it down.
    """

    closed_at: datetime
    access: Deadline | None = None


class EndAccess(ReferralCommand, frozen=True, kw_only=True):
    """The organisation's access to the case has ended (a fact that casefile tells), and so has that to its referral."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralWithdrawn(PartEnds):
    """The offer was taken back, or its legal basis was, or the draft lapsed."""

    reason: str
    text_ref: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralCompleted(PartEnds):
    """An accepted referral came to its end."""

    closure: str
    loop_closed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessEnded(ReferralEvent):
    """The organisation reads nothing of the referral any more."""

    BYSTANDER: ClassVar[bool] = True


def withdraw(command: Withdraw, context: Context) -> list[Any]:
    """Takes the offer back; after acceptance the way back is the handback."""
    said = Answer(reason=command.reason.value, refs=(command.text_ref,))
    if context.referral.state is ReferralState.WITHDRAWN and context.referral.ended_with == said:
        return []
    allow("withdraw", context, command.by)
    if command.reason in SYSTEM_WITHDRAW_REASONS:
        raise Refused.input(Fault("/reason", "SYSTEM_REASON", "this reason is recorded by the system only"))
    if command.text_ref is not None and command.reason is not WithdrawReason.OTHER:
        raise Refused.input(
            Fault(
                "/text", "TEXT_ONLY_WITH_OTHER", "the reason's code says it; no text beside it", rests_on=("/reason",)
            )
        )
    withdrawn = ReferralWithdrawn(
        offer=context.offer,
        at=command.at,
        by=acts_for(command.by),
        reason=command.reason.value,
        text_ref=command.text_ref,
        access=access_after_end(context),
    )
    return [*let_go(context), withdrawn]


def complete(command: CompleteReferral, context: Context) -> list[Any]:
    """Closes the loop. One that has ended already, by a consent stop or as an error, stays as it ended."""
    if context.referral.state in TERMINAL:
        return []
    allow("complete", context, command.by)
    completed = ReferralCompleted(
        offer=context.offer,
        at=command.at,
        by=acts_for(command.by),
        closure=Closure.HANDBACK_ACCEPTED.value,
        loop_closed_at=command.closed_at,
        access=command.access,
    )
    return [*let_go(context), completed]


def end_access(command: EndAccess, context: Context) -> list[Any]:
    """Ends the organisation's access, in whatever state the referral is."""
    referral = context.referral
    if referral.access_ended:
        return []
    return [AccessEnded(offer=context.offer, at=command.at, by=acts_for(command.by), deadlines=referral.running)]


def withdraw_legal_basis(command: WithdrawLegalBasis, context: Context) -> list[Any]:
    """The person withdraws: nothing more is shared, and the referral that rests on the basis ends with it.

    The command's own stream is the legal basis'; the referral's end is in the same transaction, so that no answer
    can come in between.
    """
    basis, referral = context.legal_basis, context.referral
    if basis.given is None or basis.offer is None:
        raise nothing_recorded()
    if basis.withdrawn_at is not None:
        return []
    if basis.given.kind != LegalBasisKind.CONSENT:
        raise Refused(
            "LEGAL_BASIS_NOT_CONSENT",
            f"the sharing rests on {basis.given.kind}; only CONSENT can be withdrawn (GDPR Art. 7(3)), "
            "against another basis the person may object (Art. 21)",
        )
    by = acts_for(command.by)
    own = LegalBasisWithdrawn(
        legal_basis_id=command.legal_basis_id,
        offer=basis.offer,
        by=by,
        withdrawn_at=command.at,
        channel=command.channel,
    )
    if referral.legal_basis_id != command.legal_basis_id or not referral.live:
        return [own]
    end: ReferralEvent = (
        ReferralCompleted(
            offer=context.offer,
            at=command.at,
            by=by,
            closure=Closure.CONSENT_WITHDRAWN.value,
            loop_closed_at=command.at,
        )
        if referral.state is ReferralState.ACCEPTED
        else ReferralWithdrawn(offer=context.offer, at=command.at, by=by, reason=WithdrawReason.CONSENT_WITHDRAWN.value)
    )
    return [own, *let_go(context), To(referral_stream(context.offer.referral_id), end)]


def access_after_end(context: Context) -> Deadline | None:
    """When the addressed organisation's access ends, now that its part does (rule A): by the programme's NGO_ACCESS.

    A part that ended before keeps the end that it had. None for a draft, of which nobody else knows.
    """
    referral = context.referral
    if not referral.offered or not referral.live:
        return referral.access
    return context.deadline("NGO_ACCESS", context.at)


def let_go(context: Context, *, in_error: bool = False) -> list[To]:
    """Gives back the case key and the place at the organisation, of a referral that is still live."""
    referral, offer = context.referral, context.offer
    if not referral.live:
        return []
    freed = [
        To(
            case_key_stream(offer.case_key),
            CaseKeyReleased(referral_id=offer.referral_id, offered=referral.offered and not in_error),
        )
    ]
    if referral.state is ReferralState.ACCEPTED and offer.organisation is not None:
        released = CapacityReleased(organisation=offer.organisation, referral_id=offer.referral_id)
        freed.append(To(organisation_stream(offer.organisation), released))
    return freed
