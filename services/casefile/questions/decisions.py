"""Q1: who decided what, in which role, for which organisation, when it happened, and when it was recorded."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from services.casefile.domain.referral_entry import ReferralEntryTaken
from services.casefile.questions.question import (
    Answer,
    Facts,
    Inquiry,
    Question,
    actor_of,
    counted,
    named,
    party,
    proofs,
    spoken,
    written,
)
from services.casefile.timeline import Item, timeline
from services.chassis.log.metadata import Recorded

DECISIONS: Final = frozenset({
    "ReferralSubmitted", "BroadcastOpened", "ReferralAccepted", "ReferralDeclined", "ReferralWaitlisted",
    "ReferralWithdrawn", "ReferralEnteredInError", "LegalBasisWithdrawn", "IntakeConcluded", "MatchProposed",
    "MatchConfirmed", "MatchRejected", "AgreementSigned", "ExtensionRefused", "AgreementExtended", "ChangeApproved",
    "ChangeRejected", "ApprovalGiven", "RoleExceptionGranted", "RoleExceptionDenied", "TrajectorySuspended",
    "TrajectoryResumed", "MatchEnded", "TrajectoryCompleted", "HandbackRequested", "HandbackReturned",
    "HandbackAccepted", "CaseClosed", "CaseReopened", "OutcomeWaived", "ServiceGapAnswered", "EscalationResolved",
    "CounsellorReassigned", "CoordinatorReassigned",
})  # fmt: skip
"""What somebody decides, by the names on the timeline; the rest reports, or follows."""
LATE: Final = timedelta(hours=24)
"""What is recorded so long after it happened is named."""


def find(inquiry: Inquiry) -> Answer:
    """Every decision with its person, role and organisation, and both of its times."""
    items = [
        item
        for item in timeline(inquiry.stored, as_of=inquiry.as_of, known_at=inquiry.known_at)
        if item.type in DECISIONS
    ]
    records = {recorded.version: recorded for recorded in inquiry.stored}
    unnamed = [item for item in items if not (item.actor.sub and item.actor.role and item.actor.org)]
    late = [item for item in items if _recorded_at(records[item.position]) - item.occurred_at >= LATE]
    facts: Facts = {
        "decisions": [_decision(item, records[item.position]) for item in items],
        "recordedLate": [item.event for item in late],
    }
    shown = proofs(*(records[item.position] for item in items))
    if not items:
        return Answer("Nobody has decided anything in the case yet.", facts, shown)
    last = items[-1]
    who = named(actor_of(records[last.position]))
    behalf = f" on behalf of {last.on_behalf_of}" if last.on_behalf_of is not None else ""
    text = (
        f"{counted(len(items), 'decision').capitalize()} on record, each with its person, role, organisation and both "
        f"times. The latest, {last.type}, was taken by {who}{behalf}; it happened on {spoken(last.occurred_at)} and "
        f"was recorded on {spoken(_recorded_at(records[last.position]))}."
    )
    if late:
        text += f" Recorded a day or more after they happened: {len(late)}."
    if unnamed:
        text += f" Without a named person: {len(unnamed)}."
    return Answer(text, facts, shown, clear=not unnamed and not late)


def _recorded_at(recorded: Recorded) -> datetime:
    """When it was recorded where it was decided: an entry of the referral service comes here later."""
    event = recorded.event
    return event.recorded_at if isinstance(event, ReferralEntryTaken) else recorded.meta.recorded_at


def _decision(item: Item, recorded: Recorded) -> Facts:
    return {
        "event": item.event,
        "type": item.type,
        "by": party(item.actor),
        "onBehalfOf": item.on_behalf_of,
        "onBehalfReason": item.on_behalf_reason,
        "substituteFor": item.substitute_for,
        "occurredAt": written(item.occurred_at),
        "recordedAt": written(_recorded_at(recorded)),
    }


QUESTION: Final = Question(
    "Q1",
    "Who decided this, in which role, for which organisation, when did it happen, and when was it recorded?",
    tuple(sorted(DECISIONS)),
    find,
)
