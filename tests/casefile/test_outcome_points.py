"""Results are taken at their points: EXIT at the end of the trajectory, W4, M6 and M12 on their days after it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from contracts import referral as told
from contracts.codes import CaseState
from services.casefile.domain.case import evolve
from services.casefile.domain.closing import CaseClosed, Close, Reopen
from services.casefile.domain.guards import blocked
from services.casefile.domain.outcomes import RecordOutcome, WaiveOutcome
from services.casefile.domain.state import Case
from services.chassis.modelling.decider import Because
from tests.casefile.casebook import Casebook, at_time, codes, refusal
from tests.casefile.messages import about
from tests.support.actors import INES, LOTTE
from tests.support.dates import on

OUTCOME = RecordOutcome(at=on(6, 7), by=INES, point="EXIT", code="EMPLOYED_STABLE", source="REGISTER")
WAIVER = WaiveOutcome(at=on(6, 7), by=INES, point="M12", reason="PERSON_DECLINED")
POINTS = pytest.mark.parametrize(
    ("point", "begins", "day"),
    [
        ("W4", on(28, 7, hour=0), "2026-07-28"),
        ("M6", on(30, 12, hour=0), "2026-12-30"),
        ("M12", on(30, 6, 2027, hour=0), "2027-06-30"),
    ],
)
"""The trajectory of the story ended on 30 June 2026; its days are those of domain reference 9.1."""
A_SECOND = timedelta(seconds=1)


@POINTS
def test_a_result_is_recorded_from_the_day_of_its_point_on(
    book: Casebook, point: str, begins: datetime, day: str
) -> None:
    """From midnight in Brussels on; the refusal names the day."""
    book.closed()
    refused = refusal(book, replace(OUTCOME, point=point, at=begins - A_SECOND))
    assert (refused.code, refused.because) == ("OUTCOME_NOT_DUE", Because.STATE)
    assert day in refused.detail
    assert len(book.act(replace(OUTCOME, point=point, at=begins))) == 1


@POINTS
def test_a_result_tells_of_its_point_and_not_of_the_time_before(
    book: Casebook, point: str, begins: datetime, day: str
) -> None:
    """Recorded later, it says what was so on the day of the point or after it."""
    book.closed()
    late = replace(OUTCOME, point=point, at=on(1, 8, 2027))
    refused = refusal(book, replace(late, occurred_at=begins - A_SECOND))
    assert codes(refused) == [("/occurredAt", "OUTCOME_NOT_DUE")]
    assert day in refused.detail
    assert len(book.act(replace(late, occurred_at=begins))) == 1


def test_the_result_at_the_exit_is_one_of_the_last_day_or_later(book: Casebook) -> None:
    """What was so the day before the trajectory ended is no exit."""
    book.closed()
    before = replace(OUTCOME, occurred_at=on(29, 6, hour=23, minute=59))
    assert codes(refusal(book, before)) == [("/occurredAt", "OUTCOME_NOT_DUE")]
    assert len(book.act(replace(OUTCOME, occurred_at=on(30, 6, hour=0)))) == 1


@POINTS
@pytest.mark.parametrize("reason", ["LOST_CONTACT", "PERSON_DECLINED", "MOVED", "NOT_APPLICABLE", "OTHER"])
def test_a_point_is_waived_ahead_where_the_person_declined_or_moved_and_else_on_its_day(
    book: Casebook, point: str, begins: datetime, day: str, reason: str
) -> None:
    """Whether contact is lost, or a result does not apply, shows when the point has come."""
    book.closed()
    waiver = replace(WAIVER, point=point, reason=reason)
    if reason not in ("PERSON_DECLINED", "MOVED"):
        refused = refusal(book, replace(waiver, at=begins - A_SECOND))
        assert codes(refused) == [("/reason", "OUTCOME_NOT_DUE")]
        assert day in refused.detail
        waiver = replace(waiver, at=begins)
    assert len(book.act(waiver)) == 1


def test_a_closed_case_offers_to_record_what_is_due_and_says_when_the_next_is(book: Casebook) -> None:
    """On 6 July the exit; then nothing until 28 July, when W4 may be recorded; a waiver may come at any time."""
    book.closed()
    assert blocked("record-outcome", book.context(at=on(6, 7)), INES) is None
    book.act(OUTCOME)
    refused = blocked("record-outcome", book.context(at=on(27, 7)), INES)
    assert refused is not None
    assert refused.code == "OUTCOME_NOT_DUE"
    assert "W4" in refused.detail
    assert "2026-07-28" in refused.detail
    assert blocked("waive-outcome", book.context(at=on(27, 7)), INES) is None
    assert blocked("record-outcome", book.context(at=on(28, 7)), INES) is None


def test_all_four_results_in_one_day_are_no_results(book: Casebook) -> None:
    """The case stays open for its follow-ups: one outcome, three refusals, nothing to finalise."""
    book.closed()
    book.act(OUTCOME)
    for point in ("W4", "M6", "M12"):
        assert refusal(book, replace(OUTCOME, point=point)).code == "OUTCOME_NOT_DUE"
    assert book.case.finalise_at is None
    assert book.case.state == CaseState.CLOSED


def test_an_error_in_a_settled_point_is_a_matter_of_correction_whatever_is_due(book: Casebook) -> None:
    """The refusal speaks of the point that was named, not of the next one."""
    book.closed().act(OUTCOME)
    assert refusal(book, at_time(replace(OUTCOME, code="NO_CHANGE"), on(7, 7))).code == "OUTCOME_SETTLED"


def test_a_case_that_never_was_with_an_organisation_is_followed_up_from_its_closing(book: Casebook) -> None:
    """Declined in January and closed on 2 February: four weeks after that are 2 March."""
    book.referred()
    declined = about(
        told.ReferralDeclined, LOTTE, on(20, 1), reason="CAPACITY_FULL", re_referable=True, suggestion=None
    )
    book.tell(declined)
    book.act(Close(at=on(2, 2), by=INES, reason="NO_ORGANISATION_FOUND"))
    assert refusal(book, replace(OUTCOME, point="W4", at=on(1, 3))).code == "OUTCOME_NOT_DUE"
    assert len(book.act(replace(OUTCOME, point="W4", at=on(2, 3)))) == 1


def test_a_consent_withdrawn_after_the_trajectory_moves_no_exit(book: Casebook) -> None:
    """Completed on 30 June; withdrawn on 10 July, before the report: the results are counted from 30 June."""
    book.handback_due()
    book.tell(about(told.LegalBasisWithdrawn, INES, on(10, 7), legal_basis="LB-1", withdrawn_at=on(10, 7)))
    book.act(Close(at=on(13, 7), by=INES, reason="EMPLOYMENT"))
    assert book.case.followed_from == on(30, 6)


def test_a_withdrawn_consent_is_an_exit_too(book: Casebook) -> None:
    """Withdrawn on 1 April, closed on 1 May: the results are counted from the first, not from the closing."""
    book.mentoring()
    book.tell(about(told.LegalBasisWithdrawn, INES, on(1, 4), legal_basis="LB-1", withdrawn_at=on(1, 4)))
    book.act(Close(at=on(4, 5), by=INES, reason="OTHER_SERVICE"))
    assert len(book.act(replace(OUTCOME, point="W4", at=on(4, 5)))) == 1
    assert "2026-10-01" in refusal(book, replace(OUTCOME, point="M6", at=on(30, 9))).detail


def test_a_case_that_is_closed_again_is_still_counted_from_its_exit(book: Casebook) -> None:
    """Opened again in October and closed without another trajectory: M6 stays on 30 December."""
    book.closed()
    book.act(Reopen(at=on(1, 10), by=INES))
    book.act(Close(at=on(2, 10), by=INES, reason="OTHER_SERVICE"))
    assert len(book.act(replace(OUTCOME, point="W4", at=on(2, 10)))) == 1
    assert "2026-12-30" in refusal(book, replace(OUTCOME, point="M6", at=on(29, 12))).detail


@pytest.mark.parametrize(("story", "day"), [("closed", "2026-07-28"), ("never accepted", "2026-03-02")])
def test_a_closing_that_was_stored_without_its_exit_is_counted_like_any(book: Casebook, story: str, day: str) -> None:
    """From the end of the trajectory, 30 June, or from the closing itself, 2 February, where there was none."""
    if story == "closed":
        book.closed()
    else:
        book.referred().tell(about(told.ReferralWithdrawn, INES, on(20, 1), reason="OTHER"))
        book.act(Close(at=on(2, 2), by=INES, reason="NO_ORGANISATION_FOUND"))
    case = Case()
    for recorded in book.history:
        event = recorded.event
        case = evolve(case, replace(event, exit_at=None) if isinstance(event, CaseClosed) else event)
    book.case = case
    assert day in refusal(book, replace(OUTCOME, point="W4", at=on(3, 2))).detail
