"""What the timeline says where a text with the fields of the event would not read."""

from __future__ import annotations

from typing import get_args

import pytest

from contracts.broadcast import OfferEvent
from services.casefile.domain.broadcast import OfferEntryTaken
from services.casefile.domain.steps import Party
from services.casefile.domain.task_refusals import TaskRefusedByCharter
from services.casefile.events import sentence
from services.casefile.sentences import of_a_refusal
from tests.support.dates import on


@pytest.mark.parametrize(
    ("allowed", "may"),
    [((), "nobody here"), (("PROFESSIONAL_MENTOR", "NGO_COORDINATOR"), "PROFESSIONAL_MENTOR, NGO_COORDINATOR")],
)
def test_a_refusal_says_who_may_carry_the_task(allowed: tuple[str, ...], may: str) -> None:
    """Nobody here is somebody to name, too."""
    refused = TaskRefusedByCharter(
        task="MONEY", role="VOLUNTEER_MENTOR", verdict="X", charter_version="v1", allowed_roles=allowed
    )
    assert of_a_refusal(refused) == f"The charter v1 keeps MONEY from VOLUNTEER_MENTOR; who may: {may}."


@pytest.mark.parametrize("name", get_args(OfferEvent))
def test_what_happens_to_one_of_several_offers_says_to_which(name: str) -> None:
    """Whatever it is, for two that are open at once are told of on one timeline."""

    def told(organisation: str) -> str:
        entry = OfferEntryTaken(
            name=name,  # type: ignore[arg-type]  # one of them, by the parameter
            referral="R-1",
            agency="vdab-gent",
            organisation=organisation,
            source_position=1,
            source_event_id="1",
            digest="",
            occurred_at=on(5, 3),
            recorded_at=on(5, 3),
            actor=Party(role="SYSTEM", org="caserelay", sub="referral-service"),
            codes=("DECISION",),
        )
        return sentence(entry)

    assert "brugwerk" in told("brugwerk")
    assert told("brugwerk") != told("samenstap")
