"""Times that people and programs read are written by one formatter, as the answers of the API have them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from services.chassis.modelling.days import in_utc
from tests.support.house import ROOT

OF_ITS_OWN: Final = {
    "services/chassis/modelling/days.py": "it is the formatter",
    "services/chassis/time/clock.py": "the file of the sandbox's clock, which old ones were kept in",
    "services/chassis/time/scheduler.py": "sorts as text",
}


def test_a_time_is_written_in_utc_with_a_z() -> None:
    """RFC 3339: whatever offset it came with, and no more precise than it is."""
    assert in_utc(datetime(2026, 3, 30, 10, 5, tzinfo=timezone(timedelta(hours=2)))) == "2026-03-30T08:05:00Z"
    assert in_utc(datetime(2026, 3, 30, 10, 5, 0, 250_000, tzinfo=UTC)) == "2026-03-30T10:05:00.250000Z"
    assert in_utc(datetime(2026, 3, 30, 10, 5, 0, 250_000, tzinfo=UTC), "seconds") == "2026-03-30T10:05:00Z"


def test_nothing_writes_a_time_on_its_own() -> None:
    """It would print an offset where everything else prints Z; a day is written as it is."""
    files = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "services").rglob("*.py")
        if ".isoformat(" in path.read_text(encoding="utf-8")
    }
    assert files == set(OF_ITS_OWN)
