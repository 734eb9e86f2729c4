"""Everything is stopped and started again, in any order: nobody needs anybody else to be there first."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.faults.production import Production
from tests.faults.trial import trial
from tests.support.kafka import Broker
from tests.support.postgres import Server

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.xdist_group("fault")]


@pytest.mark.timeout(300)
async def test_the_whole_is_started_again_in_any_order(
    production_of_its_own: Production, postgres_server: Server, kafka_broker: Broker
) -> None:
    """Killed all at once and in the middle of work, servers included; replicas come back one by one, as chance has it.

    Only the database has to be there before a replica starts: a replica without it ends and says so.
    """
    production = production_of_its_own
    async with production.gateway() as people, trial(production, people):
        await asyncio.sleep(2)
        for one in random.sample(production.programs, len(production.programs)):
            one.kill()
        await asyncio.to_thread(kafka_broker.kill)
        await asyncio.to_thread(postgres_server.kill)
        await asyncio.to_thread(postgres_server.start)
        back = random.sample(production.programs, len(production.programs))
        early = random.randrange(len(back) + 1)
        for one in back[:early]:
            one.launch()
        await asyncio.sleep(random.uniform(0.0, 2.0))
        await asyncio.to_thread(kafka_broker.start)
        for one in back[early:]:
            one.launch()
        await asyncio.gather(*(one.answers() for one in back))
        await asyncio.sleep(1)
    await production.stop()
