"""Several steps of one name are open at once, each about something of its own, and one kind outlasts the case."""

from __future__ import annotations

import msgspec
import pytest

from contracts import referral as told
from contracts.codes import CaseState, Step
from services.casefile.domain.handback import ReturnHandback
from services.casefile.domain.state import Case
from services.casefile.domain.steps import (
    Moves,
    OpenStep,
    Party,
    ended_by,
    find,
    key_of,
    moved,
    moved_beside,
    step_of,
)
from services.casefile.domain.trajectory_end import CompleteTrajectory, EndMatch
from services.chassis.http.response.rendering import as_json
from services.chassis.modelling.decider import Command
from tests.casefile.casebook import ACCEPT, HAND_BACK, Casebook
from tests.casefile.messages import about
from tests.support.actors import INES, LOTTE
from tests.support.dates import on

COUNSELLOR = Party(role="AGENCY_COUNSELLOR", org="vdab-gent", sub="ines.debacker")
COORDINATOR = Party(role="NGO_COORDINATOR", org="brugwerk", sub="lotte.claes")


def step(name: str, about: str | None = None, owner: Party = COUNSELLOR) -> OpenStep:
    """An open step, about something or about nothing in particular."""
    plain = OpenStep(step=name, owner=owner, since=on(2, 3))
    return plain if about is None else msgspec.structs.replace(plain, about=about)


def after(case: Case, move: Moves) -> Case:
    """The case with its open steps after a move."""
    return msgspec.structs.replace(case, way=moved(case.way, move), beside=moved_beside(case.beside, move))


def test_two_steps_of_a_name_are_open_at_once_where_each_is_about_its_own() -> None:
    """Opening one replaces neither the other nor the one that is about nothing in particular."""
    case = after(Case(), Moves(opens=(step("ESCALATION"), step("ESCALATION", "E1"), step("ESCALATION", "E2"))))
    assert [each.key for each in case.steps] == ["ESCALATION", "ESCALATION:E1", "ESCALATION:E2"]
    again = after(case, Moves(opens=(step("ESCALATION", "E1", COORDINATOR),)))
    assert [(each.key, each.owner.sub) for each in again.steps] == [
        ("ESCALATION", "ines.debacker"),
        ("ESCALATION:E1", "lotte.claes"),
        ("ESCALATION:E2", "ines.debacker"),
    ]


def test_a_step_about_something_is_ended_and_renewed_alone() -> None:
    """By its own key; what was stored as a name alone ends the step of that name that is about nothing."""
    case = after(Case(), Moves(opens=(step("ESCALATION"), step("ESCALATION", "E1"), step("ESCALATION", "E2"))))
    without_first, without_plain = (after(case, Moves(closes=(key,))) for key in ("ESCALATION:E1", "ESCALATION"))
    assert [each.key for each in without_first.steps] == ["ESCALATION", "ESCALATION:E2"]
    assert [each.key for each in without_plain.steps] == ["ESCALATION:E1", "ESCALATION:E2"]
    renewed = msgspec.structs.replace(step("ESCALATION", "E2", COORDINATOR), since=on(9, 3))
    assert after(case, Moves(renews=(renewed,))).steps == case.steps


def test_a_step_is_found_by_what_it_is_about() -> None:
    """The name alone finds the one that is about nothing in particular."""
    steps = (step("ESCALATION", "E1"), step("INTAKE"))
    assert find(steps, "ESCALATION") is None
    assert find(steps, "ESCALATION", "E1") is steps[0]
    assert find(steps, "INTAKE") is steps[1]
    assert step_of(key_of("ESCALATION", "E1")) == "ESCALATION"
    assert step_of("INTAKE") == "INTAKE"


def test_a_step_that_is_about_nothing_is_stored_as_it_always_was() -> None:
    """Its bytes, and what an auditor reads of them, name nothing that it is about."""
    assert b"about" not in msgspec.json.encode(step("INTAKE"))
    assert b'"about":"E1"' in msgspec.json.encode(step("ESCALATION", "E1"))
    assert "about" not in as_json(step("INTAKE"))
    assert as_json(step("ESCALATION", "E1"))["about"] == "E1"


WAYS = {
    "handed back and closed": [
        CompleteTrajectory(at=on(30, 6), by=LOTTE, reason="EMPLOYMENT", closure_talk=True),
        HAND_BACK,
        ACCEPT,
    ],
    "a report that is returned": [
        msgspec.structs.replace(HAND_BACK, closure_reason="EMPLOYMENT"),
        ReturnHandback(at=on(3, 7), by=INES, missing=("OPEN_NEEDS",)),
    ],
    "a rematch": [EndMatch(at=on(30, 6), by=LOTTE, reason="MISMATCH", next="REMATCH", closure_talk=True)],
}


@pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
def test_the_answer_to_a_gap_outlasts_the_match_the_organisation_and_the_case(
    book: Casebook, way: list[Command]
) -> None:
    """Everything else ends with what it belongs to; only the answer ends the agency's duty to answer."""
    gap = with_gap(book)
    for command in way:
        book.act(command)
        assert gap in book.case.steps
        assert book.case.current_step != Step.SERVICE_GAP_ANSWER
    assert after(book.case, Moves(closes=ended_by(book.case.steps))).steps == (gap,)


def test_the_answer_to_a_gap_outlasts_a_withdrawn_consent(book: Casebook) -> None:
    """The agency goes on without detriment to the person, and owes its answer still."""
    gap = with_gap(book)
    book.tell(about(told.LegalBasisWithdrawn, INES, on(20, 3), legal_basis="LB-1", withdrawn_at=on(20, 3)))
    assert book.case.state is CaseState.OPENED
    assert gap in book.case.steps


def with_gap(book: Casebook) -> OpenStep:
    """A pair that meets, and a reported gap that waits for the agency's answer."""
    book.mentoring()
    gap = step(Step.SERVICE_GAP_ANSWER.value, "G1")
    book.case = after(book.case, Moves(opens=(gap,)))
    return gap
