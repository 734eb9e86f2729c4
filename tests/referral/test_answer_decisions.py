"""What the addressed organisation may answer, in which state, and what each answer sets going."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from msgspec.structs import replace

from contracts.codes import DECLINE_RULES, DeclineReason, Question, ReferralState
from services.chassis.modelling.decider import Because
from services.referral.domain.answering import Accept, ReferralDeclined
from services.referral.domain.information import RequestInformation
from tests.referral.office import PARAMETERS, SAMIRA, Office, ask, decline, refusal_of, tell, waitlist
from tests.support.actors import LOTTE
from tests.support.dates import day, january

LANGUAGE, OCCUPATION = Question.LANGUAGE_LEVEL, Question.OCCUPATION


@pytest.fixture
def received(office: Office) -> Office:
    """A referral submitted on Monday 12 and received on Tuesday 13 January 2026."""
    office.submit()
    office.receive()
    return office


def test_receiving_meets_the_receipt_and_leaves_the_other_clocks(received: Office) -> None:
    """The decision and the expiry stay where they were."""
    assert received.referral().state is ReferralState.RECEIVED
    assert received.due() == {"DECISION": "2026-01-26", "EXPIRY": "2026-02-11"}


def test_receiving_twice_changes_nothing(received: Office) -> None:
    """It is received already."""
    assert received.receive(at=january(14)) == []


def test_a_question_pauses_the_decision_but_not_the_expiry(received: Office) -> None:
    """The agency has 5 working days to answer; the offer runs out all the same."""
    received.handle(ask(january(16)))
    assert received.due() == {"INFORMATION": "2026-01-23", "EXPIRY": "2026-02-11"}


@pytest.mark.parametrize(
    ("asked", "answered", "due"),
    [
        (january(16), january(21), "2026-01-29"),
        (january(16), january(19), "2026-01-27"),
        (january(16, 9), january(16, 15), "2026-01-26"),
        (january(17), january(18), "2026-01-26"),
    ],
    ids=["Friday to Wednesday", "over a weekend", "within a day", "within a weekend"],
)
def test_the_decision_resumes_without_the_working_days_of_the_pause(
    received: Office, asked: datetime, answered: datetime, due: str
) -> None:
    """Days that did not count while the question was open are given back, and no others."""
    received.handle(ask(asked))
    received.handle(tell(answered))
    assert received.referral().state is ReferralState.RECEIVED
    assert received.due() == {"DECISION": due, "EXPIRY": "2026-02-11"}


def test_a_decision_counted_in_days_resumes_without_the_days_of_the_pause(office: Office) -> None:
    """The unit of the pause is the unit of the term."""
    terms = {**PARAMETERS.terms, "DECISION": replace(PARAMETERS.terms["DECISION"], unit="DAYS", n=14)}
    office.publish(2, replace(PARAMETERS, terms=terms))
    office.submit()
    office.receive()
    office.handle(ask(january(16)))
    office.handle(tell(january(19)))
    assert office.due()["DECISION"] == "2026-01-29"


def test_a_decision_that_was_late_when_the_question_came_stays_late(received: Office) -> None:
    """Asking does not undo a breach, and the breach is not recorded a second time."""
    missed = received.passed("DECISION", january(27))
    assert len(received.handle(missed)) == 1
    received.handle(ask(january(28)))
    received.handle(tell(january(30)))
    assert received.due()["DECISION"] == "2026-01-26"
    assert received.handle(replace(missed, at=day(2026, 2, 2))) == []


def test_every_question_has_to_be_answered_once_and_no_other(received: Office) -> None:
    """Half an answer keeps the organisation waiting; an answer to no question is data that nobody asked for."""
    received.handle(ask(january(16), LANGUAGE, OCCUPATION))
    refusal = refusal_of(received, tell(january(19), "LANGUAGE_LEVEL", "AVAILABILITY", "LANGUAGE_LEVEL"))
    assert [(fault.pointer, fault.code) for fault in refusal.faults] == [
        ("/answers/1/code", "NOT_ASKED"),
        ("/answers/2/code", "ANSWERED_TWICE"),
        ("/answers", "ANSWER_MISSING"),
    ]


def test_answering_relies_on_the_legal_basis_again(received: Office) -> None:
    """Every disclosure stands in the ledger."""
    received.handle(ask(january(16)))
    received.handle(tell(january(19)))
    assert [use.purpose for use in received.legal_basis().relied_on] == ["SUBMIT", "PROVIDE_INFORMATION"]


def test_the_same_question_while_it_is_open_changes_nothing(received: Office) -> None:
    """Asked once is asked, in whatever repetition of its codes."""
    received.handle(ask(january(16)))
    assert received.handle(ask(january(17), LANGUAGE, LANGUAGE)) == []


def test_a_question_needs_a_code(received: Office) -> None:
    """An empty question cannot be answered."""
    command = RequestInformation(at=january(16), by=LOTTE, referral_id="R-1", codes=())
    assert [fault.pointer for fault in refusal_of(received, command).faults] == ["/codes"]


def test_information_is_requested_twice_at_most(received: Office) -> None:
    """The programme sets how often; then the organisation has to decide."""
    for asked in (january(14), january(16)):
        received.handle(ask(asked))
        received.handle(tell(asked.replace(hour=15)))
    refusal = refusal_of(received, ask(january(19)))
    assert (refusal.code, refusal.because) == ("INFORMATION_REQUESTS_USED_UP", Because.STATE)
    assert received.blocked("request-information") is not None


def test_the_programme_sets_how_often_information_is_requested(office: Office) -> None:
    """With none allowed the first request is refused."""
    office.publish(2, replace(PARAMETERS, information_requests_max=0))
    office.submit()
    office.receive()
    assert refusal_of(office, ask(january(16))).code == "INFORMATION_REQUESTS_USED_UP"


def test_waiting_is_reviewed_after_30_days_and_ends_after_90(received: Office) -> None:
    """The list replaces the decision's clock and the first expiry."""
    waitlisted = received.handle(waitlist(january(16)))[0]
    assert received.referral().state is ReferralState.WAITLISTED
    assert waitlisted.since == january(16)
    assert received.due() == {"WAITLIST_REVIEW": "2026-02-15", "EXPIRY": "2026-04-16"}


