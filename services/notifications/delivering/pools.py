"""Where requests wait for their turn, so that endpoints that are slow or fail wait among themselves."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Final

from services.notifications.delivering.endpoint import Endpoint
from services.notifications.domain.lane import DeliveryState

AT_ONCE: Final = 512
"""Requests under way, to endpoints that answer well."""
DOUBTED_AT_ONCE: Final = 128
"""Requests under way, to those that are slow or fail."""


class Pools:
    """The places of requests under way, and what came of those that ended."""

    def __init__(self, at_once: int = AT_ONCE, doubted_at_once: int = DOUBTED_AT_ONCE) -> None:
        self._trusted = asyncio.Semaphore(at_once)
        self._doubted = asyncio.Semaphore(doubted_at_once)
        # What never came of one is a zero, and not a series that is missing.
        self.outcomes = Counter({state.value: 0 for state in DeliveryState if state is not DeliveryState.PENDING})

    def place(self, endpoint: Endpoint) -> asyncio.Semaphore:
        """Where a request to an endpoint waits, as things are."""
        return self._doubted if endpoint.is_doubted else self._trusted

    def note(self, state: DeliveryState) -> None:
        """Counts an attempt by what came of it."""
        self.outcomes[state.value] += 1
