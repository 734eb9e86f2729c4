"""What the timeline says of an event, in one short sentence without personal data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from services.casefile.domain import (
    answering,
    deadlines,
    escalation,
    follow_up,
    handback,
    intake,
    matching,
    mentoring,
    opening,
    people,
    reviews,
    trajectory,
    withdrawal,
)
from services.casefile.domain.responsibility import Moves


def sentence(event: Any) -> str:
    """The sentence of an event; for one without, the words of its name."""
    if isinstance(event, opening.ReferralEntryTaken):
        said = _OF_REFERRALS.get(event.name, _words(event.name))
        said = said.format(agency=event.agency, organisation=event.organisation, codes=", ".join(event.codes))
        return said if event.expected_by is None else f"{said} Expected by {event.expected_by.isoformat()}."
    said = _SAID.get(type(event), _words(type(event).__name__))
    if isinstance(event, people.CorrectionRecorded) and event.was is not None and event.holds is not None:
        was, holds = event.was.facts, event.holds.facts
        changed = [name for name in holds if holds[name] != was.get(name)]
        changed += ["time"] if event.holds.happened_at not in (None, event.was.happened_at) else []
        return f"A correction stands beside {event.corrected}, and says what holds: {', '.join(changed)}."
    shown = {
        field.name: ", ".join(map(str, value)) if isinstance(value := getattr(event, field.name), tuple) else value
        for field in fields(event)
        if field.name not in _MOVES
    }
    return said.format(**shown)


def passed_on(reason: str | None) -> str:
    """What is added where somebody passed on another's word (`OnBehalfReason`)."""
    return f" Passed on by the coordinator: {reason}." if reason is not None else ""


_OF_REFERRALS: Mapping[str, str] = {
    "ReferralSubmitted": "The agency {agency} referred the person to {organisation}.",
    "ReferralReceived": "{organisation} acknowledged receipt.",
    "InformationRequested": "{organisation} asked for information: {codes}.",
    "InformationProvided": "{agency} answered the questions: {codes}.",
    "ReferralWaitlisted": "{organisation} put the referral on its waiting list: {codes}.",
    "ReferralAccepted": "{organisation} accepted the referral.",
    "ReferralDeclined": "{organisation} declined the referral: {codes}.",
    "ReferralWithdrawn": "The referral to {organisation} was withdrawn: {codes}.",
    "ReferralExpired": "The referral to {organisation} expired without an answer.",
    "ReferralCompleted": "The referral to {organisation} is completed: {codes}.",
    "ErrorReported": "{agency} reported the referral as entered in error; a second person has to confirm.",
    "ReferralEnteredInError": "{agency} confirmed that the referral was entered in error.",
    "LegalBasisWithdrawn": "The person withdrew the legal basis for sharing with {organisation}.",
    "DeadlineReminded": "Reminder: {codes} is nearly due.",
    "DeadlineMissed": "The deadline {codes} has passed.",
}

_SAID: Mapping[type, str] = {
    opening.CaseOpened: "The case was opened in programme {programme}.",
    opening.EligibilityConfirmed: "Eligibility was confirmed, criterion by criterion.",
    opening.ParticipationChosen: "The person chose to take part ({method}, {language}).",
    opening.LegalBasisRecorded: "Legal basis recorded: {kind} for sharing with {recipient}, text {text_version}.",
    opening.CaseReferred: "The case waits for the answer of {organisation}.",
    answering.ReferralReturned: "The case is back with its lead, who decides what comes next.",
    answering.ResponsibilityTransferred: "Responsibility passed from {giver.org} to {receiver.org}.",
    intake.ContactAttempted: "The organisation tried to reach the person.",
    intake.NoShowReported: "The person did not come: no-show number {count}.",
    intake.IntakeConcluded: "The intake is concluded.",
    matching.MatchProposed: "A mentor was proposed ({kind}): {criteria}.",
    matching.MatchConfirmed: "Yes to the match from the side {side}.",
    matching.MatchRejected: "No to the match from the side {side}: {reason}.",
    matching.AgreementSigned: "Agreement signed until {end}, {norm} meetings a month, charter {charter_version}.",
    mentoring.MeetingRecorded: "Mentor and mentee met.",
    mentoring.CheckInRecorded: "The coordinator held a check-in: {sides}.",
    mentoring.PulseRecorded: "Pulse from the side {side}: {score} of 5.",
    mentoring.ProgressReported: "Progress was reported to the counsellor.",
    trajectory.ExtensionProposed: "The organisation proposes an extension until {end}.",
    trajectory.ExtensionRefused: "The agency refused the extension until {end}.",
    trajectory.AgreementExtended: "The agency approved the extension until {end}.",
    trajectory.TrajectorySuspended: "The trajectory pauses: {reason}.",
    trajectory.TrajectoryResumed: "The trajectory was taken up again.",
    reviews.SuspensionReviewed: "The pause was reviewed, and goes on.",
    escalation.EscalationRaised: "The other side is asked to see to what {awaited} owes: {reason}.",
    escalation.EscalationResolved: "What was done about the missed term: {resolution}.",
    trajectory.MatchEnded: "The match ended: {reason}.",
    trajectory.TrajectoryCompleted: "The trajectory is completed: {reason}.",
    handback.HandbackRequested: "The organisation hands back: {closure_reason}.",
    handback.HandbackReturned: "The agency returned the report; missing: {missing}.",
    handback.HandbackAccepted: "The agency accepted the handback: {decision}.",
    withdrawal.DisclosureStopped: "Nothing more is shared on the withdrawn legal basis.",
    withdrawal.NgoAccessRevoked: "Stop for {organisation}: {reason}.",
    withdrawal.RecordedAfterWithdrawal: "Marked: {organisation} recorded events after the withdrawal.",
    withdrawal.CaseReturned: "The case returned to the agency without a handback report.",
    deadlines.NgoAccessExpired: "The access of {organisation} has ended.",
    follow_up.CaseClosed: "The agency closed the case: {reason}.",
    follow_up.CaseReopened: "The agency opened the case again.",
    follow_up.OutcomeRecorded: "Outcome at {point}: {code} ({source}).",
    follow_up.OutcomeWaived: "The follow-up {point} is waived: {reason}.",
    follow_up.CaseFinalised: "The case is finalised.",
    people.CounsellorProposed: "Another counsellor is asked to lead the case.",
    people.CounsellorReassigned: "The case has a new lead.",
    people.CoordinatorProposed: "Another coordinator is asked to take over.",
    people.CoordinatorReassigned: "Another coordinator took over.",
    people.CorrectionRecorded: "A correction stands beside {corrected}.",
    deadlines.DeadlineReminded: "Reminder: {deadline} is nearly due.",
    deadlines.DeadlineMissed: "The deadline {deadline} has passed.",
}

_MOVES = frozenset(field.name for field in fields(Moves))


def _words(name: str) -> str:
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip().capitalize() + "."
