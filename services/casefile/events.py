"""One row for each event that the casefile service records: its stored name, its message, and its line on the timeline.

A stored name is never edited or removed. A class may be renamed. A sentence and a message are made of the event alone:
what they say of anything else has to be put into the event when it is decided. The sentences about what the referral
service told are in `sentences.py`, since all of it is stored as `ReferralEntryTaken`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from contracts import casefile as messages
from contracts.message import CaseMessage
from contracts.references import REFERENCES
from services.casefile.domain import (
    agreement,
    closing,
    consent_withdrawal,
    correction,
    deadlines,
    escalation,
    extension,
    handback,
    handback_report,
    intake,
    known_organisation,
    known_programme,
    match_end,
    matching,
    mentor,
    mentoring,
    opening,
    organisation_part,
    outcomes,
    people,
    referral_answers,
    referral_entry,
    suspension,
    trajectory_end,
)
from services.casefile.domain.case import CaseEvent
from services.casefile.domain.known_organisation import KnownOrganisationEvent
from services.casefile.domain.known_programme import KnownProgrammeEvent
from services.casefile.domain.mentor import MentorEvent
from services.chassis.deciding.idempotency import KeyUsed
from services.chassis.log.event_types import EventTypes

Event = CaseEvent | MentorEvent | KnownProgrammeEvent | KnownOrganisationEvent | KeyUsed
"""Every event in the service's log."""


class EventRow(NamedTuple):
    """An event: its class, its stored name, the message that others get of it, and its sentence on the timeline.

    None as the message: it concerns nobody outside this service, or others have it from a message already. The
    sentence names fields of the event; None: the event is on no timeline, or `sentences.py` has its own for it.
    """

    event: type
    stored: str
    message: type[CaseMessage] | None = None
    sentence: str | None = None


