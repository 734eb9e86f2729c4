"""Receivers of webhooks that fail in every way: nothing is lost, out of order or twice, and nobody else waits."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from services.chassis.log.position import Position
from tests.faults.caller import Caller, until
from tests.faults.conftest import Start
from tests.faults.failing_endpoints import Endpoint, Endpoints
from tests.faults.load import Clients
from tests.faults.processes import Program
from tests.support.certificates import Authority
from tests.support.people import HANNE, INES, Person
from tests.support.repetitions import times

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.xdist_group("fault")]

EVENTS: Final = times(10_000)
CLIENTS: Final = 4
PAUSES: Final = "0,0.1,0.2"
NAMES: Final = Path(__file__).parents[1] / "support" / "names"
LOST: Final = frozenset({"TIMEOUT", "CONNECTION", "PROTOCOL"})
"""Errors of an attempt whose answer may have been given, and never arrived."""
SUBMITTED: Final = "org.caserelay.referral.submitted.v1"
Json = dict[str, Any]


@pytest.fixture
def endpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoints]:
    """All that fail, and one that does not; the programs of the test trust their certificates and know their names."""
    made = Endpoints(Authority(tmp_path), tmp_path / "names")
    monkeypatch.setenv("SSL_CERT_FILE", str(made.authority.file))
    monkeypatch.setenv("PYTHONPATH", str(NAMES), prepend=":")
    yield made
    made.stop()


async def subscribe(people: Caller, endpoint: Endpoint) -> None:
    """Makes a webhook of everything that the organisation is told, and has it proven."""
    body = {"channel": "WEBHOOK", "url": endpoint.url, "payload": "THIN"}
    made = await people.send(HANNE, "POST", "/v1/subscriptions", body, key=str(uuid.uuid4()))
    assert made.status_code == 201, made.text
    endpoint.subscription = str(made.json()["id"])
    await until(lambda: _is_active(people, endpoint))


async def acts(people: Caller, resource: str, action: str) -> None:
    """Does something with a resource as it stands; the deliverer may have changed it meanwhile."""
    while True:
        etag = (await people.send(HANNE, "GET", resource)).headers["ETag"]
        answer = await people.send(HANNE, "POST", f"{resource}/{action}", {}, key=str(uuid.uuid4()), etag=etag)
        if answer.status_code != 412:
            assert answer.is_success, answer.text
            return


async def _is_active(people: Caller, endpoint: Endpoint) -> bool:
    state: str = (await people.read(HANNE, f"/v1/subscriptions/{endpoint.subscription}"))["state"]
    return state == "ACTIVE"


async def happens(people: Caller, after: str) -> list[Json]:
    """Work goes on until the organisation's feed has so many events; returns them once all have come there."""
    clients = Clients(people, random.Random(random.getrandbits(32)))
    working, count, cursor = asyncio.create_task(clients.work(CLIENTS)), 0, after
    while count < EVENTS:
        assert not working.done(), working.result()
        events, cursor = await people.feed(HANNE, cursor)
        count += len(events)
        await asyncio.sleep(0.3)
    clients.end()
    await working
    await has_come_to_the_feed(people)
    events, _ = await people.feed(HANNE, after)
    submitted = {
        event["data"]["referral"] for event in events if event["type"] == "org.caserelay.referral.submitted.v1"
    }
    assert submitted >= clients.told.cases.keys()
    return events


async def has_come_to_the_feed(people: Caller) -> None:
    """Returns once all that happened until now is in the feed. Deliveries go on, and so it is not that all is quiet."""
    referral = await head(people, "referral")
    await covers(people, INES, "/v1/cases", referral)
    await covers(people, HANNE, "/v1/feed", referral)
    await covers(people, HANNE, "/v1/feed", await head(people, "casefile"))


async def head(people: Caller, service: str) -> str:
    """The last position of a service's log, as callers wait for it."""
    lines = (await people.probe("/metrics")).text.splitlines()
    (last,) = [line for line in lines if line.startswith("caserelay_log_head_position{") and f'"{service}"' in line]
    return Position(service, int(float(last.split()[1]))).token()


