"""A case does what docs/domain.md says: every command in every state, and all that happens by itself."""

from __future__ import annotations

import pytest

from services.casefile.actions import ACTIONS
from services.casefile.domain.deadlines import running
from tests.casefile.acts import BODIES
from tests.casefile.brute_force import BY_ITSELF, Asked, disagreements, disagreements_by_itself
from tests.casefile.situations import ONLY_IN, situations
from tests.support.domain_page import CASE_BY_ITSELF, CASE_COMMANDS, State, states, table

EVERY_STATE: list[State] = [None, *sorted(states(CASE_COMMANDS))]


def test_the_page_has_every_command_of_a_case_and_no_other() -> None:
    """A route without a row is a rule that nobody wrote down; a row without a route, a promise."""
    written = {row.command for row in table(CASE_COMMANDS)}
    assert written == set(ACTIONS)
    assert written == set(BODIES), "the commands that the tests try"


def test_what_a_row_says_of_its_situation_is_looked_for() -> None:
    """Each note that the tests know is on the page, and the situations that it means are lived through."""
    assert ONLY_IN.keys() <= {row.note for heading in (CASE_COMMANDS, CASE_BY_ITSELF) for row in table(heading)}
    assert frozenset().union(*ONLY_IN.values()) <= {situation.name for situation in situations()}


def test_whatever_runs_in_a_case_is_let_pass() -> None:
    """No term is left out of the page's tables."""
    ran = {one.name.partition(":")[0] for situation in situations() for one in running(situation.book.case)}
    assert ran <= {row.command for row in table(CASE_BY_ITSELF)}


def test_whatever_the_page_says_happens_by_itself_is_tried() -> None:
    """A row that no test reaches could say anything."""
    assert {row.command for row in table(CASE_BY_ITSELF)} == set(BY_ITSELF)


def test_every_state_of_the_page_is_lived_through() -> None:
    """Reached by the acts of people and by messages, and never made up."""
    assert {situation.state for situation in situations()} == set(EVERY_STATE)


@pytest.mark.parametrize("state", EVERY_STATE, ids=str)
def test_each_command_does_in_each_state_what_the_page_says(state: State) -> None:
    """By the right side and by everybody else: what is done, what is refused, and what is shown as possible."""
    assert list(disagreements(Asked(state=state))) == []


@pytest.mark.parametrize("state", EVERY_STATE, ids=str)
def test_what_happens_by_itself_leads_from_each_state_where_the_page_says(state: State) -> None:
    """Messages about referrals and terms that pass."""
    assert list(disagreements_by_itself(Asked(state=state))) == []
