"""What an operator does about messages that wait aside."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from services.chassis.delivery.consumer_store import ConsumerStore
from services.chassis.engines.turns import in_turn_here


def redrive(store: ConsumerStore, topic: str) -> int:
    """Gives every message that was given up its tries again, at once; returns how many there were."""
    given_up = [one for one in store.parked(topic) if one.retry_at is None]
    for one in given_up:
        in_turn_here(partial(store.park, topic, replace(one, tries=0, retry_at=0.0)))
    return len(given_up)
