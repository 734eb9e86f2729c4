"""While an endpoint is away, the cases that wait find out for all of them; each of these may always go on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from services.notifications.delivering.endpoint import AWAY_AFTER, Endpoint, LaneKey

HOLDS: Final = LaneKey("C1", "C1", None)
OTHER: Final = LaneKey("C2", "C2", None)


def away() -> Endpoint:
    """An endpoint that is away, with a case that a delivery holds."""
    endpoint = Endpoint("subscription", shard=0, seq=0)
    for _ in range(AWAY_AFTER):
        endpoint.answered(acknowledged=False, latency_ms=1, at=datetime(2026, 1, 12, tzinfo=UTC))
    endpoint.begin(HOLDS, first=5, floor=4)
    endpoint.ended(HOLDS, held=True)
    return endpoint


def test_a_case_that_finds_out_for_all_goes_on_although_there_is_more_to_tell_in_it() -> None:
    """Else it would wait for itself, and everything else for it."""
    endpoint = away()
    endpoint.begin(HOLDS, first=7, floor=5)
    assert endpoint.may_begin(HOLDS)


def test_no_other_case_is_begun_meanwhile() -> None:
    """It would only find the same."""
    endpoint = away()
    endpoint.begin(OTHER, first=8, floor=7)
    assert not endpoint.may_begin(OTHER)
