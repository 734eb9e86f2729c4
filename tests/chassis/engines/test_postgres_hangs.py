"""A database that takes connections and answers nothing holds up one question at a time, and nobody else."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from services.casefile.app import build as build_casefile
from services.chassis.delivery.bus import Place
from services.chassis.delivery.consumer_store_postgres import PostgresConsumerStore
from services.chassis.engines.migrations import index_of, log_of, migrate
from services.chassis.engines.postgres import connect, make_undemanding, persist
from services.chassis.engines.postgres_connections import ANSWER_SECONDS
from services.chassis.engines.store_health import Unavailable
from services.chassis.index.index import Changes
from services.chassis.index.postgres import READERS, PostgresIndex
from services.chassis.log.postgres import PostgresEventLog
from tests.chassis.counters import TYPES
from tests.chassis.indexing import TABLES, put
from tests.support.people import LOTTE
from tests.support.postgres import Server
from tests.support.running import listening, running

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.xdist_group("fault"), pytest.mark.timeout(120)]


@contextmanager
def held(server: Server) -> Iterator[None]:
    """The server and all its children stand still until the block ends."""
    assert server._process is not None
    first = server._process.pid

    def tell(pid: int, what: signal.Signals) -> None:
        # A worker of the server may be about to end by itself.
        with suppress(ProcessLookupError):
            os.kill(pid, what)

    tell(first, signal.SIGSTOP)
    pids = [first]
    try:
        children = Path(f"/proc/{first}/task/{first}/children").read_text(encoding="ascii").split()
        for pid in map(int, children):
            tell(pid, signal.SIGSTOP)
            pids.append(pid)
        yield
    finally:
        for pid in pids:
            tell(pid, signal.SIGCONT)


async def test_questions_to_an_index_that_cannot_be_had_hold_up_nobody_else(postgres_server: Server) -> None:
    """However many wait for one that hangs, all of them hear of it together, and meanwhile the loop goes on."""
    migrate(postgres_server.url, ["counters"])
    index = PostgresIndex(index_of(postgres_server.url, "counters"), TABLES, 1)
    await put(index, "group", "a", 1, case="x")
    before = await index.get("group", "a")
    with held(postgres_server):
        begun = time.monotonic()
        asking = [asyncio.create_task(index.get("group", "a")) for _ in range(READERS * 5)]
        longest = await longest_turn_until(asking)
        took = time.monotonic() - begun
        assert {type(one.exception()) for one in asking} == {Unavailable}
        assert longest < 1
        assert ANSWER_SECONDS * 0.9 < took < ANSWER_SECONDS * 1.5
    async with asyncio.timeout(30):
        while True:
            with suppress(Unavailable):
                assert await index.get("group", "a") == before
                break
    index.close()


async def longest_turn_until(asking: Collection[asyncio.Task[Any]]) -> float:
    """The longest time in which the loop came to nobody else until all of these were done, in seconds."""
    longest = 0.0
    while not all(one.done() for one in asking):
        begun = time.monotonic()
        await asyncio.sleep(0.01)
        longest = max(longest, time.monotonic() - begun)
    return longest


async def test_places_that_cannot_be_had_hold_up_nobody_else(postgres_server: Server) -> None:
    """A caller that asks for them is told after a while; meanwhile the loop goes on."""
    migrate(postgres_server.url, ["counters"])
    store = PostgresConsumerStore(log_of(postgres_server.url, "counters"))
    await store.advance("embedded", "topic", {0: Place(7, 7)})
    with held(postgres_server):
        asking = asyncio.create_task(store.places("embedded", "topic"))
        longest = await longest_turn_until([asking])
        with pytest.raises(Unavailable):
            await asking
        assert longest < 1
    async with asyncio.timeout(30):
        while True:
            with suppress(Unavailable):
                assert await store.places("embedded", "topic") == {0: Place(7, 7)}
                break
    await store.close()


async def test_a_change_that_is_held_leaves_no_half_and_holds_up_nobody(postgres_server: Server) -> None:
    """What was sent may yet be stored: what was written is then there with its position, or neither is."""
    migrate(postgres_server.url, ["counters"])
    index, changes = PostgresIndex(index_of(postgres_server.url, "counters"), TABLES, 1), Changes()
    changes.put("group", "a", 1, case="x")
    await put(index, "open_counters", "before", 1)
    with held(postgres_server):
        begun = time.monotonic()
        filling = asyncio.create_task(index.apply(changes, after=0, through=1))
        await asyncio.sleep(0.2)
        assert time.monotonic() - begun < 1
        assert not filling.done()
        filling.cancel()
        await asyncio.wait([filling])
        assert filling.cancelled()
    halves = "SELECT (SELECT through FROM progress_v1) = 1, EXISTS (SELECT FROM group_v1 WHERE key = 'a')"
    async with await connect(index_of(postgres_server.url, "counters")) as connection:
        for _ in range(20):
            # In one look: what was sent may be stored at any moment now.
            moved, written = await (await connection.execute(halves)).fetchone() or (None, None)
            assert moved == written
            await asyncio.sleep(0.01)
    await index.apply(changes, after=0, through=1)
    assert (await index.through(), await index.get("group", "a") is not None) == (1, True)
    index.close()


async def test_who_is_held_in_a_transaction_holds_up_others_for_two_seconds(postgres_server: Server) -> None:
    """A holder that keeps the index's lock loses it; a waiter gets an error, and nobody else notices."""
    migrate(postgres_server.url, ["counters"])
    database = index_of(postgres_server.url, "counters")
    other, third = (PostgresIndex(database, TABLES, 1) for _ in range(2))
    changes = Changes()
    changes.put("group", "a", 1, case="x")
    stopped = await connect(database)
    await make_undemanding(stopped)
    await stopped.execute("BEGIN")
    await stopped.execute("UPDATE progress_v1 SET through = 1")
    begun = time.monotonic()
    with pytest.raises(Unavailable, match="index: 55P03"):
        await other.apply(changes, after=0, through=1)
    assert await third.through() == 0
    while await other.through() == 0:
        with suppress(Unavailable):
            assert await other.apply(changes, after=0, through=1)
    assert 1 < time.monotonic() - begun < 10
    with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
        await stopped.execute("COMMIT")
    await stopped.close()
    row = await third.get("group", "a")
    assert row is not None
    assert row.columns["case"] == "x"
    for index in (other, third):
        index.close()


