"""When deliveries are tried again: the pauses of Standard Webhooks, longer where the receiver wishes it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from services.notifications.delivering.schedule import Schedule

AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
MINUTE, HOUR = 60, 3600
BY_THE_ISSUE = [0, 5, 5 * MINUTE, 30 * MINUTE, *(hours * HOUR for hours in (2, 5, 10, 14, 20, 24))]


def seconds_after(attempts: int, schedule: Schedule, retry_after: float | None = None) -> float | None:
    """The pause after so many attempts; None: no other attempt follows."""
    at = schedule.next_attempt(attempts, AT, retry_after)
    return None if at is None else (at - AT).total_seconds()


def test_the_pauses_are_those_of_standard_webhooks() -> None:
    """Ten attempts, and none after the last."""
    schedule = Schedule(chance=lambda: 0.0)
    assert [seconds_after(attempts, schedule) for attempts in range(11)] == [*BY_THE_ISSUE, None]


def test_what_failed_together_is_not_tried_again_together() -> None:
    """Pauses differ by chance, are never shorter, and grow all the same."""
    least, most = Schedule(chance=lambda: 0.0), Schedule(chance=lambda: 1.0)
    for attempts in range(1, 10):
        shortest, longest = seconds_after(attempts, least), seconds_after(attempts, most)
        assert shortest is not None
        assert longest is not None
        assert shortest < longest <= shortest * 1.25
    assert len({Schedule().next_attempt(3, AT) for _ in range(20)}) > 10


def test_a_receiver_may_ask_for_a_longer_pause_up_to_a_day() -> None:
    """`Retry-After` never makes a pause shorter, and cannot stop deliveries for good."""
    schedule = Schedule(chance=lambda: 0.0)
    assert seconds_after(1, schedule, 60.0) == 60
    assert seconds_after(2, schedule, 60.0) == 5 * MINUTE
    assert seconds_after(1, schedule, 10.0**9) == 24 * HOUR
    assert seconds_after(10, schedule, 60.0) is None


def test_other_pauses_may_be_set() -> None:
    """As many attempts as there are pauses."""
    schedule = Schedule((0.0, 1.0, 2.0), chance=lambda: 0.0)
    assert [seconds_after(attempts, schedule) for attempts in range(4)] == [0, 1, 2, None]


def test_an_endpoint_that_is_away_is_probed_each_day_until_the_fifth() -> None:
    """From its first failure on."""
    schedule = Schedule(chance=lambda: 0.0)
    assert schedule.next_probe(AT) == AT + timedelta(days=1)
    assert not schedule.given_up(AT, AT + timedelta(days=5) - timedelta(seconds=1))
    assert schedule.given_up(AT, AT + timedelta(days=5))
