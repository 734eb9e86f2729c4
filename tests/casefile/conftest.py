"""What the tests of the casefile service share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from services.chassis.memory_stores import MemoryStores
from services.chassis.store_opener import StoreOpener
from tests.casefile.casebook import Casebook
from tests.casefile.cases import SERVICES, CaseContext
from tests.support.running import running


@pytest.fixture
def book() -> Casebook:
    """A casebook without a case yet."""
    return Casebook()


@pytest.fixture
async def context(tmp_path: Path, service_stores: StoreOpener | None) -> AsyncIterator[CaseContext]:
    """All services over HTTP with a clock that stands on 12 January 2026, and one ready mentor of brugwerk."""
    async with running(tmp_path, SERVICES, stores=service_stores) as services:
        await services.set_the_scene()
        context = CaseContext(services)
        await context.describe_mentor()
        yield context


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[CaseContext]:
    """The same for all tests of a module: for those that look, and for those that have a case of their own."""
    async with running(tmp_path_factory.mktemp("casefile"), SERVICES, stores=MemoryStores()) as services:
        await services.set_the_scene()
        context = CaseContext(services)
        await context.describe_mentor()
        yield context


@pytest_asyncio.fixture(loop_scope="module")
async def fresh(tmp_path: Path) -> AsyncIterator[CaseContext]:
    """As `shared`, for one test alone: for what counts over all cases, and for days of its own."""
    async with running(tmp_path, SERVICES, stores=MemoryStores()) as services:
        await services.set_the_scene()
        context = CaseContext(services)
        await context.describe_mentor()
        yield context
