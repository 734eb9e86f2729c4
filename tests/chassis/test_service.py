"""A running service: ready, covered, stopped, and how far behind each of its parts is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import uvicorn

from contracts.barred_roles import BARRED
from contracts.message import Envelope
from services.chassis.http.app import service_app
from services.chassis.http.health import common_routes
from services.chassis.log.position import Position
from services.chassis.service import NotCoveredYet
from services.chassis.vault.sqlite import SQLiteVault
from services.chassis.vault.vault import ORPHAN_AFTER_SECONDS
from tests.chassis.counters import COUNTER, Counter, call, count, handler
from tests.chassis.counting import Running, build, routes, running, token


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Running]:
    """The counters' service at work."""
    async with running(tmp_path) as here:
        yield here


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[Running]:
    """A service that follows the counters and counts along."""
    async with running(tmp_path, "echo", wait_seconds=1.0) as there:
        yield there


async def create(here: Running, key: str) -> str:
    """Makes a counter; returns the position of its event."""
    answer = await here.client.post("/v1/counters", json={"by": 2}, headers={"Idempotency-Key": key})
    assert answer.status_code == 201
    return answer.headers["position"]


async def test_a_position_of_another_service_covers_what_follows_from_it(here: Running, there: Running) -> None:
    """Written there, derived here, indexed here: a read right after the write shows all of it."""
    for n in range(20):
        position = await create(here, f"k{n}")
        name = f"counter-north-k{n}"
        read = await there.client.get(f"/v1/counters/{name}", params={"waitFor": position})
        assert (read.status_code, read.json()["total"]) == (200, 2)
        listed = await there.client.get("/v1/counters", params={"waitFor": position, "limit": 200})
        assert name in [one["id"] for one in listed.json()["items"]]


async def test_a_parked_message_does_not_hold_up_those_who_wait(here: Running, there: Running) -> None:
    """What cannot be handled now is set aside; the position is covered all the same, and the lag is told."""
    closing = handler(there.service.streams)
    await closing.handle(count(by=call().actor), "counter-north-sick", COUNTER, call(), must_exist=False)

    async def sick(event: Envelope) -> None:
        if event.subject.endswith("sick"):
            raise RuntimeError

    there.trouble.react = sick
    await create(here, "sick")
    position = await create(here, "well")
    await there.service.cover(Position.read(position))
    body = (await there.client.get("/readyz")).json()
    assert body["services"]["echo"]["parked"] == {"counters": 1}
    assert (await there.service.streams.fold("counter-north-well", COUNTER)).state == Counter(2)
    metrics = (await there.client.get("/metrics")).text
    assert 'caserelay_parked_messages{service="echo",source="counters"} 1.0' in metrics


async def test_what_is_not_covered_in_time_is_said_in_time(there: Running) -> None:
    """A position ahead of everything: 504 when the wait is over, and not much later."""
    started = time.monotonic()
    with pytest.raises(NotCoveredYet):
        await there.service.cover(Position("counters", 10_000))
    assert 0.9 < time.monotonic() - started < 2


async def test_lag_does_not_make_a_service_unready(here: Running, there: Running) -> None:
    """A service whose consumer is stuck still takes work, and says how far it is behind."""
    stuck = asyncio.Event()

    async def hang(_event: Envelope) -> None:
        await stuck.wait()

    there.trouble.react = hang
    for n in range(3):
        await create(here, f"k{n}")
    await asyncio.sleep(0.1)
    answer = await there.client.get("/readyz")
    assert (answer.status_code, answer.json()["ready"]) == (200, True)
    assert answer.json()["services"]["echo"]["behind"]["consumer of counters"] == 6
    assert await there.service.settled() is False
    stuck.set()


async def test_a_service_is_settled_once_everything_is_everywhere(here: Running, there: Running) -> None:
    """Published, taken in, indexed: nothing is behind any more."""
    for n in range(10):
        await create(here, f"k{n}")
    for _ in range(200):
        if await here.service.settled() and await there.service.settled():
            break
        await asyncio.sleep(0.01)
    assert await here.service.behind() == {"projection": 0, "publisher": 0}
    assert await there.service.behind() == {"projection": 0, "consumer of counters": 0}
    assert len(await there.service.log.read_all(0, 100)) == 10


