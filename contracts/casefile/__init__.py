"""What the casefile service tells the others. Topic `caserelay.casefile.v1`, source `/services/casefile`.

Where a message has `deadlines`, they are those that run in the steps it begins or renews. Codes are those of
`contracts.codes` and `contracts.casefile_codes`; free text is never told.
"""

from contracts.casefile.agreement import (
    AgreementExtended,
    AgreementSigned,
    ExtensionProposed,
    ExtensionRefused,
    Readiness,
)
from contracts.casefile.closing import CaseClosed, CaseReopened
from contracts.casefile.consent_withdrawal import (
    CaseReturned,
    DisclosureStopped,
    NgoAccessRevoked,
    RecordedAfterWithdrawal,
)
from contracts.casefile.correction import CorrectionRecorded
from contracts.casefile.deadlines import CaseFinalised, DeadlineMissed, DeadlineReminded, NgoAccessExpired
from contracts.casefile.escalation import EscalationRaised, EscalationResolved
from contracts.casefile.handback import HandbackAccepted, HandbackRequested, HandbackReturned
from contracts.casefile.intake import ContactAttempted, IntakeConcluded, NoShowReported
from contracts.casefile.matching import MatchConfirmed, MatchEnded, MatchProposed, MatchRejected
from contracts.casefile.mentoring import CheckInRecorded, MeetingRecorded, ProgressReported, PulseRecorded
from contracts.casefile.opening import CaseOpened, ReferralReturned, ResponsibilityTransferred
from contracts.casefile.outcomes import OutcomeRecorded, OutcomeWaived
from contracts.casefile.people import (
    CoordinatorProposed,
    CoordinatorReassigned,
    CounsellorProposed,
    CounsellorReassigned,
)
from contracts.casefile.suspension import SuspensionReviewed, TrajectoryResumed, TrajectorySuspended
from contracts.casefile.trajectory_end import TrajectoryCompleted

SOURCE = "/services/casefile"
TOPIC = "caserelay.casefile.v1"

__all__ = [
    "SOURCE",
    "TOPIC",
    "AgreementExtended",
    "AgreementSigned",
    "CaseClosed",
    "CaseFinalised",
    "CaseOpened",
    "CaseReopened",
    "CaseReturned",
    "CheckInRecorded",
    "ContactAttempted",
    "CoordinatorProposed",
    "CoordinatorReassigned",
    "CorrectionRecorded",
    "CounsellorProposed",
    "CounsellorReassigned",
    "DeadlineMissed",
    "DeadlineReminded",
    "DisclosureStopped",
    "EscalationRaised",
    "EscalationResolved",
    "ExtensionProposed",
    "ExtensionRefused",
    "HandbackAccepted",
    "HandbackRequested",
    "HandbackReturned",
    "IntakeConcluded",
    "MatchConfirmed",
    "MatchEnded",
    "MatchProposed",
    "MatchRejected",
    "MeetingRecorded",
    "NgoAccessExpired",
    "NgoAccessRevoked",
    "NoShowReported",
    "OutcomeRecorded",
    "OutcomeWaived",
    "ProgressReported",
    "PulseRecorded",
    "Readiness",
    "RecordedAfterWithdrawal",
    "ReferralReturned",
    "ResponsibilityTransferred",
    "SuspensionReviewed",
    "TrajectoryCompleted",
    "TrajectoryResumed",
    "TrajectorySuspended",
]
