"""What the tests of the notifications service share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.chassis.store_opener import StoreOpener
from tests.notifications.receiving import Receiver, Subscriptions, receiver
from tests.notifications.running import Running, running


@pytest.fixture
def settings() -> dict[str, Any]:
    """What the service is set to; a file of tests says so where it needs another one."""
    return {}


@pytest.fixture
async def system(
    tmp_path: Path, service_stores: StoreOpener | None, settings: dict[str, Any]
) -> AsyncIterator[Running]:
    """The service, running over an empty store."""
    async with running(tmp_path, stores=service_stores, **settings) as system:
        yield system


@pytest.fixture
async def there() -> AsyncIterator[Receiver]:
    """A receiver."""
    async with receiver() as there:
        yield there


@pytest.fixture
def subscriptions(system: Running) -> Subscriptions:
    """The subscriptions of the service."""
    return Subscriptions(system.service)