def test_waiting_for_the_same_twice_changes_nothing(received: Office) -> None:
    """The place on the list is taken once."""
    received.handle(waitlist(january(16)))
    assert received.handle(waitlist(january(17))) == []


def test_nobody_waits_who_has_not_agreed_or_until_a_day_that_has_gone(received: Office) -> None:
    """Both faults are told at once."""
    refusal = refusal_of(received, waitlist(january(16), expected_by=date(2026, 1, 15), client_agreed=False))
    assert [(fault.pointer, fault.code) for fault in refusal.faults] == [
        ("/clientAgreed", "CLIENT_MUST_AGREE"),
        ("/expectedBy", "IN_THE_PAST"),
    ]


def test_the_expected_day_is_one_of_the_programmes_time_zone(received: Office) -> None:
    """Half past midnight in Brussels, yesterday has gone, whatever the day is in UTC."""
    night = datetime(2026, 1, 15, 23, 30, tzinfo=UTC)
    assert refusal_of(received, waitlist(night, expected_by=date(2026, 1, 15))).code == "IN_THE_PAST"
    assert received.handle(waitlist(night, expected_by=date(2026, 1, 16))) != []


def test_a_question_from_the_list_starts_a_decision_and_does_not_lengthen_the_wait(received: Office) -> None:
    """An organisation that asks is about to decide; back on the list, the 90 days count from the first day there."""
    received.handle(waitlist(january(16)))
    received.handle(ask(january(19)))
    assert received.due() == {"INFORMATION": "2026-01-26", "EXPIRY": "2026-04-16"}
    received.handle(tell(january(20)))
    assert received.due() == {"DECISION": "2026-02-03", "EXPIRY": "2026-04-16"}
    again = received.handle(waitlist(january(21), expected_by=date(2026, 3, 2)))[0]
    assert again.since == january(16)
    assert received.due() == {"WAITLIST_REVIEW": "2026-02-20", "EXPIRY": "2026-04-16"}


