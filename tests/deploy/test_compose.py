"""`docker compose up`: the whole system in containers, two replicas each, does what one process does."""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from httpx_sse import connect_sse

from tests.deploy.composed import ROOT, SERVICES, Composed, composed, docker, what_is_missing
from tests.deploy.subscriber import Subscriber
from tests.journeys.sandbox import Outsider
from tests.support.people import AUDITOR, INES, LOTTE, Person
from tests.support.requests import another_person

pytestmark = [
    pytest.mark.slow,
    pytest.mark.fault,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("compose"),
]

PAGE: Final = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
System = tuple[Composed, Outsider]


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    """One system for all rules of this file."""
    if (reason := what_is_missing()) is not None:
        # Also under CI=true: Kafka and PostgreSQL can be had without Docker, a container cannot.
        pytest.skip(reason)
    with composed() as running:
        yield running


def _handed_over(outside: Outsider) -> tuple[str, str]:
    """A referral that was accepted: its case, and the Position of the acceptance."""
    posted = outside.refer(INES, another_person())
    assert posted.status_code == 201, posted.text
    offer = f"/v1/referrals/{posted.json()['id']}"
    outside.does(LOTTE, offer, "receive")
    accepted = outside.does(LOTTE, offer, "accept", {"coordinator": LOTTE.sub})
    return posted.json()["case"], accepted.headers["Position"]


def _wait_until_covered(outside: Outsider, person: Person, path: str, position: str) -> None:
    """Asks again while the answer is 504: the partitions of a replica that died are given away after six seconds."""
    until = time.monotonic() + 30
    while (answer := outside.get(person, path, waitFor=position)).status_code == 504:
        assert answer.json()["code"] == "NOT_COVERED_YET"
        assert time.monotonic() < until
    assert answer.status_code == 200, answer.text


def _both_sides_know(outside: Outsider, case: str, position: str) -> None:
    """Timeline, responsibility and feed tell of the acceptance, once."""
    _wait_until_covered(outside, AUDITOR, f"/v1/cases/{case}/timeline", position)
    told = [entry["type"] for entry in outside.timeline(AUDITOR, case)]
    assert told.count("ResponsibilityTransferred") == 1
    assert outside.owners(INES, case)["INTAKE"] == LOTTE.sub
    until = time.monotonic() + 30
    while "org.caserelay.case.responsibility_transferred.v1" not in (seen := _seen(outside, case)):
        assert time.monotonic() < until, seen
    assert len(seen) == len(set(seen))


def _seen(outside: Outsider, case: str) -> list[str]:
    return [one["type"] for one in outside.feed(LOTTE) if one["subject"] == case]


def test_a_handoff_goes_through_the_gateway(system: System) -> None:
    """Referral, acceptance, timeline and feed, each at the service that owns it."""
    _, outside = system
    _both_sides_know(outside, *_handed_over(outside))


