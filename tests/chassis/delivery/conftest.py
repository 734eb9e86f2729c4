"""Where consumers keep their places, for the tests of delivery."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from services.chassis.delivery.consumer_store import ConsumerStore
from services.chassis.store_opener import StoreOpener
from tests.chassis.delivery.consuming import OpenStore


@pytest.fixture
async def open_store(stores: StoreOpener) -> AsyncIterator[OpenStore]:
    """Opens the consumer's store, as often as asked."""
    opened: list[ConsumerStore] = []

    def opening() -> ConsumerStore:
        opened.append(stores.consumer_store("counters"))
        return opened[-1]

    yield opening
    for store in opened:
        await store.close()


@pytest.fixture
def store(open_store: OpenStore) -> ConsumerStore:
    """The consumer's store."""
    return open_store()
