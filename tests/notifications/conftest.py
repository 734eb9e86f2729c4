"""What the tests of the notifications service share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.chassis.store_opener import StoreOpener
from tests.notifications.running import Running, running


@pytest.fixture
async def system(tmp_path: Path, service_stores: StoreOpener | None) -> AsyncIterator[Running]:
    """The service, running over an empty store."""
    async with running(tmp_path, stores=service_stores) as system:
        yield system
