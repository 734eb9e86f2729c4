"""PostgreSQL goes away under replicas on Kafka: callers hardly notice, and what was taken meanwhile comes in order."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.faults.production import Production
from tests.faults.trial import trial
from tests.support.postgres import Server

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.xdist_group("fault")]

HELD_SECONDS = 8.0


@pytest.mark.timeout(300)
async def test_a_database_that_is_killed_or_held_loses_and_doubles_nothing(
    production_of_its_own: Production, postgres_server: Server
) -> None:
    """SIGKILL while it is written to, and SIGSTOP for longer than a lease; no caller is told of an error."""
    production = production_of_its_own
    async with production.gateway() as people, trial(production, people):
        for away in (0.0, 3.0):
            await asyncio.sleep(random.uniform(0.5, 1.5))
            await asyncio.to_thread(postgres_server.kill)
            await asyncio.sleep(away)
            await asyncio.to_thread(postgres_server.start)
        await asyncio.sleep(random.uniform(0.5, 1.5))
        postgres_server.pause()
        await asyncio.sleep(HELD_SECONDS)
        postgres_server.go_on()
        await asyncio.sleep(1)
    await production.stop()
