"""What an operator does about parked messages."""

from __future__ import annotations

from dataclasses import replace

from services.chassis.delivery.consumer_store import ConsumerStore


async def redrive(store: ConsumerStore, topic: str) -> int:
    """Lets every message that was given up be tried again at once; returns how many there were."""
    given_up = [parked for parked in await store.parked(topic) if parked.retry_at is None]
    for parked in given_up:
        await store.park(topic, replace(parked, tries=0, retry_at=0.0))
    return len(given_up)
