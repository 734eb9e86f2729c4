"""What the tests of the notifications service share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.notifications.running import Running, running


@pytest.fixture
async def system(tmp_path: Path) -> AsyncIterator[Running]:
    """The service, running over an empty directory."""
    async with running(tmp_path) as system:
        yield system
