"""Who stood in for whom at an instant, by what had been named until then: whatever was named or released later."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from msgspec import UNSET

from services.casefile.domain.absence import (
    STAFF,
    NameSubstitute,
    Naming,
    ReleaseSubstitute,
    Staff,
    SubstituteNamed,
    absence_stream,
    decide_absence,
)
from services.chassis.modelling.decider import ABSENCE, Actor, Refused, To
from tests.support.actors import LOTTE
from tests.support.dates import january


def named(at: datetime, begins: datetime | None, ends: datetime, substitute: str = "an.peeters") -> NameSubstitute:
    """Lotte names who stands in."""
    return NameSubstitute(
        at=at, by=LOTTE, organisation="brugwerk", absent=LOTTE.sub, substitute=substitute, begins=begins, ends=ends
    )


class Book:
    """The streams of the staff of an organisation, in which commands are decided one after the other."""

    def __init__(self) -> None:
        self.staff: dict[str, Staff] = {}

    def of(self, sub: str) -> Staff:
        """Somebody of the staff."""
        return self.staff.get(absence_stream("brugwerk", sub), Staff())

    def act(self, command: NameSubstitute | ReleaseSubstitute) -> list[str]:
        """Decides a command, and takes what it did into the streams: the names of the events."""
        around = Naming(absent=self.of(command.absent))
        if isinstance(command, NameSubstitute):
            around = Naming(absent=self.of(command.absent), substitute=self.of(command.substitute))
        decided = decide_absence(command, around)
        for event in decided:
            own = absence_stream("brugwerk", command.absent)
            stream, what = (event.stream, event.event) if isinstance(event, To) else (own, event)
            self.staff[stream] = STAFF.evolve(self.staff.get(stream, Staff()), what)
        return [type(event.event if isinstance(event, To) else event).__name__ for event in decided]


def test_what_was_done_before_a_release_stays_on_behalf_of_the_one_who_was_away() -> None:
    """A message of that time may be taken in later; what was done after the release is one's own."""
    book = Book()
    book.act(named(january(12), None, january(30)))
    book.act(ReleaseSubstitute(at=january(20), by=LOTTE, organisation="brugwerk", absent=LOTTE.sub))
    an = book.of("an.peeters")
    assert [an.stands_in_for(LOTTE.sub, january(day)) for day in (11, 12, 19, 20, 25)] == [
        False,
        True,
        True,
        False,
        False,
    ]
    assert an.colleagues_at(january(25)) == ()


def test_another_substitute_follows_the_first_at_the_moment_of_naming() -> None:
    """Each for their own time; an absence that was only planned stands for nothing once another was named."""
    book = Book()
    book.act(named(january(12), None, january(30)))
    assert book.act(named(january(16), january(12), january(30), "hanne.wouters")) == [
        "StandInReleased",
        "StandInNamed",
        "SubstituteNamed",
    ]
    times = [january(day) for day in (15, 16, 29)]
    assert [book.of("an.peeters").stands_in_for(LOTTE.sub, at) for at in times] == [True, False, False]
    assert [book.of("hanne.wouters").stands_in_for(LOTTE.sub, at) for at in times] == [False, True, True]
    assert [book.of(LOTTE.sub).substitute_at(at) for at in (january(16), january(30))] == ["hanne.wouters", None]


def test_a_longer_or_shorter_absence_goes_on_from_where_it_began() -> None:
    """What began stays begun, by its own time alone; a time of the past is no time to begin at."""
    book = Book()
    book.act(named(january(12), None, january(30)))
    assert book.act(named(january(15), january(12), january(20))) == ["StandInNamed", "SubstituteNamed"]
    held = book.of(LOTTE.sub).absence
    assert isinstance(held, SubstituteNamed)
    assert (held.begins, held.ends) == (january(12), january(20))
    assert [book.of("an.peeters").stands_in_for(LOTTE.sub, january(day)) for day in (13, 19, 20)] == [True, True, False]
    with pytest.raises(Refused, match="IN_THE_PAST"):
        book.act(named(january(15), january(13), january(20)))
    assert book.act(named(january(15), january(12), january(20))) == []


def test_streams_of_two_people_are_two_whatever_is_in_their_names() -> None:
    """A dot may stand in the name of an organisation and in that of a person."""
    names = [("a.b", "c"), ("a", "b.c"), ("a%2Eb", "c")]
    assert len({absence_stream(*name) for name in names}) == len(names)
    assert absence_stream("brugwerk", "lotte.claes") == "absence-brugwerk.lotte.claes"


def test_who_acts_in_their_own_name_is_stored_as_ever() -> None:
    """A substitute is marked, and one who passes on a word names both; nobody else has a byte more."""
    own = Actor(sub="an.peeters", role="NGO_COORDINATOR", org="brugwerk")
    assert own.absent is UNSET
    substitute = own.standing_in("lotte.claes")
    assert (substitute.on_behalf_of, substitute.on_behalf_reason, substitute.absent) == ("lotte.claes", ABSENCE, UNSET)
    word = own.passing_on("CL-1", "BY_PHONE")
    assert word.standing_in("lotte.claes") == substitute.passing_on("CL-1", "BY_PHONE")
    assert word.standing_in("lotte.claes").stands_in_for == "lotte.claes"
    assert word.standing_in("lotte.claes").in_own_name() == substitute
    assert word.in_own_name() == own


@pytest.mark.parametrize(
    ("begins", "days", "faults"),
    [
        (0, 365, []),
        (0, 366, []),
        (0, 367, ["/until"]),
        (0, 3650, ["/until"]),
        (300, 366, []),
        (300, 367, ["/until"]),
        (367, 10, ["/from"]),
    ],
)
def test_an_absence_lasts_a_year_at_most_and_begins_within_one(begins: int, days: int, faults: list[str]) -> None:
    """Days from now, and how many: 366 are a leap year. For longer a case gets another coordinator or counsellor."""
    now = january(12)
    first = now + timedelta(days=begins)
    command = named(now, first if begins else None, first + timedelta(days=days))
    if not faults:
        assert Book().act(command) == ["StandInNamed", "SubstituteNamed"]
        return
    with pytest.raises(Refused) as refused:
        Book().act(command)
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [
        (pointer, "ABSENCE_TOO_LONG") for pointer in faults
    ]
    assert "Z" in refused.value.faults[0].detail
