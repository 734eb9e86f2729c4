"""What the tests of who may do what share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from services.chassis.memory_stores import MemoryStores
from tests.casefile.cases import SERVICES, CaseContext
from tests.support.running import running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[CaseContext]:
    """All services in memory, for all tests of a module; and the mentors whom the bodies name."""
    async with running(tmp_path_factory.mktemp("who"), SERVICES, stores=MemoryStores()) as services:
        await services.set_the_scene()
        context = CaseContext(services)
        for mentor in ("M-41", "M-42"):
            await context.describe_mentor(mentor)
        yield context
