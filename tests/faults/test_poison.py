"""A message that cannot be handled waits aside, where an operator sees it, and holds up its own case alone."""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.caller import Caller, until
from tests.faults.conftest import Start
from tests.faults.processes import Program
from tests.support.people import INES, LOTTE
from tests.support.requests import another_person

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.xdist_group("fault")]

TOPIC = "caserelay.referral.v1"
POISONS = (b"\xff{", b'{"specversion": "1.0"}')
"""Garbage, and what has another shape."""


def change(file: Path, statement: str, *values: object) -> int:
    """Runs one statement on a file; how many rows it changed."""
    with closing(sqlite3.connect(file)) as db:
        changed = db.execute(statement, values).rowcount
        db.commit()
    return changed


async def referred(people: Caller) -> dict[str, Any]:
    """A referral that was received."""
    answer = await people.done(INES, "/v1/referrals", another_person(), key=str(uuid.uuid4()))
    referral: dict[str, Any] = answer.json()
    await people.done(LOTTE, f"/v1/referrals/{referral['id']}/receive", etag=answer.headers["ETag"])
    return referral


async def parked(url: str) -> dict[str, int]:
    """What /metrics says of messages from the referral service that wait aside, by service."""
    async with httpx.AsyncClient(base_url=url) as http:
        lines = (await http.get("/metrics")).text.splitlines()
    counts = [line.split() for line in lines if line.startswith("caserelay_parked_messages{")]
    return {
        name.split('service="')[1].split('"')[0]: int(float(value))
        for name, value in counts
        if 'source="referral"' in name
    }


async def types_on_timeline(people: Caller, case: str) -> list[str]:
    """What the agency reads there of the referral."""
    items = (await people.read(INES, f"/v1/cases/{case}/timeline"))["items"]
    return [item["type"] for item in items if item["type"].startswith("Referral")]


@pytest.mark.timeout(120)
async def test_a_message_that_cannot_be_handled_waits_aside_and_holds_up_only_its_own_case(
    program: Start, caller: Callable[[Program], Caller]
) -> None:
    """It is counted in /readyz and in /metrics, survives a kill, and is taken in once it is put right."""
    alone = program("serve", "referral")
    await alone.start()
    async with caller(alone) as people:
        await people.set_the_scene()
        sick = [(await referred(people))["case"] for _ in POISONS]
        well = await referred(people)
        await people.settled()
    await alone.stop()
    bus, bodies = alone.data / "bus.db", dict[int, bytes]()
    for case, poison in zip(sick, POISONS, strict=True):
        with closing(sqlite3.connect(bus)) as db:
            query = "SELECT position, body FROM messages WHERE topic = ? AND key = ? ORDER BY position LIMIT 1"
            position, bodies[position] = db.execute(query, (TOPIC, case)).fetchone()
        changed = change(bus, "UPDATE messages SET body = ? WHERE topic = ? AND position = ?", poison, TOPIC, position)
        assert changed == 1
    # Each message itself, and the one behind it of the same case.
    aside = 2 * len(POISONS)

    running = program("serve", "all")
    await running.start()
    async with caller(running) as people:
        ready = await people.settled()
        assert [ready[name]["parked"]["referral"] for name in ("casefile", "notifications")] == [aside, aside]
        assert await parked(running.url) == {"casefile": aside, "notifications": aside}
        assert not any(service["failing"] for service in ready.values())
        for case in sick:
            assert (await people.send(INES, "GET", f"/v1/cases/{case}")).status_code == 404
        assert await types_on_timeline(people, well["case"]) == ["ReferralSubmitted", "ReferralReceived"]
        late = await referred(people)
        await people.settled()
        assert await types_on_timeline(people, late["case"]) == ["ReferralSubmitted", "ReferralReceived"]
        subjects = {event["subject"] for event in (await people.feed(LOTTE))[0]}
        assert {well["case"], late["case"]} <= subjects
        assert subjects.isdisjoint(sick)

    running.kill()
    for name in ("casefile", "notifications"):
        repaired = "UPDATE parked SET body = ?, tries = 0, retry_at = ? WHERE position = ?"
        for position, body in bodies.items():
            assert change(running.data / f"{name}-consumers.db", repaired, body, time.time(), position) == 1
    await running.start()
    async with caller(running) as people:

        async def healed() -> bool:
            return not any((await parked(running.url)).values())

        await until(healed)
        await people.settled()
        events, _ = await people.feed(LOTTE)
        kinds = ("case.opened", "referral.received", "referral.submitted")
        for case in sick:
            assert await types_on_timeline(people, case) == ["ReferralSubmitted", "ReferralReceived"]
            types = sorted(event["type"] for event in events if event["subject"] == case)
            assert types == [f"org.caserelay.{kind}.v1" for kind in kinds]
    await running.stop()
