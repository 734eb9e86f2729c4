"""The ladders that run on over what happens to a referral: every event carries those that are left after it.

So what fires next is read off the latest event alone, as it is of deadlines. Every decision on a referral comes by
here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import UNSET
from msgspec.structs import replace

from contracts.codes import DeadlineName
from contracts.terms import LEVEL_AFTER
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.ladder import LevelDue, without
from services.referral.domain.answering import ReferralAccepted
from services.referral.domain.context import Context
from services.referral.domain.corrected_wait import WaitingCorrected
from services.referral.domain.deadlines import DeadlineMissed
from services.referral.domain.entered_in_error import ErrorReported
from services.referral.domain.information import InformationProvided
from services.referral.domain.ladder import WAITLIST_ALERT, DeadlineEscalated, WaitlistAlerted
from services.referral.domain.offer import LateTerm, OfReferral, PartEnds
from services.referral.domain.referral_state import OpenQuestion
from services.referral.domain.terms import resumed


def carried(context: Context, decided: Sequence[Any]) -> Sequence[Any]:
    """What was decided, with the ladders that run on: each event has all that is still to fire after it."""
    referral = context.referral
    question = referral.question
    if not referral.late and (question is None or not question.late):
        return decided
    return [
        replace(event, late=(*_kept(context, event), *(event.late or ())) or UNSET)
        if isinstance(event, OfReferral)
        else event
        for event in decided
    ]


def _kept(context: Context, event: OfReferral) -> list[LateTerm]:
    kept = [_after(late, event) for late in context.referral.late if _still_late(late, event)]
    question = context.referral.question
    if isinstance(event, InformationProvided) and question is not None:
        kept += [_resumed(context, late, question, event.at) for late in question.late]
    return kept


_NO_ACTS: Final = (DeadlineMissed, DeadlineEscalated, WaitlistAlerted, ErrorReported, WaitingCorrected)


def _still_late(late: LateTerm, event: OfReferral) -> bool:
    if isinstance(event, PartEnds | ReferralAccepted):
        return False
    if late.deadline == WAITLIST_ALERT or any(late.is_of(due.name, due.due_at) for due in event.deadlines):
        return True
    # A missed review of the waiting list is due again, and still not made.
    return late.deadline == DeadlineName.WAITLIST_REVIEW and isinstance(event, _NO_ACTS)


def _after(late: LateTerm, event: OfReferral) -> LateTerm:
    match event:
        case DeadlineEscalated() if late.is_of(event.deadline, event.due_at):
            return replace(late, level=max(late.level, event.level), to_come=without(late.to_come, event.level))
        case WaitlistAlerted() if late.deadline == WAITLIST_ALERT:
            return replace(late, level=event.level, to_come=())
        case _:
            return late


def _resumed(context: Context, late: LateTerm, question: OpenQuestion, at: datetime) -> LateTerm:
    """The ladder of a term whose clock stood still while a question was open."""
    terms = context.version.parameters.terms

    def later(due: LevelDue) -> LevelDue:
        stood = Deadline(due.level, due.at, due.at)
        unit = terms[LEVEL_AFTER[due.level]].unit
        return replace(due, at=resumed(context.calendar, unit, stood, question.at, at).due_at)

    return replace(late, to_come=tuple(later(due) for due in late.to_come))
