"""Another match within a trajectory: what is due stays due, and the trajectory's last day stays its last day."""

from __future__ import annotations

from datetime import date

from msgspec.structs import replace

from contracts.codes import CaseState
from services.casefile.actions import moving_on
from services.casefile.domain.deadlines import PassDeadline, running
from services.casefile.domain.extension import DecideExtension, ExtendAgreement
from services.casefile.domain.guards import blocked
from services.casefile.domain.matching import ConfirmMatch
from services.casefile.domain.mentoring import ReportProgress
from services.casefile.domain.steps import find
from services.casefile.domain.trajectory_end import EndMatch
from tests.casefile.casebook import PROPOSE, SIGN, Casebook, codes, find_due, refusal
from tests.support.actors import CLOCK, INES, LOTTE
from tests.support.dates import end_of, on

END = EndMatch(at=on(1, 4), by=LOTTE, reason="MISMATCH", next="REMATCH", closure_talk=True)


def matched_again(book: Casebook) -> Casebook:
    """The match of 19 February ended on 1 April; on 10 April another mentor is proposed and both said yes."""
    book.mentoring().act(END)
    book.describe_mentor(mentor="M-42")
    book.act(replace(PROPOSE, at=on(10, 4), match="match-2", mentor="M-42"))
    for side in ("MENTOR", "MENTEE"):
        book.act(ConfirmMatch(at=on(13, 4), by=LOTTE, side=side, on_behalf_reason="BY_PHONE"))
    return book


def test_the_report_that_is_due_stays_due_over_a_rematch(book: Casebook) -> None:
    """Due on 19 May since the first agreement of 19 February, in every state until it is given, and no other day."""
    matched_again(book)
    assert find_due(book, "PROGRESS_REPORT") == end_of(19, 5)
    book.act(replace(SIGN, at=on(14, 4)))
    assert book.case.state == CaseState.MENTORING
    assert find_due(book, "PROGRESS_REPORT") == end_of(19, 5)
    book.act(ReportProgress(at=on(19, 5), by=LOTTE, progress={"SOCIAL": "+"}))
    assert find(book.case.steps, "PROGRESS_REPORT") is None


def test_a_report_is_given_while_another_mentor_is_sought(book: Casebook) -> None:
    """In MATCHING and before the signature, as long as one is due; and not without."""
    matched_again(book)
    assert blocked("report-progress", book.context(at=on(13, 4)), LOTTE) is None
    book.act(ReportProgress(at=on(13, 4), by=LOTTE, progress={"SOCIAL": "="}))
    assert find(book.case.steps, "PROGRESS_REPORT") is None
    again = ReportProgress(at=on(13, 4, hour=12), by=LOTTE, progress={"SOCIAL": "="})
    assert refusal(book, again).code == "STATE_DOES_NOT_ALLOW"


def test_a_report_that_is_missed_over_a_rematch_is_on_both_lists(book: Casebook) -> None:
    """Missed on 19 May in MATCHING: the coordinator can still report, the lead sees to it; a report settles both."""
    book.mentoring().act(END)
    book.act(PassDeadline(at=end_of(1, 5), by=CLOCK, name="MATCHING"))
    book.act(PassDeadline(at=end_of(19, 5), by=CLOCK, name="PROGRESS_REPORT"))
    assert {step.step for step in book.case.steps} == {"MATCHING", "PROGRESS_REPORT", "ESCALATION"}
    book.describe_mentor(mentor="M-42")
    book.act(replace(PROPOSE, at=on(20, 5), match="match-2", mentor="M-42"))
    assert {step.step for step in book.case.steps} == {"MATCH_CONFIRMATION", "PROGRESS_REPORT", "ESCALATION"}
    book.act(ReportProgress(at=on(21, 5), by=LOTTE, progress={"SOCIAL": "="}))
    assert {step.step for step in book.case.steps} == {"MATCH_CONFIRMATION"}


