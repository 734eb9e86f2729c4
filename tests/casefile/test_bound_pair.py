"""Before the agreement is signed a mentor and a mentee say yes or no to the match, and do nothing else in the case."""

from __future__ import annotations

import pytest

from contracts.codes import Role
from services.casefile.actions import ACTIONS
from services.casefile.domain.guards import blocked
from services.chassis.modelling.decider import Actor
from tests.casefile import stories
from tests.casefile.casebook import MENTOR_REF
from tests.casefile.stories import Story

PAIR = (
    Actor(sub=MENTOR_REF, role=Role.VOLUNTEER_MENTOR.value, org="brugwerk"),
    Actor(sub="CL-7F3A", role=Role.MENTEE.value, org="brugwerk"),
)
BY_THE_PAIR = [(name, by) for name, row in ACTIONS.items() for by in PAIR if by.role in row.roles]


def refusal(story: Story, name: str, by: Actor) -> str | None:
    """The code that the action is refused with now."""
    refused = blocked(name, story.book.context(at=story.now), by)
    return refused.code if refused is not None else None


@pytest.mark.parametrize(("name", "by"), BY_THE_PAIR, ids=lambda one: getattr(one, "role", one))
def test_until_it_is_bound_a_pair_says_yes_or_no_and_nothing_else(name: str, by: Actor) -> None:
    """Both have confirmed, and the agreement is still to be signed."""
    answers = name in ("confirm-match", "reject-match")
    assert refusal(stories.confirmed(), name, by) == (None if answers else "STATE_DOES_NOT_ALLOW")


@pytest.mark.parametrize("by", PAIR, ids=lambda one: one.role)
def test_once_it_is_bound_a_pair_may_ask_for_somebody_to_see_to_the_case(by: Actor) -> None:
    """The signature is what was missing."""
    assert refusal(stories.mentoring(), "raise-escalation", by) is None
