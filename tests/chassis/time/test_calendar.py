"""Terms end on the right day: working days leave out weekends and the holidays of the country."""

from __future__ import annotations

import time
import timeit
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.modelling.days import end_of_day
from services.chassis.time.calendar import Calendar, Calendars, UnknownTerm

PARAMETERS: dict[str, tuple[int, str]] = {
    "RECEIPT": (2, "WORKING_DAYS"),
    "DECISION": (10, "WORKING_DAYS"),
    "EXPIRY": (30, "DAYS"),
    "NEXT_SERVICE": (5, "WORKING_DAYS"),
    "FIRST_CONTACT": (10, "DAYS"),
    "INTAKE": (15, "WORKING_DAYS"),
    "MATCHING": (30, "DAYS"),
    "MATCH_CONFIRMATION": (5, "WORKING_DAYS"),
    "CHECK_IN_FIRST": (14, "DAYS"),
    "HANDBACK_ACKNOWLEDGEMENT": (5, "WORKING_DAYS"),
    "OUTCOME_EXIT": (28, "DAYS"),
    "NGO_ACCESS": (84, "DAYS"),
}
BELGIUM = Calendar(PARAMETERS, "Europe/Brussels", "BE")


def due_on(term: str, since: datetime) -> date:
    """The local day in Belgium on which a term ends (winter and summer time are both ahead of UTC)."""
    due = BELGIUM.deadline(term, since).due_at
    assert (due + timedelta(seconds=1)).minute == 0
    return due.date()


@pytest.mark.parametrize(
    ("term", "since", "due"),
    [
        ("RECEIPT", date(2026, 1, 12), date(2026, 1, 14)),
        ("DECISION", date(2026, 1, 12), date(2026, 1, 26)),
        ("EXPIRY", date(2026, 1, 12), date(2026, 2, 11)),
        ("FIRST_CONTACT", date(2026, 1, 16), date(2026, 1, 26)),
        ("INTAKE", date(2026, 1, 16), date(2026, 2, 6)),
        ("MATCHING", date(2026, 1, 29), date(2026, 2, 28)),
        ("MATCH_CONFIRMATION", date(2026, 2, 12), date(2026, 2, 19)),
        ("CHECK_IN_FIRST", date(2026, 2, 19), date(2026, 3, 5)),
        ("HANDBACK_ACKNOWLEDGEMENT", date(2026, 7, 2), date(2026, 7, 9)),
        ("OUTCOME_EXIT", date(2026, 6, 30), date(2026, 7, 28)),
        ("NGO_ACCESS", date(2026, 6, 30), date(2026, 9, 22)),
        ("DECISION", date(2026, 3, 9), date(2026, 3, 23)),
        ("NEXT_SERVICE", date(2026, 3, 18), date(2026, 3, 25)),
        ("DECISION", date(2026, 3, 23), date(2026, 4, 7)),
        ("INTAKE", date(2026, 3, 30), date(2026, 4, 21)),
        ("MATCHING", date(2026, 4, 14), date(2026, 5, 14)),
    ],
)
def test_terms_end_on_the_days_of_the_reference_scenarios(term: str, since: date, due: date) -> None:
    """Every date of the happy path and of the re-referral comes out, Easter Monday skipped."""
    assert due_on(term, datetime(since.year, since.month, since.day, 9, 30, tzinfo=UTC)) == due


def test_a_deadline_is_the_last_second_of_the_local_day_in_utc() -> None:
    """Half past nine in January and a deadline in summer time both end at 23:59:59 in Brussels."""
    winter = BELGIUM.deadline("RECEIPT", datetime(2026, 1, 12, 9, 30, tzinfo=UTC))
    summer = BELGIUM.deadline("DECISION", datetime(2026, 3, 23, 9, 30, tzinfo=UTC))
    assert winter.due_at == datetime(2026, 1, 14, 22, 59, 59, tzinfo=UTC)
    assert summer.due_at == datetime(2026, 4, 7, 21, 59, 59, tzinfo=UTC)
    assert winter.due_at.tzinfo is UTC


def test_the_day_that_starts_a_term_is_the_local_one() -> None:
    """Half past eleven in the evening UTC is already the next day in Brussels."""
    assert due_on("FIRST_CONTACT", datetime(2026, 1, 15, 23, 30, tzinfo=UTC)) == date(2026, 1, 26)


def test_a_term_in_days_may_end_on_a_sunday() -> None:
    """Calendar days do not roll to the next working day."""
    assert due_on("EXPIRY", datetime(2026, 1, 2, 9, tzinfo=UTC)) == date(2026, 2, 1)
    assert date(2026, 2, 1).isoweekday() == 7


