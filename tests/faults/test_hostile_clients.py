"""What one client alone can do to the real process, without a gateway in front; and that others do not notice."""

from __future__ import annotations

import asyncio
import json
import resource
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import httpx
import pytest

from services.chassis.http.server.protocol import LINGER_SECONDS
from tests.faults.caller import Caller
from tests.faults.conftest import Start
from tests.faults.processes import Program
from tests.support.people import AUDITOR, INES, LOTTE
from tests.support.repetitions import in_full
from tests.support.requests import another_person

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.xdist_group("fault"), pytest.mark.timeout(180)]

PATIENCE_SECONDS = 5.0
"""How long others may wait at most. Before there were limits, it was as long as the attack."""
PRODUCTION = pytest.param(("serve", "all"), id="production")
SANDBOX = pytest.param(("sandbox", "--empty"), id="sandbox")


class Attack:
    """Connections of somebody who means no good."""

    def __init__(self, victim: Program) -> None:
        self._port = victim.port
        self._open: list[asyncio.StreamWriter] = []

    async def connect(self, sent: bytes = b"") -> asyncio.StreamReader:
        """A connection on which something is sent; what it is answered."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._open.append(writer)
        writer.write(sent)
        with suppress(ConnectionError):
            await writer.drain()
        return reader

    def close(self) -> None:
        """Gives it up."""
        for writer in self._open:
            writer.close()


@asynccontextmanager
async def under_attack(victim: Program, people: Caller) -> AsyncIterator[Attack]:
    """The attack, and somebody who refers a person and asks for `/readyz` again and again meanwhile."""

    async def work() -> None:
        async with httpx.AsyncClient(base_url=victim.url, timeout=PATIENCE_SECONDS) as http:
            while True:
                key = {"Idempotency-Key": str(uuid.uuid4())}
                made = await http.post("/v1/referrals", json=another_person(), headers={**people.headers(INES), **key})
                assert made.status_code == 201, made.text
                # On a connection of its own, as an operator asks.
                async with httpx.AsyncClient(base_url=victim.url, timeout=PATIENCE_SECONDS) as fresh:
                    assert (await fresh.get("/readyz")).status_code == 200
                done.set()
                await asyncio.sleep(0.02)

    attack, done = Attack(victim), asyncio.Event()
    working = asyncio.create_task(work())
    try:
        await _next(done, working)
        yield attack
        await _next(done, working)
        await _next(done, working)
    finally:
        working.cancel()
        attack.close()


async def _next(done: asyncio.Event, working: asyncio.Task[None]) -> None:
    done.clear()
    waiting = asyncio.ensure_future(done.wait())
    await asyncio.wait([waiting, working], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if working.done():
        working.result()


async def ready_for_work(victim: Program, people: Caller) -> None:
    """Programme and organisations are there, and the sandbox's clock is past what people are said to have done."""
    await people.set_the_scene()
    if victim.is_sandbox:
        moved = await people.send(INES, "PUT", "/v1/sandbox/clock", {"now": "2026-02-02T09:00:00Z"})
        assert moved.status_code == 200, moved.text


async def status(reader: asyncio.StreamReader, within: float = 30.0) -> int:
    """The status of an answer; 0 where the connection ended without one."""
    async with asyncio.timeout(within):
        try:
            line = await reader.readline()
        except ConnectionError:
            return 0
    return int(line.split()[1]) if line else 0


async def ended(reader: asyncio.StreamReader, within: float = 30.0) -> None:
    """Returns when the server has ended the connection."""
    async with asyncio.timeout(within):
        with suppress(ConnectionError):
            await reader.read()


async def refusals(victim: Program, code: str) -> float:
    """How often the metrics say that a problem was answered."""
    return await sample(victim, f'caserelay_refusals_total{{code="{code}"}}')


async def counted(victim: Program, limit: str) -> float:
    """How often the metrics say that a connection met a limit."""
    return await sample(victim, f'caserelay_connection_limits_total{{limit="{limit}"}}')


async def sample(victim: Program, named: str) -> float:
    """The value of one series in `/metrics`."""
    async with httpx.AsyncClient(base_url=victim.url) as http:
        lines = (await http.get("/metrics")).text.splitlines()
    return next(float(one.split()[-1]) for one in lines if one.startswith(named))


@pytest.fixture(params=in_full([PRODUCTION, SANDBOX], short=[PRODUCTION]))
async def victim(request: pytest.FixtureRequest, program: Start) -> Program:
    """The program, with 1,024 descriptors of which it is given a quarter, and short limits.

    CI leaves the sandbox out, which serves by the same server.
    """
    one = program(*request.param, header_seconds="2", body_seconds="2", idle_seconds="2")
    one.launch()
    # It has yet to load its parts, and looks at this limit behind that.
    resource.prlimit(one.pid, resource.RLIMIT_NOFILE, (256, 1024))
    await one.answers()
    return one


