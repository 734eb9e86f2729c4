"""What the services really store and show for a referral: taken from a system that was just asked for one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from deploy.bench.bench import Bench
from deploy.bench.http_client import Connection
from deploy.bench.requests import Referrals
from deploy.bench.system import CASERELAY, System
from services.chassis.log.metadata import Recorded
from services.referral.events import EVENT_TYPES
from services.sandbox.demo import INES


@dataclass(frozen=True, slots=True)
class Stored:
    """An event, and the bytes that it is stored as."""

    recorded: Recorded
    topic: str
    state: bytes


def events_of_a_referral(bench: Bench) -> Sequence[Stored]:
    """The four events that the referral service stores for one referral, in three streams."""
    with bench.place() as place, System.of_command([*CASERELAY, "serve", "referral"], place, bench.issuer) as system:
        asyncio.run(_submit(system))
        return asyncio.run(_last_four(system))


async def _submit(system: System) -> None:
    connection = await Connection.open(system.url)
    (await connection.send(Referrals(system.token(INES)).next())).expect(201)
    connection.close()


async def _last_four(system: System) -> list[Stored]:
    types = EVENT_TYPES
    log = system.place.stores().event_log("referral", types)
    found = await log.read_all(await log.head() - 4, 4)
    await log.close()
    return [Stored(recorded, *types.encode(recorded.event, recorded.meta)) for recorded in found]
