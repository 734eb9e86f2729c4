"""A consumer store whose tables keep it waiting: it gives up in time, leaves nothing behind, and goes on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import psycopg
import pytest

from services.chassis.delivery.bus import Place
from services.chassis.delivery.consumer_store_postgres import PostgresConsumerStore
from services.chassis.engines.migrations import log_of
from services.chassis.engines.store_health import Unavailable

Server = psycopg.AsyncConnection[Any]

AT_WORK: Final = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND state = 'active' AND query ~ '^\\s*(SELECT|INSERT).*consumer_'
AND pid <> pg_backend_pid()"""
SLOW: Final = """
CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$;
CREATE TRIGGER slow BEFORE INSERT ON caserelay_counters.consumer_places EXECUTE FUNCTION dawdle()"""


@asynccontextmanager
async def locked(url: str) -> AsyncIterator[Server]:
    """Nobody reads or writes the places until the block ends; another connection, to look at the server with."""
    async with await Server.connect(url) as holder, await Server.connect(url, autocommit=True) as looking:
        await holder.execute("LOCK TABLE caserelay_counters.consumer_places IN ACCESS EXCLUSIVE MODE")
        yield looking
        await holder.rollback()


async def comes_to(wanted: int, looking: Server) -> None:
    """Waits until so many statements of the store are at work in the server."""

    async def at_work() -> int:
        row = await (await looking.execute(AT_WORK)).fetchone()
        return -1 if row is None else int(row[0])

    deadline = time.monotonic() + 5
    while (found := await at_work()) != wanted:
        assert time.monotonic() < deadline, f"{found} statements at work"
        await asyncio.sleep(0.02)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[PostgresConsumerStore]:
    """A store that has saved one place; whatever it does, no failure of its own is overlooked."""
    overlooked = list[dict[str, Any]]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: overlooked.append(context))
    opened = PostgresConsumerStore(log_of(database_url, "counters"))
    await opened.advance("kafka", "topic", {0: Place(1, 1)})
    yield opened
    await opened.close()
    assert overlooked == []


async def gives_up(store: PostgresConsumerStore) -> float:
    """How long it takes until it is known that a place cannot be saved, in seconds."""
    began = time.monotonic()
    with pytest.raises(Unavailable):
        await store.advance("kafka", "topic", {0: Place(2, 2)})
    return time.monotonic() - began


async def goes_on(store: PostgresConsumerStore) -> None:
    """What was given up was not done later, and the next place is saved."""
    assert await store.places("kafka", "topic") == {0: Place(1, 1)}
    await store.advance("kafka", "topic", {0: Place(3, 3)})
    assert await store.places("kafka", "topic") == {0: Place(3, 3)}


async def test_who_waits_for_a_locked_table_is_told_so_in_time(database_url: str, store: PostgresConsumerStore) -> None:
    """A member of a group may not stay away for long."""
    async with locked(database_url) as looking:
        assert 0.9 < await gives_up(store) < 5
        await comes_to(0, looking)
    await goes_on(store)


async def test_a_statement_that_does_not_end_is_given_up_and_does_not_go_on_behind_its_callers_back(
    database_url: str, store: PostgresConsumerStore
) -> None:
    """It is cancelled in the server too: done later, it would change what its caller was told could not be changed."""
    async with await Server.connect(database_url, autocommit=True) as looking:
        await looking.execute(SLOW)
        assert 2.7 < await gives_up(store) < 5
        await comes_to(0, looking)
        await looking.execute("DROP FUNCTION dawdle CASCADE")
    await goes_on(store)


async def test_who_stops_waiting_holds_up_nobody_who_asks_for_something_else(
    database_url: str, store: PostgresConsumerStore
) -> None:
    """A consumer that is stopped lets go of its connection at once, and the next one has another."""
    async with await Server.connect(database_url, autocommit=True) as looking:
        await looking.execute(SLOW)
        asking = asyncio.create_task(store.advance("kafka", "topic", {0: Place(2, 2)}))
        await comes_to(1, looking)
        began = time.monotonic()
        asking.cancel()
        await asyncio.wait([asking])
        assert asking.cancelled()
        assert await store.count_parked("topic") == 0
        assert time.monotonic() - began < 1
        await comes_to(0, looking)
        await looking.execute("DROP FUNCTION dawdle CASCADE")
    await goes_on(store)
