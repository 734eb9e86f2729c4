"""What the tests of who may do what share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from services.chassis.memory_stores import MemoryStores
from tests.casefile.cases import SERVICES, CaseContext
from tests.support.running import running


@asynccontextmanager
async def _in_memory(directory: Path) -> AsyncIterator[CaseContext]:
    async with running(directory, SERVICES, stores=MemoryStores()) as services:
        await services.set_the_scene()
        context = CaseContext(services)
        for mentor in ("M-41", "M-42"):
            await context.describe_mentor(mentor)
        yield context


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[CaseContext]:
    """All services in memory, for all tests of a module; and the mentors whom the bodies name."""
    async with _in_memory(tmp_path_factory.mktemp("who")) as context:
        yield context


@pytest_asyncio.fixture(loop_scope="module")
async def fresh(tmp_path: Path) -> AsyncIterator[CaseContext]:
    """As `shared`, for one test that lets time pass: what falls due in the cases of others is none of its business."""
    async with _in_memory(tmp_path) as context:
        yield context
