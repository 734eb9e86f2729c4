"""Asks endpoints whether they belong to those who subscribed them, before anything else is sent there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from contracts.subscription_codes import ChallengeOutcome
from services.chassis.deciding.streams import Streams
from services.notifications.delivering.carriers import Carries
from services.notifications.delivering.endpoint import Endpoint
from services.notifications.delivering.recording import Recording
from services.notifications.domain.subscription import SUBSCRIPTION, Subscription, subscription_stream

PAUSES: Final = (0.5, 2.0)
"""Seconds before each challenge of one request: the first is long enough for the answer with the secret to arrive."""
AT_ONCE: Final = 64

_SETTLED: Final = frozenset({ChallengeOutcome.PROVEN, ChallengeOutcome.SENT, ChallengeOutcome.BOUNCED})
"""After which nothing else would come of asking again."""

log = logging.getLogger(__name__)


class Asking:
    """Sends challenges, one at a time for an endpoint."""

    def __init__(
        self, streams: Streams, carrier: Carries, recording: Recording, may_send: Callable[[Endpoint], bool]
    ) -> None:
        self._streams = streams
        self._carrier = carrier
        self._recording = recording
        self._may_send = may_send
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._under_way: dict[str, asyncio.Task[None]] = {}

    def begin(self, endpoint: Endpoint, ended: Callable[[Endpoint, bool], None]) -> None:
        """Has an endpoint asked, unless it is being asked; then `ended` is told whether it came to an end or failed."""
        if endpoint.id not in self._under_way:
            task = self._under_way[endpoint.id] = asyncio.create_task(self.ask(endpoint))
            task.add_done_callback(lambda done: self._ended(endpoint, done, ended))

    def _ended(self, endpoint: Endpoint, task: asyncio.Task[None], ended: Callable[[Endpoint, bool], None]) -> None:
        del self._under_way[endpoint.id]
        failure = None if task.cancelled() else task.exception()
        if failure is not None:
            log.warning("a challenge failed", extra={"failure": type(failure).__name__})
        ended(endpoint, failure is None)

    def cancel(self) -> list[asyncio.Task[None]]:
        """Ends what is under way; returns it, to be waited for."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        return tasks

    async def ask(self, endpoint: Endpoint) -> None:
        """Asks an endpoint for its challenge that is due, and records what came of it."""
        outcome: ChallengeOutcome | None = None
        status = number = None
        for pause in PAUSES:
            await asyncio.sleep(pause)
            async with self._turn:
                subscription = await self._subscription(endpoint)
                number = subscription.challenge_due
                if number is None or not self._may_send(endpoint):
                    return
                outcome, status = await self._carrier.ask(subscription)
            if outcome in _SETTLED:
                break
        if outcome is not None and number is not None:
            await self._recording.challenge(endpoint.id, number, outcome, status)

    async def _subscription(self, endpoint: Endpoint) -> Subscription:
        return (await self._streams.fold(subscription_stream(endpoint.id), SUBSCRIPTION)).state
