"""The rules of handback, closing and follow-up."""

from __future__ import annotations

from msgspec.structs import replace

from contracts.codes import CaseState
from services.casefile.domain.closing import Close, Reopen
from services.casefile.domain.deadlines import PassDeadline
from services.casefile.domain.handback import AcceptHandback, RequestHandback, ReturnHandback
from services.casefile.domain.outcomes import RecordOutcome, WaiveOutcome
from services.casefile.domain.steps import find
from services.casefile.domain.suspension import Suspend
from services.chassis.modelling.decider import Because
from tests.casefile.casebook import HAND_BACK, Casebook, at_time, codes, find_due, refusal
from tests.support.actors import CLOCK, INES, LOTTE
from tests.support.dates import end_of, on

ACCEPT = AcceptHandback(at=on(6, 7), by=INES, decision="RE_REFER", answers={"DIPLOMA_EQUIVALENCE": "DIPLOMA_DESK"})


def test_a_report_gives_an_outcome_for_every_goal(book: Casebook) -> None:
    """A goal without an outcome, or an outcome without a goal, is named."""
    book.handback_due()
    assert codes(refusal(book, replace(HAND_BACK, outcomes={"SOCIAL": "+", "LINGUISTIC": "+"}))) == [
        ("/outcomes/LINGUISTIC", "GOAL_UNKNOWN"),
        ("/outcomes/CULTURAL", "OUTCOME_PER_GOAL"),
    ]


def test_a_report_needs_a_closure_reason_where_nothing_gave_one(book: Casebook) -> None:
    """From MATCHING the report itself says why."""
    book.matching()
    report = RequestHandback(at=on(5, 2), by=LOTTE, outcomes={"SOCIAL": "=", "CULTURAL": "="})
    assert codes(refusal(book, report)) == [("/closureReason", "REQUIRED")]
    book.act(replace(report, closure_reason="MENTEE_WITHDREW"))
    assert book.case.state == CaseState.HANDBACK_REQUESTED


def test_an_incomplete_report_is_returned_once_and_sent_again(book: Casebook) -> None:
    """The organisation stays responsible all the while."""
    book.handback_requested()
    returned = ReturnHandback(at=on(3, 7), by=INES, missing=("RECOMMENDED_NEXT_STEP",))
    book.act(returned)
    assert [(step.step, step.owner.sub) for step in book.case.steps] == [("HANDBACK_REPORT", "lotte.claes")]
    assert book.act(returned) == []
    book.act(at_time(HAND_BACK, on(6, 7)))
    assert find_due(book, "HANDBACK_ACKNOWLEDGEMENT") == end_of(13, 7)
    assert refusal(book, replace(returned, missing=("OPEN_NEEDS",))).code == "RETURNED_BEFORE"
    assert refusal(book, at_time(HAND_BACK, on(6, 7))).code == "HANDBACK_AWAITS_AGENCY"


def test_a_handback_is_accepted_with_an_answer_to_every_need(book: Casebook) -> None:
    """Taken back to refer again, the case is open and the lead owns what comes next."""
    book.handback_requested()
    assert codes(refusal(book, replace(ACCEPT, answers={}))) == [("/answers/DIPLOMA_EQUIVALENCE", "NEED_UNANSWERED")]
    book.act(ACCEPT)
    assert book.case.state == CaseState.OPENED
    assert [(step.step, step.owner.sub) for step in book.case.steps] == [("NEXT_SERVICE", "ines.debacker")]
    assert book.names[-2:] == ["HandbackAccepted", "ResponsibilityTransferred"]


def test_a_former_party_is_refused_with_the_rule(book: Casebook) -> None:
    """After the handback the organisation's part is over."""
    book.handback_requested().act(ACCEPT)
    refused = refusal(book, Suspend(at=on(7, 7), by=LOTTE, reason="OTHER"))
    assert (refused.code, refused.because) == ("REFERRAL_ENDED", Because.RIGHTS)


def closed(book: Casebook) -> Casebook:
    """The happy path, closed on 6 July."""
    book.handback_requested().act(replace(ACCEPT, decision="CLOSE"))
    return book


def test_an_outcome_is_settled_once_and_waived_ones_count(book: Casebook) -> None:
    """The same outcome again changes nothing; another one for the point is a matter of correction."""
    closed(book)
    command = RecordOutcome(at=on(6, 7), by=INES, point="EXIT", code="EMPLOYED_STABLE", source="REGISTER")
    assert len(book.act(command)) == 1
    assert book.act(command) == []
    assert refusal(book, replace(command, code="NO_CHANGE")).code == "OUTCOME_SETTLED"
    for point in ("W4", "M6", "M12"):
        book.act(WaiveOutcome(at=on(7, 7), by=INES, point=point, reason="PERSON_DECLINED"))
    book.act(PassDeadline(at=on(7, 7), by=CLOCK, name="FINALISE"))
    assert book.case.state == CaseState.FINALISED


def test_a_closed_case_is_opened_again_within_its_term_only(book: Casebook) -> None:
    """The follow-ups start again with the next closing."""
    closed(book)
    assert refusal(book, Reopen(at=on(6, 1, 2027), by=INES)).code == "REOPEN_TERM_PASSED"
    book.act(Reopen(at=on(1, 10), by=INES))
    assert book.case.state == CaseState.OPENED
    book.act(Close(at=on(2, 10), by=INES, reason="OTHER_SERVICE"))
    assert book.act(Close(at=on(2, 10), by=INES, reason="OTHER_SERVICE")) == []
    found = find(book.case.steps, "OUTCOME_FOLLOW_UP")
    assert found is not None
    assert {due.name: due.due_at for due in found.deadlines} == {
        "OUTCOME_EXIT": end_of(30, 10),
        "OUTCOME_W4": end_of(30, 10),
        "OUTCOME_M6": end_of(30, 12),
        "OUTCOME_M12": end_of(30, 6, 2027),
    }