def test_another_match_keeps_the_last_day_of_the_first_agreement(book: Casebook) -> None:
    """18 August: by itself, and whatever is asked for; a renewal of six months is refused and the day is named."""
    matched_again(book)
    for end in (date(2026, 8, 19), date(2026, 10, 13)):
        refused = refusal(book, replace(SIGN, at=on(14, 4), end=end))
        assert codes(refused) == [("/end", "AFTER_LAST_DAY")]
        assert "2026-08-18" in refused.detail
    book.act(replace(SIGN, at=on(14, 4)))
    assert find_due(book, "CHECK_IN") == end_of(28, 4)
    assert [one.due_at for one in running(book.case) if one.name == "AGREEMENT_END"] == [end_of(18, 8)]


def test_a_later_day_comes_by_an_approved_extension_once_for_the_whole_trajectory(book: Casebook) -> None:
    """Extended to 18 October before the rematch: that is the last day then, and it is not extended once more."""
    book.mentoring().act(ExtendAgreement(at=on(20, 3), by=LOTTE, months=2))
    book.act(DecideExtension(at=on(21, 3), by=INES, approved=True))
    book.act(END)
    book.describe_mentor(mentor="M-42")
    book.act(replace(PROPOSE, at=on(20, 4), match="match-2", mentor="M-42"))
    for side in ("MENTOR", "MENTEE"):
        book.act(ConfirmMatch(at=on(20, 4), by=LOTTE, side=side, on_behalf_reason="BY_PHONE"))
    assert codes(refusal(book, replace(SIGN, at=on(20, 4), end=date(2026, 10, 19)))) == [("/end", "AFTER_LAST_DAY")]
    book.act(replace(SIGN, at=on(20, 4), end=date(2026, 10, 18)))
    assert refusal(book, ExtendAgreement(at=on(1, 6), by=LOTTE)).code == "EXTENDED_BEFORE"


def test_after_the_last_day_nothing_is_signed_and_the_case_is_handed_back(book: Casebook) -> None:
    """On 20 August the first agreement is over; the coordinator's list has the handback."""
    book.mentoring().act(replace(END, at=on(17, 8)))
    book.describe_mentor(mentor="M-42")
    book.act(replace(PROPOSE, at=on(19, 8), match="match-2", mentor="M-42"))
    for side in ("MENTOR", "MENTEE"):
        book.act(ConfirmMatch(at=on(20, 8), by=LOTTE, side=side, on_behalf_reason="BY_PHONE"))
    refused = refusal(book, replace(SIGN, at=on(20, 8)))
    assert ("/start", "AFTER_LAST_DAY") in codes(refused)
    assert "request-handback" in moving_on("MATCHING")


def short(book: Casebook, end: date) -> Casebook:
    """An agreement from 19 February to a day."""
    book.proposed()
    for side in ("MENTOR", "MENTEE"):
        book.act(ConfirmMatch(at=on(19, 2), by=LOTTE, side=side, on_behalf_reason="BY_PHONE"))
    book.act(replace(SIGN, end=end))
    return book


def test_a_short_agreement_reports_once_at_its_end_at_the_latest(book: Casebook) -> None:
    """Until 31 March the report is due on 31 March; given on the 20th, none is due any more."""
    short(book, date(2026, 3, 31))
    assert find_due(book, "PROGRESS_REPORT") == end_of(31, 3)
    book.act(ReportProgress(at=on(20, 3), by=LOTTE, progress={"SOCIAL": "+"}))
    assert find(book.case.steps, "PROGRESS_REPORT") is None


def test_an_agreement_of_just_three_months_reports_in_month_three(book: Casebook) -> None:
    """Three months from 19 February end on 18 May, a day before the report of a longer one is due: on 18 May."""
    assert find_due(short(book, date(2026, 5, 18)), "PROGRESS_REPORT") == end_of(18, 5)
    assert find_due(short(Casebook(), date(2026, 5, 19)), "PROGRESS_REPORT") == end_of(19, 5)
    assert find_due(short(Casebook(), date(2026, 5, 20)), "PROGRESS_REPORT") == end_of(19, 5)
