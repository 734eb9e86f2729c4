"""Kafka and PostgreSQL go away under replicas: commands are taken, and what was recorded meanwhile is told in order."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import pytest

from services.chassis.delivery.kafka.subscription import SESSION_MS
from services.chassis.leading.leadership import LEASE_SECONDS
from tests.faults.load import Acknowledged
from tests.faults.processes import Program
from tests.faults.production import Production
from tests.faults.trial import trial
from tests.support.kafka import Broker
from tests.support.postgres import Server
from tests.support.repetitions import in_full

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.xdist_group("fault")]

AWAY: Final = "CASERELAY_TEST_AWAY_SECONDS"
AWAY_SECONDS: Final = float(os.environ.get(AWAY) or in_full(15, short=4))
"""How long the broker is away, besides the time that replicas take to stop and to start."""
BROKER_HELD_SECONDS: Final = SESSION_MS / 1000 + 3
DATABASE_HELD_SECONDS: Final = LEASE_SECONDS + 3


@dataclass(frozen=True)
class System:
    """Production and the servers that it stands on, and what people were told of their commands."""

    production: Production
    broker: Broker
    database: Server
    told: Acknowledged


async def the_broker_is_away(system: System) -> None:
    """For as long as it may be: commands are taken, and when it is back everybody is told.

    Replicas stop and start meanwhile: they end within their time, take commands at once, and tell later what was
    recorded.
    """
    told = system.told
    await asyncio.to_thread(system.broker.kill)
    before = told.commands
    await asyncio.sleep(AWAY_SECONDS / 2)
    half = told.commands
    leaders = [system.production.leader(service) for service in ("referral", "notifications")]
    await asyncio.gather(*(stops_and_starts(one) for one in leaders))
    restarted = told.commands
    await asyncio.sleep(AWAY_SECONDS / 2)
    assert before < half < restarted < told.commands
    await asyncio.to_thread(system.broker.start)


async def stops_and_starts(replica: Program) -> None:
    """In an orderly way, and at once."""
    await replica.stop()
    await replica.start()


async def the_broker_is_killed_or_held(system: System) -> None:
    """SIGKILL while it is written to, and SIGSTOP for longer than a session."""
    for _ in range(in_full(2, short=1)):
        await asyncio.sleep(random.uniform(0.5, 1.5))
        await asyncio.to_thread(system.broker.kill)
        await asyncio.to_thread(system.broker.start)
    await asyncio.sleep(random.uniform(0.5, 1.5))
    system.broker.pause()
    await asyncio.sleep(BROKER_HELD_SECONDS)
    system.broker.go_on()


async def the_database_is_killed_or_held(system: System) -> None:
    """SIGKILL while it is written to, and SIGSTOP for longer than a lease; no caller is told of an error."""
    for away in (0.0, 3.0):
        await asyncio.sleep(random.uniform(0.5, 1.5))
        await asyncio.to_thread(system.database.kill)
        await asyncio.sleep(away)
        await asyncio.to_thread(system.database.start)
    await asyncio.sleep(random.uniform(0.5, 1.5))
    system.database.pause()
    await asyncio.sleep(DATABASE_HELD_SECONDS)
    system.database.go_on()


async def everything_is_started_again(system: System) -> None:
    """Killed all at once and in the middle of work, servers included; replicas come back one by one, as chance has it.

    Only the database has to be there before a replica starts: a replica without it ends and says so. Nobody needs
    anybody else to be there first.
    """
    programs = system.production.programs
    await asyncio.sleep(1)
    for one in random.sample(programs, len(programs)):
        one.kill()
    await asyncio.to_thread(system.broker.kill)
    await asyncio.to_thread(system.database.kill)
    await asyncio.to_thread(system.database.start)
    back = random.sample(programs, len(programs))
    early = random.randrange(len(back) + 1)
    for one in back[:early]:
        one.launch()
    await asyncio.sleep(random.uniform(0.0, 2.0))
    await asyncio.to_thread(system.broker.start)
    for one in back[early:]:
        one.launch()
    await asyncio.gather(*(one.answers() for one in back))


FAULTS: Final = (
    the_broker_is_away,
    the_broker_is_killed_or_held,
    the_database_is_killed_or_held,
    everything_is_started_again,
)
ONE_BY_ONE: Final = [pytest.param((fault,), id=fault.__name__) for fault in FAULTS]
ON_ONE_PRODUCTION: Final = [pytest.param(FAULTS, id="one after the other")]


@pytest.mark.timeout(300 + AWAY_SECONDS * 2)
@pytest.mark.parametrize("faults", in_full(ONE_BY_ONE, short=ON_ONE_PRODUCTION))
async def test_servers_that_are_away_lose_and_double_nothing(
    production_of_its_own: Production,
    kafka_broker: Broker,
    postgres_server: Server,
    faults: Sequence[Callable[[System], Awaitable[None]]],
) -> None:
    """Each fault meets a production that is well and at work; CI brings all about in one, in any order."""
    production = production_of_its_own
    async with production.gateway() as people, trial(production, people) as told:
        for fault in random.sample(faults, len(faults)):
            await production.shared([3, 3])
            await asyncio.sleep(1)
            await fault(System(production, kafka_broker, postgres_server, told))
        await asyncio.sleep(1)
    await production.stop()
