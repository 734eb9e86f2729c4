"""One row for each event that the casefile service records: its stored name, its line on the timeline, its message.

A stored name is never edited or removed. A class may be renamed. A sentence and a message are made of the event alone:
what they say of anything else has to be put into the event when it is decided. mypy names the event of a case that has
no row.
"""

from __future__ import annotations

from typing import Any, Final, assert_never

from contracts import casefile as messages
from contracts.references import REFERENCES
from services.casefile.consent_events import CONSENT_EVENTS
from services.casefile.domain import (
    absence,
    agreement,
    broadcast,
    by_link,
    changes,
    charter,
    closing,
    correction,
    escalation,
    exception_count,
    extension,
    gap_report,
    gaps,
    handback,
    handback_report,
    intake,
    known_organisation,
    known_programme,
    match_end,
    matching,
    mentor,
    mentoring,
    open_escalations,
    opening,
    organisation_part,
    outcomes,
    people,
    referral_answers,
    referral_entry,
    silence,
    suspension,
    tellings,
    trajectory_end,
)
from services.casefile.domain.absence import AbsenceEvent
from services.casefile.domain.by_link import AnswerByLinkNoted
from services.casefile.domain.case import CaseEvent
from services.casefile.domain.charter import CharterEvent
from services.casefile.domain.exception_count import ExceptionCountEvent
from services.casefile.domain.known_organisation import KnownOrganisationEvent
from services.casefile.domain.known_programme import KnownProgrammeEvent
from services.casefile.domain.mentor import MentorEvent
from services.casefile.domain.tellings import TellingEvent
from services.casefile.event_rows import NOT_PUBLISHED, EventRow, OtherRow
from services.casefile.message_parts import (
    begun,
    notice_of,
    parties_of,
    party_of,
    readiness_of,
    report_of,
)
from services.casefile.sentences import (
    filled_in,
    of_a_correction,
    of_an_answered_gap,
    of_an_end,
    of_an_entry,
    of_an_escalation,
    of_an_offer,
)
from services.chassis.deciding.idempotency import KeyRefused, KeyUsed
from services.chassis.delivery.translation import (
    published_deadline,
    published_deadlines,
    published_pauses,
    published_receivers,
)
from services.chassis.log.event_types import EventTypes
from services.chassis.mail.postbox import LetterEvent, LetterPosted, LetterTaken

Event = (
    CaseEvent
    | MentorEvent
    | CharterEvent
    | AbsenceEvent
    | ExceptionCountEvent
    | KnownProgrammeEvent
    | KnownOrganisationEvent
    | TellingEvent
    | AnswerByLinkNoted
    | LetterEvent
    | KeyUsed
    | KeyRefused
)
"""Every event in the service's log."""

