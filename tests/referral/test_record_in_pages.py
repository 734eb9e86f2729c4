"""The raw record of a referral is read page by page, however long it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest

from services.chassis.log.event_log import EventLog, Write
from services.chassis.log.event_types import EventTypes
from services.chassis.log.metadata import Recorded
from services.chassis.memory_stores import MemoryStores
from services.referral.app import build
from tests.referral.context import ReferralContext
from tests.support.people import AUDITOR, INES, LOTTE, Person
from tests.support.running import running

LONG: Final = 300
"""Events that are added to a referral, straight in the log."""
PAGE: Final = 7


class Tallied:
    """A log that counts the events that it was read of single streams."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self.name, self.types, self.remote = log.name, log.types, log.remote
        self.events = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    async def read(
        self, stream: str, *, after: int = 0, through: int | None = None, most: int | None = None
    ) -> list[Recorded]:
        """As the log does."""
        records = await self._log.read(stream, after=after, through=through, most=most)
        self.events += len(records)
        return records


class TalliedStores(MemoryStores):
    """Stores whose first log, which is that of the service, counts."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[Tallied] = []

    def event_log(self, service: str, types: EventTypes) -> EventLog:
        """See `Stores.event_log`."""
        self.opened.append(Tallied(super().event_log(service, types)))
        return self.opened[-1]


@pytest.fixture
def stores() -> TalliedStores:
    """Empty stores."""
    return TalliedStores()


@pytest.fixture
async def context(tmp_path: Path, stores: TalliedStores) -> AsyncIterator[ReferralContext]:
    """The referral service on them."""
    async with running(tmp_path, {"referral": build}, stores=stores) as service:
        await service.set_the_scene()
        yield ReferralContext(service)


async def long_referral(context: ReferralContext, log: Tallied) -> str:
    """The path of a referral that began as a draft and has a long record."""
    path = await context.draft()
    await context.running.done(INES, path, "submit")
    await context.running.done(LOTTE, path, "receive")
    records = await log.read(f"referral-{path.rpartition('/')[2]}")
    last = records[-1]
    await log.append([Write(last.stream, last.version, [(last.event, last.meta)] * LONG)])
    return path


async def pages(context: ReferralContext, person: Person, path: str) -> list[int]:
    """The versions on all pages that somebody is given, one page after the other."""
    versions: list[int] = []
    following: dict[str, str] = {}
    while True:
        page = await context.running.read(person, f"{path}/events", limit=PAGE, **following)
        assert len(page["items"]) == PAGE or page["next"] is None
        versions += [item["version"] for item in page["items"]]
        if page["next"] is None:
            return versions
        following = {"cursor": page["next"]}


@pytest.mark.parametrize("person", [INES, AUDITOR, LOTTE], ids=lambda person: person.sub)
async def test_a_page_reads_no_more_of_the_log_than_it_shows(
    context: ReferralContext, stores: TalliedStores, person: Person
) -> None:
    """Nor does the first one of an organisation, which begins behind the draft."""
    log = stores.opened[0]
    path = await long_referral(context, log)
    # What the referral is folded from is read, and kept.
    await context.running.read(person, path)
    log.events = 0
    await context.running.read(person, f"{path}/events", limit=PAGE)
    assert log.events <= 3 * PAGE


async def test_all_pages_together_are_the_record(context: ReferralContext, stores: TalliedStores) -> None:
    """Each event once, in order; for the organisation from its addressing on."""
    path = await long_referral(context, stores.opened[0])
    versions = await pages(context, INES, path)
    assert versions == list(range(1, len(versions) + 1))
    assert len(versions) > LONG
    assert await pages(context, LOTTE, path) == versions[1:]
