"""Stories of decisions say what they saw: one that is told wrongly fails, in whatever service."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from services.casefile.domain.mentor import MENTOR, DescribeMentor, MentorDescribed, decide_mentor
from services.notifications.domain.inbox import INBOX, TakeMessage
from services.notifications.domain.inbox import decide as decide_inbox
from services.referral.domain.organisation import (
    ORGANISATION,
    DescribeOrganisation,
    Description,
    Organisation,
    OrganisationContext,
    OrganisationDescribed,
)
from services.referral.domain.organisation import decide as decide_organisation
from tests.casefile.casebook import READY
from tests.support.actors import CLOCK, LOTTE
from tests.support.dates import MONDAY
from tests.support.given_when_then import Decisions


def in_one_programme(command: DescribeOrganisation, state: Organisation) -> list[Any]:
    """Decides on a description in a world of one programme."""
    return decide_organisation(
        command, OrganisationContext(organisation=state, known_programmes=frozenset({"mtw-be-2026"}))
    )


MENTORS = Decisions(MENTOR, decide_mentor)
INBOXES = Decisions(INBOX, decide_inbox)
ORGANISATIONS = Decisions(ORGANISATION, in_one_programme)

MENTOR_41 = DescribeMentor(
    at=MONDAY, by=LOTTE, organisation="brugwerk", mentor="M-41", profile=READY, today=date(2026, 1, 12)
)


def brugwerk(programme: str = "mtw-be-2026") -> Description:
    """What brugwerk says of itself."""
    return Description(name="BRUGWERK vzw", kind="MENTORING_ORG", programmes=(programme,))


def describe(programme: str = "mtw-be-2026") -> DescribeOrganisation:
    """The command that says it."""
    return DescribeOrganisation(at=MONDAY, by=LOTTE, organisation="brugwerk", description=brugwerk(programme))


def take(sequence: int) -> TakeMessage:
    """A message that concerns no case comes in."""
    return TakeMessage(
        at=MONDAY,
        by=CLOCK,
        source="urn:caserelay:referral",
        sequence=sequence,
        type="org.caserelay.organisation.described.v1",
        name="OrganisationDescribed",
        case=None,
        occurred_at=MONDAY,
        recorded_at=MONDAY,
        message={"data": {}},
    )


DESCRIBED = OrganisationDescribed(organisation="brugwerk", description=brugwerk())


def test_a_decision_of_each_service_is_told_as_a_story() -> None:
    """The first time something happens; the second time nothing does, where that is the rule."""
    ORGANISATIONS.given().when(describe()).then(DESCRIBED)
    ORGANISATIONS.given(DESCRIBED).when(describe()).then()
    (described,) = MENTORS.given().when(MENTOR_41).events
    assert isinstance(described, MentorDescribed)
    MENTORS.given(described).when(MENTOR_41).then()
    assert INBOXES.after(take(1), take(2)).state.taken == 2


def test_a_story_without_what_happened_fails() -> None:
    """Less than what happens, more than it, or a refusal where there was none."""
    with pytest.raises(AssertionError):
        ORGANISATIONS.given().when(describe()).then()
    with pytest.raises(AssertionError):
        ORGANISATIONS.given(DESCRIBED).when(describe()).then(DESCRIBED)
    with pytest.raises(pytest.fail.Exception):
        ORGANISATIONS.given().when(describe()).is_refused("PROGRAMME_UNKNOWN")


def test_a_story_of_another_refusal_fails() -> None:
    """Its code, and each fault with its pointer."""
    refused = ORGANISATIONS.given().when(describe("other"))
    refused.is_refused("PROGRAMME_UNKNOWN", faults=[("/programmes/0", "PROGRAMME_UNKNOWN")])
    with pytest.raises(AssertionError):
        refused.is_refused("REQUIRED")
    with pytest.raises(AssertionError):
        refused.is_refused("PROGRAMME_UNKNOWN", faults=[("/programmes/1", "PROGRAMME_UNKNOWN")])