async def test_others_work_on_whatever_one_client_sends(victim: Program, caller: Callable[[Program], Caller]) -> None:
    """Headers without end, many headers, requests that are half sent, connections without number, bodies that stop."""
    async with caller(victim) as people:
        await ready_for_work(victim, people)
        async with under_attack(victim, people) as attack:
            for _ in range(3):
                endless = await attack.connect(b"GET /readyz HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * 41_000_000)
                assert await status(endless) in {431, 0}
            many = await attack.connect(b"GET /readyz HTTP/1.1\r\n" + b"X-A: b\r\n" * 5000 + b"\r\n")
            assert await status(many) == 431
        assert await counted(victim, "header_bytes") == 3

        async with under_attack(victim, people) as attack:
            halves = [await attack.connect(b"POST /v1/referrals HTTP/1.1\r\nHost: x\r\nX-") for _ in range(120)]
            assert {await status(half) for half in halves} == {408}
            for half in halves:
                await ended(half)
        assert await counted(victim, "header_seconds") == 120

        async with under_attack(victim, people) as attack:
            idle = [await attack.connect() for _ in range(1500)]
            # The oldest made room, and the others are idle for too long at last.
            for one in idle:
                await ended(one)
        assert await counted(victim, "made_room") > 0

        async with under_attack(victim, people) as attack:
            head = "POST /v1/referrals HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"
            bodies = [await attack.connect(head.encode()) for _ in range(100)]
            assert {await status(body) for body in bodies} == {408}
            for body in bodies:
                await ended(body, within=LINGER_SECONDS + 30)
        assert await counted(victim, "body_seconds") == 100


async def test_a_bulk_that_drips_for_long_is_taken_whole(victim: Program, caller: Callable[[Program], Caller]) -> None:
    """There is no limit on how long a body takes; only on how long nothing comes."""
    count = 5

    async def lines() -> AsyncIterator[bytes]:
        for _ in range(count):
            sent = json.dumps({**another_person(), "idempotencyKey": str(uuid.uuid4())}).encode() + b"\n"
            yield sent[:40]
            await asyncio.sleep(0.4)
            yield sent[40:]
            await asyncio.sleep(0.4)

    async with caller(victim) as people, httpx.AsyncClient(base_url=victim.url, timeout=60) as http:
        await ready_for_work(victim, people)
        answer = await http.post("/v1/referrals/bulk", content=lines(), headers=people.headers(INES))
        assert [json.loads(line)["status"] for line in answer.text.splitlines()] == [201] * count


async def test_many_streams_of_one_token_are_refused_and_do_not_hold_others_up(
    program: Start, caller: Callable[[Program], Caller]
) -> None:
    """Two hundred of five hundred are let in; each hears of what happens, and the rest is told why not."""
    victim = program("serve", "all")
    await victim.start()
    async with caller(victim) as people:
        await people.set_the_scene()
        async with under_attack(victim, people) as attack:
            head = f"GET /v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: {people.headers(LOTTE)['Authorization']}"
            streams = [await attack.connect(f"{head}\r\n\r\n".encode()) for _ in range(500)]
            answers = [await status(stream) for stream in streams]
            assert (answers.count(200), answers.count(429)) == (200, 300)
        assert await refusals(victim, "TOO_MANY_STREAMS_OF_ORGANISATION") == 300


async def test_an_organisation_that_sends_too_much_is_told_so_and_others_are_not_touched(
    program: Start, caller: Callable[[Program], Caller]
) -> None:
    """429 with when to come back and how much there is; what was refused was not done."""
    victim = program("serve", "all", rate_requests="40", rate_seconds="3600")
    await victim.start()
    async with caller(victim) as people:
        await people.set_the_scene()
        answers = [
            await people.send(INES, "POST", "/v1/referrals", another_person(), key=str(uuid.uuid4())) for _ in range(60)
        ]
        assert [answer.status_code for answer in answers] == [201] * 40 + [429] * 20
        refused = answers[-1]
        assert int(refused.headers["Retry-After"]) > 0
        assert refused.headers["RateLimit-Policy"].endswith(";q=40;w=3600")
        assert ";r=0;t=" in refused.headers["RateLimit"]
        assert len(await people.listed(LOTTE, "/v1/referrals")) == 40
        assert (await people.send(AUDITOR, "GET", "/v1/cases")).status_code == 200
        assert await refusals(victim, "RATE_LIMITED") == 20
