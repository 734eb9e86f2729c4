"""What a webhook was told stands on the timeline; what it could not be told is the other side's to see to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.chassis.deciding.context import OwnState
from services.chassis.deciding.handler import Call, Handler
from services.chassis.modelling.decider import Actor
from services.chassis.store_opener import StoreOpener
from services.notifications.domain import subscribing
from services.notifications.domain.lane import LANE, Lane, LaneCommand, RequestRetry, decide, lane_stream
from tests.casefile.cases import SERVICES, CaseContext, Told
from tests.notifications.receiving import Answer, Receiver, Subscriptions, receiver, until
from tests.support.people import INES
from tests.support.running import running

BRUGWERK = "brugwerk"
LEAD = Actor(sub="lead", role="NGO_LEAD", org=BRUGWERK)
DAY = timedelta(hours=24)


@pytest.fixture
async def context(tmp_path: Path, service_stores: StoreOpener | None) -> AsyncIterator[CaseContext]:
    """All services, which may call receivers of this machine and try three times in short succession."""
    more: dict[str, Any] = {"webhook_allow": "127.0.0.0/8", "webhook_retries": "0,0.1,0.1"}
    async with running(tmp_path, SERVICES, stores=service_stores, **more) as services:
        await services.set_the_scene()
        yield CaseContext(services)


@pytest.fixture
async def there() -> AsyncIterator[Receiver]:
    """The organisation's endpoint."""
    async with receiver() as there:
        yield there


@pytest.fixture
def subscriptions(context: CaseContext) -> Subscriptions:
    """Its subscriptions."""
    return Subscriptions(context.running.service("notifications"))


async def submission(context: CaseContext, case: Told) -> list[dict[str, Any]]:
    """Who was told of the referral, and how far that came."""
    await context.running.settle()
    timeline = await context.running.read(INES, f"{case.path}/timeline")
    (item,) = [item for item in timeline["items"] if item["type"] == "ReferralSubmitted"]
    told: list[dict[str, Any]] = item["told"]
    return told


async def states(context: CaseContext, case: Told) -> list[tuple[str, str, str]]:
    """The same without the times."""
    told = await submission(context, case)
    return [(telling["organisation"], telling["channel"], telling["state"]) for telling in told]


async def escalations(context: CaseContext, case: Told) -> list[dict[str, Any]]:
    """Those that say that somebody was not told."""
    held = (await context.running.read(INES, case.path))["escalations"]
    return [one for one in held if one["reason"] == "NOT_TOLD"]


async def is_told(context: CaseContext, case: Told, state: str) -> None:
    """Returns once the endpoint is said to be told, or given up."""

    async def holds() -> bool:
        return (BRUGWERK, "WEBHOOK", state) in await states(context, case)

    await until(holds)


async def ask_again(subscriptions: Subscriptions, subscription: str) -> None:
    """Somebody has the one delivery that was given up sent again."""
    streams = subscriptions.service.streams
    delivery = (await subscriptions.events(subscription))[0].delivery
    command = RequestRetry(at=datetime.now(UTC), by=LEAD, delivery=delivery.id, now=datetime.now(UTC))
    handler = Handler[LaneCommand, Lane](streams, OwnState(), decide)
    await handler.handle(command, lane_stream(subscription, delivery.key), LANE, Call(actor=LEAD))


async def test_an_acknowledged_delivery_stands_on_the_timeline(
    context: CaseContext, there: Receiver, subscriptions: Subscriptions
) -> None:
    """With the time of the case's own clock, as everything there."""
    await subscriptions.active(BRUGWERK, there.url)
    case = await context.referred()
    await is_told(context, case, "DELIVERED")
    (told,) = await submission(context, case)
    assert told["at"] == context.running.clock.now().isoformat().replace("+00:00", "Z")


async def test_a_delivery_that_was_given_up_is_failed_until_it_is_delivered(
    context: CaseContext, there: Receiver, subscriptions: Subscriptions
) -> None:
    """The latest state of each channel counts."""
    subscription = await subscriptions.active(BRUGWERK, there.url)
    there.answering = lambda *_: Answer(500)
    case = await context.referred()
    await is_told(context, case, "FAILED")
    there.answering = lambda *_: Answer()
    await ask_again(subscriptions, subscription)
    await is_told(context, case, "DELIVERED")
    assert len(await states(context, case)) == 1


async def test_an_endpoint_that_takes_nothing_for_a_day_is_the_leads_to_see_to_until_it_does(
    context: CaseContext, there: Receiver, subscriptions: Subscriptions
) -> None:
    """By the clock of the cases, although pauses and probes live by the machine's."""
    subscription = await subscriptions.active(BRUGWERK, there.url)
    there.answering = lambda *_: Answer(500)
    case = await context.referred()
    came = context.running.clock.now()
    await is_told(context, case, "FAILED")
    assert await escalations(context, case) == []
    await context.running.at(came + DAY + timedelta(hours=1))
    (raised,) = await escalations(context, case)
    assert (raised["state"], raised["unreached"], raised["whyUnreached"]) == ("OPEN", BRUGWERK, "DELIVERY_FAILED")
    there.answering = lambda *_: Answer()
    await ask_again(subscriptions, subscription)
    await is_told(context, case, "DELIVERED")
    await context.running.settle()
    (settled,) = await escalations(context, case)
    assert (settled["state"], settled["resolution"]) == ("RESOLVED", "REACHED")


async def test_a_clock_that_jumps_leaves_a_sound_endpoint_the_moment_that_it_needs(
    context: CaseContext, there: Receiver, subscriptions: Subscriptions
) -> None:
    """The day of the case has passed before the first attempt has; nobody is missed for that."""
    await subscriptions.active(BRUGWERK, there.url)
    there.answering = lambda *_: Answer(after=0.3)
    case = await context.referred()
    await context.running.at(context.running.clock.now() + 2 * DAY)
    assert await escalations(context, case) == []
    await is_told(context, case, "DELIVERED")


async def test_a_subscription_that_was_stopped_is_a_way_that_lies_still(
    context: CaseContext, there: Receiver, subscriptions: Subscriptions
) -> None:
    """One that was never proven, or begins later, is none; nor is one for other types."""
    subscription = await subscriptions.active(BRUGWERK, there.url, types=("org.caserelay.referral.submitted.v1",))
    await subscriptions.give(subscription, subscribing.PauseSubscription)
    case = await context.referred()
    await context.running.at(context.running.clock.now() + DAY + timedelta(hours=1))
    assert [one["whyUnreached"] for one in await escalations(context, case)] == ["CHANNEL_STOPPED"]


async def test_a_subscription_for_other_types_is_no_way_to_tell_of_this(
    context: CaseContext, there: Receiver, subscriptions: Subscriptions
) -> None:
    """The organisation chose not to be told of it."""
    await subscriptions.active(BRUGWERK, there.url, types=("org.caserelay.referral.withdrawn.v1",))
    case = await context.referred()
    await context.running.at(context.running.clock.now() + 2 * DAY)
    assert await escalations(context, case) == []