def test_whoever_tries_it_is_given_a_token(system: System) -> None:
    """As docs/operating.md says."""
    composed, outside = system
    (asked,) = re.findall(r"^docker compose -f deploy/compose.yaml (exec issuer .* token .*)$", PAGE, re.MULTILINE)
    token = composed.compose(*asked.replace("exec", "exec -T").split()).strip()
    answer = httpx.get(f"{outside.url}/v1/referrals", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200


def test_a_stream_is_pushed_through_the_gateway(system: System) -> None:
    """Nothing on the way holds an event back until there are more of them."""
    _, outside = system
    with (
        httpx.Client(base_url=outside.url, timeout=20) as http,
        connect_sse(http, "GET", "/v1/stream", headers=outside.headers(LOTTE)) as source,
    ):
        events = source.iter_sse()
        case = outside.refer(INES, another_person()).json()["case"]
        answered = time.monotonic()
        subjects: Iterator[Any] = (json.loads(event.data)["subject"] for event in events)
        assert case in subjects
        assert time.monotonic() - answered < 2


def test_an_organisation_follows_over_kafka(system: System, tmp_path: Path) -> None:
    """From outside, with the example: what it is sent is its feed, in the feed's order."""
    composed, outside = system
    case, position = _handed_over(outside)
    _both_sides_know(outside, case, position)
    told = [one["id"] for one in outside.feed(LOTTE)]
    example = Subscriber(composed.kafka, "brugwerk", tmp_path)
    try:
        assert [event["id"] for event in example.printed(len(told))] == told
    finally:
        example.process.kill()
        example.process.wait()


def test_a_trace_goes_through_the_gateway(system: System) -> None:
    """What the caller began, the message goes on with."""
    _, outside = system
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"Idempotency-Key": "traced", "traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    posted = outside.send(INES, "POST", "/v1/referrals", another_person(), headers=headers)
    _wait_until_covered(outside, LOTTE, "/v1/feed", posted.headers["Position"])
    seen = outside.feed(LOTTE)
    of_the_case = [one["traceparent"] for one in seen if one["subject"] == posted.json()["case"]]
    assert of_the_case != []
    assert all(trace in one for one in of_the_case)


def test_what_is_for_operators_is_not_for_the_outside(system: System) -> None:
    """Health and metrics need no token, so the gateway has no way to them; nor to what no service owns."""
    _, outside = system
    for path in ("/metrics", "/readyz", "/healthz", "/docs", "/v1/", "/v1/sandbox/clock", "/v1/feeds"):
        answer = outside.get(INES, path)
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND"), path
        assert answer.headers["Content-Type"] == "application/problem+json"


def test_the_origin_describes_all_of_its_routes(system: System) -> None:
    """Whichever service the gateway asks."""
    _, outside = system
    described = outside.http.get("/openapi.json")
    assert (described.status_code, described.headers["Content-Type"]) == (200, "application/json")
    assert {"/v1/referrals", "/v1/cases/{case_id}", "/v1/feed"} <= set(described.json()["paths"])


def test_no_log_names_a_case_or_holds_a_token(system: System) -> None:
    """Neither the gateway's nor a service's."""
    composed, outside = system
    case, position = _handed_over(outside)
    _both_sides_know(outside, case, position)
    logged = composed.compose("logs", "gateway", *SERVICES)
    assert "GET cases 200" in logged
    assert case not in logged
    assert outside.token(LOTTE) not in logged


def test_containers_may_do_little(system: System) -> None:
    """Nobody's user, no capabilities, no way to gain any, and ports on loopback alone."""
    composed, _ = system
    for container in composed.containers():
        name, host = container["Config"]["Labels"]["com.docker.compose.service"], container["HostConfig"]
        assert host["CapDrop"] == ["ALL"], name
        assert host["SecurityOpt"] == ["no-new-privileges"], name
        assert host["Memory"] > 0, name
        assert host["ReadonlyRootfs"] or name == "kafka"
        assert (container["Config"]["User"] not in ("", "0", "root")) or name in ("postgres", "kafka")
        for published in container["NetworkSettings"]["Ports"].values():
            assert {one["HostIp"] for one in published or []} <= {"127.0.0.1"}, name
        assert container["State"]["Running"] or (name == "set-up" and container["State"]["ExitCode"] == 0)


def test_a_replica_that_is_killed_is_not_missed(system: System) -> None:
    """While one of each service is gone, and after it came back, everything is answered."""
    composed, outside = system
    before = {service: composed.replicas(service) for service in SERVICES}
    assert [len(replicas) for replicas in before.values()] == [2, 2, 2]
    for service, replicas in before.items():
        docker("kill", replicas[0])
        _both_sides_know(outside, *_handed_over(outside))
        docker("start", replicas[0])
        composed.wait_until_healthy(service)
    _both_sides_know(outside, *_handed_over(outside))


def test_a_replica_that_is_told_to_stop_stops_cleanly_and_is_not_missed(system: System) -> None:
    """PID 1 hears the signal, ends its streams and its work, and reports success."""
    composed, outside = system
    for service in SERVICES:
        replica = composed.replicas(service)[1]
        began = time.monotonic()
        docker("stop", replica)
        assert time.monotonic() - began < 20
        state = json.loads(docker("inspect", replica))[0]["State"]
        assert state["ExitCode"] == 0, f"{service}: {signal.Signals(state['ExitCode'] - 128).name}"
        _both_sides_know(outside, *_handed_over(outside))
        docker("start", replica)
        composed.wait_until_healthy(service)


def test_a_broker_that_has_lost_everything_is_filled_again(system: System) -> None:
    """From the logs, once topics are made and services restarted; commands are taken meanwhile."""
    composed, outside = system
    before = [one["id"] for one in outside.feed(LOTTE)]
    composed.lose("kafka")
    case, position = _handed_over(outside)
    composed.compose("up", "--detach", "--wait", "--no-build", "kafka", seconds=120)
    composed.compose("run", "--rm", "-T", "set-up", seconds=120)
    composed.compose("restart", "--timeout", "20", *SERVICES, seconds=120)
    for service in SERVICES:
        composed.wait_until_healthy(service)
    _both_sides_know(outside, case, position)
    told = [one["id"] for one in outside.feed(LOTTE)]
    assert told[: len(before)] == before
    assert len(told) == len(set(told))
