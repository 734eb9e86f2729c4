"""How offers to several organisations enter the case: it is REFERRED with the first, and OPENED again with the last.

No organisation has a part in the case before it wins. Then the winner's referral is the case's like any other, and its
acceptance, which follows, like any other's.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Final, assert_never

from msgspec import UNSET, Struct
from msgspec.structs import replace

from contracts.codes import LegalBasisKind
from services.casefile.domain import referral_entry
from services.casefile.domain.closing import CaseReopened
from services.casefile.domain.context import Context
from services.casefile.domain.gap_report import ServiceGapReported
from services.casefile.domain.late_offers import late_after
from services.casefile.domain.next_steps import next_service
from services.casefile.domain.opening import (
    CaseReferred,
    LegalBasisRecorded,
    OpeningEvent,
    TakeSubmission,
    take_submission,
)
from services.casefile.domain.referral_entry import ReferralEntryTaken, ReferralMessage, entry
from services.casefile.domain.state import Case, OpenBroadcast
from services.casefile.domain.steps import Moves, ended_by
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.decider import Command, Event

ACCEPTED: Final = "ReferralAccepted"


class OfferedTo(Struct, frozen=True, kw_only=True):
    """One of the offers: to whom, by which referral."""

    organisation: str
    referral: str
    legal_basis: str


class TakeBroadcast(Command, frozen=True, kw_only=True):
    """The person was offered to several: the case opens with it, or is referred again, like with a single referral.

    The `submission` has the broadcast's id in the place of a referral's, and neither organisation nor legal basis.
    """

    submission: TakeSubmission
    offers: tuple[OfferedTo, ...]


class TakeOfferAnswer(Command, frozen=True, kw_only=True):
    """Something happened to one of the offers: it stands in the history, and moves nothing."""

    message: ReferralMessage
    due_at: datetime | None = None


class TakeOfferWon(Command, frozen=True, kw_only=True):
    """An organisation won: from now on the case is offered to it alone, and its acceptance follows."""

    message: ReferralMessage
    broadcast: str
    previous_referral: str | None
    recommended_mentor_kind: str | None
    legal_basis: LegalBasisRecorded
    deadlines: tuple[Deadline, ...]


class TakeBroadcastEnd(Command, frozen=True, kw_only=True):
    """The last offer ended, and nobody won."""

    message: ReferralMessage
    broadcast: str


class CaseOffered(Event, frozen=True, kw_only=True):
    """The case is offered to several organisations at once, which is for its agency to know alone.

    `kind` is that of the legal bases.
    """

    broadcast: str
    agency: str
    previous_referral: str | None
    programme_version: int
    recommended_mentor_kind: str | None
    offers: tuple[OfferedTo, ...]
    kind: str
    deadlines: tuple[Deadline, ...]
    support_needs: tuple[str, ...] = ()


class OfferEntryTaken(ReferralEntryTaken, frozen=True, kw_only=True):
    """What happened to one of the offers, taken into the case's own history; `name` is that of any referral's."""

    BYSTANDER: ClassVar[bool] = True


class OfferTermTaken(OfferEntryTaken, frozen=True, kw_only=True):
    """The same of a term that was missed, or is not late any more: readers read that of the case, so its ETag moves."""

    BYSTANDER: ClassVar[bool] = False


class OffersEnded(Event, frozen=True, kw_only=True):
    """The last offer ended without a winner: the lead decides again. `reason` is that of a withdrawal of all."""

    broadcast: str
    agency: str
    reason: str | None
    deadlines: tuple[Deadline, ...]


def take_broadcast(
    command: TakeBroadcast, context: Context
) -> list[ReferralEntryTaken | CaseReopened | OpeningEvent | ServiceGapReported | CaseOffered]:
    """Opens the case with all that was recorded at entry, or refers an open one again with what is new."""
    taken = take_submission(command.submission, context)
    # The winner's legal basis stands in the record once it has won.
    return [_offered(command, event) for event in taken if not isinstance(event, LegalBasisRecorded)]


def _offered(
    command: TakeBroadcast, event: ReferralEntryTaken | CaseReopened | OpeningEvent | ServiceGapReported
) -> ReferralEntryTaken | CaseReopened | OpeningEvent | ServiceGapReported | CaseOffered:
    """What follows from offers to several, where this follows from one to a single organisation."""
    if not isinstance(event, CaseReferred):
        return event
    return CaseOffered(
        broadcast=event.referral,
        agency=command.submission.message.agency,
        previous_referral=event.previous_referral,
        programme_version=event.programme_version,
        recommended_mentor_kind=event.recommended_mentor_kind,
        offers=command.offers,
        kind=command.submission.legal_basis.kind,
        deadlines=event.deadlines,
        support_needs=command.submission.support_needs,
    )


def take_offer_answer(command: TakeOfferAnswer, context: Context) -> list[ReferralEntryTaken]:
    """Keeps what happened to an offer: who was asked when, and who answered what.

    Not that one was accepted: the acceptance itself is the case's, and comes with what follows from it.
    """
    if command.message.source_event_id in context.case.taken or command.message.name == ACCEPTED:
        return []
    noted = entry(command.message, due_at=command.due_at, kind=OfferEntryTaken)
    if late_after(context.case, noted) == context.case.late:
        return [noted]
    return [entry(command.message, due_at=command.due_at, kind=OfferTermTaken)]


def take_offer_won(command: TakeOfferWon, context: Context) -> list[ReferralEntryTaken | OpeningEvent]:
    """The case is offered to the winner alone."""
    message, case = command.message, context.case
    if message.source_event_id in case.taken:
        return []
    if case.broadcast is None or case.broadcast.broadcast != command.broadcast:
        return [entry(message)]
    sent = case.broadcast.sent or UNSET
    referred = CaseReferred(
        referral=message.referral,
        previous_referral=command.previous_referral,
        organisation=message.organisation,
        legal_basis=command.legal_basis.legal_basis,
        programme_version=message.programme_version,
        recommended_mentor_kind=command.recommended_mentor_kind,
        support_needs=case.broadcast.support_needs,
        deadlines=command.deadlines,
        offered=sent,
    )
    return [entry(message), replace(command.legal_basis, offered=sent), referred]


def take_broadcast_end(command: TakeBroadcastEnd, context: Context) -> list[ReferralEntryTaken | OffersEnded]:
    """The case goes back to its lead, who has a few days to decide what comes next."""
    message, case = command.message, context.case
    if message.source_event_id in case.taken:
        return []
    if case.broadcast is None or case.broadcast.broadcast != command.broadcast:
        return [entry(message)]
    step = next_service(context, message.occurred_at)
    ended = OffersEnded(
        broadcast=command.broadcast,
        agency=case.agency,
        reason=next(iter(message.codes), None),
        deadlines=step.deadlines,
    )
    return [entry(message, Moves(closes=ended_by(case.steps), opens=(step,))), ended]


def _consent(event: CaseOffered) -> str | None:
    """The legal basis by which the person withdraws from all of the offers; None where there is no consent."""
    return event.offers[0].legal_basis if event.kind == LegalBasisKind.CONSENT else None


BroadcastEvent = CaseOffered | OffersEnded
OfferEvent = OfferEntryTaken | OfferTermTaken


def evolve_offer(case: Case, event: OfferEvent) -> Case:
    """The case that remembers what happened to one of the offers, and which of their terms are late."""
    late = late_after(case, event)
    return referral_entry.evolve(case if late is case.late else replace(case, late=late), event)


def evolve(case: Case, event: BroadcastEvent) -> Case:
    """The case after it was offered to several, or after the last of these offers."""
    match event:
        case CaseOffered():
            return replace(
                case,
                broadcast=OpenBroadcast(
                    broadcast=event.broadcast,
                    sent=case.broadcast.sent if case.broadcast is not None else None,
                    consent=_consent(event),
                    support_needs=event.support_needs,
                ),
                programme_version=event.programme_version,
                agreed=False,
            )
        case OffersEnded():
            return replace(case, broadcast=None)
        case _:
            assert_never(event)
