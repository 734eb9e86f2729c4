"""A referral does what docs/domain.md says: every command in every state, and all that happens by itself."""

from __future__ import annotations

import pytest

from contracts.codes import CaseState, ReferralState
from services.referral.commands import ACTIONS
from services.referral.domain.programme import DEFAULT_TERMS
from tests.domain_page import (
    CASE_BY_ITSELF,
    CASE_COMMANDS,
    REFERRAL_BY_ITSELF,
    REFERRAL_COMMANDS,
    State,
    states,
    table,
    terms,
)
from tests.referral.brute_force import BY_ITSELF, Asked, disagreements, disagreements_by_itself
from tests.referral.situations import ACTS, situations

EVERY_STATE: list[State] = [None, *sorted(states(REFERRAL_COMMANDS))]
UNITS = {"DAYS": "days", "WORKING_DAYS": "working days"}


def test_the_page_has_every_command_of_a_referral_and_no_other() -> None:
    """A route without a row is a rule that nobody wrote down; a row without a route, a promise."""
    written = {row.command for row in table(REFERRAL_COMMANDS)}
    assert written == {"create", "edit", *ACTIONS}
    assert written == set(ACTS), "the commands that the tests try"


def test_whatever_the_page_says_happens_by_itself_is_tried() -> None:
    """A row that no test reaches could say anything."""
    assert {row.command for row in table(REFERRAL_BY_ITSELF)} == set(BY_ITSELF)


def test_the_page_knows_every_state_and_no_other() -> None:
    """Of a referral and of a case; and each of a referral's is lived through."""
    assert states(REFERRAL_COMMANDS) == {state.value for state in ReferralState}
    assert states(CASE_COMMANDS) == {state.value for state in CaseState}
    assert {situation.state for situation in situations()} == set(EVERY_STATE)


def test_the_page_says_how_long_every_term_is() -> None:
    """The defaults of the page are those that a programme gets which says nothing else."""
    assert terms() == {name: f"{term.n} {UNITS[term.unit]}" for name, term in DEFAULT_TERMS.items()}


def test_every_deadline_that_a_row_starts_is_explained() -> None:
    """By its term, or as one of those that follow from a date."""
    started = {
        name
        for heading in (REFERRAL_COMMANDS, REFERRAL_BY_ITSELF, CASE_COMMANDS, CASE_BY_ITSELF)
        for row in table(heading)
        for name in row.deadlines
    }
    from_dates = {"AGREEMENT_END", "CHECK_IN", "FINALISE", "OUTCOME_W4", "OUTCOME_M6", "OUTCOME_M12"}
    assert started - terms().keys() == from_dates


@pytest.mark.parametrize("state", EVERY_STATE, ids=str)
def test_each_command_does_in_each_state_what_the_page_says(state: State) -> None:
    """What is done, what is refused, and what is shown as possible."""
    assert list(disagreements(Asked(state=state))) == []


@pytest.mark.parametrize("state", EVERY_STATE, ids=str)
def test_what_happens_by_itself_leads_from_each_state_where_the_page_says(state: State) -> None:
    """Terms that pass, a consent that is withdrawn, a handback that is accepted."""
    assert list(disagreements_by_itself(Asked(state=state))) == []
