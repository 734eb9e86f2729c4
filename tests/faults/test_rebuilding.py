"""Only the logs and the vault cannot be made again: whatever else is lost is rebuilt from them at the next start."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from tests.faults.caller import Caller
from tests.faults.conftest import Start
from tests.faults.evidence import files_are_sound, streams_are_contiguous
from tests.faults.processes import Program
from tests.support.people import AUDITOR, INES, LOTTE
from tests.support.requests import another_person
from tests.support.timelines import without_tellings

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.xdist_group("fault")]

REFERRALS = 4
"""Before a subscriber reads its feed, and as many after."""
LOST: Final = {
    "bus": ("bus.db",),
    "places of consumers": ("casefile-consumers.db", "notifications-consumers.db"),
    "indexes": ("*-index.db", "*-reports.db"),
    "all of them": ("bus.db", "*-consumers.db", "*-index.db", "*-reports.db"),
}


async def a_referral_is_accepted(people: Caller) -> dict[str, Any]:
    """The referral."""
    answer = await people.done(INES, "/v1/referrals", another_person(), key=str(uuid.uuid4()))
    referral: dict[str, Any] = answer.json()
    for action, body in (("receive", {}), ("accept", {"coordinator": LOTTE.sub})):
        path = f"/v1/referrals/{referral['id']}/{action}"
        answer = await people.done(LOTTE, path, body, etag=answer.headers["ETag"])
    return referral


async def told(people: Caller) -> dict[str, Any]:
    """What the parties read: feeds with their cursors, timelines, lists and worklists."""
    cases = await people.listed(INES, "/v1/cases")
    timelines = {
        one["id"]: without_tellings(await people.read(LOTTE, f"/v1/cases/{one['id']}/timeline")) for one in cases
    }
    return {
        "feeds": {reader.org: await people.feed(reader) for reader in (INES, LOTTE, AUDITOR)},
        "timelines": timelines,
        "referrals": await people.listed(LOTTE, "/v1/referrals"),
        "cases": cases,
        "worklist": await people.listed(LOTTE, "/v1/worklist"),
    }


def lose(directory: Path, *patterns: str) -> None:
    """Deletes the files with all that SQLite keeps beside them."""
    lost = [file for pattern in patterns for file in directory.glob(f"{pattern}*")]
    assert len(lost) >= len(patterns)
    for file in lost:
        file.unlink()


@pytest.mark.timeout(240)
async def test_what_is_lost_beside_the_logs_is_rebuilt_and_nobody_is_told_anything_twice(
    program: Start, caller: Callable[[Program], Caller]
) -> None:
    """Each of `LOST`, of a copy: every answer is as before, and a subscriber goes on from the cursor that it had."""
    running = program("serve", "all")
    await running.start()
    async with caller(running) as people:
        await people.set_the_scene()
        for _ in range(REFERRALS):
            await a_referral_is_accepted(people)
        await people.settled()
        half = await people.feed(LOTTE)
        for _ in range(REFERRALS):
            await a_referral_is_accepted(people)
        await people.settled()
        before = await told(people)
    await running.stop()

    for name, lost in LOST.items():
        copy = program("serve", "all", data=name)
        shutil.copytree(running.data, copy.data)
        lose(copy.data, *lost)
        await copy.start()
        async with caller(copy) as people:
            try:
                await goes_on(people, before, *half)
            except AssertionError as failure:
                failure.add_note(f"lost: {name}")
                raise
        await copy.stop()
        files_are_sound(copy.data)
        streams_are_contiguous(copy.data)


async def goes_on(people: Caller, before: dict[str, Any], half: list[dict[str, Any]], cursor: str) -> None:
    """All is as before for everybody, and for the one who had read half of it; and what is new is told once."""
    ready = await people.settled()
    assert await told(people) == before
    assert half
    rest, cursor = await people.feed(LOTTE, cursor)
    assert half + rest == before["feeds"][LOTTE.org][0]

    referral = await a_referral_is_accepted(people)
    await people.settled()
    news, _ = await people.feed(LOTTE, cursor)
    assert {event["subject"] for event in news} == {referral["case"]}
    types = [event["type"].removeprefix("org.caserelay.") for event in news]
    assert sorted(types) == [
        "case.opened.v1",
        "case.responsibility_transferred.v1",
        "referral.accepted.v1",
        "referral.received.v1",
        "referral.submitted.v1",
    ]
    assert not any(count for service in ready.values() for count in service["parked"].values())
