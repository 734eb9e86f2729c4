"""What the timeline says where a text with the fields of the event would not read."""

from __future__ import annotations

import pytest

from services.casefile.domain.task_refusals import TaskRefusedByCharter
from services.casefile.sentences import of_a_refusal


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
