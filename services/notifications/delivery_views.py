"""Deliveries in their JSON shape, told from the events of their lane."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from services.chassis.http.request.paths import path_of
from services.chassis.http.response.rendering import Json
from services.notifications.delivering.replays import number_of_replay
from services.notifications.domain.lane import (
    Delivered,
    DeliveryAttempted,
    DeliveryState,
    DeliveryWithheld,
    Known,
    Lane,
    LaneEvent,
)
from services.notifications.pending import Waiting

PATH: Final = "deliveries"


def delivery_view(known: Known, events: Iterable[LaneEvent]) -> Json:
    """A delivery with its attempts, the first one first; `events` are those of its lane."""
    own = [event for event in events if event.delivery.id == known.delivery.id]
    return {
        **_head(known.delivery),
        "state": known.state,
        "rule": _rule(known, own),
        "waitsFor": None,
        "nextAttemptAt": known.due_at,
        "attempts": [_attempt(event) for event in own if isinstance(event, DeliveryAttempted)],
    }


def pending_view(waiting: Waiting) -> Json:
    """A delivery that has not been attempted yet."""
    return {
        **_head(waiting.delivery),
        "state": DeliveryState.PENDING,
        "rule": None,
        "waitsFor": waiting.waits_for,
        "nextAttemptAt": None,
        "attempts": [],
    }


def after_view(lane: Lane, delivery: str, before: Mapping[str, Any]) -> Json:
    """A delivery after a command on it, whose events before that were shown as `before`."""
    known = lane.known[delivery]
    return {**before, "state": known.state, "nextAttemptAt": known.due_at}


def _head(delivery: Delivered) -> Json:
    return {
        "id": delivery.id,
        "subscription": delivery.subscription,
        "event": delivery.event,
        "type": delivery.type,
        "case": delivery.case,
        "replay": number_of_replay(delivery.replay),
        "links": {"self": path_of(PATH, delivery.id), "subscription": path_of("subscriptions", delivery.subscription)},
    }


def _rule(known: Known, own: list[LaneEvent]) -> str | None:
    if known.state is not DeliveryState.WITHHELD:
        return None
    return next((event.rule for event in reversed(own) if isinstance(event, DeliveryWithheld)), None)


def _attempt(event: DeliveryAttempted) -> Json:
    attempt = {
        "at": event.started_at,
        "status": event.status,
        "latencyMs": event.latency_ms,
        "outcome": event.outcome,
        "digest": event.digest,
    }
    return attempt if event.error is None else {**attempt, "error": event.error}
