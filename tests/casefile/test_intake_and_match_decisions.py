"""The rules of intake, match and agreement: what is decided, and what is refused."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace

from contracts.codes import CaseState
from services.casefile.domain.intake import ConcludeIntake, LogContactAttempt, ReportNoShow
from services.casefile.domain.matching import ConfirmMatch, ProposeMatch, RejectMatch
from services.casefile.domain.steps import find
from services.chassis.modelling.decider import Actor, Because
from tests.casefile.casebook import MENTOR_REF, PROPOSE, READY, SIGN, Casebook, at_time, codes, refusal
from tests.casefile.messages import CASE_ID
from tests.support.actors import LOTTE
from tests.support.dates import end_of, on

MENTOR = Actor(sub=MENTOR_REF, role="VOLUNTEER_MENTOR", org="brugwerk")


def test_reaching_the_person_meets_the_first_contact_and_trying_does_not(book: Casebook) -> None:
    """An attempt that reached nobody leaves the step open."""
    book.accepted().act(LogContactAttempt(at=on(19, 1), by=LOTTE, reached=False))
    assert find(book.case.steps, "FIRST_CONTACT") is not None
    book.act(LogContactAttempt(at=on(20, 1), by=LOTTE))
    assert [step.step for step in book.case.steps] == ["INTAKE"]


def test_the_third_no_show_hands_the_case_back(book: Casebook) -> None:
    """Three different appointments; the coordinator stays responsible until the agency accepts."""
    book.accepted()
    for day in (20, 22, 24):
        book.act(ReportNoShow(at=on(day, 1), by=LOTTE))
    assert book.case.state == CaseState.HANDBACK_REQUESTED
    assert [(step.step, step.owner.sub) for step in book.case.steps] == [("HANDBACK_ACKNOWLEDGEMENT", "lotte.claes")]


def test_one_no_show_reported_twice_counts_once(book: Casebook) -> None:
    """The same appointment again changes nothing."""
    book.accepted()
    command = ReportNoShow(at=on(21, 1), by=LOTTE, occurred_at=on(20, 1))
    assert len(book.act(command)) == 1
    assert book.act(at_time(command, on(22, 1))) == []


def test_an_intake_needs_a_goal_typed_by_capital_and_the_mentees_expectations(book: Casebook) -> None:
    """Both are recorded at the start, or the intake is not concluded."""
    book.accepted()
    refused = refusal(book, ConcludeIntake(at=on(29, 1), by=LOTTE, suitable=True))
    assert refused.because == Because.INPUT
    assert codes(refused) == [("/goals", "GOAL_REQUIRED"), ("/expectations", "REQUIRED")]
    refused = refusal(
        book, ConcludeIntake(at=on(29, 1), by=LOTTE, suitable=True, goals=("MONEY",), expectations_ref="vault-1")
    )
    assert codes(refused) == [("/goals/0", "UNKNOWN_CODE")]


def test_an_unsuitable_intake_hands_back_with_its_reason(book: Casebook) -> None:
    """The report is with the agency at once, and the needs with it."""
    book.accepted()
    assert codes(refusal(book, ConcludeIntake(at=on(29, 1), by=LOTTE, suitable=False))) == [("/reason", "REQUIRED")]
    book.act(
        ConcludeIntake(
            at=on(29, 1), by=LOTTE, suitable=False, reason="NEEDS_OTHER_SUPPORT", open_needs=("COUNSELLING",)
        )
    )
    assert book.names[-2:] == ["IntakeConcluded", "HandbackRequested"]
    assert book.history[-1].event.closure_reason == "NEEDS_OTHER_SUPPORT"
    assert book.history[-1].event.open_needs == ("COUNSELLING",)


@pytest.mark.parametrize(
    ("missing", "code"),
    [
        ({"screened_on": None}, "SCREENING"),
        ({"trained_on": None}, "TRAINING"),
        ({"insurance_note_on": None}, "INSURANCE_NOTE"),
        ({"charter_acknowledged_on": None}, "CHARTER"),
        ({"charter_version": "v0"}, "CHARTER"),
    ],
)
def test_a_mentor_who_is_not_ready_is_not_proposed(book: Casebook, missing: dict[str, Any], code: str) -> None:
    """The refusal says what is lacking and who can put it right."""
    book.matching().describe_mentor(replace(READY, **missing))
    refused = refusal(book, PROPOSE)
    assert refused.code == "MENTOR_NOT_READY"
    assert code in refused.detail


def test_a_professional_needs_no_volunteers_insurance_note(book: Casebook) -> None:
    """The two kinds of mentor have two sets of guards."""
    book.matching().describe_mentor(replace(READY, kind="PROFESSIONAL", insurance_note_on=None))
    book.act(PROPOSE)
    assert book.case.state == CaseState.MATCH_PROPOSED


def test_a_volunteer_is_not_matched_against_a_recommended_professional(book: Casebook) -> None:
    """The counsellor's recommendation binds the match."""
    book.matching().describe_mentor()
    live = book.case.referral
    assert live is not None
    book.case = replace(book.case, referral=replace(live, recommended_mentor_kind="PROFESSIONAL"))
    assert refusal(book, PROPOSE).code == "PROFESSIONAL_RECOMMENDED"


