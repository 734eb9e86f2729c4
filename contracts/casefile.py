"""What the casefile service tells the others. Topic `caserelay.casefile.v1`, source `/services/casefile`.

Where a message has `deadlines`, they are those that run in the steps it begins or renews. Codes are those of
`contracts.codes` and `contracts.casefile_codes`; free text is never told.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar

from contracts.message import ActorRef, CaseMessage, Contract, Deadline

SOURCE = "/services/casefile"
TOPIC = "caserelay.casefile.v1"
_T = "org.caserelay.case."


class Readiness(Contract):
    """What was known of the mentor's preparation when the agreement was signed; a date is absent where nothing was."""

    kind: str
    screened_on: date | None = None
    trained_on: date | None = None
    insurance_note_on: date | None = None
    charter_version: str | None = None
    charter_acknowledged_on: date | None = None
    confidentiality_on: date | None = None


class CaseOpened(CaseMessage):
    """The case of one person in one programme period was opened, with its lead: the one contact at the agency."""

    TYPE: ClassVar[str] = _T + "opened.v1"
    NAME: ClassVar[str] = "CaseOpened"
    client_ref: str
    agency: str
    programme: str
    programme_version: int
    lead: ActorRef


class ReferralReturned(CaseMessage):
    """A referral ended without a handback; the case lead decides what comes next."""

    TYPE: ClassVar[str] = _T + "referral_returned.v1"
    NAME: ClassVar[str] = "ReferralReturned"
    referral: str
    organisation: str
    reason: str | None = None
    deadlines: list[Deadline]


class ResponsibilityTransferred(CaseMessage):
    """The receiver accepted, and is responsible from then on; `step` is what begins."""

    TYPE: ClassVar[str] = _T + "responsibility_transferred.v1"
    NAME: ClassVar[str] = "ResponsibilityTransferred"
    referral: str
    giver: ActorRef
    receiver: ActorRef
    step: str
    deadlines: list[Deadline]


class ContactAttempted(CaseMessage):
    """The organisation tried to reach the person."""

    TYPE: ClassVar[str] = _T + "contact_attempted.v1"
    NAME: ClassVar[str] = "ContactAttempted"
    channel: str | None = None
    reached: bool


class NoShowReported(CaseMessage):
    """The person did not come; after three the organisation hands back. It serves no sanction."""

    TYPE: ClassVar[str] = _T + "no_show_reported.v1"
    NAME: ClassVar[str] = "NoShowReported"
    count: int


class IntakeConcluded(CaseMessage):
    """The intake's result: goals by capital type and language per skill (CEFR), or the reason why not."""

    TYPE: ClassVar[str] = _T + "intake_concluded.v1"
    NAME: ClassVar[str] = "IntakeConcluded"
    suitable: bool
    goals: list[str]
    cefr: dict[str, str]
    reason: str | None = None
    deadlines: list[Deadline]


class MatchProposed(CaseMessage):
    """A mentor was proposed, on these criteria. `mentor` is the organisation's own reference."""

    TYPE: ClassVar[str] = _T + "match_proposed.v1"
    NAME: ClassVar[str] = "MatchProposed"
    match: str
    mentor: str
    kind: str
    criteria: list[str]
    deadlines: list[Deadline]


class MatchConfirmed(CaseMessage):
    """One side said yes to the match (MENTOR or MENTEE)."""

    TYPE: ClassVar[str] = _T + "match_confirmed.v1"
    NAME: ClassVar[str] = "MatchConfirmed"
    match: str
    side: str


class MatchRejected(CaseMessage):
    """One side said no to the match; it costs nobody anything."""

    TYPE: ClassVar[str] = _T + "match_rejected.v1"
    NAME: ClassVar[str] = "MatchRejected"
    match: str
    side: str
    reason: str
    deadlines: list[Deadline]


class AgreementSigned(CaseMessage):
    """The agreement was signed: its days, the meetings a month, the charter, and how ready the mentor was."""

    TYPE: ClassVar[str] = _T + "agreement_signed.v1"
    NAME: ClassVar[str] = "AgreementSigned"
    match: str
    start: date
    end: date
    norm: int
    charter_version: str
    readiness: Readiness
    deadlines: list[Deadline]


class MeetingRecorded(CaseMessage):
    """Mentor and mentee met."""

    TYPE: ClassVar[str] = _T + "meeting_recorded.v1"
    NAME: ClassVar[str] = "MeetingRecorded"
    minutes: int | None = None
    mode: str | None = None
    topics: list[str]


