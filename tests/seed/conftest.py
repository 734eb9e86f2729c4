"""What the tests of the seed's statements share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.chassis.memory_stores import MemoryStores
from tests.casefile.cases import SERVICES, CaseContext
from tests.support.running import running


@pytest.fixture
async def context(tmp_path: Path) -> AsyncIterator[CaseContext]:
    """All services over HTTP with a clock that stands on 12 January 2026, and one ready mentor of brugwerk."""
    async with running(tmp_path, SERVICES, stores=MemoryStores()) as services:
        await services.set_the_scene()
        context = CaseContext(services)
        await context.describe_mentor()
        yield context
