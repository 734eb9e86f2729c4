"""The tests of a referral's table can fail: with any one of its cells changed, they name a row that does not hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from contracts.codes import ReferralState
from services.referral.actions import RULES
from services.referral.domain.referral import REFERRAL
from services.referral.domain.referral_state import TERMINAL, Referral
from tests.referral.brute_force import Asked, disagreements, disagreements_by_itself
from tests.support.domain_page import REFERRAL_BY_ITSELF, REFERRAL_COMMANDS, Row, State, table

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("action", RULES)
def test_a_command_allowed_or_refused_in_one_more_state_is_noticed(action: str) -> None:
    """One cell of the table at a time: allowed where it was refused, refused where it was allowed."""
    # Nobody sends this one: casefile tells of the handback, and one that has ended already is left alone.
    by_itself = action == "complete"
    for state in ReferralState:
        possible = set(RULES[action].states) ^ {state}
        rule = replace(RULES[action], states=tuple(one for one in ReferralState if one in possible))
        tried = disagreements_by_itself if by_itself else disagreements
        only = "HandbackAccepted" if by_itself else action
        found = next(tried(Asked(actions={**RULES, action: rule}, only=only, state=state)), None)
        unseen = by_itself and state in TERMINAL
        assert (found is None) == unseen, f"{action} in {state}, the other way round: {found or 'nothing fails'}"


def _wrong(row: Row, state: State) -> Iterator[tuple[ReferralState, Callable[[Referral, Any], Referral]]]:
    """The folds that differ in one place: where the row's event leads to another state."""
    last, right = row.events[-1][0], row.to or state
    for other in ReferralState:
        if other != right:

            def fold(referral: Referral, event: Any, other: ReferralState = other) -> Referral:
                after = REFERRAL.evolve(referral, event)
                return replace(after, state=other) if type(event).__name__ == last else after

            yield other, fold


@pytest.mark.parametrize(
    ("row", "tried"),
    [
        *(pytest.param(row, disagreements, id=str(row)) for row in table(REFERRAL_COMMANDS)),
        *(pytest.param(row, disagreements_by_itself, id=str(row)) for row in table(REFERRAL_BY_ITSELF)),
    ],
)
def test_an_event_that_leads_to_another_state_is_noticed(row: Row, tried: Callable[[Asked], Iterator[str]]) -> None:
    """One row at a time: the state it leads to, or stays in, is each of the others."""
    for state in row.states:
        for other, fold in _wrong(row, state):
            found = next(tried(Asked(evolve=fold, only=row.command, state=state)), None)
            assert found is not None, f"{row}: it leads from {state} to {other}, and nothing fails"
