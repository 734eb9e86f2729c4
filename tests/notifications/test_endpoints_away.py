"""An endpoint that is away is looked for, its subscriber warned, and after five days it is given up."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from contracts.subscription_codes import SubscriptionState, WarningCode
from services.chassis.time.clock import machine_now
from services.notifications.delivering.endpoint import AWAY_AFTER
from services.notifications.delivering.recording import Recording
from services.notifications.delivering.schedule import Schedule
from services.notifications.domain import subscribing
from services.notifications.domain.lane import DeliveryAttempted, DeliveryFailed, DeliveryState
from services.notifications.domain.subscription_events import SubscriptionRecovered, WarnedAboutSubscription
from tests.notifications.messages import BRUGWERK, Story
from tests.notifications.receiving import Answer, Receiver, Subscriptions, until
from tests.notifications.running import Running, running

DAY = 0.3
"""Seconds."""


@pytest.fixture
def settings() -> dict[str, Any]:
    """Its days are short: two attempts of a delivery, and a probe each day until the fifth."""
    schedule = Schedule((0.0, 0.05), probe_every=DAY, give_up_after=5 * DAY, chance=lambda: 0.0)
    return {"schedule": schedule, "webhook_allow": "127.0.0.0/8"}


async def course(system: Running, subscription: str, kind: type) -> list[object]:
    """What happened to a subscription, of one kind."""
    recorded = await system.service.log.read_all(0, await system.service.log.head())
    return [one.event for one in recorded if type(one.event) is kind and one.stream == f"subscription-{subscription}"]


async def test_an_endpoint_that_comes_back_gets_what_failed_by_the_next_probe(system: Running, there: Receiver) -> None:
    """Its subscriber was warned once, and is told that it is over; it failed once, and is delivered all the same."""
    subscriptions = Subscriptions(system.service)
    subscription = await subscriptions.active(BRUGWERK, there.url)
    away = True
    there.answering = lambda *_: Answer(503) if away else Answer()
    sent = await system.tell(Story("C1").submitted(BRUGWERK))
    await until(lambda: there.tried(sent[0].id) == 3)
    events = await subscriptions.events(subscription)
    assert [type(event) for event in events[:3]] == [DeliveryAttempted, DeliveryAttempted, DeliveryFailed]
    assert (events[2].attempts, len(await course(system, subscription, WarnedAboutSubscription))) == (2, 1)
    away = False
    await subscriptions.stand_at(subscription, {sent[0].id: DeliveryState.DELIVERED})
    await until(lambda: _happened(system, subscription, SubscriptionRecovered))
    assert sum(type(event) is DeliveryFailed for event in await subscriptions.events(subscription)) == 1


async def _happened(system: Running, subscription: str, kind: type) -> bool:
    return bool(await course(system, subscription, kind))


async def test_an_endpoint_that_stays_away_is_probed_each_day_and_disabled_on_the_fifth(
    system: Running, there: Receiver
) -> None:
    """With its reason, and a warning; it gets nothing more until it is verified, and then everything that waits."""
    subscriptions = Subscriptions(system.service)
    subscription = await subscriptions.active(BRUGWERK, there.url)
    there.answering = lambda *_: Answer(503)
    sent = await system.tell(Story("C1").submitted(BRUGWERK))
    await subscriptions.becomes(subscription, SubscriptionState.DISABLED)
    state = await subscriptions.state(subscription)
    assert state.disabled is not None
    assert (state.disabled.reason, state.disabled.status) == ("UNREACHABLE", 503)
    warnings = await course(system, subscription, WarnedAboutSubscription)
    assert [warning.warning for warning in warnings if isinstance(warning, WarnedAboutSubscription)] == [
        "FAILING",
        "DISABLED",
    ]
    # Two by its pauses, and one a day, the fifth of which is after five days.
    assert 6 <= there.tried(sent[0].id) <= 8
    tried = len(there.received)
    sent += await system.tell(Story("C2").submitted(BRUGWERK))
    there.answering = lambda *_: Answer()
    await subscriptions.give(subscription, subscribing.VerifySubscription)
    await until(lambda: {event.id for event in sent} == set(there.taken()))
    assert len(there.received) == tried + 2


async def test_one_probe_a_day_is_enough_however_many_deliveries_failed(system: Running, there: Receiver) -> None:
    """Of several that failed one is sent to find out."""
    subscriptions = Subscriptions(system.service)
    subscription = await subscriptions.active(BRUGWERK, there.url)
    there.answering = lambda *_: Answer(503)
    sent = await system.publishing.publish(*(Story(f"C{n}").submitted(BRUGWERK) for n in range(4)))
    await subscriptions.becomes(subscription, SubscriptionState.DISABLED)
    probed = [event for event in sent if there.tried(event.id) > 3]
    assert len(probed) == 1


async def test_an_endpoint_that_is_verified_again_has_five_days_again(system: Running, there: Receiver) -> None:
    """It was given up, and is back: the first hiccup after that is retried, and gives nothing up."""
    subscriptions = Subscriptions(system.service)
    subscription = await subscriptions.active(BRUGWERK, there.url)
    there.answering = lambda *_: Answer(503)
    (sent,) = await system.tell(Story("C1").submitted(BRUGWERK))
    await subscriptions.becomes(subscription, SubscriptionState.DISABLED)
    tried = there.tried(sent.id)
    there.answering = lambda _, event: Answer(503 if event["id"] == sent.id and there.tried(sent.id) == tried else 204)
    await subscriptions.give(subscription, subscribing.VerifySubscription)
    await subscriptions.stand_at(subscription, {sent.id: DeliveryState.DELIVERED})
    assert there.tried(sent.id) == tried + 2
    assert (await subscriptions.state(subscription)).state is SubscriptionState.ACTIVE


async def test_one_that_is_known_to_be_away_is_tried_once_by_a_process_that_begins(
    tmp_path: Path, there: Receiver
) -> None:
    """However many cases wait for it and come meanwhile; what is found out then is so for all of them."""
    more: dict[str, Any] = {"schedule": Schedule((0.0, 60.0)), "webhook_allow": "127.0.0.0/8"}
    async with running(tmp_path, **more) as system:
        subscriptions = Subscriptions(system.service)
        subscription = await subscriptions.active(BRUGWERK, there.url)
        there.answering = lambda *_: Answer(503)
        await system.tell(*(Story(f"C{n}").submitted(BRUGWERK) for n in range(AWAY_AFTER + 5)))
        await until(lambda: len(there.received) == AWAY_AFTER)
        recording = Recording(system.service.streams, system.service.clock)
        await recording.warn(await subscriptions.state(subscription), WarningCode.FAILING, machine_now())
    async with running(tmp_path, **more) as system:
        await until(lambda: len(there.received) == AWAY_AFTER + 1)
        await system.tell(*(Story(f"D{n}").submitted(BRUGWERK) for n in range(5)))
        await asyncio.sleep(0.5)
        assert len(there.received) == AWAY_AFTER + 1
    there.answering = lambda *_: Answer()
    async with running(tmp_path, **more):
        # Of twenty cases all but the eleven that wait for the end of their pauses.
        await until(lambda: len(there.taken()) == 9)
