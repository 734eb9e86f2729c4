"""Holes between check-ins: days counted by hand on a calendar of 2026."""

from __future__ import annotations

from datetime import date

from msgspec.structs import replace

from contracts import referral as told
from services.casefile.domain.mentoring import RecordCheckIn
from services.casefile.domain.suspension import Resume, Suspend
from services.casefile.domain.trajectory_end import CompleteTrajectory, EndMatch
from services.casefile.reports.check_in_coverage import REPORT
from services.casefile.reports.report import History, Period, Row
from tests.casefile.casebook import HAND_BACK, Casebook
from tests.casefile.messages import about
from tests.casefile.reports.histories import rows_of
from tests.support.actors import INES, LOTTE
from tests.support.dates import on

NOW = Period(now=on(30, 6))


def spoken(book: Casebook, *days: tuple[int, int]) -> Casebook:
    """Check-ins on days, as (day, month)."""
    for day, month in days:
        book.act(RecordCheckIn(at=on(day, month), by=LOTTE))
    return book


def covered(book: Casebook, period: Period = NOW) -> Row:
    """The row of the one match."""
    (row,) = rows_of(REPORT, History("case-c1", book.history), period=period)
    return row


def test_a_pair_that_is_spoken_with_often_enough_has_no_hole() -> None:
    """Signed on 19 February, spoken with on 26 March, 30 April and 4 June: 35 days each; ended on 30 June, after 26."""
    book = spoken(Casebook().mentoring(), (26, 3), (30, 4), (4, 6))
    book.act(CompleteTrajectory(at=on(30, 6), by=LOTTE, reason="EMPLOYMENT", closure_talk=True))
    assert covered(book) == {
        "agency": "vdab-gent",
        "programme": "mtw-be-2026",
        "organisation": "brugwerk",
        "case": "c1",
        "match": "match-1",
        "since": "2026-02-19",
        "until": "2026-06-30",
        "checkIns": 3,
        "longestDays": 35,
        "flagged": False,
        "holes": [],
    }


def test_a_hole_of_36_days_is_flagged_wherever_it_is() -> None:
    """Before the first check-in (36 days to 27 March), between two (to 2 May), and before the end (to 7 June)."""
    book = spoken(Casebook().mentoring(), (27, 3), (2, 5))
    book.act(CompleteTrajectory(at=on(7, 6), by=LOTTE, reason="EMPLOYMENT", closure_talk=True))
    row = covered(book)
    assert (row["flagged"], row["longestDays"]) == (True, 36)
    assert row["holes"] == ["2026-02-19/2026-03-27", "2026-03-27/2026-05-02", "2026-05-02/2026-06-07"]


def test_what_goes_on_is_counted_until_the_newest_event_of_the_log() -> None:
    """Nobody has spoken with the pair since 19 February: on 26 March no hole yet, on 27 March one."""
    book = Casebook().mentoring()
    assert covered(book, Period(now=on(26, 3)))["flagged"] is False
    row = covered(book, Period(now=on(27, 3)))
    assert (row["flagged"], row["until"], row["holes"]) == (True, None, ["2026-02-19/2026-03-27"])


def test_a_pause_is_no_hole_and_does_not_join_two() -> None:
    """From 10 March to 20 April the trajectory paused: 19 and 30 days are left, before it and after."""
    book = Casebook().mentoring()
    book.act(Suspend(at=on(10, 3), by=LOTTE, reason="HOLIDAY"))
    book.act(Resume(at=on(20, 4), by=LOTTE))
    spoken(book, (20, 5))
    row = covered(book, Period(now=on(25, 5)))
    assert (row["flagged"], row["longestDays"], row["checkIns"]) == (False, 30, 1)


def test_a_check_in_that_was_held_earlier_counts_on_its_day() -> None:
    """Recorded on 30 March and held on the 20th: the hole before it is 29 days, and not 39."""
    book = Casebook().mentoring()
    book.act(RecordCheckIn(at=on(30, 3), by=LOTTE, occurred_at=on(20, 3)))
    assert covered(book, Period(now=on(31, 3)))["longestDays"] == 29


def test_a_further_match_has_a_row_of_its_own() -> None:
    """The first ended on 5 March; the second, as long as it has no agreement, has none."""
    book = Casebook().mentoring()
    book.act(EndMatch(at=on(5, 3), by=LOTTE, reason="MISMATCH", next="REMATCH", closure_talk=True))
    row = covered(book)
    assert (row["until"], row["longestDays"], row["flagged"]) == ("2026-03-05", 14, False)


def test_a_match_that_ends_with_something_else_has_ended() -> None:
    """The person withdraws, or the organisation hands back at once: nobody is to be spoken with from 20 March on."""
    stopped, handed_back = Casebook().mentoring(), Casebook().mentoring()
    stopped.tell(about(told.LegalBasisWithdrawn, INES, on(20, 3), legal_basis="LB-1", withdrawn_at=on(20, 3)))
    handed_back.act(replace(HAND_BACK, at=on(20, 3), closure_reason="MENTEE_UNREACHABLE"))
    for book in (stopped, handed_back):
        row = covered(book)
        assert (row["until"], row["longestDays"], row["flagged"]) == ("2026-03-20", 29, False)


def test_only_matches_that_ran_on_one_of_the_days_are_shown() -> None:
    """One that ended on 5 March is none of April's."""
    book = Casebook().mentoring()
    book.act(EndMatch(at=on(5, 3), by=LOTTE, reason="MISMATCH", next="HANDBACK", closure_talk=True))
    ended = History("case-c1", book.history)
    assert len(rows_of(REPORT, ended, period=replace(NOW, first=date(2026, 3, 5)))) == 1
    assert rows_of(REPORT, ended, period=replace(NOW, first=date(2026, 3, 6))) == []
    assert rows_of(REPORT, ended, period=replace(NOW, last=date(2026, 2, 18))) == []
