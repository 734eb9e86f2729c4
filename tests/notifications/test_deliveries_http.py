"""Who manages a subscription reads what became of each delivery, and may have any of them sent again."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.chassis.store_opener import StoreOpener
from services.notifications.delivering.places import saved_place
from services.notifications.domain import subscribing
from tests.notifications.messages import BRUGWERK, Story
from tests.notifications.receiving import Answer, Receiver, Subscriptions, until
from tests.notifications.running import Running

LEAD = "NGO_LEAD"


@pytest.fixture
def settings() -> dict[str, Any]:
    """It tries three times in short succession."""
    return {"webhook_allow": "127.0.0.0/8", "webhook_retries": "0,0.1,0.1"}


@pytest.fixture
async def client(system: Running) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who manages the organisation's subscriptions."""
    async with system.client(BRUGWERK, LEAD) as client:
        yield client


async def listed(client: httpx.AsyncClient, subscription: str, **query: Any) -> list[dict[str, Any]]:
    """All pages of the deliveries of a subscription."""
    items: list[dict[str, Any]] = []
    following = None
    while True:
        parameters = {**query, **({"cursor": following} if following else {})}
        answer = await client.get(f"/v1/subscriptions/{subscription}/deliveries", params=parameters)
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        if (following := answer.json()["next"]) is None:
            return items


async def standing(client: httpx.AsyncClient, subscription: str) -> list[tuple[str, str]]:
    """Event and state of each."""
    return [(item["event"], item["state"]) for item in await listed(client, subscription)]


async def again(client: httpx.AsyncClient, delivery: str) -> httpx.Response:
    """Asks for a delivery again, as it was read."""
    etag = (await client.get(f"/v1/deliveries/{delivery}")).headers["ETag"]
    headers = {"Idempotency-Key": str(uuid.uuid4()), "If-Match": etag}
    return await client.post(f"/v1/deliveries/{delivery}/retry", headers=headers)


async def test_a_delivery_shows_its_attempts(system: Running, there: Receiver, client: httpx.AsyncClient) -> None:
    """When, what the endpoint answered, how long it took, and what stood in the place of an answer."""
    subscriptions = Subscriptions(system.service)
    subscription = await subscriptions.active(BRUGWERK, there.url)
    answers = [Answer(500), Answer(None)]
    there.answering = lambda *_: answers.pop(0) if answers else Answer()
    sent = await system.tell(Story("C1").submitted(BRUGWERK))
    await until(lambda: len(there.taken()) == 1)
    await until(lambda: _is(client, subscription, [(sent[0].id, "DELIVERED")]))
    (item,) = await listed(client, subscription)
    answer = await client.get(f"/v1/deliveries/{item['id']}")
    assert answer.json() == item
    assert [(each["status"], each.get("error")) for each in item["attempts"]] == [
        (500, None),
        (None, "CONNECTION"),
        (204, None),
    ]
    assert all(each["latencyMs"] >= 0 and each["at"].endswith("Z") for each in item["attempts"])
    assert "error" not in item["attempts"][0]
    assert (item["subscription"], item["case"], item["type"]) == (subscription, "C1", sent[0].type)


async def _is(client: httpx.AsyncClient, subscription: str, stands: list[tuple[str, str]]) -> bool:
    return await standing(client, subscription) == stands


async def test_what_waits_is_pending_and_page_by_page_nothing_is_left_out(
    system: Running, there: Receiver, client: httpx.AsyncClient, service_stores: StoreOpener | None
) -> None:
    """In the order in which it came: what was attempted, what is behind that in its case, all that came in a pause."""
    subscriptions = Subscriptions(system.service)
    subscription = await subscriptions.active(BRUGWERK, there.url)
    there.answering = lambda *_: Answer(503, {"Retry-After": "3600"})
    one = Story("C1")
    sent = await system.tell(one.submitted(BRUGWERK))
    await until(lambda: _is(client, subscription, [(sent[0].id, "RETRYING")]))
    sent += await system.tell(one.declined(BRUGWERK))
    # The endpoint's place is behind it by now.
    head, stores = await system.service.log.head(), service_stores
    assert stores is not None
    await until(lambda: _has_come_to(stores, subscription, head))
    await subscriptions.give(subscription, subscribing.PauseSubscription)
    sent += await system.tell(*(Story(f"C{n}").submitted(BRUGWERK) for n in range(2, 6)))
    expected = [(sent[0].id, "RETRYING"), *((event.id, "PENDING") for event in sent[1:])]
    assert await standing(client, subscription) == expected
    for limit in (1, 2, 4):
        items = await listed(client, subscription, limit=limit)
        assert [(item["event"], item["state"]) for item in items] == expected
    pending = await listed(client, subscription, state="PENDING")
    assert [item["event"] for item in pending] == [event.id for event in sent[1:]]
    (retrying,) = await listed(client, subscription, state="RETRYING")
    # Only its own case is held; the others wait for nothing but their subscriber.
    assert [item["waitsFor"] for item in pending] == [retrying["id"], None, None, None, None]
    assert retrying["nextAttemptAt"] > retrying["attempts"][0]["at"]
    read = await client.get(f"/v1/deliveries/{pending[2]['id']}")
    assert read.json() == pending[2]


