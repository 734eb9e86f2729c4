"""Terms that come round again go on after a miss and count from their own schedule; all dates by the calendar."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from services.casefile.domain.deadlines import PassDeadline, running
from services.casefile.domain.extension import DecideExtension, ExtendAgreement
from services.casefile.domain.mentoring import RecordCheckIn
from services.casefile.domain.steps import find
from services.casefile.domain.suspension import Resume, ReviewSuspension, Suspend
from services.chassis.time.calendar import Calendar
from tests.casefile.casebook import LENGTHS, Casebook, codes, find_due, refusal
from tests.support.actors import CLOCK, INES, LOTTE
from tests.support.dates import BRUSSELS, end_of, on

SCHEDULE = [(5, 3), (19, 3), (19, 4), (19, 5), (19, 6), (19, 7)]
"""Signed on 19 February 2026 until 18 August: weeks two and four, and then the 19th of each month."""


def pass_all(book: Casebook, until: datetime) -> list[tuple[str, date]]:
    """Lets every term pass that ends by then; the name and the day of each."""
    passed = []
    while due := [one for one in running(book.case) if one.due_at <= until]:
        one = min(due, key=lambda one: one.due_at)
        events = book.act(PassDeadline(at=one.due_at, by=CLOCK, name=one.name))
        assert events != []
        passed.append((one.name, one.due_at.astimezone(BRUSSELS).date()))
    return passed


def to_come(book: Casebook, name: str) -> list[date]:
    """The days on which a term is still to end."""
    return [one.due_at.astimezone(BRUSSELS).date() for one in running(book.case) if one.name == name]


def test_in_seven_months_of_silence_every_check_in_falls_due_and_is_missed(book: Casebook) -> None:
    """One after the other on its own day; the first one stays overdue, on the coordinator's list."""
    book.mentoring()
    passed = pass_all(book, on(20, 9))
    assert [day for name, day in passed if name == "CHECK_IN"] == [date(2026, month, day) for day, month in SCHEDULE]
    assert find_due(book, "CHECK_IN") == end_of(5, 3)
    assert book.case.organisation == "brugwerk"


def test_after_a_missed_check_in_the_next_one_is_due_on_its_own_day(book: Casebook) -> None:
    """5 March is missed: it stays due, and so is 19 March; a talk on the 9th settles the first only."""
    book.mentoring()
    pass_all(book, end_of(5, 3))
    assert find_due(book, "CHECK_IN") == end_of(5, 3)
    assert to_come(book, "CHECK_IN") == [date(2026, 3, 19)]
    book.act(RecordCheckIn(at=on(9, 3), by=LOTTE))
    assert find_due(book, "CHECK_IN") == end_of(19, 3)
    assert to_come(book, "CHECK_IN") == [date(2026, 3, 19)]


@pytest.mark.parametrize(
    ("held", "due"),
    [
        ([(5, 3), (19, 3)], (19, 4)),
        ([(5, 3), (19, 3), (21, 3)], (19, 4)),
        ([(5, 3), (23, 3), (25, 3)], (19, 4)),
        ([(5, 3), (19, 3), (3, 4)], (19, 4)),
        ([(5, 3), (19, 3), (17, 4)], (19, 5)),
        ([(5, 3), (19, 3), (17, 4), (19, 4)], (19, 5)),
        ([(20, 2), (22, 2)], (5, 3)),
        ([(3, 3), (4, 3)], (19, 3)),
        ([(12, 3)], (19, 3)),
        ([(13, 3)], (17, 4)),
    ],
    ids=str,
)
def test_a_check_in_settles_the_one_that_it_is_nearest_to_and_never_the_next(
    book: Casebook, held: list[tuple[int, int]], due: tuple[int, int]
) -> None:
    """Two within two days settle one; one at half time between two counts for the earlier."""
    book.mentoring()
    for day, month in held:
        book.act(RecordCheckIn(at=on(day, month), by=LOTTE))
    assert find_due(book, "CHECK_IN") == end_of(*due)


def test_after_an_early_check_in_the_next_one_is_due_within_35_days(book: Casebook) -> None:
    """Held on 12 June for the 19th, the next is due by 17 July and not on the 19th; and after that one in August."""
    book.mentoring()
    for day, month in [(5, 3), (19, 3), (17, 4), (15, 5), (12, 6)]:
        book.act(RecordCheckIn(at=on(day, month), by=LOTTE))
    assert find_due(book, "CHECK_IN") == end_of(17, 7)
    book.act(RecordCheckIn(at=on(6, 7), by=LOTTE))
    # Nearest to the last one, 19 July; the agreement ends on 18 August, 43 days later.
    assert find_due(book, "CHECK_IN") == end_of(10, 8)
    book.act(RecordCheckIn(at=on(10, 8), by=LOTTE))
    assert find(book.case.steps, "CHECK_IN") is None