def test_accepting_stops_all_clocks_takes_a_place_and_relies_on_the_basis(received: Office) -> None:
    """One command appends to referral, organisation and legal basis."""
    received.accept()
    assert received.referral().state is ReferralState.ACCEPTED
    assert received.due() == {}
    assert received.organisation().taken_by == {"R-1"}
    assert [use.purpose for use in received.legal_basis().relied_on] == ["SUBMIT", "ACCEPT"]


def test_accepting_from_the_waiting_list_is_possible(received: Office) -> None:
    """That is what the list is for."""
    received.handle(waitlist(january(16)))
    received.accept(at=january(20))
    assert received.referral().state is ReferralState.ACCEPTED


def test_accepting_twice_changes_nothing(received: Office) -> None:
    """The same coordinator again is no news; another one is not named this way."""
    received.accept()
    assert received.accept(at=january(17)) == []
    other = Accept(at=january(17), by=LOTTE, referral_id="R-1", coordinator="someone.else")
    assert refusal_of(received, other).code == "STATE_DOES_NOT_ALLOW"


def test_accepting_names_a_coordinator(received: Office) -> None:
    """Responsibility goes to a person, not to an organisation."""
    command = Accept(at=january(16), by=LOTTE, referral_id="R-1", coordinator=" ")
    assert [fault.pointer for fault in refusal_of(received, command).faults] == ["/coordinator"]


def test_accepting_beyond_capacity_is_refused_and_the_count_is_told(received: Office) -> None:
    """An organisation cannot take on more people than it said it can carry."""
    received.describe("brugwerk", capacity=1)
    received.accept()
    received.submit(replace(SAMIRA, client_ref="CL-2"), "R-2")
    received.receive("R-2")
    refusal = refusal_of(received, Accept(at=january(17), by=LOTTE, referral_id="R-2", coordinator="lotte.claes"))
    assert (refusal.code, refusal.because) == ("CAPACITY_FULL", Because.STATE)
    assert "1 accepted" in refusal.detail
    assert "limit is 1" in refusal.detail
    received.complete(at=january(18))
    assert received.accept("R-2", at=january(19)) != []


def test_a_declined_referral_frees_the_person_and_says_what_may_be_done_next(received: Office) -> None:
    """The reason's code carries whether mentoring may be tried again and what it proposes to the agency."""
    declined = received.handle(decline(january(16), DeclineReason.LANGUAGE_INSUFFICIENT, suggestion_ref="vault-2"))[-1]
    assert isinstance(declined, ReferralDeclined)
    assert (declined.re_referable, declined.agency_action) == (True, "REFER_TO_OTHER_ORGANISATION")
    assert received.key().live is None
    assert received.due() == {}


def test_every_reason_for_declining_says_what_it_implies() -> None:
    """A reason without a rule could not be recorded."""
    assert set(DECLINE_RULES) == set(DeclineReason)


def test_a_text_goes_with_other_only(received: Office) -> None:
    """Codes can be counted and compared; prose about a person is the exception."""
    refusal = refusal_of(received, decline(january(16), DeclineReason.NO_SHOW, text_ref="vault-1"))
    assert [(fault.pointer, fault.code) for fault in refusal.faults] == [("/text", "TEXT_ONLY_WITH_OTHER")]
    assert received.handle(decline(january(16), DeclineReason.OTHER, text_ref="vault-1")) != []


def test_declining_twice_changes_nothing(received: Office) -> None:
    """The same reason again is no news; another one comes too late."""
    received.handle(decline(january(16)))
    assert received.handle(decline(january(17))) == []
    assert refusal_of(received, decline(january(17), DeclineReason.NO_SHOW)).code == "STATE_DOES_NOT_ALLOW"
