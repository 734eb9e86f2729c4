"""Mentors who wait, since when, and for how many days: counted by hand."""

from __future__ import annotations

from datetime import date, datetime

from msgspec.structs import replace

from services.casefile.domain.mentor import MentorDescribed, MentorEngaged, MentorReleased
from services.casefile.reports.report import History, Period, Wanted
from services.casefile.reports.unmatched_mentors import REPORT
from tests.casefile.casebook import READY
from tests.casefile.reports.histories import Entry, history, opened, rows_of
from tests.support.dates import on

NOW = Period(now=on(31, 3))


def described(at: datetime, mentor: str, capacity: int = 1, organisation: str = "brugwerk") -> Entry:
    """A mentor is described."""
    profile = replace(READY, capacity=capacity)
    return at, MentorDescribed(organisation=organisation, mentor=mentor, profile=profile, described_at=at)


def told_of(mentor: str, *entries: Entry, organisation: str = "brugwerk") -> History:
    """The history of a mentor."""
    return history(mentor, *entries, stream=f"mentor-{organisation}.{mentor}")


def waiting(*told: History, period: Period = NOW) -> list[tuple[str, str, int]]:
    """Who waits, since when, and for how long."""
    return [(row["mentor"], row["waitingSince"], row["waitingDays"]) for row in rows_of(REPORT, *told, period=period)]


def test_a_mentor_waits_from_the_description_on() -> None:
    """Described on 5 January; on 31 March that is 85 days ago: 26 of January, 28 of February, 31 of March."""
    assert rows_of(REPORT, told_of("M-1", described(on(5, 1), "M-1")), period=NOW) == [
        {
            "organisation": "brugwerk",
            "mentor": "M-1",
            "kind": "VOLUNTEER",
            "capacity": 1,
            "waitingSince": "2026-01-05",
            "waitingDays": 85,
        }
    ]


def test_who_has_a_mentee_does_not_wait_and_waits_again_afterwards() -> None:
    """Engaged on 12 February, released on 1 March: 30 days until 31 March, and 37 until the day before the match."""
    mentor = told_of(
        "M-1",
        described(on(5, 1), "M-1"),
        (on(12, 2), MentorEngaged(case="c1")),
        (on(1, 3), MentorReleased(case="c1", released_at=on(1, 3))),
    )
    assert waiting(mentor) == [("M-1", "2026-03-01", 30)]
    assert waiting(mentor, period=replace(NOW, last=date(2026, 2, 11))) == [("M-1", "2026-01-05", 37)]
    assert waiting(mentor, period=replace(NOW, last=date(2026, 2, 12))) == []


def test_a_proposal_that_came_to_nothing_does_not_begin_the_waiting_again() -> None:
    """Proposed from 12 to 20 February: 85 days until 31 March all the same, and 37 on 11 February, each once."""
    mentor = told_of(
        "M-1",
        described(on(5, 1), "M-1"),
        (on(12, 2), MentorEngaged(case="c1")),
        (on(20, 2), MentorReleased(case="c1")),
    )
    assert waiting(mentor) == [("M-1", "2026-01-05", 85)]
    assert waiting(mentor, period=replace(NOW, last=date(2026, 2, 11))) == [("M-1", "2026-01-05", 37)]
    assert waiting(mentor, period=replace(NOW, last=date(2026, 2, 15))) == []


def test_a_match_whose_end_is_recorded_later_ended_when_it_did() -> None:
    """Released on 3 March, since 1 March: 30 days until 31 March, and one on 2 March."""
    mentor = told_of(
        "M-1",
        described(on(5, 1), "M-1"),
        (on(12, 2), MentorEngaged(case="c1")),
        (on(3, 3), MentorReleased(case="c1", released_at=on(1, 3))),
    )
    assert waiting(mentor) == [("M-1", "2026-03-01", 30)]
    assert waiting(mentor, period=replace(NOW, last=date(2026, 3, 2))) == [("M-1", "2026-03-01", 1)]
    assert waiting(mentor, period=replace(NOW, last=date(2026, 2, 28))) == []


def test_a_mentor_of_two_waits_as_long_as_there_is_nobody() -> None:
    """With one mentee of two nobody is unmatched; once the last has gone, the mentor is."""
    mentor = told_of(
        "M-2",
        described(on(5, 1), "M-2", capacity=2),
        (on(6, 1), MentorEngaged(case="c1")),
        (on(7, 1), MentorEngaged(case="c2")),
        (on(1, 3), MentorReleased(case="c1", released_at=on(1, 3))),
    )
    assert waiting(mentor) == []
    last = MentorReleased(case="c2", released_at=on(21, 3))
    gone = told_of("M-2", *((one.meta.recorded_at, one.event) for one in mentor.records), (on(21, 3), last))
    assert waiting(gone) == [("M-2", "2026-03-21", 10)]


def test_who_takes_nobody_does_not_wait() -> None:
    """A mentor who pauses with a capacity of none waits again from the day that there is room, and not from before."""
    mentor = told_of("M-3", described(on(5, 1), "M-3"), described(on(1, 2), "M-3", 0), described(on(1, 3), "M-3", 1))
    assert waiting(mentor) == [("M-3", "2026-03-01", 30)]
    assert waiting(mentor, period=replace(NOW, last=date(2026, 2, 15))) == []


def test_a_new_description_does_not_begin_the_waiting_again() -> None:
    """A language more changes nothing about since when."""
    mentor = told_of("M-1", described(on(5, 1), "M-1"), described(on(1, 3), "M-1", 2))
    assert waiting(mentor) == [("M-1", "2026-01-05", 85)]


def test_each_organisation_reads_its_own_and_an_agency_none() -> None:
    """Mentors belong to their organisation; cases are no part of it."""
    told = (
        told_of("M-1", described(on(5, 1), "M-1")),
        told_of("M-9", described(on(5, 1), "M-9", organisation="samenstap"), organisation="samenstap"),
        history("c1", (on(12, 1), opened("c1", on(12, 1)))),
    )
    for wanted, mentors in (
        (Wanted(), ["M-1", "M-9"]),
        (Wanted(of_organisation="samenstap"), ["M-9"]),
        (Wanted(of_agency="vdab-gent"), []),
    ):
        assert [row["mentor"] for row in rows_of(REPORT, *told, period=NOW, wanted=wanted)] == mentors