def test_a_term_started_on_a_saturday_counts_monday_as_its_first_working_day() -> None:
    """Neither the day that starts a term nor the weekend counts."""
    assert due_on("RECEIPT", datetime(2026, 1, 10, 9, tzinfo=UTC)) == date(2026, 1, 13)


def test_the_reminder_is_at_four_fifths_of_the_term_in_whole_seconds() -> None:
    """Truncated, so that no reminder comes a moment after its time."""
    since = datetime(2026, 1, 12, 9, 30, 0, 123456, tzinfo=UTC)
    deadline = BELGIUM.deadline("RECEIPT", since)
    assert deadline.remind_at == datetime(2026, 1, 14, 10, 41, 59, tzinfo=UTC)
    assert timedelta(0) <= since + (deadline.due_at - since) * 4 / 5 - deadline.remind_at < timedelta(seconds=1)


@given(
    since=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - the bounds
    n=st.integers(1, 400),
    unit=st.sampled_from(["DAYS", "WORKING_DAYS"]),
    zone=st.sampled_from(["Europe/Brussels", "Pacific/Kiritimati", "America/Havana", "Asia/Kathmandu"]),
)
def test_a_reminder_always_lies_between_the_start_and_the_due_time(
    since: datetime, n: int, unit: str, zone: str
) -> None:
    """Whatever the term, the zone and the hour; and working days are never fewer than calendar days."""
    deadline = Calendar({"T": (n, unit)}, zone, "BE").deadline("T", since)
    assert since < deadline.remind_at < deadline.due_at
    assert deadline.due_at - since > timedelta(days=n - 1)
    assert deadline.remind_at.microsecond == deadline.due_at.microsecond == 0


def test_a_day_that_ends_twice_ends_with_the_later_midnight() -> None:
    """Where clocks go back at midnight, as in Lebanon, there are two seconds 23:59:59 and the later one counts."""
    assert end_of_day(date(2024, 10, 26), "Asia/Beirut") == datetime(2024, 10, 26, 21, 59, 59, tzinfo=UTC)


def test_the_end_of_a_day_is_asked_of_a_programme_too() -> None:
    """A bare date means the end of that day in the programme's zone."""
    assert BELGIUM.end_of_day(date(2026, 7, 1)) == datetime(2026, 7, 1, 21, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    "day", [date(2026, 4, 6), date(2026, 5, 14), date(2026, 7, 21), date(2026, 12, 25), date(2026, 1, 11)]
)
def test_public_holidays_and_weekends_are_no_working_days(day: date) -> None:
    """Easter Monday, Ascension Day, the national holiday, Christmas, and a Sunday."""
    assert not BELGIUM.is_working_day(day)
    assert BELGIUM.is_working_day(date(2026, 1, 12))


def test_other_countries_have_other_holidays() -> None:
    """The third of October is a working day in Belgium only."""
    germany = Calendar(PARAMETERS, "Europe/Berlin", "DE")
    assert BELGIUM.is_working_day(date(2025, 10, 3))
    assert not germany.is_working_day(date(2025, 10, 3))


@pytest.mark.parametrize(
    ("country", "free"), [("BE", {5, 6}), ("IL", {4, 5}), ("SA", {4, 5}), ("BN", {4, 6}), ("NP", {5, 6})]
)
def test_weekends_are_those_of_the_country(country: str, free: set[int]) -> None:
    """Friday and Saturday in Israel and Saudi Arabia, Friday and Sunday in Brunei; Monday is 0."""
    terms = Calendar(PARAMETERS, "UTC", country)
    weeks = [date(2026, 8, 3) + timedelta(days=n) for n in range(28)]
    working = [{day.weekday() for day in weeks[n : n + 7] if terms.is_working_day(day)} for n in range(0, 28, 7)]
    assert set.union(*working) == set(range(7)) - free


def test_a_region_has_holidays_of_its_own() -> None:
    """Epiphany is a holiday in Bavaria and not in Berlin; Women's Day the other way round."""
    bavaria, berlin = (Calendar(PARAMETERS, "Europe/Berlin", "DE", region) for region in ("DE-BY", "DE-BE"))
    epiphany, womens_day = date(2026, 1, 6), date(2027, 3, 8)
    assert (bavaria.is_working_day(epiphany), berlin.is_working_day(epiphany)) == (False, True)
    assert (bavaria.is_working_day(womens_day), berlin.is_working_day(womens_day)) == (True, False)


