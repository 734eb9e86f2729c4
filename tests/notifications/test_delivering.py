"""Endpoints are told of each case in order, and nothing that goes wrong at one of them concerns anything else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.chassis.store_opener import StoreOpener
from services.notifications.domain.lane import DeliveryState
from tests.notifications.messages import BRUGWERK, Story
from tests.notifications.receiving import Answer, Receiver, Subscriptions, receiver, until
from tests.notifications.running import Running, running

SUBMITTED = "org.caserelay.referral.submitted.v1"


@pytest.fixture
async def system(tmp_path: Path, service_stores: StoreOpener | None) -> AsyncIterator[Running]:
    """The service, which may call receivers of this machine and tries three times in short succession."""
    more = {"webhook_allow": "127.0.0.0/8", "webhook_retries": "0,0.2,0.2"}
    async with running(tmp_path, stores=service_stores, **more) as system:
        yield system


@pytest.fixture
async def there() -> AsyncIterator[Receiver]:
    """A receiver."""
    async with receiver() as there:
        yield there


@pytest.fixture
def subscriptions(system: Running) -> Subscriptions:
    """Its subscriptions."""
    return Subscriptions(system.service)


async def test_an_endpoint_is_asked_first_and_then_told_what_its_organisation_sees(
    system: Running, there: Receiver, subscriptions: Subscriptions
) -> None:
    """Nothing of what came before it subscribed, and of each case in order."""
    story = Story("C1")
    await system.tell(story.submitted(BRUGWERK))
    await subscriptions.active(BRUGWERK, f"{there.url}/hook")
    assert [each.path for each in there.challenges] == ["/hook"]
    sent = await system.tell(
        story.declined(BRUGWERK), Story("C2").submitted(BRUGWERK), Story("C3").submitted("samenstap")
    )
    await until(lambda: len(there.taken()) == 2)
    assert sorted(there.taken()) == sorted(event.id for event in sent[:2])
    assert await system.seen(BRUGWERK)
