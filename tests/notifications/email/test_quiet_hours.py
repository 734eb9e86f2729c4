"""People are written to in the daytime of their working days."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import pytest
from msgspec.structs import replace

from services.notifications.domain.subscription_events import Choices
from services.notifications.email.quiet_hours import is_daytime, next_morning, quiet_until

BRUSSELS: Final = "Europe/Brussels"


def utc(text: str) -> datetime:
    """An instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("after", "morning", "zone"),
    [
        ("2026-01-12T05:00", "2026-01-12T06:30", BRUSSELS),  # Monday before half past seven there
        ("2026-01-12T06:30", "2026-01-13T06:30", BRUSSELS),  # and from then on the next day
        ("2026-01-16T12:00", "2026-01-19T06:30", BRUSSELS),  # over a weekend
        ("2026-03-27T12:00", "2026-03-30T05:30", BRUSSELS),  # clocks went forward on that Sunday
        ("2026-12-24T12:00", "2026-12-28T06:30", BRUSSELS),  # Christmas is a Friday
        ("2026-07-20T12:00", "2026-07-22T05:30", BRUSSELS),  # Belgium's national day
        ("2026-07-20T12:00", "2026-07-21T05:30", "Europe/Amsterdam"),  # which is none in the Netherlands
        ("2026-01-12T12:00", "2026-01-13T07:30", "Etc/UTC"),  # of no country
    ],
)
def test_the_next_morning_is_that_of_a_working_day_there(after: str, morning: str, zone: str) -> None:
    """By the zone, and by the holidays of the country that it is in."""
    assert next_morning(utc(after), zone) == utc(morning)


@pytest.mark.parametrize(
    ("at", "day"),
    [
        ("2026-01-12T06:29", False),
        ("2026-01-12T06:30", True),
        ("2026-01-12T17:59", True),
        ("2026-01-12T18:00", False),
        ("2026-01-17T12:00", False),
    ],
)
def test_it_is_day_from_half_past_seven_to_seven(at: str, *, day: bool) -> None:
    """Of Monday to Friday."""
    assert is_daytime(utc(at), BRUSSELS) is day


MAILBOX: Final = Choices(
    channel="EMAIL", payload="THIN", digest="IMMEDIATE", language="nl", time_zone=BRUSSELS, hours="WORKING"
)


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-01-12T06:59", "2026-01-12T07:00"),  # a minute before eight there
        ("2026-01-12T07:00", None),
        ("2026-01-12T16:59", None),
        ("2026-01-12T17:00", "2026-01-13T07:00"),  # six in the evening
        ("2026-01-16T17:00", "2026-01-19T07:00"),  # of a Friday
        ("2026-12-25T10:00", "2026-12-28T07:00"),  # Christmas
    ],
)
def test_letters_come_from_eight_to_six(at: str, until: str | None) -> None:
    """Those that are sent at once, and not for whom any hour will do, nor to an endpoint."""
    assert quiet_until(MAILBOX, utc(at)) == (utc(until) if until is not None else None)
    for other in (replace(MAILBOX, hours="ANY"), replace(MAILBOX, channel="WEBHOOK")):
        assert quiet_until(other, utc(at)) is None


def test_a_digest_comes_between_its_own_hours() -> None:
    """From half past seven on."""
    daily = replace(MAILBOX, digest="DAILY")
    assert quiet_until(daily, utc("2026-01-12T06:30")) is None
    assert quiet_until(daily, utc("2026-01-12T18:00")) == utc("2026-01-13T06:30")
