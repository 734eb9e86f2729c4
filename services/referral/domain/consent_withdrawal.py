"""The person withdraws their consent: nothing more is shared, and the referral that rests on it ends with it."""

from __future__ import annotations

from contracts.broadcast_codes import BroadcastState
from contracts.codes import Closure, LegalBasisKind, ReferralState, WithdrawReason
from services.chassis.modelling.decider import Command, Refused, To
from services.referral.domain import offer_moves
from services.referral.domain.broadcast import Whose
from services.referral.domain.context import Context, nothing_recorded
from services.referral.domain.ending import ReferralCompleted, ReferralWithdrawn
from services.referral.domain.legal_basis import LegalBasisWithdrawn, legal_basis_stream
from services.referral.domain.live_referral import forgotten, let_go
from services.referral.domain.offer import Offer, acts_for, referral_stream


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
    if context.broadcast.whose is not None:
        return _of_several(command, context, context.broadcast.whose, by)
    own = _withdrawn(command, command.legal_basis_id, basis.offer, by)
    if referral.legal_basis_id != command.legal_basis_id or not referral.live:
        return [own]
    return [own, *_ended(command, context, by)]


def _withdrawn(command: WithdrawLegalBasis, legal_basis_id: str, offer: Offer, by: str) -> LegalBasisWithdrawn:
    return LegalBasisWithdrawn(
        legal_basis_id=legal_basis_id, offer=offer, by=by, withdrawn_at=command.at, channel=command.channel
    )


def _ended(command: WithdrawLegalBasis, context: Context, by: str) -> list[To]:
    """The end of the referral that is live on the basis."""
    end: ReferralCompleted | ReferralWithdrawn = (
        ReferralCompleted(
            offer=context.offer,
            at=command.at,
            by=by,
            closure=Closure.CONSENT_WITHDRAWN.value,
            loop_closed_at=command.at,
        )
        if context.referral.state is ReferralState.ACCEPTED
        else ReferralWithdrawn(offer=context.offer, at=command.at, by=by, reason=WithdrawReason.CONSENT_WITHDRAWN.value)
    )
    return [*let_go(context), To(referral_stream(context.offer.referral_id), end)]


def _of_several(command: WithdrawLegalBasis, context: Context, whose: Whose, by: str) -> list[LegalBasisWithdrawn | To]:
    """The person said one yes to sharing with several: wherever they withdraw it, all of it ends."""
    broadcast, referral = context.broadcast, context.referral
    events: list[LegalBasisWithdrawn | To] = []
    for standing in broadcast.offers:
        offer = broadcast.offer(standing, whose.programme_version)
        if standing.to.organisation == broadcast.winner and referral.offer is not None:
            offer = referral.offer
        withdrawn = _withdrawn(command, standing.to.legal_basis_id, offer, by)
        own = standing.to.legal_basis_id == command.legal_basis_id
        events.append(withdrawn if own else To(legal_basis_stream(standing.to.legal_basis_id), withdrawn))
    if broadcast.state is BroadcastState.OPEN:
        reason = WithdrawReason.CONSENT_WITHDRAWN.value
        ends = offer_moves.withdrawn(context, broadcast, whose, command.at, by, reason)
        return [*events, *ends, *offer_moves.ended(broadcast, whose, command.at, by, reason)]
    if broadcast.state is BroadcastState.WON:
        events += forgotten(context, "LegalBasisWithdrawn", command.at, by)
        if referral.live:
            events += _ended(command, context, by)
    return events
