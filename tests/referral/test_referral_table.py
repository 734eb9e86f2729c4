"""A referral does what docs/domain.md says: every command in every state, and all that happens by itself."""

from __future__ import annotations

import pytest

from services.referral.actions import ACTIONS
from tests.referral.brute_force import BY_ITSELF, Asked, disagreements, disagreements_by_itself
from tests.referral.situations import ACTS, situations
from tests.support.domain_page import REFERRAL_BY_ITSELF, REFERRAL_COMMANDS, State, states, table

EVERY_STATE: list[State] = [None, *sorted(states(REFERRAL_COMMANDS))]


def test_the_page_has_every_command_of_a_referral_and_no_other() -> None:
    """A route without a row is a rule that nobody wrote down; a row without a route, a promise."""
    written = {row.command for row in table(REFERRAL_COMMANDS)}
    assert written == {"create", *ACTIONS}
    assert written == set(ACTS), "the commands that the tests try"


def test_whatever_the_page_says_happens_by_itself_is_tried() -> None:
    """A row that no test reaches could say anything."""
    assert {row.command for row in table(REFERRAL_BY_ITSELF)} == set(BY_ITSELF)


def test_every_state_of_the_page_is_lived_through() -> None:
    """Reached by the acts of people and by what is told, and never made up."""
    assert {situation.state for situation in situations()} == set(EVERY_STATE)


@pytest.mark.parametrize("state", EVERY_STATE, ids=str)
def test_each_command_does_in_each_state_what_the_page_says(state: State) -> None:
    """What is done, what is refused, and what is shown as possible."""
    assert list(disagreements(Asked(state=state))) == []


@pytest.mark.parametrize("state", EVERY_STATE, ids=str)
def test_what_happens_by_itself_leads_from_each_state_where_the_page_says(state: State) -> None:
    """Terms that pass, a consent that is withdrawn, a handback that is accepted."""
    assert list(disagreements_by_itself(Asked(state=state))) == []
