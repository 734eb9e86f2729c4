"""The rules of a mentor's profile."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from services.casefile.domain.matching import RejectMatch
from services.casefile.domain.mentor import (
    Mentor,
    MentorDescribed,
    MentorEngaged,
    MentorReleased,
    evolve_mentor,
    lacks,
)
from services.chassis.modelling.decider import Refused
from tests.casefile.casebook import READY, Casebook
from tests.support.actors import LOTTE
from tests.support.dates import on


def test_the_same_description_again_changes_nothing(book: Casebook) -> None:
    """A profile is put as a whole."""
    assert len(book.describe_mentor()) == 1
    assert book.describe_mentor() == []
    assert len(book.describe_mentor(replace(READY, capacity=2))) == 1


def waiting(book: Casebook) -> datetime | None:
    """Since when the only mentor waits."""
    (mentor,) = book.mentors.values()
    assert not mentor.cases
    return mentor.waiting_since


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"screened_on": date(2026, 1, 6)}, "/screenedOn", "IN_THE_FUTURE"),
        ({"charter_version": None}, "/charterVersion", "REQUIRED"),
        ({"capacity": -1}, "/capacity", "NEGATIVE"),
    ],
)
def test_a_profile_that_cannot_be_true_is_refused_at_its_field(
    book: Casebook, change: dict[str, Any], pointer: str, code: str
) -> None:
    """What is vouched for has been done, under a named charter."""
    with pytest.raises(Refused) as refused:
        book.describe_mentor(replace(READY, **change))
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [(pointer, code)]


def test_a_volunteer_and_a_professional_need_different_things() -> None:
    """The information note is the volunteers' law's; the rest both need."""
    bare = replace(READY, screened_on=None, insurance_note_on=None)
    assert lacks(bare, "v1") == ("SCREENING", "INSURANCE_NOTE")
    assert lacks(replace(bare, kind="PROFESSIONAL"), "v1") == ("SCREENING",)


def test_a_place_is_free_again_when_its_case_lets_go() -> None:
    """One place: taken by one case, it is none for another."""
    mentor = evolve_mentor(Mentor(profile=READY), MentorEngaged(case="one"))
    assert mentor.has_place_for("one")
    assert not mentor.has_place_for("two")
    assert evolve_mentor(mentor, MentorReleased(case="one")).has_place_for("two")


def test_a_mentor_waits_since_the_description_or_since_the_last_match_ended(book: Casebook) -> None:
    """A proposal that came to nothing was no match: who waited before it has waited all the time."""
    described = on(5, 1)
    book.proposed()
    book.act(RejectMatch(at=on(16, 2), by=LOTTE, side="MENTEE", reason="NO_CLICK", on_behalf_reason="BY_PHONE"))
    assert waiting(book) == described
    other = Casebook().handback_due()
    assert waiting(other) == on(30, 6)


def test_who_takes_nobody_does_not_wait_and_waits_again_from_the_day_of_taking_somebody() -> None:
    """Described on 5 January, a pause from 1 February to 1 March; another place more begins nothing."""
    mentor, told = Mentor(), []
    for day, capacity in ((on(5, 1), 1), (on(1, 2), 0), (on(1, 3), 1), (on(8, 3), 2)):
        profile = replace(READY, capacity=capacity)
        event = MentorDescribed(organisation="brugwerk", mentor="M-41", profile=profile, described_at=day)
        mentor = evolve_mentor(mentor, event)
        told.append(mentor.waiting_since)
    assert told == [on(5, 1), None, on(1, 3), on(1, 3)]