async def test_failing_work_is_named_until_it_runs_again(here: Running) -> None:
    """Operators see which part fails and with what, and commands go on."""

    def broken() -> None:
        raise ZeroDivisionError

    here.trouble.project = broken
    await create(here, "k1")
    await asyncio.sleep(0.05)
    body = (await here.client.get("/readyz")).json()
    assert body["services"]["counters"]["failing"] == {"counters projection": "ZeroDivisionError"}
    here.trouble.project = lambda: None
    await create(here, "k2")
    await here.service.caught_up()
    for _ in range(100):
        if not here.service.failing():
            break
        await asyncio.sleep(0.01)
    assert here.service.failing() == {}


async def test_a_service_that_starts_again_goes_on_where_it_was(tmp_path: Path) -> None:
    """Everything acknowledged before the stop is there after it, and nothing is derived twice."""
    for run in range(3):
        async with running(tmp_path) as here, running(tmp_path, "echo") as there:
            position = await create(here, f"k{run}")
            await there.service.cover(Position.read(position))
    async with running(tmp_path) as here, running(tmp_path, "echo") as there:
        # Each count stands behind the use of its key.
        assert (await here.service.log.head(), await there.service.log.head()) == (6, 3)
        assert await there.service.sources["counters"].through() == 6


async def test_a_service_is_ready_from_its_start_to_its_stop(tmp_path: Path) -> None:
    """Before and after it says 503, and asks no closed store anything."""
    service, telemetry = build(tmp_path)
    app = service_app(
        service,
        title="t",
        summary="t",
        routers=[common_routes({"counters": service}, telemetry)],
        telemetry=telemetry,
        bars=BARRED,
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        assert (await client.get("/readyz")).status_code == 503
        await service.start()
        assert (await client.get("/readyz")).status_code == 200
        await asyncio.wait_for(service.stop(), 30)
        assert [(await client.get(path)).status_code for path in ("/readyz", "/metrics", "/healthz")] == [503, 200, 200]
    await service.bus.close()


async def test_the_sweep_of_the_vault_runs_in_the_background(tmp_path: Path) -> None:
    """Records that nobody refers to are gone soon after the start."""
    earlier = SQLiteVault(tmp_path / "counters-vault.db", now=lambda: time.time() - ORPHAN_AFTER_SECONDS - 1)
    await earlier.keep("r-1", "counter-1", {"name": "A"})
    await earlier.close()
    service, _ = build(tmp_path)
    assert service.vault is not None
    assert await service.vault.read("r-1") is not None

    async def refers(_stream: str, _ref: str) -> bool:
        return False

    service.refers = refers
    await service.start()
    for _ in range(100):
        if await service.vault.read("r-1") is None:
            break
        await asyncio.sleep(0.01)
    assert await service.vault.read("r-1") is None
    await service.stop()
    await service.bus.close()


async def test_many_requests_at_once_over_a_real_socket(tmp_path: Path) -> None:
    """A hundred creates, each sent twice, on sixteen connections: all stored, each once, and a graceful stop."""
    service, telemetry = build(tmp_path)
    common = common_routes({"counters": service}, telemetry)
    app = service_app(
        service, title="t", summary="t", routers=[routes(service), common], telemetry=telemetry, bars=BARRED
    )
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
    await service.start()
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - the server has no event for it
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    headers = {"Authorization": f"Bearer {token(tmp_path)}"}
    limits = httpx.Limits(max_connections=16)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, limits=limits) as client:

        async def post(n: int) -> httpx.Response:
            while True:
                key = {"Idempotency-Key": f"k{n // 2}"}
                answer = await client.post("/v1/counters", json={"by": 1}, headers=key)
                # The other one of the pair may still run.
                if answer.status_code != 409:
                    return answer

        answers = await asyncio.gather(*(post(n) for n in range(200)))
    server.should_exit = True
    await asyncio.wait_for(serving, 5)
    assert {answer.status_code for answer in answers} == {201}
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 100
    assert await service.log.head() == 200
    await service.stop()
    await service.bus.close()
