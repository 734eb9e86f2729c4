"""Deadlines that fall due while nothing runs, or while the process dies, are kept once each, as if nothing happened."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.faults.caller import Caller, until
from tests.faults.conftest import Start
from tests.faults.evidence import files_are_sound, streams_are_contiguous
from tests.faults.processes import Program
from tests.support.people import INES, LOTTE, OPERATOR
from tests.support.repetitions import in_full
from tests.support.requests import another_person

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.xdist_group("fault")]

BEGINS = datetime.fromisoformat("2026-01-12T09:30:00Z")
ENDS = BEGINS + timedelta(days=45)
REFERRALS = in_full(20, short=8)
LEGS = in_full(6, short=2)
"""The journey is cut off in each of them."""


async def moved(people: Caller, to: datetime) -> None:
    """Moves the clock; where a journey was cut off it may have come further already."""
    answer = await people.send(OPERATOR, "PUT", "/v1/sandbox/clock", {"now": to.isoformat()})
    assert answer.status_code == 200, answer.text


async def referred(people: Caller, how_many: int, accepted: int = 0) -> list[dict[str, Any]]:
    """Referrals that nobody will answer; every other one is received, and the first are accepted and left alone."""
    made = []
    for number in range(how_many):
        answer = await people.done(INES, "/v1/referrals", another_person(), key=str(uuid.uuid4()))
        made.append(answer.json())
        path, etag = f"/v1/referrals/{made[-1]['id']}", answer.headers["ETag"]
        if number % 2 or number < accepted:
            etag = (await people.done(LOTTE, f"{path}/receive", etag=etag)).headers["ETag"]
        if number < accepted:
            await people.done(LOTTE, f"{path}/accept", {"coordinator": LOTTE.sub}, etag=etag)
    return made


async def history(people: Caller, referrals: list[dict[str, Any]]) -> list[Counter[tuple[str, str]]]:
    """What each timeline tells, text by text, and how often."""
    await people.settled()
    told = []
    for referral in referrals:
        items = (await people.read(INES, f"/v1/cases/{referral['case']}/timeline"))["items"]
        told.append(Counter((item["type"], item["text"]) for item in items))
    return told


def times(told: Counter[tuple[str, str]], kind: str) -> int:
    """How often a timeline tells of something of that type."""
    return sum(n for (of, _), n in told.items() if of == kind)


@pytest.mark.timeout(150)
async def test_deadlines_are_kept_once_each_though_the_process_dies_on_the_way(
    program: Start, caller: Callable[[Program], Caller]
) -> None:
    """A journey of the clock that is cut off again and again tells what an undisturbed one tells."""
    quiet, hurt = program("sandbox", "--empty", data="quiet"), program("sandbox", "--empty", data="hurt")
    await quiet.start()
    async with caller(quiet) as people:
        await moved(people, BEGINS)
        referrals = await referred(people, REFERRALS, accepted=1)
        await moved(people, ENDS)
        expected = await history(people, referrals)
    await quiet.stop()
    left, *unanswered = expected
    assert [times(one, "ReferralExpired") for one in unanswered] == [1] * len(unanswered)
    assert all(times(one, "DeadlineReminded") > 1 for one in expected)
    # The decision comes to both levels before the offer expires on 11 February, and so does the receipt where there was
    # none; what the lead does next was due on the 18th, and comes to the leads on the 25th.
    assert [times(one, "DeadlineEscalated") for one in unanswered] == [3 if n % 2 else 5 for n in range(1, REFERRALS)]
    # First contact and intake come to both levels, and so does that nobody saw to them.
    assert times(left, "DeadlineEscalated") > 4

    await hurt.start()
    async with caller(hurt) as people:
        await moved(people, BEGINS)
        referrals = await referred(people, REFERRALS, accepted=1)
        cut_off = 0
        for leg in range(1, LEGS + 1):
            journey = asyncio.create_task(moved(people, BEGINS + (ENDS - BEGINS) * leg / LEGS))
            await asyncio.wait([journey], timeout=random.uniform(0.005, 0.06))
            hurt.kill()
            (outcome,) = await asyncio.gather(journey, return_exceptions=True)
            assert outcome is None or isinstance(outcome, httpx.TransportError), outcome
            cut_off += outcome is not None
            await hurt.start()
        assert cut_off
        # The last journey may have arrived before the kill, and the clock runs on from there.
        await moved(people, ENDS + timedelta(minutes=5))
        assert await history(people, referrals) == expected
    await hurt.stop()
    files_are_sound(hurt.data)
    streams_are_contiguous(hurt.data)


@pytest.mark.timeout(90)
async def test_what_fell_due_while_nothing_ran_happens_once_at_the_next_start(
    program: Start, caller: Callable[[Program], Caller]
) -> None:
    """The clock runs on while the sandbox is down; nobody has to move it for the term to be over."""
    sandbox = program("sandbox", "--empty")
    await sandbox.start()
    async with caller(sandbox) as people:
        await moved(people, BEGINS)
        (referral,) = await referred(people, 1)
        expiry = datetime.fromisoformat(referral["dueAt"]["expiry"])
        await moved(people, expiry - timedelta(seconds=2))
        (before,) = await history(people, [referral])
        sandbox.kill()
        await asyncio.sleep(2.5)
        await sandbox.start()

        async def expired() -> bool:
            state: str = (await people.read(INES, f"/v1/referrals/{referral['id']}"))["state"]
            return state == "EXPIRED"

        await until(expired)
        (after,) = await history(people, [referral])
        assert Counter(kind for kind, _ in (after - before).elements()) == {"ReferralExpired": 1, "ReferralReturned": 1}
        sandbox.kill()
        await sandbox.start()
        assert await history(people, [referral]) == [after]
    await sandbox.stop()