# fmt: off
EVENTS: Final = (
    EventRow(referral_entry.ReferralEntryTaken, "case.referral_entry_taken.v1"),
    EventRow(referral_entry.ReferralNoteTaken, "case.referral_note_taken.v1"),
    EventRow(opening.CaseOpened, "case.opened.v1", messages.CaseOpened,
             "The case was opened in programme {programme}."),
    EventRow(opening.EligibilityConfirmed, "case.eligibility_confirmed.v1", None,
             "Eligibility was confirmed, criterion by criterion."),
    EventRow(opening.ParticipationChosen, "case.participation_chosen.v1", None,
             "The person chose to take part ({method}, {language})."),
    EventRow(opening.LegalBasisRecorded, "case.legal_basis_recorded.v1", None,
             "Legal basis recorded: {kind} for sharing with {recipient}, text {text_version}."),
    EventRow(opening.CaseReferred, "case.referred.v1", None,
             "The case waits for the answer of {organisation}."),
    EventRow(referral_answers.ReferralReturned, "case.referral_returned.v1", messages.ReferralReturned,
             "The case is back with its lead, who decides what comes next."),
    EventRow(organisation_part.ResponsibilityTransferred, "case.responsibility_transferred.v1",
             messages.ResponsibilityTransferred, "Responsibility passed from {giver.org} to {receiver.org}."),
    EventRow(intake.ContactAttempted, "case.contact_attempted.v1", messages.ContactAttempted,
             "The organisation tried to reach the person."),
    EventRow(intake.NoShowReported, "case.no_show_reported.v1", messages.NoShowReported,
             "The person did not come: no-show number {count}."),
    EventRow(intake.IntakeConcluded, "case.intake_concluded.v1", messages.IntakeConcluded,
             "The intake is concluded."),
    EventRow(matching.MatchProposed, "case.match_proposed.v1", messages.MatchProposed,
             "A mentor was proposed ({kind}): {criteria}."),
    EventRow(matching.MatchConfirmed, "case.match_confirmed.v1", messages.MatchConfirmed,
             "Yes to the match from the side {side}."),
    EventRow(matching.MatchRejected, "case.match_rejected.v1", messages.MatchRejected,
             "No to the match from the side {side}: {reason}."),
    EventRow(agreement.AgreementSigned, "case.agreement_signed.v1", messages.AgreementSigned,
             "Agreement signed until {end}, {norm} meetings a month, charter {charter_version}."),
    EventRow(mentoring.MeetingRecorded, "case.meeting_recorded.v1", messages.MeetingRecorded,
             "Mentor and mentee met."),
    EventRow(mentoring.CheckInRecorded, "case.check_in_recorded.v1", messages.CheckInRecorded,
             "The coordinator held a check-in: {sides}."),
    EventRow(mentoring.PulseRecorded, "case.pulse_recorded.v1", messages.PulseRecorded,
             "Pulse from the side {side}: {score} of 5."),
    EventRow(mentoring.ProgressReported, "case.progress_reported.v1", messages.ProgressReported,
             "Progress was reported to the counsellor."),
    EventRow(extension.ExtensionProposed, "case.extension_proposed.v1", messages.ExtensionProposed,
             "The organisation proposes an extension until {end}."),
    EventRow(extension.ExtensionRefused, "case.extension_refused.v1", messages.ExtensionRefused,
             "The agency refused the extension until {end}."),
    EventRow(extension.AgreementExtended, "case.agreement_extended.v1", messages.AgreementExtended,
             "The agency approved the extension until {end}."),
    EventRow(suspension.TrajectorySuspended, "case.trajectory_suspended.v1", messages.TrajectorySuspended,
             "The trajectory pauses: {reason}."),
    EventRow(suspension.TrajectoryResumed, "case.trajectory_resumed.v1", messages.TrajectoryResumed,
             "The trajectory was taken up again."),
    EventRow(suspension.SuspensionReviewed, "case.suspension_reviewed.v1", messages.SuspensionReviewed,
             "The pause was reviewed, and goes on."),
    EventRow(escalation.EscalationRaised, "case.escalation_raised.v1", messages.EscalationRaised,
             "The other side is asked to see to what {awaited} owes: {reason}."),
    EventRow(escalation.EscalationResolved, "case.escalation_resolved.v1", messages.EscalationResolved,
             "What was done about the missed term: {resolution}."),
    EventRow(match_end.MatchEnded, "case.match_ended.v1", messages.MatchEnded,
             "The match ended: {reason}."),
    EventRow(trajectory_end.TrajectoryCompleted, "case.trajectory_completed.v1", messages.TrajectoryCompleted,
             "The trajectory is completed: {reason}."),
    EventRow(handback_report.HandbackRequested, "case.handback_requested.v1", messages.HandbackRequested,
             "The organisation hands back: {closure_reason}."),
    EventRow(handback.HandbackReturned, "case.handback_returned.v1", messages.HandbackReturned,
             "The agency returned the report; missing: {missing}."),
    EventRow(handback.HandbackAccepted, "case.handback_accepted.v1", messages.HandbackAccepted,
             "The agency accepted the handback: {decision}."),
    EventRow(consent_withdrawal.DisclosureStopped, "case.disclosure_stopped.v1", messages.DisclosureStopped,
             "Nothing more is shared on the withdrawn legal basis."),
    EventRow(consent_withdrawal.NgoAccessRevoked, "case.ngo_access_revoked.v1", messages.NgoAccessRevoked,
             "Stop for {organisation}: {reason}."),
    EventRow(deadlines.NgoAccessExpired, "case.ngo_access_expired.v1", messages.NgoAccessExpired,
             "The access of {organisation} has ended."),
    EventRow(consent_withdrawal.RecordedAfterWithdrawal, "case.recorded_after_withdrawal.v1",
             messages.RecordedAfterWithdrawal,
             "Marked: {organisation} recorded events after the withdrawal."),
    EventRow(consent_withdrawal.CaseReturned, "case.returned.v1", messages.CaseReturned,
             "The case returned to the agency without a handback report."),
    EventRow(closing.CaseClosed, "case.closed.v1", messages.CaseClosed,
             "The agency closed the case: {reason}."),
    EventRow(closing.CaseReopened, "case.reopened.v1", messages.CaseReopened,
             "The agency opened the case again."),
    EventRow(outcomes.OutcomeRecorded, "case.outcome_recorded.v1", messages.OutcomeRecorded,
             "Outcome at {point}: {code} ({source})."),
    EventRow(outcomes.OutcomeWaived, "case.outcome_waived.v1", messages.OutcomeWaived,
             "The follow-up {point} is waived: {reason}."),
    EventRow(deadlines.CaseFinalised, "case.finalised.v1", messages.CaseFinalised,
             "The case is finalised."),
    EventRow(people.CounsellorProposed, "case.counsellor_proposed.v1", messages.CounsellorProposed,
             "Another counsellor is asked to lead the case."),
    EventRow(people.CounsellorReassigned, "case.counsellor_reassigned.v1", messages.CounsellorReassigned,
             "The case has a new lead."),
    EventRow(organisation_part.CoordinatorProposed, "case.coordinator_proposed.v1", messages.CoordinatorProposed,
             "Another coordinator is asked to take over."),
    EventRow(people.CoordinatorReassigned, "case.coordinator_reassigned.v1", messages.CoordinatorReassigned,
             "Another coordinator took over."),
    EventRow(deadlines.DeadlineReminded, "case.deadline_reminded.v1", messages.DeadlineReminded,
             "Reminder: {deadline} is nearly due."),
    EventRow(deadlines.DeadlineMissed, "case.deadline_missed.v1", messages.DeadlineMissed,
             "The deadline {deadline} has passed."),
    EventRow(correction.CorrectionRecorded, "case.correction_recorded.v1", messages.CorrectionRecorded,
             "A correction stands beside {corrected}."),
    EventRow(mentor.MentorDescribed, "mentor.described.v1"),
    EventRow(mentor.MentorEngaged, "mentor.engaged.v1"),
    EventRow(mentor.MentorReleased, "mentor.released.v1"),
    EventRow(known_programme.ProgrammeLearnt, "programme.learnt.v1"),
    EventRow(known_organisation.OrganisationLearnt, "organisation.learnt.v1"),
    EventRow(KeyUsed, "idempotency_key.used.v1"),
)
# fmt: on

EVENT_TYPES: Final = EventTypes(EVENTS, references=REFERENCES)