async def covers(people: Caller, person: Person, path: str, position: str) -> None:
    """Returns once a list shows what follows from a position."""

    async def covered() -> bool:
        answer = await people.send(person, "GET", path, waitFor=position, limit=1)
        assert answer.status_code in (200, 504), answer.text
        return answer.status_code == 200

    await until(covered, within=times(600))


async def deliveries(people: Caller, endpoint: Endpoint) -> dict[str, Json]:
    """How each delivery of an endpoint stands, by its event."""
    path = f"/v1/subscriptions/{endpoint.subscription}/deliveries"
    listed = await people.listed(HANNE, path)
    # What was attempted for the first time while the pages were read is behind those that show what was attempted.
    listed += await people.listed(HANNE, path, state=["DELIVERED", "RETRYING", "FAILED", "WITHHELD"])
    return {item["event"]: item for item in listed}


def says_why(item: Json, endpoint: Endpoint) -> bool:
    """Whether a delivery that did not arrive says the reason that its endpoint gave."""
    assert endpoint.fault is not None
    reasons = {(each["status"], each.get("error")) for each in item["attempts"] if each["outcome"] != "DELIVERED"}
    # The first attempts met the endpoint before it was changed, and a connection that it had closed.
    return bool(reasons) and reasons <= endpoint.fault.reasons


def in_order(endpoint: Endpoint, events: list[Json]) -> None:
    """What was taken of each case was taken in the order of the feed."""
    place = {event: number for number, event in enumerate(endpoint.taken)}
    by_case: defaultdict[str, list[str]] = defaultdict(list)
    for event in events:
        if event["id"] in place:
            by_case[event["partitionkey"]].append(event["id"])
    for ids in by_case.values():
        assert sorted(ids, key=place.__getitem__) == ids, endpoint.name


def nothing_doubled(endpoint: Endpoint, stand: Mapping[str, Json]) -> None:
    """An event that was taken comes again only where its answer was lost, and then as it came before."""
    for event, times_ in endpoint.repeats.items():
        lost = [each for each in stand[event]["attempts"] if each.get("error") in LOST]
        assert times_ <= len(lost), (endpoint.name, event, stand[event])
    assert all(len(bodies) == 1 for bodies in endpoint.bodies.values()), endpoint.name


async def arrives(people: Caller, endpoint: Endpoint, wanted: set[str]) -> dict[str, Json]:
    """Returns how all of it stands, once each event was taken or has used up its pauses."""
    ends = time.monotonic() + times(1200)
    while True:
        stand = await deliveries(people, endpoint)
        left = [stand.get(event, event) for event in wanted if state_of(stand, event) not in ("DELIVERED", "FAILED")]
        if not left:
            return stand
        assert time.monotonic() < ends, (endpoint.name, len(left), left[:3])
        await asyncio.sleep(1)


def state_of(stand: Mapping[str, Json], event: str) -> str | None:
    """The state of an event's delivery, None where it is not shown."""
    return stand[event]["state"] if event in stand else None


