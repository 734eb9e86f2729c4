"""What casefile says follows what it says it because of, however far behind the one topic is and the other not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from contracts.casefile import CaseReopened
from contracts.message import CloudEvent
from services.chassis.clock import SystemClock
from services.chassis.development_issuer import DevelopmentIssuer
from services.chassis.identity import Verifier
from services.chassis.service import Service
from services.chassis.settings import Settings
from services.chassis.stores import Stores
from services.chassis.telemetry import Telemetry
from services.notifications import app
from services.notifications.app import build
from services.notifications.domain import MessageTaken
from tests.notifications.messages import Publishing, Story

PATIENCE_SECONDS = 0.2


@asynccontextmanager
async def at_rest(directory: Path) -> AsyncIterator[tuple[Service, Publishing]]:
    """The service, which takes in nothing unless it is told to."""
    settings, stores = Settings(data=directory), Stores(directory)
    bus, verifier = stores.bus(), Verifier(DevelopmentIssuer(directory / "issuer"), "caserelay")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "PATIENCE_SECONDS", PATIENCE_SECONDS)
        service: Service = build(settings, stores, bus, SystemClock(), verifier, Telemetry()).state.service
    yield service, Publishing(bus)
    await service.stop()
    await bus.close()


async def taken(service: Service) -> list[str]:
    """The ids of what was taken in, in order."""
    events = [one.event for one in await service.log.read_all(0, 100)]
    return [str(event.message["id"]) for event in events if isinstance(event, MessageTaken)]


async def test_an_effect_waits_as_long_as_its_cause_may_be_on_its_way(tmp_path: Path) -> None:
    """A subscriber that is shown the cause first would never be shown the effect: it reads on from where it is."""
    async with at_rest(tmp_path) as (service, publishing):
        story = Story("case-1")
        (cause,) = await publishing.publish(story.submitted("brugwerk"))
        effect = await publishing.publish_what_follows(cause, story.of_case(CaseReopened))
        waiting = asyncio.create_task(service.sources["casefile"].round())
        await asyncio.sleep(PATIENCE_SECONDS * 4)
        assert not waiting.done()
        await service.sources["referral"].round()
        await asyncio.wait_for(waiting, 5)
        assert await taken(service) == [cause.id, effect.id]


async def test_an_effect_whose_cause_does_not_come_is_told_all_the_same(tmp_path: Path) -> None:
    """All that was published is taken in, and the cause is not among it."""
    async with at_rest(tmp_path) as (service, publishing):
        story, other = Story("case-1"), Story("case-2")
        (first,) = await publishing.publish(other.submitted("brugwerk"))
        await service.sources["referral"].round()
        never = first.model_copy(update={"id": "never published"})
        assert isinstance(never, CloudEvent)
        effect = await publishing.publish_what_follows(never, story.of_case(CaseReopened))
        await asyncio.wait_for(service.sources["casefile"].round(), 5)
        assert await taken(service) == [first.id, effect.id]
