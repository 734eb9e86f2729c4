"""What casefile does when a message of the referral service arrives: it becomes a command, and nothing else.

A command is given in the name of the one who acted at the source; its time of occurrence is the message's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from contracts import referral
from contracts.message import CaseMessage, Message
from contracts.message import Deadline as MessageDeadline
from contracts.waitlist import OfferedMeanwhile
from services.casefile.broadcast_reactions import OF_SEVERAL
from services.casefile.domain.consent_withdrawal import TakeWithdrawal
from services.casefile.domain.known_organisation import LearnOrganisation, organisation_stream
from services.casefile.domain.known_programme import LearnProgramme, Rules, TermLength, programme_stream
from services.casefile.domain.opening import LegalBasisRecorded, ParticipationChosen, TakeSubmission
from services.casefile.domain.referral_answers import TakeAcceptance, TakeNote, TakeProgress, TakeReminder, TakeReturn
from services.casefile.domain.referral_entry import ReferralMessage
from services.casefile.domain.state import case_stream
from services.casefile.domain.steps import Party
from services.chassis.delivery.translation import actor_of, deadline_of, receivers_of
from services.chassis.modelling.decider import Command
from services.chassis.modelling.delivery import Delivery

Entered = (
    referral.ReferralSubmitted
    | referral.ReferralReceived
    | referral.InformationRequested
    | referral.InformationProvided
    | referral.ReferralWaitlisted
    | referral.ReferralAccepted
    | referral.ReferralDeclined
    | referral.ReferralWithdrawn
    | referral.ReferralExpired
    | referral.ReferralEnteredInError
    | referral.ErrorReported
    | referral.ReferralCompleted
    | referral.LegalBasisWithdrawn
    | referral.ReferralDisclosureRefused
    | referral.IdentityRevealed
    | referral.ReferralDeadlineReminded
    | referral.ReferralDeadlineMissed
    | referral.ReferralDeadlineEscalated
    | referral.WaitlistAlerted
)
"""The messages that leave an entry in their case."""


def when_referral_submitted_open_or_refer_the_case(
    message: referral.ReferralSubmitted, delivery: Delivery
) -> TakeSubmission:
    """The first referral opens the case; a later one refers it again."""
    basis = message.legal_basis
    choice = message.participation_choice
    return TakeSubmission(
        at=delivery.at,
        by=actor_of(message.actor),
        message=_entry(message, delivery),
        case=message.case,
        client_ref=message.client_ref,
        previous_referral=message.previous_referral,
        recommended_mentor_kind=message.recommended_mentor_kind,
        support_needs=tuple(message.support_needs),
        eligibility=message.eligibility,
        participation=ParticipationChosen(chosen_at=choice.chosen_at, method=choice.method, language=choice.language),
        legal_basis=LegalBasisRecorded(
            legal_basis=basis.id,
            kind=basis.kind,
            recipient=basis.recipient,
            text_version=basis.text_version,
            language=basis.language,
            given_at=basis.given_at,
        ),
        deadlines=tuple(map(deadline_of, message.deadlines)),
        why_mentoring=message.why_mentoring,
        alternative_considered=message.alternative_considered,
    )


def when_referral_received_await_the_decision(message: referral.ReferralReceived, delivery: Delivery) -> TakeProgress:
    """The organisation has it; the lead waits for its decision."""
    return TakeProgress(at=delivery.at, by=actor_of(message.actor), message=_entry(message, delivery))


def when_information_requested_await_the_agency(
    message: referral.InformationRequested, delivery: Delivery
) -> TakeProgress:
    """The organisation asked; its decision waits for the agency's answer."""
    return _progress(message, delivery, message.deadlines, *message.codes)


def when_information_provided_await_the_decision(
    message: referral.InformationProvided, delivery: Delivery
) -> TakeProgress:
    """The agency answered; the lead waits for the decision again."""
    return _progress(message, delivery, message.deadlines, *message.codes)


def when_referral_waitlisted_await_the_review(message: referral.ReferralWaitlisted, delivery: Delivery) -> TakeProgress:
    """The person waits; the organisation reviews its list."""
    entry = replace(_entry(message, delivery, message.reason), expected_by=message.expected_by)
    return TakeProgress(
        at=delivery.at, by=actor_of(message.actor), message=entry, deadlines=tuple(map(deadline_of, message.deadlines))
    )


def when_referral_accepted_start_intake(message: referral.ReferralAccepted, delivery: Delivery) -> TakeAcceptance:
    """Acceptance moves responsibility to the one who gave it, and asks the colleague it names, if it names one."""
    return TakeAcceptance(
        at=delivery.at, by=actor_of(message.actor), message=_entry(message, delivery), coordinator=message.coordinator
    )


