"""Endpoints are told of each case in order, and nothing that goes wrong at one of them concerns anything else."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from typing import Any

import pytest

from contracts import referral
from contracts.casefile.deadlines import NgoAccessExpired
from contracts.subscription_codes import SubscriptionState
from services.notifications.delivering.endpoint import CASES_AT_ONCE
from services.notifications.domain import subscribing
from services.notifications.domain.lane import DeliveryAttempted, DeliveryState, DeliveryWithheld
from tests.notifications.messages import BRUGWERK, LOTTE, START, Story
from tests.notifications.receiving import Answer, Receiver, Subscriptions, until
from tests.notifications.running import Running

DECLINED = "org.caserelay.referral.declined.v1"
SUBMITTED = "org.caserelay.referral.submitted.v1"


@pytest.fixture
def settings() -> dict[str, Any]:
    """It may call receivers of this machine, and tries three times in short succession."""
    return {"webhook_allow": "127.0.0.0/8", "webhook_retries": "0,0.2,0.2"}


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


async def test_what_fails_holds_its_own_case_and_no_other(
    system: Running, there: Receiver, subscriptions: Subscriptions
) -> None:
    """The case behind it waits until it has arrived; other cases of the endpoint do not."""
    one, other = Story("C1"), Story("C2")
    subscription = await subscriptions.active(BRUGWERK, there.url)
    broken = True
    there.answering = lambda _, event: Answer(500) if broken and event["subject"] == "C1" else Answer()
    first = await system.tell(one.submitted(BRUGWERK), one.declined(BRUGWERK), other.submitted(BRUGWERK))
    await until(lambda: there.taken() == [first[2].id])
    assert there.tried(first[1].id) == 0
    broken = False
    await until(lambda: len(there.taken()) == 3)
    assert there.taken()[1:] == [first[0].id, first[1].id]
    # A process that is killed in between leaves word that the case is not through.
    await subscriptions.stand_at(subscription, dict.fromkeys([event.id for event in first], DeliveryState.DELIVERED))
    ended = [
        (event.delivery.event, event.more)
        for event in await subscriptions.events(subscription)
        if type(event) is DeliveryAttempted and event.outcome is DeliveryState.DELIVERED
    ]
    assert ended == [(first[2].id, False), (first[0].id, True), (first[1].id, False)]


async def test_what_used_up_its_pauses_has_failed_and_its_case_goes_on(
    system: Running, there: Receiver, subscriptions: Subscriptions
) -> None:
    """It stays visible as it ended; as many attempts as there are pauses."""
    story = Story("C1")
    subscription = await subscriptions.active(BRUGWERK, there.url)
    there.answering = lambda _, event: Answer(500 if event["type"] == SUBMITTED else 204)
    sent = await system.tell(story.submitted(BRUGWERK), story.declined(BRUGWERK))
    await until(lambda: there.taken() == [sent[1].id])
    assert there.tried(sent[0].id) == 3
    await subscriptions.stand_at(
        subscription,
        {
            sent[0].id: DeliveryState.FAILED,
            sent[1].id: DeliveryState.DELIVERED,
        },
    )


async def test_each_attempt_is_recorded_with_its_status_and_the_digest_of_the_answer(
    system: Running, there: Receiver, subscriptions: Subscriptions
) -> None:
    """And with what stood in the place of an answer; nothing of the body of either side."""
    answers = [Answer(500), Answer(None), Answer(302, {"Location": "http://127.0.0.1:1/"})]
    subscription = await subscriptions.active(BRUGWERK, there.url)
    there.answering = lambda *_: answers.pop(0) if answers else Answer()
    await system.tell(Story("C1").submitted(BRUGWERK))
    await until(lambda: not answers)
    await until(lambda: _recorded(subscriptions, subscription, 4))
    attempts = [event for event in await subscriptions.events(subscription) if type(event) is DeliveryAttempted]
    assert [(each.attempt, each.status, each.error) for each in attempts] == [
        (1, 500, None),
        (2, None, "CONNECTION"),
        (3, 302, "REDIRECT"),
    ]
    assert attempts[0].digest == sha256(b"").hexdigest()
    assert (attempts[0].latency_ms >= 0, attempts[1].digest) == (True, None)


async def _recorded(subscriptions: Subscriptions, subscription: str, count: int) -> bool:
    return len(await subscriptions.events(subscription)) == count


async def test_after_a_withdrawal_only_the_stop_goes_out(
    system: Running, there: Receiver, subscriptions: Subscriptions
) -> None:
    """Also of what was tried before it, and of what waited behind that: each is withheld, by the rule."""
    story = Story("C1")
    subscription = await subscriptions.active(BRUGWERK, there.url)
    away = True
    there.answering = lambda *_: Answer(503, {"Retry-After": "2"}) if away else Answer()
    before = await system.tell(story.submitted(BRUGWERK))
    await until(lambda: there.tried(before[0].id) == 1)
    before += await system.tell(story.of_referral(referral.ReferralReceived, BRUGWERK, by=LOTTE))
    stop = await system.tell(
        story.of_referral(referral.LegalBasisWithdrawn, BRUGWERK, legal_basis="LB-1", withdrawn_at=START)
    )
    away = False
    await until(lambda: there.taken() == [stop[0].id])
    await subscriptions.stand_at(
        subscription,
        {
            **{event.id: DeliveryState.WITHHELD for event in before},
            stop[0].id: DeliveryState.DELIVERED,
        },
    )
    withheld = [event for event in await subscriptions.events(subscription) if type(event) is DeliveryWithheld]
    assert {event.rule for event in withheld} == {"CONSENT_WITHDRAWN"}


async def test_after_the_end_of_access_nothing_goes_out(
    system: Running, there: Receiver, subscriptions: Subscriptions
) -> None:
    """What came in a pause and was never tried is withheld too, although nothing of the case is left to be seen."""
    story = Story("C1")
    subscription = await subscriptions.active(BRUGWERK, there.url)
    await subscriptions.give(subscription, subscribing.PauseSubscription)
    sent = await system.tell(story.submitted(BRUGWERK), story.declined(BRUGWERK))
    referral_id = f"C1-{BRUGWERK}"
    await system.tell(story.of_case(NgoAccessExpired, referral=referral_id, organisation=BRUGWERK))
    await subscriptions.give(subscription, subscribing.ResumeSubscription)
    await subscriptions.stand_at(subscription, dict.fromkeys([event.id for event in sent], DeliveryState.WITHHELD))
    withheld = [event for event in await subscriptions.events(subscription) if type(event) is DeliveryWithheld]
    assert {event.rule for event in withheld} == {"ACCESS_EXPIRED"}
    assert there.received == []


async def test_an_endpoint_that_is_gone_gets_nothing_more(
    system: Running, there: Receiver, subscriptions: Subscriptions
) -> None:
    """410 disables it; verified again, it goes on where it was."""
    subscription = await subscriptions.active(BRUGWERK, there.url)
    gone = True
    there.answering = lambda *_: Answer(410) if gone else Answer()
    sent = await system.tell(Story("C1").submitted(BRUGWERK))
    await subscriptions.becomes(subscription, SubscriptionState.DISABLED)
    state = await subscriptions.state(subscription)
    assert state.disabled is not None
    assert (state.disabled.reason, state.disabled.status) == ("GONE", 410)
    assert state.warned is not None, "nobody hears of it"
    assert state.warned.warning == "DISABLED"
    sent += await system.tell(Story("C2").submitted(BRUGWERK))
    gone = False
    await subscriptions.give(subscription, subscribing.VerifySubscription)
    await until(lambda: sorted(there.taken()) == sorted(event.id for event in sent))
    assert there.tried(sent[1].id) == 1


async def test_a_paused_endpoint_gets_afterwards_what_came_meanwhile(
    system: Running, there: Receiver, subscriptions: Subscriptions
) -> None:
    """In order, and nothing twice."""
    story = Story("C1")
    subscription = await subscriptions.active(BRUGWERK, there.url)
    sent = await system.tell(story.submitted(BRUGWERK))
    await until(lambda: len(there.taken()) == 1)
    await subscriptions.give(subscription, subscribing.PauseSubscription)
    sent += await system.tell(story.declined(BRUGWERK), Story("C2").submitted(BRUGWERK))
    await asyncio.sleep(0.3)
    assert len(there.received) == 1
    await subscriptions.give(subscription, subscribing.ResumeSubscription)
    await until(lambda: len(there.taken()) == 3)
    assert there.taken()[:1] == [sent[0].id]
    assert sorted(there.taken()) == sorted(event.id for event in sent)


async def test_a_test_event_is_sent_once(there: Receiver, subscriptions: Subscriptions) -> None:
    """Whether it arrives or not: it is for who looks on."""
    subscription = await subscriptions.active(BRUGWERK, there.url)
    await subscriptions.give(subscription, subscribing.RequestDeliveryTest, test="T-1")
    await until(lambda: there.taken() == ["T-1"])
    there.answering = lambda *_: Answer(500)
    await subscriptions.give(subscription, subscribing.RequestDeliveryTest, test="T-2")
    await until(lambda: there.tried("T-2") == 1)
    await asyncio.sleep(0.5)
    assert (there.tried("T-1"), there.tried("T-2")) == (1, 1)
    await subscriptions.stand_at(subscription, {"T-1": DeliveryState.DELIVERED, "T-2": DeliveryState.FAILED})


async def test_a_replay_sends_a_range_again_in_order_and_changes_no_record(
    system: Running, there: Receiver, subscriptions: Subscriptions
) -> None:
    """Under the same ids, so that a receiver knows them; also what came before the subscription."""
    story = Story("C1")
    sent = await system.tell(story.submitted(BRUGWERK))
    subscription = await subscriptions.active(BRUGWERK, there.url)
    sent += await system.tell(story.declined(BRUGWERK), Story("C2").submitted(BRUGWERK))
    await until(lambda: len(there.taken()) == 2)
    await subscriptions.give(subscription, subscribing.ReplaySubscription, since=START)
    await until(lambda: len(there.taken()) == 5)
    again = there.taken()[2:]
    assert sorted(again) == sorted(event.id for event in sent)
    assert again.index(sent[0].id) < again.index(sent[1].id)
    await until(lambda: _replayed(subscriptions, subscription))


async def test_what_waits_in_a_replay_is_told_though_the_replay_has_ended(
    system: Running, there: Receiver, subscriptions: Subscriptions
) -> None:
    """A delivery of it that is retried holds its case as any other does."""
    story = Story("C1")
    sent = await system.tell(story.submitted(BRUGWERK), story.declined(BRUGWERK))
    subscription = await subscriptions.active(BRUGWERK, there.url)
    busy = [Answer(503, {"Retry-After": "1"})]
    there.answering = lambda *_: busy.pop() if busy else Answer()
    await subscriptions.give(subscription, subscribing.ReplaySubscription, since=START)
    await until(lambda: there.tried(sent[0].id) == 1)
    await until(lambda: _replayed(subscriptions, subscription))
    assert there.taken() == []
    await until(lambda: there.taken() == [event.id for event in sent])


async def _replayed(subscriptions: Subscriptions, subscription: str) -> bool:
    return (await subscriptions.state(subscription)).replay is None


async def test_types_choose_what_is_told(system: Running, there: Receiver, subscriptions: Subscriptions) -> None:
    """Everything else is passed by."""
    story = Story("C1")
    await subscriptions.active(BRUGWERK, there.url, types=(DECLINED,))
    sent = await system.tell(story.submitted(BRUGWERK), story.declined(BRUGWERK))
    await until(lambda: there.taken() == [sent[1].id])


async def test_a_slow_endpoint_delays_no_other_and_is_told_of_some_cases_at_once(
    system: Running, there: Receiver, subscriptions: Subscriptions
) -> None:
    """Side by side with a bound; the quick one has everything before the slow one has answered anything."""
    await subscriptions.active(BRUGWERK, f"{there.url}/slow")
    await subscriptions.active(BRUGWERK, f"{there.url}/quick")
    there.answering = lambda path, _: Answer(after=0.4 if path == "/slow" else 0)
    first = await system.tell(Story("C0").submitted(BRUGWERK))
    await until(lambda: len(there.taken("/slow")) == 1 and not there.open["/slow"])
    there.most_open.clear()
    sent = await system.publishing.publish(*(Story(f"C{n}").submitted(BRUGWERK) for n in range(1, 21)))
    await until(lambda: len(there.taken("/quick")) == 21)
    assert there.open["/slow"] > 0
    assert there.taken("/quick")[0] == first[0].id
    await until(lambda: len(there.taken("/slow")) == 21)
    assert 2 <= there.most_open["/slow"] <= CASES_AT_ONCE
    assert sorted(there.taken("/slow")[1:]) == sorted(event.id for event in sent)


async def test_of_an_endpoint_that_is_away_few_cases_are_tried_until_something_arrives(
    system: Running, there: Receiver, subscriptions: Subscriptions
) -> None:
    """Then it gets everything that waited, in order."""
    subscription = await subscriptions.active(BRUGWERK, there.url)
    away = True
    there.answering = lambda *_: Answer(503) if away else Answer()
    stories = [Story(f"C{n}") for n in range(60)]
    sent = await system.publishing.publish(*(story.submitted(BRUGWERK) for story in stories))
    await until(lambda: len(there.received) >= 12)
    await asyncio.sleep(0.5)
    assert len({each.event["id"] for each in there.received}) < 30
    away = False
    await until(lambda: len(there.taken()) >= 30)
    stands = await subscriptions.stand(subscription)
    await until(lambda: len(there.taken()) + list(stands.values()).count(DeliveryState.FAILED) >= len(sent))
