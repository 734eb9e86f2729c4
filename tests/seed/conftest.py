"""What the tests of the seed's statements share: cases over HTTP, and the casefile's decisions without it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from services.chassis.memory_stores import MemoryStores
from tests.casefile.cases import SERVICES, CaseContext
from tests.casefile.conftest import book, shared
from tests.support.running import running

__all__ = ["book", "context", "fresh", "shared"]


@pytest_asyncio.fixture(loop_scope="module")
async def fresh(tmp_path: Path) -> AsyncIterator[CaseContext]:
    """As `shared`, for one test alone: for what counts over all cases, and for days of its own."""
    async with running(tmp_path, SERVICES, stores=MemoryStores()) as services:
        await services.set_the_scene()
        context = CaseContext(services)
        await context.describe_mentor()
        yield context


@pytest.fixture
async def context(tmp_path: Path) -> AsyncIterator[CaseContext]:
    """All services over HTTP with a clock that stands on 12 January 2026, and one ready mentor of brugwerk."""
    async with running(tmp_path, SERVICES, stores=MemoryStores()) as services:
        await services.set_the_scene()
        context = CaseContext(services)
        await context.describe_mentor()
        yield context
