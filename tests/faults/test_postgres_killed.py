"""SIGKILL of the database server under load: callers hardly notice, and what was acknowledged is there once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import httpx
import psycopg
import pytest

from services.chassis.engines.migrations import migrate
from tests.faults.caller import Caller
from tests.faults.conftest import Start
from tests.faults.evidence import Evidence
from tests.faults.load import Clients
from tests.faults.processes import Program
from tests.support.postgres import Server
from tests.support.repetitions import in_full

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.xdist_group("fault")]

CLIENTS = 4
KILLS = in_full(4, short=2)
"""Of the server alone, and as many of the program as well."""


@pytest.mark.timeout(240)
async def test_every_acknowledged_command_is_there_exactly_once_after_the_database_was_killed(
    program: Start, caller: Callable[[Program], Caller], postgres_server: Server
) -> None:
    """Alone, and with the program; in the referral's record, on the case's timeline and in both feeds.

    No caller is told of an error.
    """
    migrate(postgres_server.url, ["referral", "casefile", "notifications"])
    running, chance = program("serve", "all", database_url=postgres_server.url), random.Random(random.getrandbits(32))
    await running.start()
    async with caller(running) as people:
        await people.set_the_scene()
        clients = Clients(people, chance)
        working = asyncio.create_task(clients.work(CLIENTS))
        for program_dies_too in [False] * KILLS + [True] * KILLS:
            await asyncio.wait([working], timeout=chance.uniform(0.3, 1.5))
            if working.done():
                break
            await asyncio.to_thread(postgres_server.kill)
            if program_dies_too:
                running.kill()
            await asyncio.to_thread(postgres_server.start)
            if program_dies_too:
                running.launch()
                await running.answers("/healthz")
        clients.end()
        await working
        evidence = await Evidence.gathered(people)
        evidence.holds_what_was_acknowledged(clients.told)
        evidence.holds_nothing_twice()
        evidence.agrees_everywhere()
        evidence.has_one_live_referral_per_person(clients.told)
        await evidence.answers_a_repeat_as_before(people, clients.told, chance)
        assert clients.told.commands > 20
        assert all(not any(service["parked"].values()) for service in evidence.ready.values()), evidence.ready
    # Work in the background tries again with growing pauses, and says that it is well after its next round.
    async with asyncio.timeout(30), httpx.AsyncClient(base_url=running.url) as operator:
        while any(one["failing"] for one in (await operator.get("/readyz")).json()["services"].values()):  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    await running.stop()
    with psycopg.connect(postgres_server.url) as asking:
        ((stored,),) = asking.execute("SELECT count(*) FROM caserelay_referral.stored_events").fetchall()
    assert stored > clients.told.commands, "it was not this database that kept them"
    assert not list(running.data.glob("*-log.db"))