async def _has_come_to(stores: StoreOpener, subscription: str, position: int) -> bool:
    return await saved_place(stores.consumer_store("notifications"), subscription, None) >= position


async def page_of(
    client: httpx.AsyncClient, subscription: str, **query: Any
) -> tuple[list[dict[str, Any]], str | None]:
    """One page, and where it goes on."""
    answer = await client.get(f"/v1/subscriptions/{subscription}/deliveries", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"], answer.json()["next"]


@pytest.mark.parametrize("seen", range(1, 8))
async def test_what_is_attempted_while_somebody_reads_is_neither_left_out_nor_read_twice(
    system: Running, there: Receiver, client: httpx.AsyncClient, seen: int
) -> None:
    """Page by page, as all that was pending arrives after so many of eight, behind one that held its case too."""
    subscriptions = Subscriptions(system.service)
    subscription = await subscriptions.active(BRUGWERK, there.url)
    there.answering = lambda *_: Answer(503, {"Retry-After": "3600"})
    held = Story("C1")
    sent = await system.tell(held.submitted(BRUGWERK))
    await until(lambda: _is(client, subscription, [(sent[0].id, "RETRYING")]))
    sent += await system.tell(Story("C2").submitted(BRUGWERK), held.declined(BRUGWERK))
    await until(lambda: _waits(client, subscription))
    await subscriptions.give(subscription, subscribing.PauseSubscription)
    sent += await system.tell(*(Story(f"C{n}").submitted(BRUGWERK) for n in range(3, 8)))
    events = [event.id for event in sent]
    items, following = await page_of(client, subscription, limit=seen)
    # The third one waits behind the first, in its case.
    assert ("PENDING" in {item["state"] for item in items}) == (seen >= 3)
    there.answering = lambda *_: Answer()
    (retrying, *_) = await listed(client, subscription, state="RETRYING")
    assert (await again(client, retrying["id"])).status_code == 200
    await subscriptions.give(subscription, subscribing.ResumeSubscription)
    # Whatever has arrived by then of what arrives side by side: the last page comes when all has.
    while following is not None:
        more, following = await page_of(client, subscription, limit=2, cursor=following)
        items += more
    assert [item["event"] for item in items] == events
    # The second one waits for its hour.
    await until(lambda: _arrived(client, subscription, 7))
    assert [item["event"] for item in await listed(client, subscription, limit=3)] == events


async def _waits(client: httpx.AsyncClient, subscription: str) -> bool:
    return [state for _, state in await standing(client, subscription)] == ["RETRYING", "RETRYING", "PENDING"]


async def _arrived(client: httpx.AsyncClient, subscription: str, count: int) -> bool:
    return len(await listed(client, subscription, state="DELIVERED")) == count


async def test_a_delivery_that_waits_is_found_wherever_it_stands(
    system: Running, there: Receiver, client: httpx.AsyncClient
) -> None:
    """The 230th of a subscription as the first, and a retry says that it is to come; of others nothing is found."""
    subscriptions = Subscriptions(system.service)
    subscription = await subscriptions.active(BRUGWERK, there.url)
    await subscriptions.give(subscription, subscribing.PauseSubscription)
    sent = [each for n in range(230) for each in await system.tell(Story(f"C{n}").submitted(BRUGWERK))]
    pending = await listed(client, subscription, limit=100, state="PENDING")
    assert [item["event"] for item in pending] == [event.id for event in sent]
    for item in (pending[0], pending[-1]):
        path = f"/v1/deliveries/{item['id']}"
        assert (await client.get(path)).json() == item
        headers = {"If-Match": '"1"', "Idempotency-Key": str(uuid.uuid4())}
        refused = await client.post(f"{path}/retry", headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (409, "DELIVERY_UNDER_WAY")
        async with system.client("samenstap", LEAD) as stranger:
            assert (await stranger.get(path)).status_code == 404
    # The same position, but no subscription's delivery.
    known = pending[-1]["id"]
    other = known[:-1] + ("1" if known.endswith("0") else "0")
    assert (await client.get(f"/v1/deliveries/{other}")).status_code == 404


async def test_what_failed_is_sent_again_when_somebody_asks(
    system: Running, there: Receiver, client: httpx.AsyncClient
) -> None:
    """And so is what arrived; the same request under the same key asks once."""
    subscription = await Subscriptions(system.service).active(BRUGWERK, there.url)
    there.answering = lambda *_: Answer(500)
    sent = await system.tell(Story("C1").submitted(BRUGWERK))
    await until(lambda: _is(client, subscription, [(sent[0].id, "FAILED")]))
    there.answering = lambda *_: Answer()
    (item,) = await listed(client, subscription, state="FAILED")
    answer = await again(client, item["id"])
    assert (answer.status_code, answer.json()["state"]) == (200, "RETRYING")
    await until(lambda: _is(client, subscription, [(sent[0].id, "DELIVERED")]))
    answer = await again(client, item["id"])
    assert answer.status_code == 200
    await until(lambda: len(there.taken()) == 2)
    await until(lambda: _is(client, subscription, [(sent[0].id, "DELIVERED")]))
    assert len((await client.get(f"/v1/deliveries/{item['id']}")).json()["attempts"]) == 5


async def test_deliveries_of_others_are_nobody_elses(
    system: Running, there: Receiver, client: httpx.AsyncClient
) -> None:
    """Not found, whether they are there or not, by another organisation or a role that manages no subscriptions."""
    subscription = await Subscriptions(system.service).active(BRUGWERK, there.url)
    await system.tell(Story("C1").submitted(BRUGWERK))
    await until(lambda: len(there.taken()) == 1)
    await until(lambda: _counts(client, subscription, 1))
    (item,) = await listed(client, subscription)
    async with system.client("samenstap", LEAD) as stranger:
        for path in (f"/v1/subscriptions/{subscription}/deliveries", f"/v1/deliveries/{item['id']}"):
            assert (await stranger.get(path)).status_code == 404
        headers = {"If-Match": '"1"', "Idempotency-Key": "x"}
        assert (await stranger.post(f"/v1/deliveries/{item['id']}/retry", headers=headers)).status_code == 404
        assert (await stranger.get("/v1/deliveries/not-there")).status_code == 404
    async with system.client(BRUGWERK, "DPO") as officer:
        assert (await officer.get(f"/v1/deliveries/{item['id']}")).status_code == 404


async def _counts(client: httpx.AsyncClient, subscription: str, count: int) -> bool:
    return len(await listed(client, subscription)) == count


async def test_only_what_was_read_may_be_sent_again(
    system: Running, there: Receiver, client: httpx.AsyncClient
) -> None:
    """`If-Match` is asked for, and an old one is stale; what is due already is not asked for twice."""
    subscription = await Subscriptions(system.service).active(BRUGWERK, there.url)
    there.answering = lambda *_: Answer(503, {"Retry-After": "3600"})
    await system.tell(Story("C1").submitted(BRUGWERK))
    await until(lambda: _counts(client, subscription, 1))
    (item,) = await listed(client, subscription)
    path = f"/v1/deliveries/{item['id']}/retry"
    assert (await client.post(path, headers={"Idempotency-Key": "1"})).status_code == 428
    assert (await client.post(path, headers={"Idempotency-Key": "2", "If-Match": '"99"'})).status_code == 412
    dry = await client.post(f"{path}?dryRun=true", headers={"Idempotency-Key": "3", "If-Match": '"1"'})
    assert (dry.json()["state"], dry.json()["events"]) == ("RETRYING", ["DeliveryRetryRequested"])
    assert (await client.get(f"/v1/deliveries/{item['id']}")).json() == item
