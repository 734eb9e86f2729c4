"""The sandbox's clock over HTTP: forwards only, as far as asked, and everything due on the way has happened."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.journeys.sandbox import Outsider, sandbox
from tests.support.people import CONTROL, INES, LOTTE, MENTEE, OPERATOR

pytestmark = pytest.mark.xdist_group("the clock of the sandbox")

CLOCK = "/v1/sandbox/clock"


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outsider]:
    """A developer at an empty sandbox; the tests move its clock forwards, one after the other."""
    with sandbox(tmp_path_factory.mktemp("clock") / "var", "--empty") as (_, developer):
        yield developer


def now(outside: Outsider) -> datetime:
    """Where the clock stands."""
    return datetime.fromisoformat(outside.read(INES, CLOCK)["now"])


def put(outside: Outsider, body: Any) -> httpx.Response:
    """Sends a setting, whatever comes of it."""
    return outside.send(INES, "PUT", CLOCK, body)


def test_an_empty_sandbox_begins_on_5_january_and_runs(outside: Outsider) -> None:
    """Eight o'clock in UTC, not frozen, and only the seconds since the start have passed."""
    reading = outside.read(INES, CLOCK)
    assert reading.keys() == {"now", "frozen"}
    assert reading["frozen"] is False
    began = datetime.fromisoformat("2026-01-05T08:00:00Z")
    assert began < datetime.fromisoformat(reading["now"]) < began + timedelta(minutes=2)


def test_it_runs_at_normal_speed(outside: Outsider) -> None:
    """Half a second here is half a second there."""
    before, began = now(outside), time.monotonic()
    time.sleep(0.5)
    after, took = now(outside), time.monotonic() - began
    assert abs((after - before).total_seconds() - took) < 0.2


def test_it_moves_forwards_and_answers_like_a_reading(outside: Outsider) -> None:
    """To the instant asked for, in any time zone; not frozen, it goes on running from there."""
    answer = put(outside, {"now": "2026-01-06T10:00:00+01:00"})
    assert answer.status_code == 200
    assert answer.json().keys() == {"now", "frozen"}
    assert answer.json()["now"].startswith("2026-01-06T09:00:0")
    assert timedelta(0) < now(outside) - datetime.fromisoformat("2026-01-06T09:00:00Z") < timedelta(seconds=30)


def test_frozen_it_stands_still_until_it_is_let_go(outside: Outsider) -> None:
    """Without `frozen` in a later move it stays as it was."""
    assert put(outside, {"now": "2026-01-07T09:00:00Z", "frozen": True}).json() == {
        "now": "2026-01-07T09:00:00Z",
        "frozen": True,
    }
    time.sleep(0.1)
    assert outside.read(INES, CLOCK) == {"now": "2026-01-07T09:00:00Z", "frozen": True}
    assert put(outside, {"now": "2026-01-07T10:00:00Z"}).json()["frozen"] is True
    put(outside, {"now": "2026-01-07T10:00:00Z", "frozen": False})
    time.sleep(0.05)
    assert now(outside) > datetime.fromisoformat("2026-01-07T10:00:00Z")


def test_it_never_goes_back(outside: Outsider) -> None:
    """409, and it stands where it stood: what has been recorded has happened."""
    before = now(outside)
    refused = put(outside, {"now": "2026-01-01T00:00:00Z"})
    assert (refused.status_code, refused.json()["code"]) == (409, "CLOCK_ONLY_FORWARDS")
    assert refused.headers["content-type"] == "application/problem+json"
    assert now(outside) >= before


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"now": "2026-03-01T10:00:00"}, "/now"),
        ({"now": "2026-03-01"}, "/now"),
        ({"now": 1772359200}, "/now"),
        ({"now": "soon"}, "/now"),
        ({"now": None}, "/now"),
        ({}, "/now"),
        ({"frozen": True}, "/now"),
        ({"now": "2026-03-01T10:00:00Z", "frozen": "yes"}, "/frozen"),
        ({"now": "2026-03-01T10:00:00Z", "frozen": 1}, "/frozen"),
        ({"now": "2026-03-01T10:00:00Z", "speed": 2}, "/speed"),
        ({"now": "2029-01-01T00:00:00Z"}, "/now"),
        ({"now": "9999-12-31T23:59:59Z"}, "/now"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused_with_its_pointer(outside: Outsider, body: Any, pointer: str) -> None:
    """A time without a zone, a journey of more than two years, another type: 422, and the clock stays."""
    before = now(outside)
    refused = put(outside, body)
    assert refused.status_code == 422, refused.text
    assert [fault["pointer"] for fault in refused.json()["errors"]] == [pointer]
    assert now(outside) - before < timedelta(seconds=30)


def test_everybody_with_a_token_may_use_the_clock(outside: Outsider) -> None:
    """Any role but the one that is refused everywhere; nobody without a token."""
    for person in (LOTTE, MENTEE, OPERATOR):
        assert outside.get(person, CLOCK).status_code == 200
    assert outside.get(CONTROL, CLOCK).status_code == 403
    assert outside.http.get(CLOCK).status_code == 401
    assert outside.http.put(CLOCK, json={"now": "2026-03-01T10:00:00Z"}).status_code == 401


def test_two_years_are_one_journey(outside: Outsider) -> None:
    """As far as one call may go; the next one goes on from there."""
    there = now(outside) + timedelta(days=730)
    assert put(outside, {"now": there.isoformat()}).status_code == 200
    assert now(outside) >= there


@pytest.mark.slow
def test_it_is_kept_with_the_data(tmp_path: Path) -> None:
    """Frozen it stands where it stood after a restart; running, time has gone on meanwhile."""
    with sandbox(tmp_path / "var", "--empty") as (_, outside):
        outside.clock(INES, "2026-05-01T12:00:00Z", frozen=True)
    with sandbox(tmp_path / "var", "--empty") as (_, outside):
        assert outside.read(INES, CLOCK) == {"now": "2026-05-01T12:00:00Z", "frozen": True}
        outside.clock(INES, "2026-05-01T12:00:00Z", frozen=False)
        left, at = now(outside), time.monotonic()
    with sandbox(tmp_path / "var", "--empty") as (_, outside):
        gone_on, took = (now(outside) - left).total_seconds(), time.monotonic() - at
        assert abs(gone_on - took) < 0.5