def test_days_on_which_the_programme_is_closed_are_no_working_days() -> None:
    """Two working days from Friday 2 January end a day later where Monday is a day of its own; days do not care."""
    monday = date(2026, 1, 5)
    closed = Calendar(PARAMETERS, "Europe/Brussels", "BE", closed=[monday])
    friday = datetime(2026, 1, 2, 9, tzinfo=UTC)
    assert BELGIUM.deadline("RECEIPT", friday).due_at == datetime(2026, 1, 6, 22, 59, 59, tzinfo=UTC)
    assert closed.deadline("RECEIPT", friday).due_at == datetime(2026, 1, 7, 22, 59, 59, tzinfo=UTC)
    assert closed.deadline("EXPIRY", friday) == BELGIUM.deadline("EXPIRY", friday)
    assert not closed.is_working_day(monday)


@pytest.mark.parametrize(("country", "region"), [("DE", "DE-XX"), ("DE", "FR-57"), ("DE", "BY"), ("LU", "LU-LU")])
def test_a_region_that_nobody_keeps_holidays_of_is_refused(country: str, region: str) -> None:
    """With those that there are, or that there is none."""
    with pytest.raises(ValueError, match="DE-BY" if country == "DE" else "no holidays to know"):
        Calendar(PARAMETERS, "Europe/Berlin", country, region)


def test_an_unknown_term_is_refused_by_name() -> None:
    """A deadline that the programme does not know cannot start."""
    with pytest.raises(UnknownTerm, match="COFFEE"):
        BELGIUM.deadline("COFFEE", datetime(2026, 1, 12, tzinfo=UTC))


def test_an_instant_without_zone_starts_no_term() -> None:
    """A naive time would mean whatever zone the machine is in."""
    with pytest.raises(ValueError, match="time zone"):
        BELGIUM.deadline("RECEIPT", datetime(2026, 1, 12))  # noqa: DTZ001 - the mistake under test


@pytest.mark.parametrize(
    ("term", "zone", "country", "told"),
    [
        ((0, "DAYS"), "Europe/Brussels", "BE", "0 is not within"),
        ((3661, "DAYS"), "Europe/Brussels", "BE", "3661 is not within"),
        ((1, "WEEKS"), "Europe/Brussels", "BE", "WEEKS"),
        ((1, "DAYS"), "Europe/Brussel", "BE", "Europe/Brussel"),
        ((1, "DAYS"), "../../etc/passwd", "BE", "passwd"),
        ((1, "DAYS"), "", "BE", "time zone"),
        ((1, "DAYS"), "Europe/Brussels", "XX", "XX"),
    ],
)
def test_a_programme_that_cannot_be_reckoned_is_refused(
    term: tuple[int, str], zone: str, country: str, told: str
) -> None:
    """Length, unit, zone and country are checked when the terms are made, not when a deadline starts."""
    with pytest.raises(ValueError, match=told):
        Calendar({"T": term}, zone, country)


def test_a_deadline_costs_less_than_twenty_microseconds() -> None:
    """Deadlines are computed for every command, from the days known by then."""
    since = datetime(2026, 3, 23, 9, tzinfo=UTC)
    rounds = 1000
    best = (
        min(
            timeit.repeat(lambda: BELGIUM.deadline("DECISION", since), timer=time.process_time, number=rounds, repeat=7)
        )
        / rounds
    )
    assert best < 20e-6


class Settings(NamedTuple):
    """What a calendar is made of."""

    terms: dict[str, Length]
    time_zone: str = "Europe/Brussels"
    country: str = "BE"
    region: str | None = None
    closing_days: tuple[date, ...] = ()


class Length(NamedTuple):
    """Of a term."""

    n: int
    unit: str = "DAYS"


def test_a_calendar_is_made_once_under_its_name() -> None:
    """Under another name there is another one, by settings of its own: those of a new version."""
    calendars = Calendars()
    first = calendars.of(("p", 1), Settings({"REPLY": Length(2)}))
    second = calendars.of(("p", 2), Settings({"REPLY": Length(3)}, closing_days=(date(2026, 1, 6),)))
    assert calendars.of(("p", 1), Settings({"REPLY": Length(9)})) is first
    since = datetime(2026, 1, 5, 9, tzinfo=UTC)
    due = [calendar.deadline("REPLY", since).due_at.day for calendar in (first, second)]
    assert due == [7, 8]
    assert [calendar.is_working_day(date(2026, 1, 6)) for calendar in (first, second)] == [True, False]