async def test_an_answer_of_the_log_is_not_waited_for_for_ever(postgres_server: Server) -> None:
    """A question that was sent and is not answered is given up, and the next one finds a server that is well again."""
    migrate(postgres_server.url, ["counters"])
    log = PostgresEventLog("counters", log_of(postgres_server.url, "counters"), TYPES)
    assert await log.head() == 0
    begun = time.monotonic()
    with held(postgres_server), pytest.raises(Unavailable):
        await persist(log.head, patience=1.0)
    # The driver tries to take its question back, and lets go of the connection when that is not answered either.
    assert time.monotonic() - begun < 15
    assert await log.head() == 0
    await log.close()


async def test_a_process_lives_on_while_its_database_does_not(postgres_server: Server, tmp_path: Path) -> None:
    """It says at once that it is alive; what was asked is answered after."""
    migrate(postgres_server.url, ["casefile"])
    builds = {"casefile": build_casefile}
    async with (
        running(tmp_path, builds, database_url=postgres_server.url) as quiet,
        listening(quiet) as services,
    ):
        assert (await services.get(LOTTE, "/v1/cases")).status_code == 200
        slowest = 0.0
        with held(postgres_server):
            asking = asyncio.create_task(services.get(LOTTE, "/v1/cases"))
            end = time.monotonic() + 8
            while time.monotonic() < end:
                begun = time.monotonic()
                assert (await services.http.get("/healthz")).status_code == 200
                slowest = max(slowest, time.monotonic() - begun)
                await asyncio.sleep(0.05)
        assert slowest < 1
        assert (await asking).status_code in {200, 503}
        while (await services.get(LOTTE, "/v1/cases")).status_code != 200:  # noqa: ASYNC110 - bounded by the timeout
            await asyncio.sleep(0.05)
