"""What an operator does about parked messages."""

from __future__ import annotations

from dataclasses import replace

from services.chassis.delivery.consumer_store import ConsumerStore


async def redrive(store: ConsumerStore, topic: str) -> int:
    """Gives every message that was given up its tries again, at once; returns how many there were."""
    given_up = [one for one in await store.parked(topic) if one.retry_at is None]
    for one in given_up:
        await store.park(topic, replace(one, tries=0, retry_at=0.0))
    return len(given_up)
