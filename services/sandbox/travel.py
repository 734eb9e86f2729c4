"""Moving the sandbox's clock: everything that falls due on the way happens in order, each at its own time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime

from services.chassis.service import Service
from services.chassis.time.clock import BackwardsInTime, SandboxClock

LOOK_AGAIN_SECONDS = 0.001


async def settle(services: Mapping[str, Service]) -> None:
    """Returns once all that was recorded has reached every service, and so has what followed from it."""
    while True:
        heads = [await service.log.head() for service in services.values()]
        settled = [await service.settled() for service in services.values()]
        # Nothing was recorded while looking from one service to the next: nothing is on its way.
        if all(settled) and heads == [await service.log.head() for service in services.values()]:
            return
        await asyncio.sleep(LOOK_AGAIN_SECONDS)


async def travel(services: Mapping[str, Service], clock: SandboxClock, to: datetime, *, frozen: bool | None) -> None:
    """Moves the clock to `to`, stopping at every deadline on the way until its consequences are everywhere.

    Raises BackwardsInTime.
    """
    if to < (now := clock.now()):
        raise BackwardsInTime(to, now)
    clock.halt()
    try:
        while (due := await _next_due(services)) is not None and due <= to:
            clock.halt_at(max(due, clock.now()))
            for service in services.values():
                if service.scheduler is not None:
                    await service.scheduler.fire_due()
    except BaseException:
        # Whatever went wrong on the way: the clock goes on from where the journey had come to.
        clock.move(clock.now())
        raise
    clock.move(max(clock.now(), to), frozen=frozen)
    await settle(services)


async def _next_due(services: Mapping[str, Service]) -> datetime | None:
    await settle(services)
    dues = [await service.next_due() for service in services.values()]
    return min((due for due in dues if due is not None), default=None)
