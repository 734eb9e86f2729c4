"""Moving the sandbox's clock: everything that falls due on the way happens in order, each at its own time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from services.chassis.service import Service
from services.chassis.time.clock import BackwardsInTime, SandboxClock

LOOK_AGAIN_SECONDS = 0.001
A_MOMENT: Final = 3.0
"""How many seconds of the machine's time a journey has for letters: a mail server that hangs holds it up no longer."""


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

    The letters of a stop, and of where it begins, go out before the next one, as long as a moment is left for them.
    Raises BackwardsInTime.
    """
    if to < (now := clock.now()):
        raise BackwardsInTime(to, now)
    clock.halt()
    try:
        await settle(services)
        moment = await _post_letters(services, A_MOMENT)
        while (due := await _next_due(services)) is not None and due <= to:
            clock.halt_at(max(due, clock.now()))
            for service in services.values():
                if service.scheduler is not None:
                    await service.scheduler.fire_due()
            moment = await _post_letters(services, moment)
    except BaseException:
        # Whatever went wrong on the way: the clock goes on from where the journey had come to.
        clock.move(clock.now())
        raise
    clock.move(max(clock.now(), to), frozen=frozen)
    await settle(services)
    await _post_letters(services, moment)
    await settle(services)


async def _post_letters(services: Mapping[str, Service], moment: float) -> float:
    """Has the letters go out that are due, for so many seconds; returns how many are left of them."""
    began = time.monotonic()
    for service in services.values():
        if service.postman is not None:
            await service.postman.posted(began + moment)
    return max(0.0, moment - (time.monotonic() - began))


async def _next_due(services: Mapping[str, Service]) -> datetime | None:
    await settle(services)
    dues = [await service.next_due() for service in services.values()]
    return min((due for due in dues if due is not None), default=None)