# fmt: off
CASE_EVENTS: Final = (
    CONSENT_EVENTS
    | EventRow(referral_entry.ReferralEntryTaken, "case.referral_entry_taken.v1", of_an_entry, NOT_PUBLISHED)
    | EventRow(referral_entry.ReferralNoteTaken, "case.referral_note_taken.v1", of_an_entry, NOT_PUBLISHED)
    | EventRow(opening.CaseOpened, "case.opened.v1", "The case was opened in programme {programme}.",
                 lambda event, about: messages.opening.CaseOpened(
                     **about, client_ref=event.client_ref, agency=event.agency, programme=event.programme,
                     programme_version=event.programme_version, lead=party_of(event.lead)))
    | EventRow(opening.EligibilityConfirmed, "case.eligibility_confirmed.v1",
                 "Eligibility was confirmed, criterion by criterion.", NOT_PUBLISHED)
    | EventRow(opening.ParticipationChosen, "case.participation_chosen.v1",
                 "The person chose to take part ({method}, {language}).", NOT_PUBLISHED)
    | EventRow(opening.LegalBasisRecorded, "case.legal_basis_recorded.v1",
                 "Legal basis recorded: {kind} for sharing with {recipient}, text {text_version}.", NOT_PUBLISHED)
    | EventRow(opening.CaseReferred, "case.referred.v1", "The case waits for the answer of {organisation}.",
                 NOT_PUBLISHED)
    | EventRow(broadcast.OfferEntryTaken, "case.offer_entry_taken.v1", of_an_offer, NOT_PUBLISHED)
    | EventRow(broadcast.OfferTermTaken, "case.offer_term_taken.v1", of_an_offer, NOT_PUBLISHED)
    | EventRow(broadcast.CaseOffered, "case.offered.v1", "The case waits for the answers of several organisations.",
               NOT_PUBLISHED)
    | EventRow(broadcast.OffersEnded, "case.offers_ended.v1",
               "No organisation took the person on; the lead decides what comes next.", NOT_PUBLISHED)
    | EventRow(referral_answers.ReferralReturned, "case.referral_returned.v1",
                 "The case is back with its lead, who decides what comes next.",
                 lambda event, about: messages.opening.ReferralReturned(
                     **about, referral=event.referral, organisation=event.organisation, reason=event.reason,
                     deadlines=published_deadlines(event.deadlines)))
    | EventRow(organisation_part.ResponsibilityTransferred, "case.responsibility_transferred.v1",
                 "Responsibility passed from {giver.org} to {receiver.org}.",
                 lambda event, about: messages.opening.ResponsibilityTransferred(
                     **about, referral=event.referral, giver=party_of(event.giver), receiver=party_of(event.receiver),
                     step=event.step, deadlines=published_deadlines(event.deadlines)))
    | EventRow(intake.ContactAttempted, "case.contact_attempted.v1", "The organisation tried to reach the person.",
                 lambda event, about: messages.intake.ContactAttempted(
                     **about, channel=event.channel, reached=event.reached))
    | EventRow(intake.NoShowReported, "case.no_show_reported.v1", "The person did not come: no-show number {count}.",
                 lambda event, about: messages.intake.NoShowReported(**about, count=event.count))
    | EventRow(intake.IntakeConcluded, "case.intake_concluded.v1", "The intake is concluded.",
                 lambda event, about: messages.intake.IntakeConcluded(
                     **about, suitable=event.suitable, goals=list(event.goals), cefr=event.cefr, reason=event.reason,
                     deadlines=begun(event)))
    | EventRow(matching.MatchProposed, "case.match_proposed.v1", "A mentor was proposed ({kind}): {criteria}.",
                 lambda event, about: messages.matching.MatchProposed(
                     **about, match=event.match, mentor=event.mentor, kind=event.kind, criteria=list(event.criteria),
                     deadlines=begun(event)))
    | EventRow(matching.MatchConfirmed, "case.match_confirmed.v1", "Yes to the match from the side {side}.",
                 lambda event, about: messages.matching.MatchConfirmed(**about, match=event.match, side=event.side))
    | EventRow(matching.MatchRejected, "case.match_rejected.v1", "No to the match from the side {side}: {reason}.",
                 lambda event, about: messages.matching.MatchRejected(
                     **about, match=event.match, side=event.side, reason=event.reason, deadlines=begun(event)))
    | EventRow(agreement.AgreementSigned, "case.agreement_signed.v1",
                 "Agreement signed until {end}, {norm} meetings a month, charter {charter_version}.",
                 lambda event, about: messages.agreement.AgreementSigned(
                     **about, match=event.match, start=event.start, end=event.end, norm=event.norm,
                     charter_version=event.charter_version, readiness=readiness_of(event.readiness),
                     deadlines=begun(event)))
    | EventRow(mentoring.MeetingRecorded, "case.meeting_recorded.v1", "Mentor and mentee met.",
                 lambda event, about: messages.mentoring.MeetingRecorded(
                     **about, minutes=event.minutes, mode=event.mode, topics=list(event.topics)))
    | EventRow(mentoring.CheckInRecorded, "case.check_in_recorded.v1", "The coordinator held a check-in: {sides}.",
                 lambda event, about: messages.mentoring.CheckInRecorded(
                     **about, mode=event.mode, sides=list(event.sides), deadlines=begun(event)))
    | EventRow(mentoring.PulseRecorded, "case.pulse_recorded.v1", "Pulse from the side {side}: {score} of 5.",
                 lambda event, about: messages.mentoring.PulseRecorded(
                     **about, side=event.side, score=event.score, reasons=list(event.reasons)))
    | EventRow(mentoring.ProgressReported, "case.progress_reported.v1", "Progress was reported to the counsellor.",
                 lambda event, about: messages.mentoring.ProgressReported(
                     **about, occasion=event.occasion, progress=event.progress, next_step=event.next_step))
    | EventRow(changes.ChangeProposed, "case.change_proposed.v1", "The organisation proposes a change: {change}.",
                 lambda event, about: messages.changes.ChangeProposed(
                     **about, proposal=event.proposal, change=event.change, proposed_by=party_of(event.proposed_by),
                     reason=event.reason, end=event.end,
                     coordinator=party_of(event.coordinator) if event.coordinator is not None else None,
                     replaces=event.replaces, deadline=published_deadline(event.deadline), referral=event.referral,
                     organisation=event.organisation))
    | EventRow(changes.ChangeApproved, "case.change_approved.v1", "The agency approved the change: {change}.",
                 lambda event, about: messages.changes.ChangeApproved(
                     **about, proposal=event.proposal, change=event.change, referral=event.referral,
                     organisation=event.organisation))
    | EventRow(changes.ChangeRejected, "case.change_rejected.v1", "The agency rejected the change: {change}.",
                 lambda event, about: messages.changes.ChangeRejected(
                     **about, proposal=event.proposal, change=event.change, referral=event.referral,
                     organisation=event.organisation))
    | EventRow(changes.ChangeWithdrawn, "case.change_withdrawn.v1",
                 "The organisation took its proposal back: {change}.",
                 lambda event, about: messages.changes.ChangeWithdrawn(
                     **about, proposal=event.proposal, change=event.change, referral=event.referral,
                     organisation=event.organisation))
    | EventRow(changes.ChangeExpired, "case.change_expired.v1", "Nobody decided on the change in time: {change}.",
                 lambda event, about: messages.changes.ChangeExpired(
                     **about, proposal=event.proposal, change=event.change, referral=event.referral,
                     organisation=event.organisation, level=event.level or None,
                     notified=published_receivers(event.notified)))
    | EventRow(extension.ExtensionProposed, "case.extension_proposed.v1",
                 "The organisation proposes an extension until {end}.",
                 lambda event, about: messages.agreement.ExtensionProposed(**about, end=event.end))
    | EventRow(extension.ExtensionRefused, "case.extension_refused.v1", "The agency refused the extension until {end}.",
                 lambda event, about: messages.agreement.ExtensionRefused(**about, end=event.end))
    | EventRow(extension.AgreementExtended, "case.agreement_extended.v1",
                 "The agency approved the extension until {end}.",
                 lambda event, about: messages.agreement.AgreementExtended(
                     **about, end=event.end, deadlines=begun(event)))
    | EventRow(suspension.TrajectorySuspended, "case.trajectory_suspended.v1", "The trajectory pauses: {reason}.",
                 lambda event, about: messages.suspension.TrajectorySuspended(
                     **about, reason=event.reason, until=event.until, deadlines=begun(event),
                     paused=published_pauses(event.paused)))
    | EventRow(suspension.TrajectoryResumed, "case.trajectory_resumed.v1", "The trajectory was taken up again.",
                 lambda event, about: messages.suspension.TrajectoryResumed(**about, deadlines=begun(event)))
    | EventRow(suspension.SuspensionReviewed, "case.suspension_reviewed.v1", "The pause was reviewed, and goes on.",
                 lambda event, about: messages.suspension.SuspensionReviewed(**about, deadlines=begun(event)))
    | EventRow(open_escalations.EscalationRaised, "case.escalation_raised.v1",
                 of_an_escalation,
                 lambda event, about: messages.escalation.EscalationRaised(
                     **about, reason=event.reason, awaited=event.awaited, deadlines=begun(event),
                     escalation=event.escalation or None, level=event.level or None, match=event.match or None,
                     talk_due_at=event.talk_due_at or None, resolution_due_at=event.resolution_due_at or None,
                     substitutes=parties_of(event.substitutes), unreached=event.unreached or None,
                     unreached_since=event.unreached_since or None, why_unreached=event.why_unreached or None))
    | EventRow(open_escalations.EscalationJoined, "case.escalation_joined.v1",
                 "A further sign for escalation {escalation}: {reason}.",
                 lambda event, about: messages.escalation.EscalationJoined(
                     **about, escalation=event.escalation, reason=event.reason, deadlines=begun(event)))
    | EventRow(escalation.EscalationResolved, "case.escalation_resolved.v1",
                 "What was done about the escalation: {resolution}.",
                 lambda event, about: messages.escalation.EscalationResolved(
                     **about, resolution=event.resolution, deadlines=begun(event),
                     escalation=event.escalation or None))
    | EventRow(silence.SilenceNoticed, "case.silence_noticed.v1",
                 "Mentor and mentee have not met for a while; the coordinator asks both.",
                 lambda event, about: messages.escalation.SilenceNoticed(
                     **about, silent_since=event.silent_since, deadlines=begun(event)))
    | EventRow(gap_report.ServiceGapReported, "case.service_gap_reported.v1",
                 "A gap in services is reported: {service_kind}, {gap_type}.",
                 lambda event, about: messages.gaps.ServiceGapReported(
                     **about, gap=event.gap, service_kind=event.service_kind, gap_type=event.gap_type, task=event.task,
                     reported_by=party_of(event.reported_by), referral=event.referral, organisation=event.organisation,
                     deadlines=begun(event)))
    | EventRow(gaps.ServiceGapAnswered, "case.service_gap_answered.v1", of_an_answered_gap,
                 lambda event, about: messages.gaps.ServiceGapAnswered(
                     **about, gap=event.gap, service_kind=event.service_kind, gap_type=event.gap_type,
                     accepted=event.accepted, due=event.due, referral=event.referral, organisation=event.organisation,
                     deadline=published_deadline(event.deadline) if event.deadline is not None else None))
    | EventRow(gaps.GapActionCompleted, "case.gap_action_completed.v1",
                 "What was answered to a gap in services is done: {service_kind}, {gap_type}.",
                 lambda event, about: messages.gaps.GapActionCompleted(
                     **about, gap=event.gap, service_kind=event.service_kind, gap_type=event.gap_type,
                     referral=event.referral, organisation=event.organisation))
    | EventRow(match_end.MatchEnded, "case.match_ended.v1", of_an_end,
                 lambda event, about: messages.matching.MatchEnded(
                     **about, match=event.match, reason=event.reason, side=event.side, next=event.next,
                     closure_talk=event.closure_talk, deadlines=begun(event), agreed=event.agreed or None,
                     **notice_of(event)))
    | EventRow(trajectory_end.TrajectoryCompleted, "case.trajectory_completed.v1", of_an_end,
                 lambda event, about: messages.trajectory_end.TrajectoryCompleted(
                     **about, reason=event.reason, closure_talk=event.closure_talk, deadlines=begun(event),
                     agreed=event.agreed or None, **notice_of(event)))
    | EventRow(handback_report.HandbackRequested, "case.handback_requested.v1", of_an_end,
                 lambda event, about: messages.handback.HandbackRequested(
                     **about, referral=event.referral, closure_reason=event.closure_reason, outcomes=event.outcomes,
                     open_needs=list(event.open_needs), recommended_next_step=event.recommended_next_step,
                     deadlines=begun(event), agreed=event.agreed or None))
    | EventRow(handback.HandbackReturned, "case.handback_returned.v1",
                 "The agency returned the report; missing: {missing}.",
                 lambda event, about: messages.handback.HandbackReturned(
                     **about, referral=event.referral, missing=list(event.missing), deadlines=begun(event)))
    | EventRow(handback.HandbackAccepted, "case.handback_accepted.v1", "The agency accepted the handback: {decision}.",
                 lambda event, about: messages.handback.HandbackAccepted(
                     **about, referral=event.referral, decision=event.decision, next_service=event.next_service,
                     access=published_deadline(event.access) if event.access is not None else None))
    | EventRow(closing.CaseClosed, "case.closed.v1", "The agency closed the case: {reason}.",
                 lambda event, about: messages.closing.CaseClosed(**about, reason=event.reason))
    | EventRow(closing.CaseReopened, "case.reopened.v1", "The agency opened the case again.",
                 lambda _event, about: messages.closing.CaseReopened(**about))
    | EventRow(outcomes.OutcomeRecorded, "case.outcome_recorded.v1", "Outcome at {point}: {code} ({source}).",
                 lambda event, about: messages.outcomes.OutcomeRecorded(
                     **about, point=event.point, code=event.code, source=event.source, level_match=event.level_match,
                     progress=event.progress))
    | EventRow(outcomes.OutcomeWaived, "case.outcome_waived.v1", "The follow-up {point} is waived: {reason}.",
                 lambda event, about: messages.outcomes.OutcomeWaived(**about, point=event.point, reason=event.reason))
    | EventRow(people.CounsellorProposed, "case.counsellor_proposed.v1",
                 "Another counsellor is asked to lead the case.",
                 lambda event, about: messages.people.CounsellorProposed(**about, receiver=party_of(event.receiver)))
    | EventRow(people.CounsellorReassigned, "case.counsellor_reassigned.v1", "The case has a new lead.",
                 lambda event, about: messages.people.CounsellorReassigned(
                     **about, giver=party_of(event.giver), receiver=party_of(event.receiver)))
    | EventRow(organisation_part.CoordinatorProposed, "case.coordinator_proposed.v1",
                 "Another coordinator is asked to take over.",
                 lambda event, about: messages.people.CoordinatorProposed(**about, receiver=party_of(event.receiver)))
    | EventRow(people.CoordinatorReassigned, "case.coordinator_reassigned.v1", "Another coordinator took over.",
                 lambda event, about: messages.people.CoordinatorReassigned(
                     **about, giver=party_of(event.giver), receiver=party_of(event.receiver), deadlines=begun(event)))
    | EventRow(correction.CorrectionRecorded, "case.correction_recorded.v1", of_a_correction,
                 lambda event, about: messages.correction.CorrectionRecorded(
                     **about, corrects=event.corrects, corrected=event.corrected, was=report_of(event.was),
                     holds=report_of(event.holds), referral=event.referral, source_event_id=event.source_event_id,
                     organisation=event.organisation))
)
EVENTS: Final = (
    *CASE_EVENTS,
    OtherRow(mentor.MentorDescribed, "mentor.described.v1"),
    OtherRow(mentor.MentorContactGiven, "mentor.contact_given.v1"),
    OtherRow(mentor.MentorEngaged, "mentor.engaged.v1"),
    OtherRow(mentor.MentorReleased, "mentor.released.v1"),
    OtherRow(mentor.MentorAcknowledgedCharter, "mentor.acknowledged_charter.v1"),
    OtherRow(charter.CharterWritten, "charter.written.v1"),
    OtherRow(charter.CharterSigned, "charter.signed.v1"),
    OtherRow(absence.SubstituteNamed, "absence.substitute_named.v1"),
    OtherRow(absence.SubstituteReleased, "absence.substitute_released.v1"),
    OtherRow(absence.StandInNamed, "absence.stand_in_named.v1"),
    OtherRow(absence.StandInReleased, "absence.stand_in_released.v1"),
    OtherRow(exception_count.ExceptionCounted, "exception.counted.v1"),
    OtherRow(known_programme.ProgrammeLearnt, "programme.learnt.v1"),
    OtherRow(known_organisation.OrganisationLearnt, "organisation.learnt.v1"),
    OtherRow(by_link.AnswerByLinkNoted, "answer_by_link.noted.v1"),
    OtherRow(LetterTaken, "letter.taken.v1"),
    OtherRow(LetterPosted, "letter.posted.v1"),
    OtherRow(tellings.ToldNoted, "told.noted.v1"),
    OtherRow(tellings.NotToldNoted, "told.not_told_noted.v1"),
    OtherRow(tellings.PersonAskedNoted, "told.person_asked_noted.v1"),
    OtherRow(KeyUsed, "idempotency_key.used.v1"),
    OtherRow(KeyRefused, "idempotency_key.refused.v1"),
)
# fmt: on


def row_of(event: CaseEvent) -> EventRow[Any]:
    """The row of an event of a case."""
    if CASE_EVENTS.have(event):
        return CASE_EVENTS.row_of(event)
    assert_never(event)


def sentence(event: CaseEvent) -> str:
    """What the timeline says of an event of a case."""
    own = row_of(event).sentence
    return filled_in(own, event) if isinstance(own, str) else own(event)


EVENT_TYPES: Final = EventTypes(EVENTS, references=REFERENCES)