@pytest.mark.timeout(times(4000))
async def test_receivers_that_fail_lose_double_and_delay_nothing(
    program: Start, caller: Callable[[Program], Caller], endpoints: Endpoints
) -> None:
    """Each kind beside a healthy one: that one, and the feed, have everything while the others still hang.

    What did not arrive is visible with its reason; what arrives once they are well again arrives in order and once, and
    what had used up its pauses arrives when it is asked for.
    """
    serving = program(
        "serve",
        "all",
        processes="2",
        webhook_allow="127.0.0.0/8",
        webhook_retries=PAUSES,
        test_names=str(endpoints.names),
    )
    await serving.start()
    async with caller(serving) as people:
        await people.set_the_scene()
        await asyncio.gather(*(subscribe(people, endpoint) for endpoint in endpoints.each))
        _, begun = await people.feed(HANNE)
        endpoints.fail()
        events = await happens(people, begun)
        wanted = {event["id"] for event in events}
        await until(lambda: _has(endpoints.healthy, wanted), within=times(600))
        for endpoint in endpoints.failing:
            assert endpoint.fault is not None
            if endpoint.fault.holds:
                assert not endpoint.taken, endpoint.name
        await what_did_not_arrive_is_visible(people, endpoints, wanted)
        endpoints.heal()
        (gone,) = [each for each in endpoints.failing if each.name == "410"]
        await is_disabled_until_it_is_verified(people, gone)
        for endpoint in endpoints.each:
            stand = await arrives(people, endpoint, wanted)
            assert {event for event in wanted if stand[event]["state"] == "DELIVERED"} == set(endpoint.taken) & wanted
            for event in wanted - set(endpoint.taken):
                assert says_why(stand[event], endpoint), (endpoint.name, stand[event])
            in_order(endpoint, events)
            nothing_doubled(endpoint, stand)
        assert endpoints.healthy.repeats.total() == 0
        await what_failed_arrives_when_it_is_asked_for(people, endpoints, wanted)
    await serving.stop()


async def _has(endpoint: Endpoint, wanted: set[str]) -> bool:
    return wanted <= set(endpoint.taken)


async def what_did_not_arrive_is_visible(people: Caller, endpoints: Endpoints, wanted: set[str]) -> None:
    """Each event that an endpoint has not taken stands in its deliveries; what was tried says what came of it.

    What was not says for what it waits, once nothing is delivered any more.
    """
    for endpoint in endpoints.failing:
        assert endpoint.fault is not None
        shown = await people.read(HANNE, f"/v1/subscriptions/{endpoint.subscription}")
        while True:
            stand = await deliveries(people, endpoint)
            missing = wanted - set(endpoint.taken)
            assert missing <= stand.keys(), endpoint.name
            tried = [item for event, item in stand.items() if event in missing and item["attempts"]]
            # Those behind it wait for what was tried, once the first attempt has ended.
            if tried or not endpoint.fault.holds:
                break
            await asyncio.sleep(1)
        for item in tried:
            assert item["state"] in ("RETRYING", "FAILED", "DELIVERED"), (endpoint.name, item)
            assert item["state"] == "DELIVERED" or says_why(item, endpoint), (endpoint.name, item)
        if endpoint.fault.holds and (shown["warning"] or shown["disabled"]):
            known = {item["id"] for item in stand.values() if item["attempts"]}
            waiting = [item for item in stand.values() if item["state"] == "PENDING"]
            assert {item["waitsFor"] for item in waiting} <= known, endpoint.name


async def is_disabled_until_it_is_verified(people: Caller, gone: Endpoint) -> None:
    """410 ends the sending with its reason, and nothing comes until the endpoint is proven again."""
    path = f"/v1/subscriptions/{gone.subscription}"
    shown = await people.read(HANNE, path)
    assert (shown["state"], shown["disabled"]["reason"], shown["disabled"]["status"]) == ("DISABLED", "GONE", 410)
    assert len(gone.came) <= 8, "it went on after it was told to stop"
    await acts(people, path, "verify")
    await until(lambda: _is_active(people, gone))


async def what_failed_arrives_when_it_is_asked_for(people: Caller, endpoints: Endpoints, wanted: set[str]) -> None:
    """Kept is the event: what has used up its pauses is sent when somebody asks, and the record is whole."""
    for endpoint in endpoints.failing:
        stand = await deliveries(people, endpoint)
        for item in [stand[event] for event in wanted - set(endpoint.taken)]:
            await acts(people, f"/v1/deliveries/{item['id']}", "retry")
    for endpoint in endpoints.failing:
        await until(lambda endpoint=endpoint: _has(endpoint, wanted), within=times(1200))  # type: ignore[misc]
        await until(lambda endpoint=endpoint: _all_delivered(people, endpoint, wanted), within=60)  # type: ignore[misc]


async def _all_delivered(people: Caller, endpoint: Endpoint, wanted: set[str]) -> bool:
    stand = await deliveries(people, endpoint)
    return all(stand[event]["state"] == "DELIVERED" for event in wanted)
