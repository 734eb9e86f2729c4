"""Transparency logs for tests, on every engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from services.chassis.audit.remembered import RememberedCheckpoint
from services.chassis.log.event_log import EventLog
from services.chassis.store_opener import StoreOpener
from tests.chassis.audit.auditing import Auditing


@pytest.fixture
async def auditing(stores: StoreOpener, log: EventLog) -> AsyncIterator[Auditing]:
    """A transparency log with nothing remembered outside of it."""
    store = stores.audit("counters")
    yield Auditing(log, store)
    await store.close()


@pytest.fixture
def remembering(auditing: Auditing, tmp_path: Path) -> Auditing:
    """The same, with what was signed last remembered in a directory."""
    auditing.remembered = RememberedCheckpoint(tmp_path / "state", "counters")
    return auditing


@pytest.fixture
async def vkey(auditing: Auditing) -> str:
    """The key of the log, which has begun."""
    await auditing.builder().grow()
    (key,) = await auditing.reader.keys()
    return key


@pytest.fixture
def servers() -> Iterator[ExitStack]:
    """Ends the servers of a test."""
    with ExitStack() as stack:
        yield stack
