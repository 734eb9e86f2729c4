"""A database that takes connections and answers nothing holds up one question at a time, and nobody else."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from services.casefile.app import build as build_casefile
from services.chassis.bus import Place
from services.chassis.consumer_store_postgres import PostgresConsumerStore
from services.chassis.eventlog import Unavailable
from services.chassis.eventlog_postgres import PostgresEventLog
from services.chassis.index_postgres import PostgresIndex
from services.chassis.migrations import index_of, log_of, migrate
from services.chassis.postgres import HELD_UP_SECONDS, persist
from tests.chassis.counters import TYPES
from tests.chassis.test_projection import TABLES
from tests.people import LOTTE
from tests.postgres import Server
from tests.running import listening, running

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.xdist_group("fault"), pytest.mark.timeout(120)]


@contextmanager
def held(server: Server) -> Iterator[None]:
    """The server and all its children stand still until the block ends."""
    assert server._process is not None
    first = server._process.pid
    os.kill(first, signal.SIGSTOP)
    children = Path(f"/proc/{first}/task/{first}/children").read_text(encoding="ascii").split()
    pids = [first, *map(int, children)]
    for pid in pids[1:]:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def seconds(work: Callable[[], object]) -> float:
    """How long it takes until the work finds out that it is not to be had."""
    begun = time.monotonic()
    with pytest.raises(Unavailable):
        work()
    return time.monotonic() - begun


async def until(work: Callable[[], object]) -> object:
    """What work comes to, once it can be done."""
    while True:
        try:
            return work()
        except Unavailable:
            await asyncio.sleep(0.05)


async def test_what_is_asked_inline_gives_up_soon_and_the_next_at_once(postgres_server: Server) -> None:
    """The loop waits once; from then on everybody is told until the server answers again."""
    migrate(postgres_server.url, ["counters"])
    index = PostgresIndex(index_of(postgres_server.url, "counters"), TABLES, 1)
    store = PostgresConsumerStore(log_of(postgres_server.url, "counters"))
    index.put("group", "a", 1, case="x")
    store.advance("embedded", "topic", {0: Place(7, 7)})
    for asked in (lambda: index.get("group", "a"), lambda: store.places("embedded", "topic")):
        before = await until(asked)
        with held(postgres_server):
            assert HELD_UP_SECONDS * 0.9 < seconds(asked) < HELD_UP_SECONDS * 1.5
            for _ in range(20):
                assert seconds(asked) < 0.1
                await asyncio.sleep(0.05)
        assert await until(asked) == before
    index.close()
    store.close()


async def test_a_transaction_that_is_held_leaves_no_half(postgres_server: Server) -> None:
    """What was sent may yet be stored: what was written is then there with its position, or neither is."""
    migrate(postgres_server.url, ["counters"])
    index = PostgresIndex(index_of(postgres_server.url, "counters"), TABLES, 1)

    def fill(server: Server | None = None) -> None:
        with ExitStack() as stack, index.transaction():
            # As a projection does: what follows is sent only once the lock is held.
            if index.through() == 0:
                if server is not None:
                    stack.enter_context(held(server))
                index.put("group", "a", 1, case="x")
                index.advance(1)

    with pytest.raises(Unavailable):
        fill(postgres_server)
    stored = await until(index.through)
    assert (index.get("group", "a") is not None) == (stored == 1)
    await until(fill)
    assert index.through() == 1
    index.close()


async def test_who_is_held_in_a_transaction_holds_up_others_for_two_seconds(postgres_server: Server) -> None:
    """A leader that is stopped in the middle loses its lock; who waits for it is told so, and nobody else notices."""
    migrate(postgres_server.url, ["counters"])
    one, other, third = (PostgresIndex(index_of(postgres_server.url, "counters"), TABLES, 1) for _ in range(3))

    def fill() -> None:
        with other.transaction():
            assert other.through() == 0
            other.put("group", "a", 1, case="x")
            other.advance(1)

    held_up = ExitStack()
    held_up.enter_context(one.transaction())
    assert one.through() == 0
    one.put("group", "a", 1, case="y")
    begun = time.monotonic()
    with pytest.raises(psycopg.errors.LockNotAvailable):
        fill()
    assert third.through() == 0
    while other.through() == 0:
        with suppress(psycopg.errors.LockNotAvailable):
            fill()
    assert 1 < time.monotonic() - begun < 10
    with pytest.raises(Unavailable):
        held_up.close()
    row = third.get("group", "a")
    assert row is not None
    assert row.columns["case"] == "x"
    for index in (one, other, third):
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
    """It says that it is alive, never later than what one question may hold it up; what was asked is answered after."""
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
        assert slowest < HELD_UP_SECONDS * 1.5
        assert (await asking).status_code in {200, 503}
        while (await services.get(LOTTE, "/v1/cases")).status_code != 200:  # noqa: ASYNC110 - bounded by the timeout
            await asyncio.sleep(0.05)