def when_referral_declined_return_the_case(message: referral.ReferralDeclined, delivery: Delivery) -> TakeReturn:
    """The organisation said no; the lead decides again."""
    return _return(message, delivery, message.reason, message.access)


def when_referral_withdrawn_return_the_case(message: referral.ReferralWithdrawn, delivery: Delivery) -> TakeReturn:
    """The offer was taken back; the lead decides again."""
    return _return(message, delivery, message.reason, message.access)


def when_referral_expired_return_the_case(message: referral.ReferralExpired, delivery: Delivery) -> TakeReturn:
    """Nobody answered; the case returns visibly to its lead."""
    return _return(message, delivery, None, message.access)


def when_referral_entered_in_error_return_the_case(
    message: referral.ReferralEnteredInError, delivery: Delivery
) -> TakeReturn:
    """What rested on the referral ends, and the lead decides again."""
    return _return(message, delivery, None, message.access)


def when_error_reported_note_it(message: referral.ErrorReported, delivery: Delivery) -> TakeNote:
    """A second person has to confirm before anything moves."""
    return TakeNote(at=delivery.at, by=actor_of(message.actor), message=_entry(message, delivery))


def when_referral_completed_note_the_closed_loop(message: referral.ReferralCompleted, delivery: Delivery) -> TakeNote:
    """The referral's end follows from the case's own events, so nothing moves."""
    return TakeNote(at=delivery.at, by=actor_of(message.actor), message=_entry(message, delivery, message.closure))


def when_legal_basis_withdrawn_stop_the_organisation(
    message: referral.LegalBasisWithdrawn, delivery: Delivery
) -> TakeWithdrawal:
    """Rule W: the organisation's part ends at once."""
    return TakeWithdrawal(
        at=delivery.at,
        by=actor_of(message.actor),
        message=_entry(message, delivery),
        legal_basis=message.legal_basis,
        withdrawn_at=message.withdrawn_at,
    )


def when_the_referral_service_refused_a_disclosure_note_it(
    message: referral.ReferralDisclosureRefused, delivery: Delivery
) -> TakeNote:
    """The history says who tried what after the person withdrew."""
    return TakeNote(at=delivery.at, by=actor_of(message.actor), message=_entry(message, delivery, message.attempt))


def when_an_identity_was_revealed_note_it(message: referral.IdentityRevealed, delivery: Delivery) -> TakeNote:
    """The agency reads on the timeline that an auditor knows now whose case it is."""
    return TakeNote(at=delivery.at, by=actor_of(message.actor), message=_entry(message, delivery))


def when_referral_deadline_reminded_note_it(
    message: referral.ReferralDeadlineReminded, delivery: Delivery
) -> TakeReminder:
    """The history says who was warned, and when."""
    return TakeReminder(
        at=delivery.at,
        by=actor_of(message.actor),
        message=_entry(message, delivery, message.deadline),
        due_at=message.due_at,
    )


def when_referral_deadline_missed_note_it(message: referral.ReferralDeadlineMissed, delivery: Delivery) -> TakeNote:
    """The history says which term was missed, and by whom."""
    return TakeNote(
        at=delivery.at,
        by=actor_of(message.actor),
        message=_entry(message, delivery, message.deadline),
        due_at=message.due_at,
        deadlines=tuple(map(deadline_of, message.deadlines)),
    )


def when_referral_deadline_escalated_note_it(
    message: referral.ReferralDeadlineEscalated, delivery: Delivery
) -> TakeNote:
    """The leads find the case among their work, and the history says who was told."""
    return TakeNote(
        at=delivery.at,
        by=actor_of(message.actor),
        message=_entry(message, delivery, message.deadline),
        due_at=message.due_at,
    )


def when_waitlist_alerted_note_it(message: referral.WaitlistAlerted, delivery: Delivery) -> TakeNote:
    """The same of somebody who waits long for a place."""
    offered = OfferedMeanwhile.ANOTHER_OFFER if message.alternative_offered else OfferedMeanwhile.NO_ALTERNATIVE
    noted = replace(_entry(message, delivery, offered.value), expected_by=message.expected_by)
    return TakeNote(at=delivery.at, by=actor_of(message.actor), message=noted, due_at=message.since)


