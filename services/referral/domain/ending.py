"""How a referral ends other than by declining: its agency withdraws it, it is completed, or the person stops it.

Every end releases what the referral held: the person's case key, and the place at the organisation.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from contracts.codes import SYSTEM_WITHDRAW_REASONS, Closure, LegalBasisKind, ReferralState, WithdrawReason
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.decider import Fault, Refused, To
from services.referral.domain.context import Context, ReferralCommand, nothing_recorded
from services.referral.domain.guards import allow
from services.referral.domain.legal_basis import LegalBasisWithdrawn, WithdrawLegalBasis
from services.referral.domain.offer import OfReferral, PartEnds, acts_for, referral_stream
from services.referral.domain.referral_state import TERMINAL, Answer
from services.referral.domain.steps import access_after_end, let_go


class Withdraw(ReferralCommand, frozen=True, kw_only=True):
    """Take the offer back before it is accepted. Free text goes with OTHER only; it is in the vault."""

    reason: WithdrawReason
    text_ref: str | None = None


class CompleteReferral(ReferralCommand, frozen=True, kw_only=True):
    """The agency accepted the handback at `closed_at` (casefile reports it): the loop is closed.

    `access` is when the organisation's access ends, counted from the end of the trajectory, as casefile recorded it.
    """

    closed_at: datetime
    access: Deadline | None = None


class EndAccess(ReferralCommand, frozen=True, kw_only=True):
    """The organisation's access to the case has ended (casefile reports it), and with it the access to its referral."""


class ReferralWithdrawn(PartEnds, frozen=True, kw_only=True):
    """The agency took the offer back, the person withdrew the legal basis, or the draft lapsed."""

    reason: str
    text_ref: str | None = None


class ReferralCompleted(PartEnds, frozen=True, kw_only=True):
    """An accepted referral came to its end."""

    closure: str
    loop_closed_at: datetime


class AccessEnded(OfReferral, frozen=True, kw_only=True):
    """The organisation can no longer read the referral."""

    BYSTANDER: ClassVar[bool] = True


def withdraw(command: Withdraw, context: Context) -> list[ReferralWithdrawn | To]:
    """Takes the offer back; after acceptance the way back is the handback."""
    answer = Answer(reason=command.reason.value, refs=(command.text_ref,))
    if context.referral.state is ReferralState.WITHDRAWN and context.referral.ended_with == answer:
        return []
    allow("withdraw", context, command.by)
    if command.reason in SYSTEM_WITHDRAW_REASONS:
        raise Refused.input(Fault("/reason", "SYSTEM_REASON", "only the system records this reason"))
    if command.text_ref is not None and command.reason is not WithdrawReason.OTHER:
        detail = "free text is allowed only with the reason OTHER"
        raise Refused.input(Fault("/text", "TEXT_ONLY_WITH_OTHER", detail, rests_on=("/reason",)))
    withdrawn = ReferralWithdrawn(
        offer=context.offer,
        at=command.at,
        by=acts_for(command.by),
        reason=command.reason.value,
        text_ref=command.text_ref,
        access=access_after_end(context),
    )
    return [*let_go(context), withdrawn]


def complete(command: CompleteReferral, context: Context) -> list[ReferralCompleted | To]:
    """Closes the loop. A referral that has ended already, by a consent stop or as an error, stays as it is."""
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


def end_access(command: EndAccess, context: Context) -> list[AccessEnded]:
    """Ends the organisation's access, in whatever state the referral is."""
    referral = context.referral
    if referral.access_ended:
        return []
    return [AccessEnded(offer=context.offer, at=command.at, by=acts_for(command.by), deadlines=referral.running)]


def withdraw_legal_basis(command: WithdrawLegalBasis, context: Context) -> list[LegalBasisWithdrawn | To]:
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
            f"the sharing rests on {basis.given.kind}; only CONSENT can be withdrawn (GDPR Art. 7(3)); "
            "the person may object to another basis (Art. 21)",
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
    end: ReferralCompleted | ReferralWithdrawn = (
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
