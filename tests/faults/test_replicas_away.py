"""Replicas die, hang, come and go under load: others stand in for them, and what was acknowledged is there once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import pytest

from services.chassis.delivery.kafka.subscription import SESSION_MS
from services.chassis.leading.leadership import LEASE_SECONDS
from services.cli import SERVICE_NAMES
from tests.faults.caller import until
from tests.faults.gateway import Gateway
from tests.faults.processes import Program
from tests.faults.production import READERS, Production
from tests.faults.trial import trial
from tests.support.repetitions import in_full

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.xdist_group("fault")]

HELD_SECONDS: Final = max(LEASE_SECONDS, SESSION_MS / 1000) + 3
PATIENCE_SECONDS: Final = 2.0
"""Of the gateway: a client that sent something to a replica that hangs sends it again, and then it is there twice."""


@dataclass(frozen=True)
class System:
    """Production, and the people who work with it."""

    production: Production
    people: Gateway


async def they_are_killed(system: System) -> None:
    """SIGKILL of each leader and of one that does not lead, one at a time, each started again after a while."""
    production = system.production
    victims = [(production.leader, service) for service in SERVICE_NAMES]
    victims.append((production.follower, random.choice(SERVICE_NAMES)))
    random.shuffle(victims)
    for find, service in victims:
        await asyncio.sleep(random.uniform(0.2, 1.0))
        victim = find(service)
        victim.kill()
        await asyncio.sleep(random.uniform(0.0, 0.5))
        await victim.start()


async def leaders_hang(system: System) -> None:
    """Those of all three services at once: relay, index, deadlines and partitions go to the other replicas.

    They are stopped for longer than a lease and a session, and do no harm when they go on.
    """
    production = system.production
    held = {service: production.leader(service) for service in SERVICE_NAMES}

    async def others_lead() -> bool:
        return all(production.leader(service) is not one for service, one in held.items())

    await hang([*held.values()], system.people, others_lead)


async def followers_hang(system: System) -> None:
    """Those that do not lead keep their cases up no longer than a session.

    Their partitions go to the other replica; what they had taken and not handled is handled once all the same.
    """
    await hang([system.production.follower(service) for service in SERVICE_NAMES], system.people)


async def hang(
    held: Sequence[Program], people: Gateway, are_stood_in_for: Callable[[], Awaitable[bool]] | None = None
) -> None:
    """Stops replicas for longer than a lease and a session, and until others stand in for them."""
    patience, people.patience = people.patience, PATIENCE_SECONDS
    for one in held:
        one.pause()
    await asyncio.sleep(HELD_SECONDS)
    if are_stood_in_for is not None:
        await until(are_stood_in_for)
    for one in held:
        one.go_on()
    await asyncio.sleep(2)
    people.patience = patience


async def they_come_and_go(system: System) -> None:
    """Stopped in an orderly way and started again, now the one and now the other: partitions are shared out again.

    CI stops those of the other services only all at once.
    """
    production = system.production
    for service in in_full(random.sample(SERVICE_NAMES, len(SERVICE_NAMES)), short=["referral"]):
        one = random.choice(production.replicas[service])
        await one.stop()
        await asyncio.sleep(random.uniform(0.0, 1.0))
        await one.start()
    leaving = [production.replicas[service][0] for service in READERS]
    await asyncio.gather(*(one.stop() for one in leaving))
    await production.shared([6])
    await asyncio.gather(*(one.start() for one in leaving))
    await production.shared([3, 3])


FAULTS: Final = (they_are_killed, leaders_hang, followers_hang, they_come_and_go)
ONE_BY_ONE: Final = [pytest.param((fault,), id=fault.__name__) for fault in FAULTS]
ON_ONE_PRODUCTION: Final = [pytest.param(FAULTS, id="one after the other")]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("faults", in_full(ONE_BY_ONE, short=ON_ONE_PRODUCTION))
async def test_replicas_that_are_away_are_stood_in_for_and_do_no_harm_when_they_are_back(
    production: Production, faults: Sequence[Callable[[System], Awaitable[None]]]
) -> None:
    """Each fault meets a production that is well and at work; CI brings all about in one, in any order."""
    async with production.gateway() as people, trial(production, people):
        for fault in random.sample(faults, len(faults)):
            await production.shared([3, 3])
            await fault(System(production, people))
    await production.stop()
