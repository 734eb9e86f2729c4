"""The rate of requests of an organisation: how many, and how its clients are told."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from services.chassis.http.problems.problem import ProblemError
from services.chassis.http.request.rates import REMEMBERED, Rates
from tests.chassis.asking import create, problem
from tests.chassis.counting import running, token


class Clock:
    """A clock to be moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """At some moment."""
    return Clock()


def taken(rates: Rates, organisation: str, tries: int) -> int:
    """How many of some requests are let through."""
    through = 0
    for _ in range(tries):
        try:
            rates.take(organisation)
        except ProblemError:
            continue
        through += 1
    return through


def test_the_whole_quota_may_be_used_at_once_and_comes_back_evenly(clock: Clock) -> None:
    """Sixty in a minute: sixty now, one more each second, and never more than sixty."""
    rates = Rates(60, 60, clock)
    assert taken(rates, "north", 100) == 60
    clock.now += 1
    assert taken(rates, "north", 100) == 1
    clock.now += 10
    assert taken(rates, "north", 100) == 10
    clock.now += 3600
    assert taken(rates, "north", 100) == 60


def test_an_organisation_does_not_use_up_the_quota_of_another(clock: Clock) -> None:
    """Each has its own."""
    rates = Rates(3, 60, clock)
    assert (taken(rates, "north", 9), taken(rates, "south", 9)) == (3, 3)


def test_what_was_refused_does_not_count(clock: Clock) -> None:
    """Anyone who asks again and again is not punished by waiting longer."""
    rates = Rates(60, 60, clock)
    taken(rates, "north", 10_000)
    clock.now += 1
    assert taken(rates, "north", 1) == 1


@pytest.mark.parametrize(("waited", "left"), [(0.0, 20), (7.5, 13), (19.5, 1)])
def test_who_waits_as_long_as_was_said_gets_through(clock: Clock, waited: float, left: int) -> None:
    """Retry-After and `t` are whole seconds, rounded up: three a minute is one in twenty seconds."""
    rates = Rates(3, 60, clock)
    taken(rates, "north", 3)
    clock.now += waited
    with pytest.raises(ProblemError) as refused:
        rates.take("north")
    assert refused.value.headers["Retry-After"] == str(left)
    clock.now += left
    rates.take("north")


def test_the_fields_are_those_of_the_draft(clock: Clock) -> None:
    """draft-ietf-httpapi-ratelimit-headers-10: lists of strings with parameters q and w, r and t, that are integers."""
    rates = Rates(5, 60, clock)
    taken(rates, "north", 5)
    with pytest.raises(ProblemError) as refused:
        rates.take("north")
    assert refused.value.status == 429
    assert re.fullmatch(r'"[a-z]+";q=5;w=60', refused.value.headers["RateLimit-Policy"])
    assert re.fullmatch(r'"[a-z]+";r=0;t=12', refused.value.headers["RateLimit"])
    named = [refused.value.headers[name].partition(";")[0] for name in ("RateLimit-Policy", "RateLimit")]
    assert named[0] == named[1]


def test_nought_turns_it_off(clock: Clock) -> None:
    """Then nothing is remembered either."""
    rates = Rates(0, 60, clock)
    assert taken(rates, "north", 1000) == 1000


def test_organisations_that_have_been_quiet_are_forgotten(clock: Clock) -> None:
    """What is remembered is bounded by those who are asking."""
    rates = Rates(60, 60, clock)
    for n in range(3 * REMEMBERED):
        rates.take(f"organisation-{n}")
        clock.now += 0.01
    assert len(rates) <= REMEMBERED


async def test_one_request_too_many_changes_nothing_and_may_be_sent_again(tmp_path: Path) -> None:
    """429 with the three fields; the same key goes through later, and makes what it would have made."""
    async with running(tmp_path, rate_requests=3, rate_seconds=3) as here:
        for n in range(3):
            assert (await create(here, key=f"k{n}")).status_code == 201
        before = await here.service.log.head()
        refused = await create(here, key="k3")
        problem(refused, 429, "RATE_LIMITED")
        assert {"retry-after", "ratelimit", "ratelimit-policy"} <= set(refused.headers)
        assert await here.service.log.head() == before
        other = await here.client.get(
            "/v1/counters/counter-north-k0", headers={"Authorization": f"Bearer {token(tmp_path, org='south')}"}
        )
        assert other.status_code == 200
        async with asyncio.timeout(10):
            while (again := await create(here, key="k3")).status_code == 429:  # noqa: ASYNC110 - it asks
                await asyncio.sleep(0.1)
        assert (again.status_code, again.headers.get("idempotency-replayed")) == (201, None)


async def test_the_common_routes_have_no_limit(tmp_path: Path) -> None:
    """An operator is always told how it is."""
    async with running(tmp_path, rate_requests=1, rate_seconds=3600) as here:
        await create(here)
        for path in ("/healthz", "/readyz", "/metrics", "/openapi.json"):
            for _ in range(3):
                assert (await here.client.get(path)).status_code == 200


async def test_whoever_is_not_known_uses_nobodys_quota(tmp_path: Path) -> None:
    """401 and 403 come before."""
    async with running(tmp_path, rate_requests=1, rate_seconds=3600) as here:
        for _ in range(3):
            refused = await here.client.get("/v1/counters", headers={"Authorization": "Bearer nothing"})
            assert refused.status_code == 401
        assert (await create(here)).status_code == 201
