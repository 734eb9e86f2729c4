"""The benchmark of deliveries: what it is held against is measured in the same run, and nothing that is lost counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.bench import bare_posts, webhooks, webhooks_at_scale
from deploy.bench.bench import Bench
from deploy.bench.endpoints import CHALLENGE, Endpoints, delays, found_at
from deploy.bench.engines import SQLITE, Engines
from deploy.bench.http_client import Connection
from deploy.bench.issuer import LoopbackIssuer
from deploy.bench.requests import REFERRAL, SUBMITTED, Referrals, request

pytestmark = pytest.mark.slow


@pytest.fixture
def endpoints() -> Iterator[Endpoints]:
    """The program."""
    with Endpoints() as running:
        yield running


async def _post(url: str, path: str, **event: object) -> object:
    connection = await Connection.open(url)
    answer = (await connection.send(request("POST", path, "", event))).expect(200)
    connection.close()
    return answer


@pytest.mark.timeout(240)
def test_deliveries_are_measured_beside_the_feed_and_a_bare_loop(tmp_path: Path) -> None:
    """At each rate there are all three, and the delivery is held against the other two together."""
    with LoopbackIssuer() as issuer, Engines(tmp_path) as engines:
        bench = Bench(directory=tmp_path, engines=engines, issuer=issuer, seconds=1, quick=True, say=lambda _: None)
        results = list(webhooks.measure_on(bench, SQLITE))
    assert [result.at for result in results] == [rate for rate in webhooks.RATES for _ in range(3)]
    for bare, feed, delivered in zip(results[::3], results[1::3], results[2::3], strict=True):
        assert bare.p95
        assert feed.p95
        assert delivered.p95
        (allowed,) = [each for each in delivered.compared if each.to == webhooks.ALLOWED]
        assert allowed.ratio == pytest.approx(delivered.p95 / (3 * bare.p95 + feed.p95), abs=0.001)


@pytest.mark.timeout(240)
def test_endpoints_at_scale_are_measured_beside_a_system_without(tmp_path: Path) -> None:
    """What waits is counted, and the feed and the memory are held against a system without, which comes twice."""
    with LoopbackIssuer() as issuer, Engines(tmp_path) as engines:
        bench = Bench(directory=tmp_path, engines=engines, issuer=issuer, seconds=1, quick=True, say=lambda _: None)
        results = list(webhooks_at_scale.measure(bench))
    assert len(results) == 9
    page, stream, memory = results[3:6]
    assert [compared.to for each in (page, stream) for compared in each.compared] == [webhooks_at_scale.WITHOUT] * 2
    (waiting,) = page.notes
    assert int(waiting.split()[0].replace(",", "")) >= 40 * 10
    assert memory.unit == "MB"
    assert "KB for each" in memory.notes[0]


async def test_endpoints_answer_a_challenge_and_remember_what_came_first(endpoints: Endpoints) -> None:
    """The first arrival counts, and only of what was submitted."""
    answer = await _post(endpoints.url, "/hooks/one", type=CHALLENGE, data={"challenge": "c"})
    assert answer == {"challenge": "c"}
    await _post(endpoints.url, "/hooks/one", type=SUBMITTED, data={"referral": "r"})
    first = (await found_at(endpoints.url))["hooks"]
    await _post(endpoints.url, "/hooks/one", type=SUBMITTED, data={"referral": "r"})
    await _post(endpoints.url, "/hooks/one", type="org.caserelay.referral.accepted.v1", data={"referral": "r"})
    found = await found_at(endpoints.url)
    assert found["hooks"] == first
    assert first.keys() == {"r"}
    assert len(found["bodies"]) == 2


async def test_a_delivery_that_does_not_come_is_no_figure(endpoints: Endpoints) -> None:
    """It fails, instead of measuring the others."""
    await _post(endpoints.url, "/hooks/one", type=SUBMITTED, data={"referral": "r"})
    with pytest.raises(RuntimeError, match="1 of 2 did not come"):
        await delays(endpoints.url, "hooks", {"r": 0.0, "lost": 0.0}, within=0.3)


async def test_the_bare_loop_posts_the_bodies_that_came(endpoints: Endpoints) -> None:
    """As many as are due."""
    await _post(endpoints.url, "/hooks/one", type=SUBMITTED, data={"referral": "r"})
    posted = bare_posts.run(bare_posts.Orders(url=endpoints.url, rate=40, seconds=0.5))
    assert 0 < posted.p50 <= posted.p95
    assert len((await found_at(endpoints.url))["bare"]) == 20


def test_referrals_go_to_organisations_in_turn_with_their_own_basis() -> None:
    """The basis names the recipient, or the referral would be refused."""
    referrals = Referrals("token", ("one", "two"))
    first, second, third = (referrals.next() for _ in range(3))
    for sent, organisation in ((first, b"one"), (second, b"two"), (third, b"one")):
        assert b'"to": "%b"' % organisation in sent
        assert b'"recipient": "%b"' % organisation in sent
    assert REFERRAL["to"] == "brugwerk"
