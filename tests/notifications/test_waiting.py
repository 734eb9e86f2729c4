"""What waits for an organisation: whether it could be told within a day, decided on plain data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from services.notifications.domain.waiting import WAITING, CheckReached, Waiting, decide_waiting
from services.notifications.reactor import SYSTEM

NOW = datetime(2026, 1, 13, 9, 30, tzinfo=UTC)
CHECK = CheckReached(
    at=NOW,
    by=SYSTEM,
    organisation="brugwerk",
    case="case-1",
    event="e-7",
    position=7,
    since=NOW - timedelta(days=1),
    reason="DELIVERY_FAILED",
    before=True,
)


def raised(waiting: Waiting, **changes: Any) -> list[tuple[str, str]]:
    """Of which events it is said that the organisation was not told, and why."""
    return [(event.event, event.reason) for event in decide_waiting(replace(CHECK, **changes), waiting)]


def after(waiting: Waiting, **changes: Any) -> Waiting:
    """What is known once it was said."""
    for event in decide_waiting(replace(CHECK, **changes), waiting):
        waiting = WAITING.evolve(waiting, event)
    return waiting


def test_who_was_told_is_not_missed() -> None:
    """No reason: a way has reached it, or it has none."""
    assert raised(Waiting(), reason=None) == []
    assert raised(Waiting()) == [("e-7", "DELIVERY_FAILED")]


def test_what_comes_after_it_waits_with_it() -> None:
    """As long as the organisation was not told of the first, nothing more is said."""
    waiting = after(Waiting())
    assert raised(waiting, event="e-9", position=9, before=False) == []
    assert raised(waiting, event="e-9", position=9, before=True) == [("e-9", "DELIVERY_FAILED")]


def test_the_same_instant_again_says_nothing() -> None:
    """A clock may fire it twice, or an index that was made again."""
    waiting = after(Waiting(), position=9, event="e-9")
    assert raised(waiting, event="e-9", position=9) == []
    assert raised(waiting, event="e-7", position=7) == []
