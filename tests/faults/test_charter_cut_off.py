"""A charter that changes under many running matches is told to each of them once, whenever the process dies."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Callable
from typing import Any, Final

import httpx
import pytest

from services.casefile.charter_fan_out import AT_ONCE
from services.sandbox.charter import CHARTER
from services.sandbox.demo import PROGRAMME, PROGRAMME_VERSION
from tests.casefile.cases import PROFILE, ROAD
from tests.faults.caller import Caller
from tests.faults.conftest import Start
from tests.faults.evidence import files_are_sound, streams_are_contiguous
from tests.faults.processes import Program
from tests.faults.test_deadlines_while_down import BEGINS, moved
from tests.support.dates import on
from tests.support.people import INES, LOTTE, OPERATOR
from tests.support.repetitions import in_full
from tests.support.requests import another_person

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.xdist_group("fault")]

MATCHES: Final = AT_ONCE + 5
"""More than are told at once."""
MADE_AT_ONCE: Final = 5
KILLS: Final = in_full(5, short=2)


async def match(people: Caller) -> str:
    """A pair that has signed: the path of its case."""
    made = await people.done(INES, "/v1/referrals", another_person(), key=str(uuid.uuid4()))
    offer, case = f"/v1/referrals/{made.json()['id']}", f"/v1/cases/{made.json()['case']}"
    received = await people.done(LOTTE, f"{offer}/receive", etag=made.headers["ETag"])
    body = {"coordinator": LOTTE.sub}
    answer = await people.done(LOTTE, f"{offer}/accept", body, etag=received.headers["ETag"])
    answer = await people.send(LOTTE, "GET", case, waitFor=answer.headers["Position"])
    for state in ("MATCHING", "MATCH_PROPOSED", "CONFIRMED", "MENTORING"):
        for person, action, given in ROAD[state]:
            answer = await people.done(person, f"{case}/{action}", given, etag=answer.headers["ETag"])
    return case


async def told(people: Caller, cases: list[str]) -> list[int]:
    """How often each case was told."""
    timelines: list[Any] = [await people.read(INES, f"{case}/timeline") for case in cases]
    return [sum(item["type"] == "CharterChanged" for item in timeline["items"]) for timeline in timelines]


@pytest.mark.timeout(240)
async def test_each_running_match_is_told_once_of_a_charter_though_the_process_dies_on_the_way(
    program: Start, caller: Callable[[Program], Caller]
) -> None:
    """Killed again and again while the clock passes the day on which the version begins."""
    sandbox = program("sandbox", "--empty")
    await sandbox.start()
    async with caller(sandbox) as people:
        await moved(people, BEGINS)
        assert (await people.send(LOTTE, "PUT", "/v1/mentors/M-41", PROFILE)).is_success
        cases = list[str]()
        while len(cases) < MATCHES:
            cases += await asyncio.gather(*(match(people) for _ in range(MADE_AT_ONCE)))
        assert (await people.send(OPERATOR, "PUT", "/v1/charters/v2", CHARTER)).is_success
        later = {**PROGRAMME_VERSION, "charterVersion": "v2", "validFrom": "2026-02-02"}
        published = await people.send(OPERATOR, "PUT", f"/v1/programmes/{PROGRAMME}/versions/2", later)
        assert published.is_success, published.text
        await people.settled()
        await moved(people, on(1, 2))
        assert await told(people, cases) == [0] * MATCHES
        cut_off = 0
        for _ in range(KILLS):
            journey = asyncio.create_task(moved(people, on(2, 2)))
            await asyncio.wait([journey], timeout=random.uniform(0.01, 0.15))
            sandbox.kill()
            (outcome,) = await asyncio.gather(journey, return_exceptions=True)
            assert outcome is None or isinstance(outcome, httpx.TransportError), outcome
            cut_off += outcome is not None
            await sandbox.start()
        assert cut_off
        await moved(people, on(3, 2))
        assert await told(people, cases) == [1] * MATCHES
    await sandbox.stop()
    files_are_sound(sandbox.data)
    streams_are_contiguous(sandbox.data)
