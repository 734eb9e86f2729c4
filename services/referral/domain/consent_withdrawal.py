"""The person withdraws their consent: nothing more is shared, and the referral that rests on it ends with it."""

from __future__ import annotations

from contracts.codes import Closure, LegalBasisKind, ReferralState, WithdrawReason
from services.chassis.modelling.decider import Command, Refused, To
from services.referral.domain.context import Context, nothing_recorded
from services.referral.domain.ending import ReferralCompleted, ReferralWithdrawn
from services.referral.domain.legal_basis import LegalBasisWithdrawn
from services.referral.domain.live_referral import let_go
from services.referral.domain.offer import acts_for, referral_stream


class WithdrawLegalBasis(Command, frozen=True, kw_only=True):
    """The person withdraws, through either side. It takes effect at once, and moves responsibility.

    `channel` is the code of the way that they took, where the caller gives one.
    """

    legal_basis_id: str
    channel: str | None = None


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