def test_a_mentor_without_a_free_place_is_not_proposed(book: Casebook) -> None:
    """One mentee at a time unless the organisation says otherwise; the place is taken by the proposal."""
    book.matching().describe_mentor(replace(READY, capacity=0))
    assert refusal(book, PROPOSE).code == "MENTOR_AT_CAPACITY"
    book.describe_mentor(READY)
    book.act(PROPOSE)
    assert [mentor.cases for mentor in book.mentors.values() if mentor.profile] == [frozenset({CASE_ID})]


def test_a_match_names_the_sector_or_justifies_its_absence(book: Casebook) -> None:
    """Mentoring is on a sector; a match without it has a reason, and a conflict of interest rules one out."""
    book.matching().describe_mentor()
    without = ProposeMatch(at=on(12, 2), by=LOTTE, match="m", mentor=MENTOR_REF, criteria=("LANGUAGE",))
    assert codes(refusal(book, without)) == [("/criteria", "SECTOR_CRITERION")]
    conflict = replace(PROPOSE, conflict_of_interest=True)
    assert codes(refusal(book, conflict)) == [("/conflictOfInterest", "CONFLICT_OF_INTEREST")]
    other_kind = replace(PROPOSE, kind="PROFESSIONAL")
    assert codes(refusal(book, other_kind)) == [("/kind", "NOT_THE_MENTORS_KIND")]
    book.act(replace(without, sector_absence_ref="vault-3"))
    assert book.case.state == CaseState.MATCH_PROPOSED


def test_an_unknown_mentor_is_refused_by_name_of_the_field(book: Casebook) -> None:
    """Only a mentor of the organisation itself is proposed."""
    assert codes(refusal(book.matching(), replace(PROPOSE, mentor="M-99"))) == [("/mentorRef", "UNKNOWN_MENTOR")]


def test_an_agreement_needs_both_yeses(book: Casebook) -> None:
    """One side's yes is not the other's; the refusal says whose is awaited."""
    book.proposed().act(ConfirmMatch(at=on(19, 2), by=LOTTE, side="MENTOR", on_behalf_reason="BY_PHONE"))
    refused = refusal(book, SIGN)
    assert refused.code == "NOT_CONFIRMED"
    assert "MENTEE" in refused.detail


def test_a_side_does_not_speak_for_the_other(book: Casebook) -> None:
    """A mentor confirms for the mentor only, and only the proposed mentor does."""
    book.proposed()
    assert refusal(book, ConfirmMatch(at=on(19, 2), by=MENTOR, side="MENTEE")).code == "NOT_YOUR_SIDE"
    other = replace(MENTOR, sub="M-42")
    assert refusal(book, ConfirmMatch(at=on(19, 2), by=other, side="MENTOR")).because == Because.RIGHTS
    book.act(ConfirmMatch(at=on(19, 2), by=MENTOR, side="MENTOR"))
    book.act(ConfirmMatch(at=on(19, 2), by=Actor(sub="CL-7F3A", role="MENTEE", org=""), side="MENTEE"))
    assert [step.step for step in book.case.steps] == ["AGREEMENT"]


