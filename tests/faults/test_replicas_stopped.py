"""SIGSTOP of replicas for longer than a lease and a session: others stand in, and who wakes up late does no harm."""

from __future__ import annotations

import asyncio

import pytest

from services.chassis.delivery.kafka.subscription import SESSION_MS
from services.chassis.leading.leadership import LEASE_SECONDS
from services.cli import SERVICE_NAMES
from tests.faults.caller import until
from tests.faults.production import Production
from tests.faults.trial import trial

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.xdist_group("fault")]

HELD_SECONDS = max(LEASE_SECONDS, SESSION_MS / 1000) + 3
PATIENCE_SECONDS = 2.0
"""Of the gateway: a client that sent something to a replica that hangs sends it again, and then it is there twice."""


@pytest.mark.timeout(300)
async def test_a_leader_that_hangs_is_stood_in_for_and_does_no_harm_when_it_goes_on(production: Production) -> None:
    """Those of all three services at once: relay, index, deadlines and partitions go to the other replicas."""
    async with production.gateway(patience=PATIENCE_SECONDS) as people, trial(production, people):
        await asyncio.sleep(2)
        held = {service: production.leader(service) for service in SERVICE_NAMES}
        for one in held.values():
            one.pause()
        await asyncio.sleep(HELD_SECONDS)

        async def others_lead() -> bool:
            return all(production.leader(service) is not one for service, one in held.items())

        await until(others_lead)
        for one in held.values():
            one.go_on()
        await asyncio.sleep(2)
    await production.stop()


@pytest.mark.timeout(300)
async def test_a_replica_that_does_not_lead_and_hangs_keeps_its_cases_up_no_longer_than_a_session(
    production: Production,
) -> None:
    """Its partitions go to the other replica; what it had taken and not handled is handled once all the same."""
    async with production.gateway(patience=PATIENCE_SECONDS) as people, trial(production, people):
        await asyncio.sleep(2)
        held = [production.follower(service) for service in SERVICE_NAMES]
        for one in held:
            one.pause()
        await asyncio.sleep(HELD_SECONDS)
        for one in held:
            one.go_on()
        await asyncio.sleep(2)
    await production.stop()
