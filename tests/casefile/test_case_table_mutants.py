"""The tests of a case's table can fail: with any one of its cells changed, they name a row that does not hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from contracts.codes import CaseState
from contracts.staff import StaffSide
from services.casefile.actions import RULES
from services.casefile.domain.case import CASE
from services.casefile.domain.state import Case
from tests.casefile.brute_force import Asked, disagreements, disagreements_by_itself
from tests.support.domain_page import CASE_BY_ITSELF, CASE_COMMANDS, Row, State, table

pytestmark = pytest.mark.slow

WITHOUT_ORGANISATION = frozenset({CaseState.OPENED, CaseState.CLOSED, CaseState.FINALISED})
"""No organisation has a part in the case, and the part is asked for first: what the table says of an organisation's
command here nobody can ever see."""


@pytest.mark.parametrize("action", RULES)
def test_a_command_allowed_or_refused_in_one_more_state_is_noticed(action: str) -> None:
    """One cell of the table at a time: allowed where it was refused, refused where it was allowed."""
    rule = RULES[action]
    for state in CaseState:
        changed = {**RULES, action: replace(rule, states=rule.states ^ {state})}
        found = next(disagreements(Asked(actions=changed, only=action, state=state)), None)
        unseen = rule.side is StaffSide.ORGANISATION and state in WITHOUT_ORGANISATION
        assert (found is None) == unseen, f"{action} in {state}, the other way round: {found or 'nothing fails'}"


@pytest.mark.parametrize("action", RULES)
def test_a_command_given_to_another_side_is_noticed(action: str) -> None:
    """The agency's to the organisation, the organisation's to the agency, and either to both."""
    rule = RULES[action]
    for side in {*StaffSide, None} - {rule.side}:
        changed = {**RULES, action: replace(rule, side=side)}
        found = next(disagreements(Asked(actions=changed, only=action)), None)
        assert found is not None, f"{action} is for {side}, and nothing fails"


def _wrong(row: Row, state: State) -> Iterator[tuple[CaseState, Callable[[Case, Any], Case]]]:
    """The folds that differ in one place: where the last event of the row leads to another state."""
    last = next(name for name, certain in reversed(row.events) if certain)
    right = row.to or state
    for other in CaseState:
        if other != right:

            def fold(case: Case, event: Any, other: CaseState = other) -> Case:
                after = CASE.evolve(case, event)
                here = type(event).__name__ == last and after.state == right
                return replace(after, state=other) if here else after

            yield other, fold


@pytest.mark.parametrize(
    ("row", "tried"),
    [
        *(pytest.param(row, disagreements, id=str(row)) for row in table(CASE_COMMANDS)),
        *(pytest.param(row, disagreements_by_itself, id=str(row)) for row in table(CASE_BY_ITSELF)),
    ],
)
def test_an_event_that_leads_to_another_state_is_noticed(row: Row, tried: Callable[[Asked], Iterator[str]]) -> None:
    """One row at a time: the state it leads to, or stays in, is each of the others."""
    for state in row.states:
        for other, fold in _wrong(row, state):
            found = next(tried(Asked(evolve=fold, only=row.command, state=state)), None)
            assert found is not None, f"{row}: it leads from {state} to {other}, and nothing fails"
