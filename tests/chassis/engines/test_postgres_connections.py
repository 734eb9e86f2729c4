"""Connections for short statements: kept, opened again, and never waited for longer than they are worth."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from services.chassis.engines.migrations import index_of
from services.chassis.engines.postgres import Database
from services.chassis.engines.postgres_connections import ANSWER_SECONDS, Connections
from services.chassis.engines.store_health import StoreHealth, Unavailable
from tests.support.ports import free_port

MOST = 3
Ask = Callable[[AsyncConnection[Any]], Coroutine[Any, Any, int]]


def asking(statement: str) -> Ask:
    """Work that asks for the one number of a statement."""

    async def ask(connection: AsyncConnection[Any]) -> int:
        ((number,),) = await (await connection.execute(statement.encode())).fetchall()
        return int(number)

    return ask


WHO = asking("SELECT pg_backend_pid()")
WHO_SLOWLY = asking("SELECT pg_backend_pid() FROM pg_sleep(0.2)")


@pytest.fixture
async def connections(database_url: str) -> AsyncIterator[Connections]:
    """A few of them, none of which is open yet."""
    these = Connections(index_of(database_url, "counters"), StoreHealth("index"), most=MOST)
    yield these
    these.close()


async def test_work_is_done_side_by_side_on_so_many_connections_and_no_more(connections: Connections) -> None:
    """Each has its connection to itself, and those that were opened are used again."""
    begun = time.monotonic()
    first = await asyncio.gather(*(connections.repeat(WHO_SLOWLY) for _ in range(MOST * 2)))
    assert 0.4 <= time.monotonic() - begun < 0.2 * MOST * 2
    assert len(set(first)) == MOST
    assert await connections.repeat(WHO) in first


async def test_connections_that_were_lost_are_opened_again_and_nobody_is_told(
    connections: Connections, database_url: str
) -> None:
    """As after a restart of the server: all that were open are lost at once, and one try finds them out."""
    before = set(await asyncio.gather(*(connections.repeat(WHO_SLOWLY) for _ in range(MOST))))
    with psycopg.connect(database_url, autocommit=True) as operator:
        for backend in before:
            operator.execute("SELECT pg_terminate_backend(%s, 5000)", (backend,))
    begun = time.monotonic()
    assert await connections.repeat(WHO) not in before
    assert time.monotonic() - begun < 1
    assert connections._health.failing is None


async def test_who_gives_up_a_question_leaves_no_answer_for_the_next(connections: Connections) -> None:
    """A client that goes away takes its connection along; the next question gets its own answer."""
    asked = asyncio.create_task(connections.repeat(asking("SELECT 1 FROM pg_sleep(5)")))
    await asyncio.sleep(0.3)
    asked.cancel()
    await asyncio.wait([asked])
    assert asked.cancelled()
    begun = time.monotonic()
    assert await asyncio.gather(*(connections.repeat(asking(f"SELECT {n}")) for n in range(9))) == list(range(9))
    assert time.monotonic() - begun < 2


async def test_a_refused_statement_costs_no_connection_and_says_nothing_of_the_store(connections: Connections) -> None:
    """What is wrong with a question is raised as it is: the server has answered."""
    before = await connections.repeat(WHO)
    with pytest.raises(psycopg.errors.UndefinedTable):
        await connections.repeat(asking("SELECT n FROM nothing"))
    assert await connections.repeat(WHO) == before
    assert connections._health.failing is None


async def test_those_who_wait_behind_a_question_that_gets_no_answer_hear_of_it_with_it() -> None:
    """Tried one after the other they would wait for minutes; a later question is tried again."""
    # Nobody listens there: each try would take its time.
    away = Database(f"postgresql://somebody@127.0.0.1:{free_port()}/nothing", "nothing")
    health = StoreHealth("index")
    connections, begun = Connections(away, health, most=1), time.monotonic()
    asked = await asyncio.gather(*(connections.repeat(WHO) for _ in range(10)), return_exceptions=True)
    assert {type(one) for one in asked} == {Unavailable}
    assert ANSWER_SECONDS * 0.9 < time.monotonic() - begun < ANSWER_SECONDS * 1.9
    assert health.failing is not None
    connections.close()


async def test_what_is_closed_while_somebody_works_is_closed_when_the_work_ends(connections: Connections) -> None:
    """Its answer still comes, and no connection is left behind."""
    held = list[AsyncConnection[Any]]()

    async def slowly(connection: AsyncConnection[Any]) -> int:
        held.append(connection)
        return await WHO_SLOWLY(connection)

    working = asyncio.create_task(connections.repeat(slowly))
    await asyncio.sleep(0.1)
    connections.close()
    assert await working > 0
    assert [one.closed for one in held] == [True]
