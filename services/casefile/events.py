"""The stable stored name of every event that the casefile service records. A line is never edited or removed."""

from typing import Final

from services.casefile.domain.answering import ReferralReturned, ResponsibilityTransferred
from services.casefile.domain.deadlines import DeadlineMissed, DeadlineReminded, NgoAccessExpired
from services.casefile.domain.escalation import EscalationRaised, EscalationResolved
from services.casefile.domain.follow_up import (
    CaseClosed,
    CaseFinalised,
    CaseReopened,
    OutcomeRecorded,
    OutcomeWaived,
)
from services.casefile.domain.handback import HandbackAccepted, HandbackRequested, HandbackReturned
from services.casefile.domain.intake import ContactAttempted, IntakeConcluded, NoShowReported
from services.casefile.domain.known_programme import OrganisationLearnt, ProgrammeLearnt
from services.casefile.domain.matching import AgreementSigned, MatchConfirmed, MatchProposed, MatchRejected
from services.casefile.domain.mentor import MentorDescribed, MentorEngaged, MentorReleased
from services.casefile.domain.mentoring import CheckInRecorded, MeetingRecorded, ProgressReported, PulseRecorded
from services.casefile.domain.opening import (
    CaseOpened,
    CaseReferred,
    EligibilityConfirmed,
    LegalBasisRecorded,
    ParticipationChosen,
    ReferralEntryTaken,
    ReferralNoteTaken,
)
from services.casefile.domain.people import (
    CoordinatorProposed,
    CoordinatorReassigned,
    CorrectionRecorded,
    CounsellorProposed,
    CounsellorReassigned,
)
from services.casefile.domain.reviews import SuspensionReviewed
from services.casefile.domain.trajectory import (
    AgreementExtended,
    ExtensionProposed,
    ExtensionRefused,
    MatchEnded,
    TrajectoryCompleted,
    TrajectoryResumed,
    TrajectorySuspended,
)
from services.casefile.domain.withdrawal import (
    CaseReturned,
    DisclosureStopped,
    NgoAccessRevoked,
    RecordedAfterWithdrawal,
)
from services.chassis.deciding.idempotency import KeyUsed
from services.chassis.log.event_types import EventTypes

TOPICS: dict[str, type] = {
    "case.referral_entry_taken.v1": ReferralEntryTaken,
    "case.referral_note_taken.v1": ReferralNoteTaken,
    "case.opened.v1": CaseOpened,
    "case.eligibility_confirmed.v1": EligibilityConfirmed,
    "case.participation_chosen.v1": ParticipationChosen,
    "case.legal_basis_recorded.v1": LegalBasisRecorded,
    "case.referred.v1": CaseReferred,
    "case.referral_returned.v1": ReferralReturned,
    "case.responsibility_transferred.v1": ResponsibilityTransferred,
    "case.contact_attempted.v1": ContactAttempted,
    "case.no_show_reported.v1": NoShowReported,
    "case.intake_concluded.v1": IntakeConcluded,
    "case.match_proposed.v1": MatchProposed,
    "case.match_confirmed.v1": MatchConfirmed,
    "case.match_rejected.v1": MatchRejected,
    "case.agreement_signed.v1": AgreementSigned,
    "case.meeting_recorded.v1": MeetingRecorded,
    "case.check_in_recorded.v1": CheckInRecorded,
    "case.pulse_recorded.v1": PulseRecorded,
    "case.progress_reported.v1": ProgressReported,
    "case.extension_proposed.v1": ExtensionProposed,
    "case.extension_refused.v1": ExtensionRefused,
    "case.agreement_extended.v1": AgreementExtended,
    "case.trajectory_suspended.v1": TrajectorySuspended,
    "case.trajectory_resumed.v1": TrajectoryResumed,
    "case.suspension_reviewed.v1": SuspensionReviewed,
    "case.escalation_raised.v1": EscalationRaised,
    "case.escalation_resolved.v1": EscalationResolved,
    "case.match_ended.v1": MatchEnded,
    "case.trajectory_completed.v1": TrajectoryCompleted,
    "case.handback_requested.v1": HandbackRequested,
    "case.handback_returned.v1": HandbackReturned,
    "case.handback_accepted.v1": HandbackAccepted,
    "case.disclosure_stopped.v1": DisclosureStopped,
    "case.ngo_access_revoked.v1": NgoAccessRevoked,
    "case.ngo_access_expired.v1": NgoAccessExpired,
    "case.recorded_after_withdrawal.v1": RecordedAfterWithdrawal,
    "case.returned.v1": CaseReturned,
    "case.closed.v1": CaseClosed,
    "case.reopened.v1": CaseReopened,
    "case.outcome_recorded.v1": OutcomeRecorded,
    "case.outcome_waived.v1": OutcomeWaived,
    "case.finalised.v1": CaseFinalised,
    "case.counsellor_proposed.v1": CounsellorProposed,
    "case.counsellor_reassigned.v1": CounsellorReassigned,
    "case.coordinator_proposed.v1": CoordinatorProposed,
    "case.coordinator_reassigned.v1": CoordinatorReassigned,
    "case.deadline_reminded.v1": DeadlineReminded,
    "case.deadline_missed.v1": DeadlineMissed,
    "case.correction_recorded.v1": CorrectionRecorded,
    "mentor.described.v1": MentorDescribed,
    "mentor.engaged.v1": MentorEngaged,
    "mentor.released.v1": MentorReleased,
    "programme.learnt.v1": ProgrammeLearnt,
    "organisation.learnt.v1": OrganisationLearnt,
    "idempotency_key.used.v1": KeyUsed,
}

REFERENCES: Final = ("legal_basis_id", "charter_version", "programme_version")
"""What the metadata of its events refer to, in the order in which they are stored."""

EVENT_TYPES: Final = EventTypes(TOPICS, references=REFERENCES)
