"""What happened in time and is told after the term was missed: that somebody was asked meanwhile is no beginning."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from msgspec.structs import replace

from contracts.codes import CaseState
from services.casefile.domain.deadlines import PassDeadline
from services.casefile.domain.extension import ExtendAgreement
from services.casefile.domain.intake import ConcludeIntake, LogContactAttempt
from services.casefile.domain.people import ReassignCounsellor
from services.casefile.domain.state import Case
from services.casefile.domain.steps import find
from services.casefile.domain.suspension import Resume, Suspend
from services.casefile.domain.trajectory_end import CompleteTrajectory
from services.casefile.history import responsibility
from services.casefile.timeline import timeline
from services.chassis.modelling.decider import Command
from tests.casefile.casebook import Casebook, codes, refusal
from tests.support.actors import CLOCK, INES, LOTTE
from tests.support.dates import end_of, on


def missed(book: Casebook, name: str, at: datetime) -> Case:
    """The case once a term has passed and the lead was asked to see to it."""
    book.act(PassDeadline(at=at, by=CLOCK, name=name))
    assert find(book.case.steps, "ESCALATION") is not None
    return book.case


def concluded(at: datetime, occurred_at: datetime) -> ConcludeIntake:
    """An intake with a result, of a day, told on another."""
    return ConcludeIntake(
        at=at, by=LOTTE, suitable=True, goals=("SOCIAL",), expectations_ref="vault-1", occurred_at=occurred_at
    )


def test_an_intake_held_on_its_last_day_is_told_after_the_lead_was_asked(book: Casebook) -> None:
    """Friday 6 February is the last day; missed that night, and typed on Monday: matching begins on Friday."""
    book.accepted().act(LogContactAttempt(at=on(19, 1), by=LOTTE))
    missed(book, "INTAKE", end_of(6, 2))
    book.act(concluded(on(9, 2), on(6, 2)))
    assert book.case.state == CaseState.MATCHING
    matching = find(book.case.steps, "MATCHING")
    assert matching is not None
    assert matching.since == on(6, 2)
    assert find(book.case.steps, "ESCALATION") is None


def test_another_lead_makes_nothing_too_early_that_the_organisation_tells(book: Casebook) -> None:
    """The lead's step came to another counsellor on Sunday, the coordinator's own step to nobody else."""
    book.accepted().act(LogContactAttempt(at=on(19, 1), by=LOTTE))
    missed(book, "INTAKE", end_of(6, 2))
    book.act(ReassignCounsellor(at=on(8, 2), by=replace(INES, sub="bart.claes")))
    book.act(concluded(on(9, 2), on(6, 2)))
    assert book.case.state == CaseState.MATCHING


@pytest.mark.parametrize(
    "command",
    [
        Resume(at=on(4, 5), by=LOTTE, occurred_at=on(30, 4)),
        CompleteTrajectory(at=on(4, 5), by=LOTTE, reason="EMPLOYMENT", closure_talk=True, occurred_at=on(30, 4)),
    ],
    ids=lambda command: type(command).__name__,
)
def test_a_pause_that_ended_before_its_missed_review_is_told_afterwards(book: Casebook, command: Command) -> None:
    """Paused on 1 April, to be reviewed by 1 May; what ended the pause on 30 April is typed on 4 May."""
    book.mentoring().act(Suspend(at=on(1, 4), by=LOTTE, reason="HOLIDAY"))
    missed(book, "SUSPENSION_REVIEW", end_of(1, 5))
    book.act(command)
    assert book.case.state != CaseState.SUSPENDED


def test_it_is_still_not_told_of_a_time_before_its_step_began(book: Casebook) -> None:
    """The intake began with the acceptance."""
    book.accepted()
    missed(book, "INTAKE", end_of(6, 2))
    assert codes(refusal(book, concluded(on(9, 2), on(1, 1)))) == [("/occurredAt", "TOO_EARLY")]


def test_who_is_asked_because_of_what_is_told_later_is_asked_then(book: Casebook) -> None:
    """On 1 September the coordinator tells of a pause since 25 August: late alone now, the lead is asked."""
    book.mentoring()
    missed(book, "PROGRESS_REPORT", end_of(19, 5))
    book.act(ExtendAgreement(at=on(1, 8), by=LOTTE, end=date(2026, 9, 30)))
    book.act(PassDeadline(at=end_of(18, 8), by=CLOCK, name="AGREEMENT_END"))
    assert find(book.case.steps, "ESCALATION") is None
    book.act(Suspend(at=on(1, 9), by=LOTTE, reason="HOLIDAY", occurred_at=on(25, 8)))
    raised = [item for item in timeline(book.history) if item.type == "EscalationRaised"][-1]
    assert raised.occurred_at == on(1, 9)
    then = responsibility(book.history, as_of=on(26, 8))
    assert {step.step for step in then.steps} == {"SUSPENSION_REVIEW", "PROGRESS_REPORT"}