def test_a_rejected_match_frees_the_mentor_and_matching_goes_on(book: Casebook) -> None:
    """It costs nobody anything: the case is in MATCHING again, with a new term."""
    book.proposed().act(
        RejectMatch(at=on(13, 2), by=LOTTE, side="MENTEE", reason="NO_CLICK", on_behalf_reason="BY_PHONE")
    )
    assert book.case.state == CaseState.MATCHING
    assert [step.due_at for step in book.case.steps] == [end_of(15, 3)]
    assert [mentor.cases for mentor in book.mentors.values() if mentor.profile] == [frozenset()]


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"end": date(2026, 8, 19)}, "/end", "AGREEMENT_TOO_LONG"),
        ({"start": date(2026, 2, 1)}, "/start", "TOO_EARLY"),
        ({"end": date(2026, 2, 18)}, "/end", "BEFORE_START"),
        ({"norm": 1}, "/norm", "NORM_TOO_LOW"),
        ({"charter_version": "v0"}, "/charterVersion", "CHARTER_NOT_IN_FORCE"),
        (
            {"coordinator_attends_first_meeting": False},
            "/coordinatorAttendsFirstMeeting",
            "COORDINATOR_ABSENT",
        ),
        ({"expectations_mentor_ref": None}, "/expectations/mentor", "EXPECTATIONS_MISSING"),
    ],
)
def test_an_agreement_outside_the_rules_is_refused_at_its_field(
    book: Casebook, change: dict[str, Any], pointer: str, code: str
) -> None:
    """Length, start, norm, charter, the coordinator's presence, and what the mentor expects."""
    book.proposed()
    for side in ("MENTOR", "MENTEE"):
        book.act(ConfirmMatch(at=on(19, 2), by=LOTTE, side=side, on_behalf_reason="BY_PHONE"))
    assert codes(refusal(book, replace(SIGN, **change))) == [(pointer, code)]


def test_an_agreement_needs_a_mentor_bound_to_confidentiality(book: Casebook) -> None:
    """Ready to be proposed is not yet bound."""
    book.matching().describe_mentor(replace(READY, confidentiality_on=None))
    book.act(PROPOSE)
    for side in ("MENTOR", "MENTEE"):
        book.act(ConfirmMatch(at=on(19, 2), by=LOTTE, side=side, on_behalf_reason="BY_PHONE"))
    refused = refusal(book, SIGN)
    assert refused.code == "MENTOR_NOT_READY"
    assert "CONFIDENTIALITY" in refused.detail


def test_confidentiality_counts_in_the_version_that_the_programme_names(book: Casebook) -> None:
    """A declaration without a version, or of another one, is not the one in force; the agreement keeps which it was."""
    book.rules = replace(book.rules, confidentiality_version="c2")
    book.matching().describe_mentor()
    book.act(PROPOSE)
    for side in ("MENTOR", "MENTEE"):
        book.act(ConfirmMatch(at=on(19, 2), by=LOTTE, side=side, on_behalf_reason="BY_PHONE"))
    for version in (None, "c1"):
        book.describe_mentor(replace(READY, confidentiality_version=version))
        refused = refusal(book, SIGN)
        assert refused.code == "MENTOR_NOT_READY"
        assert refused.detail.endswith("lacking: CONFIDENTIALITY in version c2")
    book.describe_mentor(replace(READY, confidentiality_version="c2"))
    (signed,) = book.act(SIGN)
    assert (signed.readiness.charter_version, signed.readiness.confidentiality_version) == ("v1", "c2")


def test_a_refusal_names_the_version_of_the_charter_that_the_mentor_lacks(book: Casebook) -> None:
    """Acknowledged before, in a version that governs no more."""
    book.rules = replace(book.rules, charter_version="v2")
    book.matching().describe_mentor()
    assert refusal(book, PROPOSE).detail.endswith("still lacking: CHARTER in version v2")