class CheckInRecorded(CaseMessage):
    """The coordinator spoke with the sides named; `deadlines` has the next check-in."""

    TYPE: ClassVar[str] = _T + "check_in_recorded.v1"
    NAME: ClassVar[str] = "CheckInRecorded"
    mode: str | None = None
    sides: list[str]
    deadlines: list[Deadline]


class PulseRecorded(CaseMessage):
    """How one side feels about the match, from 1 to 5, and what weighs on it."""

    TYPE: ClassVar[str] = _T + "pulse_recorded.v1"
    NAME: ClassVar[str] = "PulseRecorded"
    side: str
    score: int
    reasons: list[str]


class ProgressReported(CaseMessage):
    """Feedback to the counsellor: progress per goal (-, =, +) and the next step."""

    TYPE: ClassVar[str] = _T + "progress_reported.v1"
    NAME: ClassVar[str] = "ProgressReported"
    occasion: str
    progress: dict[str, str]
    next_step: str | None = None


class ExtensionProposed(CaseMessage):
    """The organisation proposes that the agreement ends later; the agency decides."""

    TYPE: ClassVar[str] = _T + "extension_proposed.v1"
    NAME: ClassVar[str] = "ExtensionProposed"
    end: date


class ExtensionRefused(CaseMessage):
    """The agency said no to the later end."""

    TYPE: ClassVar[str] = _T + "extension_refused.v1"
    NAME: ClassVar[str] = "ExtensionRefused"
    end: date


class AgreementExtended(CaseMessage):
    """The agency approved the later end."""

    TYPE: ClassVar[str] = _T + "agreement_extended.v1"
    NAME: ClassVar[str] = "AgreementExtended"
    end: date
    deadlines: list[Deadline]


class TrajectorySuspended(CaseMessage):
    """The trajectory pauses; it may be resumed no later than `until`."""

    TYPE: ClassVar[str] = _T + "trajectory_suspended.v1"
    NAME: ClassVar[str] = "TrajectorySuspended"
    reason: str
    until: datetime
    deadlines: list[Deadline]


class TrajectoryResumed(CaseMessage):
    """The pause is over."""

    TYPE: ClassVar[str] = _T + "trajectory_resumed.v1"
    NAME: ClassVar[str] = "TrajectoryResumed"
    deadlines: list[Deadline]


class MatchEnded(CaseMessage):
    """The match ended; `next` is REMATCH or HANDBACK, or absent where something else ended the trajectory."""

    TYPE: ClassVar[str] = _T + "match_ended.v1"
    NAME: ClassVar[str] = "MatchEnded"
    match: str
    reason: str
    side: str | None = None
    next: str | None = None
    closure_talk: bool
    deadlines: list[Deadline]


class TrajectoryCompleted(CaseMessage):
    """The trajectory came to its end; the handback report is due."""

    TYPE: ClassVar[str] = _T + "trajectory_completed.v1"
    NAME: ClassVar[str] = "TrajectoryCompleted"
    reason: str
    closure_talk: bool
    deadlines: list[Deadline]


class HandbackRequested(CaseMessage):
    """The organisation hands back with its report, and stays responsible until the agency accepts."""

    TYPE: ClassVar[str] = _T + "handback_requested.v1"
    NAME: ClassVar[str] = "HandbackRequested"
    referral: str
    closure_reason: str
    outcomes: dict[str, str]
    open_needs: list[str]
    recommended_next_step: str | None = None
    deadlines: list[Deadline]


class HandbackReturned(CaseMessage):
    """The agency says what the report lacks."""

    TYPE: ClassVar[str] = _T + "handback_returned.v1"
    NAME: ClassVar[str] = "HandbackReturned"
    referral: str
    missing: list[str]
    deadlines: list[Deadline]


class HandbackAccepted(CaseMessage):
    """The agency took the case back: the referral's loop is closed. `decision` is CLOSE, RE_REFER or OTHER_SERVICE."""

    TYPE: ClassVar[str] = _T + "handback_accepted.v1"
    NAME: ClassVar[str] = "HandbackAccepted"
    referral: str
    decision: str
    next_service: str | None = None


class DisclosureStopped(CaseMessage):
    """The person withdrew the legal basis; nothing more is shared on it."""

    TYPE: ClassVar[str] = _T + "disclosure_stopped.v1"
    NAME: ClassVar[str] = "DisclosureStopped"
    legal_basis: str
    withdrawn_at: datetime


class NgoAccessRevoked(CaseMessage):
    """Stop: the organisation's access has ended, and `reason` is all that it is told."""

    TYPE: ClassVar[str] = _T + "ngo_access_revoked.v1"
    NAME: ClassVar[str] = "NgoAccessRevoked"
    referral: str
    organisation: str
    reason: str


