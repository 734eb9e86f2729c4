"""What a move of one of several offers means for the others: each is noted in the broadcast, one wins, or all are over.

Every decision on a referral comes by here; for all but the offers of a broadcast nothing is added to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from msgspec import UNSET
from msgspec.structs import replace

from contracts.broadcast_codes import AllocationRule, BroadcastState
from contracts.codes import ReferralState, WithdrawReason
from services.chassis.modelling.decider import To
from services.referral.domain.answering import ReferralAccepted, ReferralDeclined, ReferralReceived
from services.referral.domain.broadcast import (
    Broadcast,
    BroadcastEnded,
    OfferMove,
    OfferMoved,
    OfferNoted,
    OfferWon,
    Standing,
    Whose,
    broadcast_stream,
    evolve,
)
from services.referral.domain.case_key import CaseKeyReleased, CaseKeyTaken, case_key_stream
from services.referral.domain.context import Context
from services.referral.domain.corrected_wait import WaitingCorrected
from services.referral.domain.deadlines import DeadlineMissed, ReferralExpired
from services.referral.domain.ending import ReferralWithdrawn
from services.referral.domain.entered_in_error import ErrorReported, ReferralEnteredInError
from services.referral.domain.information import InformationProvided, InformationRequested
from services.referral.domain.ladder import DeadlineEscalated, WaitlistAlerted, codes_of
from services.referral.domain.offer import PartEnds, referral_stream
from services.referral.domain.packet import CompletePacket
from services.referral.domain.reminders import DeadlineReminded
from services.referral.domain.waiting_list import ReferralWaitlisted

_S = ReferralState
_RETURNED = frozenset({_S.DECLINED, _S.EXPIRED})


class Move(NamedTuple):
    """An event of an offer as its broadcast notes it; without a state it moves the offer nowhere."""

    name: OfferMove
    state: ReferralState | None = None
    codes: tuple[str, ...] = ()
    due_at: datetime | None = None


def followed(context: Context, at: datetime, by: str, decided: Sequence[Any]) -> list[Any]:
    """What was decided on a referral, with what follows from it for the other offers of its broadcast."""
    offer, broadcast = context.referral.offer, context.broadcast
    if offer is None or not offer.is_anonymous or not decided or broadcast.whose is None:
        return list(decided)
    whose = replace(broadcast.whose, programme_version=context.offer.programme_version)
    entries: list[OfferMoved] = []
    own: list[Any] = []
    for event in decided:
        bare = event.event if isinstance(event, To) else event
        if (move := _move_of(bare)) is not None:
            kind = OfferMoved if move.state is not None else OfferNoted
            entries.append(
                kind(
                    whose=whose,
                    at=at,
                    by=by,
                    referral_id=offer.referral_id,
                    organisation=offer.organisation or "",
                    event=move.name,
                    state=(move.state or context.referral.state or _S.SUBMITTED).value,
                    codes=move.codes,
                    expected_by=getattr(bare, "expected_by", None),
                    due_at=move.due_at,
                    level=getattr(bare, "level", UNSET),
                    notified=getattr(bare, "notified", UNSET),
                )
            )
        own.append(_kept_for(event))
    return [*own, *_of_the_whole(context, broadcast, whose, at, by, entries)]


def _kept_for(event: Any) -> Any:
    """The event as the offer keeps it: the one that wins is no secret any more, and one that ended may be forgotten."""
    if isinstance(event, ReferralAccepted):
        return replace(event, offer=replace(event.offer, broadcast=UNSET))
    if isinstance(event, PartEnds) and event.access is not None:
        # Casefile, which ends the access to cases, knows of none here: the referral's own clock does it.
        return replace(event, deadlines=(event.access,))
    return event


def _of_the_whole(
    context: Context, broadcast: Broadcast, whose: Whose, at: datetime, by: str, entries: Sequence[OfferMoved]
) -> list[To]:
    stream = broadcast_stream(whose.broadcast_id)
    noted = [To(stream, entry) for entry in entries]
    if broadcast.state is not BroadcastState.OPEN:
        return noted
    after = broadcast
    for entry in entries:
        after = evolve(after, entry)
    if any(entry.event == "ReferralAccepted" for entry in entries):
        return [To(stream, _won(context, whose, at, by)), *noted, *_lost(context, after, whose, at, by)]
    if after.open_offers:
        return noted
    return [*noted, *ended(after, whose, at, by)]


def _won(context: Context, whose: Whose, at: datetime, by: str) -> OfferWon:
    referral, packet = context.referral, context.referral.packet
    assert isinstance(packet, CompletePacket)  # noqa: S101 - it was submitted
    return OfferWon(
        whose=whose,
        at=at,
        by=by,
        referral_id=context.offer.referral_id,
        organisation=context.offer.organisation or "",
        why=AllocationRule.FIRST_TO_ACCEPT.value,
        client_ref=packet.client_ref,
        previous_referral=packet.previous_referral,
        recommended_mentor_kind=packet.recommended_mentor_kind,
        legal_basis_id=referral.legal_basis_id or "",
        given=packet.legal_basis,
        deadlines=referral.running,
    )


def _lost(context: Context, after: Broadcast, whose: Whose, at: datetime, by: str) -> list[To]:
    """The ends of the other offers; from now on the winner's referral is the person's live one."""
    taken = CaseKeyTaken(referral_id=context.offer.referral_id, case_id=whose.case_id, submitted=True)
    reason = WithdrawReason.OTHER_ORGANISATION_CHOSEN.value
    return [*withdrawn(context, after, whose, at, by, reason), To(case_key_stream(whose.case_key), taken)]


def withdrawn(
    context: Context,
    broadcast: Broadcast,
    whose: Whose,
    at: datetime,
    by: str,
    reason: str,
    text_ref: str | None = None,
) -> list[To]:
    """The ends of all offers that are still open, each in its own stream and in the broadcast."""
    access = None if reason == WithdrawReason.CONSENT_WITHDRAWN else context.deadline("NGO_ACCESS", at)
    events: list[To] = []
    for standing in broadcast.open_offers:
        end = ReferralWithdrawn(
            offer=broadcast.offer(standing, whose.programme_version),
            at=at,
            # It is the agency's offer, also where another's act ends it.
            by=whose.agency,
            deadlines=(access,) if access is not None else (),
            reason=reason,
            text_ref=text_ref,
            access=access,
        )
        events += [
            To(referral_stream(standing.to.referral_id), end),
            To(broadcast_stream(whose.broadcast_id), _entry(standing, end, whose, at, by)),
        ]
    return events


def _entry(standing: Standing, end: ReferralWithdrawn, whose: Whose, at: datetime, by: str) -> OfferMoved:
    return OfferMoved(
        whose=whose,
        at=at,
        by=by,
        referral_id=standing.to.referral_id,
        organisation=standing.to.organisation,
        event="ReferralWithdrawn",
        state=_S.WITHDRAWN.value,
        codes=(end.reason,),
    )


def ended(
    after: Broadcast, whose: Whose, at: datetime, by: str, reason: str | None = None, text_ref: str | None = None
) -> list[To]:
    """The end of a broadcast whose last offer has ended: the person may be referred again."""
    states = {standing.state for standing in after.offers}
    state = BroadcastState.WITHDRAWN
    if reason is None and states <= _RETURNED:
        state = BroadcastState.DECLINED if _S.DECLINED in states else BroadcastState.EXPIRED
    end = BroadcastEnded(whose=whose, at=at, by=by, state=state.value, reason=reason, text_ref=text_ref)
    real = tuple(standing.to.referral_id for standing in after.offers if standing.state is not _S.ENTERED_IN_ERROR)
    freed = CaseKeyReleased(referral_id=whose.broadcast_id, offered=bool(real), offers=real)
    return [To(broadcast_stream(whose.broadcast_id), end), To(case_key_stream(whose.case_key), freed)]


def _move_of(event: object) -> Move | None:
    """An event of an offer as its broadcast notes it; None for one that says nothing of how the offer stands."""
    match event:
        case ReferralReceived():
            return Move("ReferralReceived", _S.RECEIVED)
        case InformationRequested():
            return Move("InformationRequested", _S.INFO_REQUESTED, tuple(event.codes))
        case InformationProvided():
            return Move("InformationProvided", _S.RECEIVED, tuple(answer.code for answer in event.answers))
        case ReferralWaitlisted():
            return Move("ReferralWaitlisted", _S.WAITLISTED, (event.reason,))
        case WaitingCorrected():
            return Move("WaitingCorrected", None, (event.reason,))
        case ReferralAccepted():
            return Move("ReferralAccepted", _S.ACCEPTED)
        case ReferralDeclined():
            return Move("ReferralDeclined", _S.DECLINED, (event.reason,))
        case ReferralWithdrawn():
            return Move("ReferralWithdrawn", _S.WITHDRAWN, (event.reason,))
        case ReferralExpired():
            return Move("ReferralExpired", _S.EXPIRED)
        case ReferralEnteredInError():
            return Move("ReferralEnteredInError", _S.ENTERED_IN_ERROR)
        case ErrorReported():
            return Move("ErrorReported")
        case DeadlineMissed() | DeadlineReminded():
            name: OfferMove = "DeadlineMissed" if isinstance(event, DeadlineMissed) else "DeadlineReminded"
            return Move(name, None, (event.deadline.name,), event.deadline.due_at)
        case DeadlineEscalated():
            return Move("DeadlineEscalated", None, (event.deadline,), event.due_at)
        case WaitlistAlerted():
            return Move("WaitlistAlerted", None, codes_of(event), event.since)
        case _:
            return None
