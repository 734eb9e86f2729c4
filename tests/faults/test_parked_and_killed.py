"""A database that dies takes its newest commits along that did not wait for the disk: none of them may be missed."""

from __future__ import annotations

import time

import pytest

from services.chassis.delivery.bus import BusMessage, Place
from services.chassis.delivery.consumer_store import Parked
from services.chassis.delivery.consumer_store_postgres import PostgresConsumerStore
from services.chassis.engines.migrations import log_of, migrate
from tests.support.postgres import Server

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.xdist_group("fault")]

TOPIC = "caserelay.test.v1"


async def test_a_parked_message_is_still_there_when_the_database_was_killed(
    postgres_server: Server,
) -> None:
    """The process that put it aside lives on, and has gone on to the next one: nobody else would look at it again."""
    migrate(postgres_server.url, ["counters"])
    store = PostgresConsumerStore(log_of(postgres_server.url, "counters"))
    for offset in range(1, 6):
        aside = Parked(BusMessage(offset, "a case", f"m-{offset}", b"{}"), 1, "KeyError", time.time())
        await store.advance("kafka", TOPIC, {0: Place(offset, offset)}, [aside])
        postgres_server.kill()
        postgres_server.start()
        assert [one.message.position for one in await store.parked(TOPIC)] == list(range(1, offset + 1))
        assert await store.places("kafka", TOPIC) == {0: Place(offset, offset)}
    await store.close()