@pytest.mark.parametrize("gap", range(1, 36))
def test_a_pair_that_is_met_every_so_many_days_is_never_without_a_due_day_for_35(book: Casebook, gap: int) -> None:
    """Whatever the rhythm: what is due next, until the agreement ends, is at most 35 days away."""
    book.mentoring()
    day = on(19, 2, hour=12)
    while day < on(18, 8):
        nearest = min(one.due_at for step in book.case.steps for one in step.deadlines)
        assert nearest - day <= timedelta(days=36)
        day += timedelta(days=gap)
        book.act(RecordCheckIn(at=day, by=LOTTE))


def test_check_ins_that_fell_into_a_pause_are_not_due_after_it(book: Casebook) -> None:
    """Paused from 1 April to 25 May: 19 April and 19 May are past, 19 June is next, and so it stays."""
    book.mentoring()
    for day, month in SCHEDULE[:2]:
        book.act(RecordCheckIn(at=on(day, month), by=LOTTE))
    book.act(Suspend(at=on(1, 4), by=LOTTE, reason="HOLIDAY"))
    book.act(Resume(at=on(25, 5), by=LOTTE))
    assert find_due(book, "CHECK_IN") == end_of(19, 6)
    pass_all(book, end_of(19, 6))
    assert to_come(book, "CHECK_IN") == [date(2026, 7, 19)]


def test_a_longer_agreement_has_check_ins_to_its_new_end(book: Casebook) -> None:
    """The last one as signed was held on 19 July; with two months more 19 August and 19 September follow."""
    book.mentoring()
    for day, month in SCHEDULE:
        book.act(RecordCheckIn(at=on(day, month), by=LOTTE))
    book.act(ExtendAgreement(at=on(20, 7), by=LOTTE, months=2))
    book.act(DecideExtension(at=on(21, 7), by=INES, approved=True))
    assert find_due(book, "CHECK_IN") == end_of(19, 8)
    assert [day for name, day in pass_all(book, on(1, 11)) if name == "CHECK_IN"] == [
        date(2026, 8, 19),
        date(2026, 9, 19),
    ]


def test_an_agreement_that_is_over_is_not_extended_into_the_past(book: Casebook) -> None:
    """On 1 October an end in September would leave the pair without an agreement again."""
    book.mentoring()
    over = ExtendAgreement(at=on(1, 10), by=LOTTE, end=date(2026, 9, 30))
    assert codes(refusal(book, over)) == [("/end", "EXTENSION_OUT_OF_RANGE")]
    book.act(ExtendAgreement(at=on(1, 10), by=LOTTE, end=date(2026, 10, 1)))


def test_a_pause_is_reviewed_by_a_command_that_settles_the_review(book: Casebook) -> None:
    """Paused on 1 April: reviewed on 30 April for 1 May, and then the longest pause is near, 31 May."""
    book.mentoring().act(Suspend(at=on(1, 4), by=LOTTE, reason="TEMPORARY_WORK"))
    assert to_come(book, "SUSPENSION_REVIEW") == [date(2026, 5, 1)]
    review = ReviewSuspension(at=on(30, 4), by=LOTTE)
    assert [type(event).__name__ for event in book.act(review)] == ["SuspensionReviewed"]
    assert book.act(review) == []
    assert find_due(book, "SUSPENSION_REVIEW") == end_of(31, 5)
    assert to_come(book, "SUSPENSION_REVIEW") == []


def test_a_review_in_the_first_days_of_a_pause_is_welcome_and_settles_nothing(book: Casebook) -> None:
    """Two weeks after the beginning is nearer to it than to the review."""
    book.mentoring().act(Suspend(at=on(1, 4), by=LOTTE, reason="TEMPORARY_WORK"))
    book.act(ReviewSuspension(at=on(15, 4), by=LOTTE))
    assert find_due(book, "SUSPENSION_REVIEW") == end_of(1, 5)


def test_missed_reviews_come_again_until_the_longest_pause(book: Casebook) -> None:
    """With a review every 14 days: 15 April, 29 April, 13 May, 27 May, and on 31 May the pause has to end."""
    book.mentoring()
    book.terms = Calendar({**LENGTHS, "SUSPENSION_REVIEW": (14, "DAYS")}, "Europe/Brussels", "BE")
    book.act(Suspend(at=on(1, 4), by=LOTTE, reason="OTHER"))
    passed = [(name, day) for name, day in pass_all(book, on(2, 6)) if name.startswith("SUSPENSION")]
    assert passed == [
        ("SUSPENSION_REVIEW", date(2026, 4, 15)),
        ("SUSPENSION_REVIEW", date(2026, 4, 29)),
        ("SUSPENSION_REVIEW", date(2026, 5, 13)),
        ("SUSPENSION_REVIEW", date(2026, 5, 27)),
        ("SUSPENSION_MAX", date(2026, 5, 31)),
    ]
    assert refusal(book, ReviewSuspension(at=on(1, 6), by=LOTTE)).code == "SUSPENSION_TOO_LONG"
