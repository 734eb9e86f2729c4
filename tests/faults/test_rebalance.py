"""Replicas come and go under load: the cases are shared out again, and each message is handled once and in order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable

import pytest

from contracts import referral
from services.cli import SERVICE_NAMES
from tests.faults.caller import until
from tests.faults.production import Production
from tests.faults.trial import trial

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.xdist_group("fault")]

READERS = ("casefile", "notifications")


async def shared(production: Production, shares: Iterable[int]) -> None:
    """Returns once the partitions of the referral service's topic are spread so over the members of each group."""

    async def is_so() -> bool:
        spread = [await production.kafka.shares(reader, referral.TOPIC) for reader in READERS]
        return all(one == sorted(shares) for one in spread)

    await until(is_so, 60)


@pytest.mark.timeout(300)
async def test_partitions_go_to_replicas_that_come_and_from_those_that_go(production: Production) -> None:
    """Stopped in an orderly way and started again under load, now the one and now the other."""
    async with production.gateway() as people, trial(production, people):
        await shared(production, [3, 3])
        for service in random.sample(SERVICE_NAMES, len(SERVICE_NAMES)):
            one = random.choice(production.replicas[service])
            await one.stop()
            await asyncio.sleep(random.uniform(0.0, 1.0))
            await one.start()
        leaving = [production.replicas[service][0] for service in READERS]
        await asyncio.gather(*(one.stop() for one in leaving))
        await shared(production, [6])
        await asyncio.gather(*(one.start() for one in leaving))
        await shared(production, [3, 3])
    await production.stop()
