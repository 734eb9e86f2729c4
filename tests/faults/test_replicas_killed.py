"""SIGKILL of replicas, leaders and others: their services go on, and what was acknowledged is there once."""

from __future__ import annotations

import asyncio
import random

import pytest

from services.cli import SERVICE_NAMES
from tests.faults.production import Production
from tests.faults.trial import trial

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.xdist_group("fault")]


@pytest.mark.timeout(300)
async def test_a_replica_that_is_killed_is_stood_in_for(production: Production) -> None:
    """The leader of each service, and one that does not lead, one at a time, each started again after a while."""
    async with production.gateway() as people, trial(production, people):
        victims = [(production.leader, service) for service in SERVICE_NAMES]
        victims.append((production.follower, random.choice(SERVICE_NAMES)))
        random.shuffle(victims)
        for find, service in victims:
            await asyncio.sleep(random.uniform(0.2, 1.0))
            victim = find(service)
            victim.kill()
            await asyncio.sleep(random.uniform(0.0, 0.5))
            await victim.start()
    await production.stop()
