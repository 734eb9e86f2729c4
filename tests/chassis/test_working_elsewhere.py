"""A service whose background work is done elsewhere: it answers, does none of it, and tells how that stands."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from contracts.barred_roles import BARRED
from services.chassis.http.app import service_app
from services.chassis.http.health import common_routes
from services.chassis.operating.verification_metrics import Place, Verified
from services.chassis.service import Report, Service
from tests.chassis.counting import build, routes, token

NAME = "counters"


@dataclass
class Beside:
    """The service that does the work, over the same files, in the same process; what it fails by may be set."""

    service: Service
    began: bool = True
    fails: str | None = None

    async def report(self, service: str) -> Report:
        """As that service tells it, if it answers."""
        assert service == NAME
        return Report(work={"counters worker": self.fails}) if self.fails else await self.service.report()

    async def through(self, service: str, source: str) -> int | None:
        """As its consumer of that source says, if it has one."""
        assert service == NAME
        return await self.service.sources[source].through() if source in self.service.sources else None


@dataclass
class Both:
    """The one that answers, the one beside it, and a client of the first."""

    service: Service
    beside: Beside
    client: httpx.AsyncClient


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[Both]:
    """At work."""
    beside = Beside(build(tmp_path, NAME)[0])
    service, telemetry = build(tmp_path, NAME)
    service.elsewhere = beside
    common = common_routes({NAME: service}, telemetry)
    app = service_app(
        service, title=NAME, summary=NAME, routers=[routes(service), common], telemetry=telemetry, bars=BARRED
    )
    await service.start()
    await beside.service.start()
    headers = {"Authorization": f"Bearer {token(tmp_path)}"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        yield Both(service, beside, client)
    for one in (service, beside.service):
        await one.stop()
        await one.bus.close()


async def test_it_shows_its_own_writes_and_leads_nothing(both: Both) -> None:
    """What it lists was taken in elsewhere."""
    for number in range(1, 21):
        made = await both.client.post("/v1/counters", json={"by": 2}, headers={"Idempotency-Key": f"k{number}"})
        assert made.status_code == 201
        listed = await both.client.get("/v1/counters", params={"limit": 200})
        assert len(listed.json()["items"]) == number
    assert not both.service.leadership.leading
    # Whatever asks for a complete index waits for it, and writes none.
    await both.service.projection.catch_up()
    assert await both.service.index.through() == await both.service.log.head()


async def test_it_tells_how_the_work_stands_there(both: Both) -> None:
    """Who leads, what fails, and that nobody answers for it; it is ready, as commands need only the log."""
    metrics = (await both.client.get("/metrics")).text
    assert 'caserelay_leader{service="counters"} 1.0' in metrics
    assert 'caserelay_failing{service="counters",work="counters projection"} 0.0' in metrics
    both.beside.fails = "WorkerEnded"
    answer = await both.client.get("/readyz")
    assert (answer.status_code, answer.json()["services"][NAME]["failing"]) == (200, {"counters worker": "WorkerEnded"})
    metrics = (await both.client.get("/metrics")).text
    assert 'caserelay_leader{service="counters"} 0.0' in metrics
    assert 'caserelay_failing{service="counters",work="counters worker"} 1.0' in metrics


async def test_it_tells_what_came_of_verifications_there(both: Both) -> None:
    """In words for people and in numbers for alerts; a mismatch is told loudly, and the service works on."""
    found = Verified(
        time.time() - 125, 1.5, 40, {"CHANGED": 2, "MISSING": 0}, [Place(7, "CHANGED"), Place(9, "CHANGED")]
    )
    both.beside.service.verified = lambda: {NAME: found}
    answer = await both.client.get("/readyz")
    assert (answer.status_code, answer.json()["ready"]) == (200, True)
    told = answer.json()["services"][NAME]["verified"][NAME]
    assert datetime.fromisoformat(told.pop("at")).timestamp() == pytest.approx(found.at, abs=0.001)
    assert told == {
        "words": "verified 2 minutes ago: 2 mismatches",
        "checked": 40,
        "mismatches": {"CHANGED": 2},
        "first": [{"position": 7, "what": "CHANGED"}, {"position": 9, "what": "CHANGED"}],
    }
    metrics = (await both.client.get("/metrics")).text
    assert 'caserelay_mismatches{log="counters",what="CHANGED"} 2.0' in metrics
    assert 'caserelay_mismatches{log="counters",what="MISSING"} 0.0' in metrics
    assert 'caserelay_verified_events{log="counters"} 40.0' in metrics
    assert 'caserelay_verification_seconds{log="counters"} 1.5' in metrics
    shown = re.search(r'^caserelay_verified_timestamp_seconds{log="counters"} (\S+)$', metrics, re.MULTILINE)
    assert shown is not None
    assert float(shown[1]) == pytest.approx(found.at)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "verified just now"), (1.5, "verified 1 second ago"), (7_300, "verified 2 hours ago")],
)
async def test_it_says_how_long_ago_a_log_was_verified(both: Both, seconds: float, words: str) -> None:
    """As people say it; where nothing differs, nothing more."""
    found = Verified(time.time() - seconds, 1.5, 40, {"CHANGED": 0}, [])
    both.beside.service.verified = lambda: {NAME: found}
    answer = await both.client.get("/readyz")
    assert answer.json()["services"][NAME]["verified"][NAME]["words"] == words


async def test_what_one_knows_that_does_not_lead_is_not_told(both: Both, tmp_path: Path) -> None:
    """Another process goes through the log now, and may have found something since."""
    found = {NAME: Verified(time.time(), 1.5, 40, {"CHANGED": 0}, [])}
    both.beside.service.verified = lambda: found
    assert both.beside.service.verifications == found
    another, _ = build(tmp_path, NAME)
    another.verified = lambda: found
    assert another.verifications == {}
    await another.stop()
    await another.bus.close()


async def test_a_store_that_fails_there_is_told_of_here_until_it_is_well(both: Both) -> None:
    """Only the one that writes it notices."""
    (index,) = [store for store in both.beside.service.stores if store.store == "index"]
    index.failed("SQLITE_FULL")
    answer = await both.client.get("/readyz")
    assert (answer.status_code, answer.json()["unavailable"]) == (503, {NAME: {"index": "SQLITE_FULL"}})
    metrics = (await both.client.get("/metrics")).text
    where = 'service="counters",store="index"'
    assert f"caserelay_store_unavailable{{{where}}} 1.0" in metrics
    assert f'caserelay_store_errors_total{{code="SQLITE_FULL",{where}}} 1.0' in metrics
    index.failing = None
    assert (await both.client.get("/readyz")).status_code == 200


async def test_it_is_not_ready_before_the_work_has_begun_there(both: Both) -> None:
    """Who waits for readiness may count on all of it."""
    both.beside.began = False
    assert (await both.client.get("/readyz")).status_code == 503
    both.beside.began = True
    assert (await both.client.get("/readyz")).status_code == 200
