"""How far each endpoint has come in the feed, kept beside the consumers' places.

What is lost of it is only walked again: lanes know what they were told.
"""

from __future__ import annotations

import asyncio
from typing import Final

from services.chassis.delivery.bus import START, Place
from services.chassis.delivery.consumer_store import ConsumerStore
from services.notifications.delivering.endpoint import Endpoint, Walk
from services.notifications.delivering.replays import replay_name
from services.notifications.domain.subscription import Subscription

BUS: Final = "webhooks"
SAVE_SECONDS: Final = 5.0
"""What moved in this time before a crash is walked again, which a lane takes for what it is."""
SAVED_AT_ONCE: Final = 1000


class Places:
    """Reads and saves the places of endpoints."""

    def __init__(self, store: ConsumerStore) -> None:
        self._store = store
        self._moved: dict[int, Endpoint] = {}

    async def find(self, endpoint: Endpoint, subscription: Subscription) -> None:
        """Has the endpoint know where its walks go on."""
        if endpoint.walk is None:
            saved = await saved_place(self._store, endpoint.id, None)
            endpoint.walk = Walk(max(saved, endpoint.seq), saved=saved)
        replay = subscription.replay
        if replay is None:
            endpoint.replay = None
        elif endpoint.replay is None or endpoint.replay.replay != replay_name(replay):
            name = replay_name(replay)
            saved = await saved_place(self._store, endpoint.id, name)
            after = max(saved, replay.after_position)
            endpoint.replay = Walk(after, saved=saved, replay=name, through=replay.through_position)

    def moved(self, endpoint: Endpoint) -> None:
        """It may have come further."""
        self._moved[id(endpoint)] = endpoint

    async def round(self) -> None:
        """Saves what has moved, and rests."""
        await asyncio.sleep(SAVE_SECONDS)
        await self.save()

    async def save(self) -> None:
        """Saves what has moved, of a bounded number of endpoints at a time."""
        for number in tuple(self._moved)[:SAVED_AT_ONCE]:
            endpoint = self._moved.pop(number)
            for walk in (endpoint.walk, endpoint.replay):
                if walk is not None and (place := endpoint.reached(walk)) > walk.saved:
                    await self._store.advance(BUS, _topic(endpoint.id, walk.replay), {0: Place(place, place)})
                    walk.saved = place


async def saved_place(store: ConsumerStore, subscription: str, replay: str | None) -> int:
    """How far a subscription's walk had come when it was saved the last time."""
    return (await store.places(BUS, _topic(subscription, replay))).get(0, START).position


def _topic(subscription: str, replay: str | None) -> str:
    return subscription if replay is None else f"{subscription} {replay}"
