"""How a submitted referral enters the case: the case opens with it, or is referred again."""

from __future__ import annotations

from datetime import datetime
from typing import Final, assert_never

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from contracts.codes import CaseState, LegalBasisKind, Role, Step, WhyMentoring
from services.casefile.domain.closing import CaseReopened, reopened
from services.casefile.domain.context import Context
from services.casefile.domain.gap_report import ServiceGapReported, absent_service, next_gap, reported
from services.casefile.domain.referral_entry import ReferralEntryTaken, ReferralMessage, awaiting, entry
from services.casefile.domain.state import Access, Case, LiveReferral
from services.casefile.domain.steps import Moves, OpenStep, Party, Sent, ended_by
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.decider import Act, Command, Event

OVER: Final = frozenset({CaseState.CLOSED, CaseState.FINALISED})
"""Where only an offer that was made before the referral service heard of the closing comes."""
REFERS_FROM: Final = frozenset({None, CaseState.OPENED}) | OVER
"""From where an offer refers the case; in every other state it has one."""


class ParticipationChosen(Event, frozen=True, kw_only=True):
    """The person's own yes to mentoring, which is not the consent to share data."""

    chosen_at: datetime
    method: str
    language: str


class LegalBasisRecorded(Event, frozen=True, kw_only=True):
    """On what the sharing with the recipient rests, in which text version and language, since when.

    `offered` is set where it was given for offers to several, and goes on record with the one that won.
    """

    legal_basis: str
    kind: str
    recipient: str
    text_version: str
    language: str
    given_at: datetime
    offered: Sent | UnsetType = UNSET

    @property
    def act(self) -> Act | None:
        """The offers to several were the agency's act, no matter who accepted."""
        return self.offered.act if self.offered else None


class TakeSubmission(Command, frozen=True, kw_only=True):
    """A referral was submitted: the case opens with it, or is referred again."""

    message: ReferralMessage
    case: str
    client_ref: str
    previous_referral: str | None
    recommended_mentor_kind: str | None
    support_needs: tuple[str, ...] = ()
    eligibility: dict[str, bool]
    participation: ParticipationChosen
    legal_basis: LegalBasisRecorded
    deadlines: tuple[Deadline, ...]
    why_mentoring: str | None = None
    alternative_considered: str | None = None


class CaseOpened(Moves, frozen=True, kw_only=True):
    """The case of one person in one programme period, with its lead; opened by the first referral submitted."""

    case: str
    client_ref: str
    agency: str
    programme: str
    programme_version: int
    lead: Party
    opened_at: datetime


class EligibilityConfirmed(Event, frozen=True, kw_only=True):
    """The result per criterion at entry."""

    criteria: dict[str, bool]


class CaseReferred(Event, frozen=True, kw_only=True):
    """The case is offered to an organisation. `deadlines` are the referral service's own, for information.

    `offered` is as in LegalBasisRecorded.
    """

    referral: str
    previous_referral: str | None
    organisation: str
    legal_basis: str
    programme_version: int
    recommended_mentor_kind: str | None
    deadlines: tuple[Deadline, ...]
    support_needs: tuple[str, ...] = ()
    offered: Sent | UnsetType = UNSET

    @property
    def act(self) -> Act | None:
        """The offers to several were the agency's act, no matter who accepted."""
        return self.offered.act if self.offered else None