class RecordedAfterWithdrawal(CaseMessage):
    """Events (ids) that the organisation recorded after the withdrawal, before casefile was told of it."""

    TYPE: ClassVar[str] = _T + "recorded_after_withdrawal.v1"
    NAME: ClassVar[str] = "RecordedAfterWithdrawal"
    legal_basis: str
    organisation: str
    withdrawn_at: datetime
    events: list[str]


class CaseReturned(CaseMessage):
    """The case went back to the agency without a handback report."""

    TYPE: ClassVar[str] = _T + "returned.v1"
    NAME: ClassVar[str] = "CaseReturned"
    referral: str
    reason: str
    deadlines: list[Deadline]


class NgoAccessExpired(CaseMessage):
    """The organisation's access to the case ended with its term."""

    TYPE: ClassVar[str] = _T + "ngo_access_expired.v1"
    NAME: ClassVar[str] = "NgoAccessExpired"
    referral: str
    organisation: str


class CaseClosed(CaseMessage):
    """The agency closed the case; a later referral of the person opens a new one."""

    TYPE: ClassVar[str] = _T + "closed.v1"
    NAME: ClassVar[str] = "CaseClosed"
    reason: str


class CaseReopened(CaseMessage):
    """The agency opened a closed case again."""

    TYPE: ClassVar[str] = _T + "reopened.v1"
    NAME: ClassVar[str] = "CaseReopened"


class OutcomeRecorded(CaseMessage):
    """What became of the person at a point (EXIT, W4, M6, M12), and where it is known from."""

    TYPE: ClassVar[str] = _T + "outcome_recorded.v1"
    NAME: ClassVar[str] = "OutcomeRecorded"
    point: str
    code: str
    source: str
    level_match: bool | None = None
    progress: dict[str, str]


class OutcomeWaived(CaseMessage):
    """A follow-up will not be taken."""

    TYPE: ClassVar[str] = _T + "outcome_waived.v1"
    NAME: ClassVar[str] = "OutcomeWaived"
    point: str
    reason: str


class CaseFinalised(CaseMessage):
    """Every follow-up is recorded or waived; the case takes nothing but corrections."""

    TYPE: ClassVar[str] = _T + "finalised.v1"
    NAME: ClassVar[str] = "CaseFinalised"


class CounsellorProposed(CaseMessage):
    """Another counsellor is asked to lead the case; until then the lead stays responsible."""

    TYPE: ClassVar[str] = _T + "counsellor_proposed.v1"
    NAME: ClassVar[str] = "CounsellorProposed"
    receiver: ActorRef


class CounsellorReassigned(CaseMessage):
    """The case has a new lead, who took it over."""

    TYPE: ClassVar[str] = _T + "counsellor_reassigned.v1"
    NAME: ClassVar[str] = "CounsellorReassigned"
    giver: ActorRef
    receiver: ActorRef


class CoordinatorProposed(CaseMessage):
    """Another coordinator is asked to take over; until then the present one stays responsible."""

    TYPE: ClassVar[str] = _T + "coordinator_proposed.v1"
    NAME: ClassVar[str] = "CoordinatorProposed"
    receiver: ActorRef


class CoordinatorReassigned(CaseMessage):
    """Another coordinator took over."""

    TYPE: ClassVar[str] = _T + "coordinator_reassigned.v1"
    NAME: ClassVar[str] = "CoordinatorReassigned"
    giver: ActorRef
    receiver: ActorRef


class DeadlineReminded(CaseMessage):
    """80 % of a term has passed; `awaited` is the organisation that is reminded."""

    TYPE: ClassVar[str] = _T + "deadline_reminded.v1"
    NAME: ClassVar[str] = "DeadlineReminded"
    deadline: str
    step: str
    due_at: datetime
    owner: ActorRef
    awaited: str


class DeadlineMissed(CaseMessage):
    """A term has passed without what it waited for."""

    TYPE: ClassVar[str] = _T + "deadline_missed.v1"
    NAME: ClassVar[str] = "DeadlineMissed"
    deadline: str
    step: str
    due_at: datetime
    owner: ActorRef
    awaited: str


class CorrectionRecorded(CaseMessage):
    """An event of the case is wrong; it stays as it is, and this stands beside it."""

    TYPE: ClassVar[str] = _T + "correction_recorded.v1"
    NAME: ClassVar[str] = "CorrectionRecorded"
    corrects: str
    corrected: str