def when_programme_version_published_learn_it(
    message: referral.ProgrammeVersionPublished, delivery: Delivery
) -> LearnProgramme:
    """Cases are led by the programme's parameters, so casefile keeps them."""
    published = message.parameters
    return LearnProgramme(
        at=delivery.at,
        by=delivery.by,
        programme=message.programme,
        version=message.version,
        valid_from=message.valid_from,
        rules=Rules(
            name=published.name,
            time_zone=published.time_zone,
            country=published.country,
            terms={name: TermLength(n=term.n, unit=term.unit) for name, term in published.terms.items()},
            agreement_months_max=published.agreement_months_max,
            extension_months_max=published.extension_months_max,
            meetings_per_month_min=published.meetings_per_month_min,
            charter_version=published.charter_version,
            region=published.region,
            closing_days=tuple(published.closing_days),
            ladder={level: tuple(receivers) for level, receivers in published.ladder.items()},
            check_in_every_days=dict(published.check_in_every_days),
            professional_for=tuple(published.professional_for),
            substitution_in_case=published.substitution_in_case,
            substitution_in_month=published.substitution_in_month,
            confidentiality_version=published.confidentiality_version,
        ),
    )


def when_organisation_described_learn_it(
    message: referral.OrganisationDescribed, delivery: Delivery
) -> LearnOrganisation:
    """Views show an organisation's name; worklists, what is with one that was suspended."""
    return LearnOrganisation(
        at=delivery.at,
        by=delivery.by,
        organisation=message.organisation,
        name=message.name,
        kind=message.kind,
        suspended=message.suspended,
        programmes=tuple(message.programmes),
    )


REACTIONS: dict[type[Message], Callable[[Any, Delivery], Command]] = {
    referral.ReferralSubmitted: when_referral_submitted_open_or_refer_the_case,
    referral.ReferralReceived: when_referral_received_await_the_decision,
    referral.InformationRequested: when_information_requested_await_the_agency,
    referral.InformationProvided: when_information_provided_await_the_decision,
    referral.ReferralWaitlisted: when_referral_waitlisted_await_the_review,
    referral.ReferralAccepted: when_referral_accepted_start_intake,
    referral.ReferralDeclined: when_referral_declined_return_the_case,
    referral.ReferralWithdrawn: when_referral_withdrawn_return_the_case,
    referral.ReferralExpired: when_referral_expired_return_the_case,
    referral.ReferralEnteredInError: when_referral_entered_in_error_return_the_case,
    referral.ErrorReported: when_error_reported_note_it,
    referral.ReferralCompleted: when_referral_completed_note_the_closed_loop,
    referral.LegalBasisWithdrawn: when_legal_basis_withdrawn_stop_the_organisation,
    referral.ReferralDisclosureRefused: when_the_referral_service_refused_a_disclosure_note_it,
    referral.IdentityRevealed: when_an_identity_was_revealed_note_it,
    referral.ReferralDeadlineReminded: when_referral_deadline_reminded_note_it,
    referral.ReferralDeadlineMissed: when_referral_deadline_missed_note_it,
    referral.ReferralDeadlineEscalated: when_referral_deadline_escalated_note_it,
    referral.WaitlistAlerted: when_waitlist_alerted_note_it,
    referral.ProgrammeVersionPublished: when_programme_version_published_learn_it,
    referral.OrganisationDescribed: when_organisation_described_learn_it,
    **OF_SEVERAL,
}
"""Every message that casefile reacts to."""


def stream_of(message: Message) -> str | None:
    """The stream that the command of a message belongs to; None for a message that casefile does not react to."""
    match message:
        case CaseMessage():
            return case_stream(message.case)
        case referral.ProgrammeVersionPublished():
            return programme_stream(message.programme)
        case referral.OrganisationDescribed():
            return organisation_stream(message.organisation)
        case _:
            return None


def _progress(message: Entered, delivery: Delivery, deadlines: list[MessageDeadline], *codes: str) -> TakeProgress:
    return TakeProgress(
        at=delivery.at,
        by=actor_of(message.actor),
        message=_entry(message, delivery, *codes),
        deadlines=tuple(map(deadline_of, deadlines)),
    )


def _return(message: Entered, delivery: Delivery, reason: str | None, access: MessageDeadline | None) -> TakeReturn:
    codes = (reason,) if reason is not None else ()
    return TakeReturn(
        at=delivery.at,
        by=actor_of(message.actor),
        message=_entry(message, delivery, *codes),
        reason=reason,
        access=deadline_of(access) if access is not None else None,
    )


def _entry(message: Entered, delivery: Delivery, *codes: str) -> ReferralMessage:
    return ReferralMessage(
        name=message.NAME,
        referral=message.referral,
        agency=message.agency,
        organisation=message.organisation,
        programme=message.programme,
        programme_version=message.programme_version,
        source_position=delivery.source_position,
        source_event_id=delivery.source_event_id,
        digest=message.digest,
        occurred_at=message.occurred_at,
        recorded_at=message.recorded_at,
        actor=Party(role=message.actor.role, org=message.actor.org, sub=message.actor.sub),
        codes=codes,
        # Of a term: who hears of it.
        level=getattr(message, "level", None),
        notified=receivers_of(getattr(message, "notified", ())),
    )
