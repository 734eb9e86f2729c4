"""SIGSTOP of the leader over files: another process stands in, unless the stopped one holds a file that it needs.

A process can be stopped in the middle of a transaction, and keeps the file then: nobody can write it until the process
goes on or is killed. All else goes on.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.caller import Caller
from tests.faults.conftest import Start
from tests.faults.processes import Program
from tests.support.people import INES
from tests.support.repetitions import times
from tests.support.requests import another_person

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.xdist_group("fault")]

AT_WORK = 8


def leader(data: Path) -> int:
    """The process that leads the referral service."""
    with closing(sqlite3.connect(f"file:{data / 'referral-lease.db'}?mode=ro", uri=True)) as db:
        return int(db.execute("SELECT process FROM lease").fetchone()[0])


def held_files(data: Path) -> set[str]:
    """Those that nobody else can write now."""
    found = set()
    for file in data.glob("*.db"):
        with closing(sqlite3.connect(file, timeout=0.3, isolation_level=None)) as db:
            try:
                db.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                found.add(file.name)
    return found


async def refer(caller: Caller) -> httpx.Response:
    """One referral."""
    return await caller.send(INES, "POST", "/v1/referrals", another_person(), key=str(uuid.uuid4()))


async def keep_busy(caller: Caller) -> None:
    """Refers one after the other, whatever comes of it, until cancelled."""
    while True:
        try:
            await asyncio.wait_for(refer(caller), 3)
        except (TimeoutError, httpx.TransportError):
            await asyncio.sleep(0.1)


async def reads(caller: Caller, made: httpx.Response) -> dict[str, int]:
    """The status of every kind of answer that has to show what was made."""
    seen = {"waitFor": made.headers["Position"]}
    referral: dict[str, Any] = made.json()
    paths = {
        "referral": f"/v1/referrals/{referral['id']}",
        "timeline": f"/v1/cases/{referral['case']}/timeline",
        "list": "/v1/referrals",
        "cases": "/v1/cases",
        "feed": "/v1/feed",
    }
    answers = await asyncio.gather(*(caller.send(INES, "GET", path, **seen) for path in paths.values()))
    return dict(zip(paths, (answer.status_code for answer in answers), strict=True))


@pytest.mark.timeout(900)
async def test_while_the_leader_is_stopped_the_other_process_shows_what_it_was_told(
    program: Start, caller: Callable[[Program], Caller]
) -> None:
    """At random moments of a leader that is at work; no answer is late unless a file is held, and then it says so."""
    both = [program("serve", "all", wait_seconds="30") for _ in range(2)]
    await asyncio.gather(*(one.start() for one in both))
    async with caller(both[0]) as first, caller(both[1]) as second:
        callers = [first, second]
        await first.set_the_scene()
        for _ in range(times(30)):
            led = next(number for number, one in enumerate(both) if leader(one.data) in one.pids)
            work = [asyncio.create_task(keep_busy(callers[led])) for _ in range(AT_WORK)]
            await asyncio.sleep(1 + random.random())
            other, known = callers[1 - led], await refer(callers[1 - led])
            both[led].pause()
            held = held_files(both[led].data)
            made = asyncio.create_task(refer(other))
            # Own writes are read without the one who leads, and whatever is held.
            read = await other.send(
                INES, "GET", f"/v1/referrals/{known.json()['id']}", waitFor=known.headers["Position"]
            )
            assert read.status_code == 200, held
            if held & {"referral-log.db", "referral-vault.db"}:
                assert not made.done()
                refused = await made
                assert (refused.status_code, refused.json()["code"]) == (503, "STORE_UNAVAILABLE")
            else:
                answer = await made
                assert answer.status_code == 201, (held, answer.text)
                found = await reads(other, answer)
                assert found["referral"] == 200
                if not held:
                    assert set(found.values()) == {200}, found
            both[led].go_on()
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
            await first.settled()
    for one in both:
        await one.stop()