def take_submission(
    command: TakeSubmission, context: Context
) -> list[ReferralEntryTaken | CaseReopened | OpeningEvent | ServiceGapReported]:
    """Opens the case with all that was recorded at entry, or refers an open one again with what is new."""
    message, case = command.message, context.case
    if message.source_event_id in case.taken:
        return []
    if case.state not in REFERS_FROM:
        return [entry(message)]
    events: list[ReferralEntryTaken | CaseReopened | OpeningEvent] = []
    lead = case.lead
    if lead is None:
        lead = Party(role=Role.AGENCY_COUNSELLOR.value, org=message.agency, sub=message.actor.sub)
        events.append(_opened(command, lead))
    elif case.state in OVER:
        # The agency closed while a referral of its own was on its way, and the case may be final by now. The referral
        # was acknowledged in this case, so it is not refused any more, and a live referral needs an open case.
        events.append(reopened(context, message.occurred_at))
    if case.eligibility != command.eligibility:
        events.append(EligibilityConfirmed(criteria=command.eligibility))
    if case.participation_chosen_at != command.participation.chosen_at:
        events.append(command.participation)
    if command.legal_basis.legal_basis not in case.legal_bases:
        events.append(command.legal_basis)
    waits = OpenStep(
        step=Step.REFERRAL_ANSWER.value,
        owner=lead,
        since=message.occurred_at,
        awaiting=awaiting(message, command.deadlines),
    )
    referred = CaseReferred(
        referral=message.referral,
        previous_referral=command.previous_referral,
        organisation=message.organisation,
        legal_basis=command.legal_basis.legal_basis,
        programme_version=message.programme_version,
        recommended_mentor_kind=command.recommended_mentor_kind,
        deadlines=command.deadlines,
        support_needs=command.support_needs,
    )
    ends = tuple(dict.fromkeys((*ended_by(case.steps), Step.NEXT_SERVICE.value)))
    return [*events, entry(message, Moves(closes=ends, opens=(waits,))), referred, *_gap(command, context, lead)]


def _gap(command: TakeSubmission, context: Context, lead: Party) -> list[ServiceGapReported]:
    """The gap that the agency itself names as the reason for mentoring."""
    if command.why_mentoring != WhyMentoring.SERVICE_GAP:
        return []
    message = command.message
    service_kind, gap_type = absent_service(command.alternative_considered)
    event = ServiceGapReported(
        gap=next_gap(context.case, command.case),
        service_kind=service_kind,
        gap_type=gap_type,
        reported_by=message.actor,
        reported_at=message.occurred_at,
        referral=message.referral,
        organisation=message.organisation,
    )
    return reported(context, event, lead)


def _opened(command: TakeSubmission, lead: Party) -> CaseOpened:
    message = command.message
    decides = OpenStep(step=Step.NEXT_SERVICE.value, owner=lead, since=message.occurred_at)
    return CaseOpened(
        case=command.case,
        client_ref=command.client_ref,
        agency=message.agency,
        programme=message.programme,
        programme_version=message.programme_version,
        lead=lead,
        opened_at=message.occurred_at,
        opens=(decides,),
    )


OpeningEvent = CaseOpened | EligibilityConfirmed | ParticipationChosen | LegalBasisRecorded | CaseReferred


def evolve(case: Case, event: OpeningEvent) -> Case:
    """The case after an event of its opening, or of a further referral."""
    match event:
        case CaseOpened():
            return replace(
                case,
                case=event.case,
                client_ref=event.client_ref,
                agency=event.agency,
                programme=event.programme,
                programme_version=event.programme_version,
                lead=event.lead,
                opened_at=event.opened_at,
            )
        case EligibilityConfirmed():
            return replace(case, eligibility=event.criteria)
        case ParticipationChosen():
            return replace(case, participation_chosen_at=event.chosen_at)
        case LegalBasisRecorded():
            legal_bases = case.legal_bases | {event.legal_basis}
            if event.kind != LegalBasisKind.CONSENT:
                return replace(case, legal_bases=legal_bases)
            return replace(case, legal_bases=legal_bases, consents=case.consents | {event.legal_basis})
        case CaseReferred():
            access = Access(referral=event.referral, organisation=event.organisation, legal_basis=event.legal_basis)
            return replace(
                case,
                referral=_live(event),
                broadcast=None,
                # Before it won, others were asked: what they were late with is nothing to it.
                late=tuple(late for late in case.late if late.offer is None) if case.late else (),
                programme_version=event.programme_version,
                accesses=case.accesses.plus(access),
                agreed=False,
            )
        case _:
            assert_never(event)


def _live(event: CaseReferred) -> LiveReferral:
    return LiveReferral(
        referral=event.referral,
        organisation=event.organisation,
        legal_basis=event.legal_basis,
        recommended_mentor_kind=event.recommended_mentor_kind,
        deadlines=event.deadlines,
        support_needs=event.support_needs,
    )
