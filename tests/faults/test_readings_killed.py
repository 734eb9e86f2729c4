"""Those who oversee and were answered stand in the log of access, whatever happens to the process right after."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.faults.caller import Caller, until
from tests.faults.conftest import Start
from tests.faults.evidence import files_are_sound, streams_are_contiguous
from tests.faults.processes import Program
from tests.faults.test_disk_full import PLENTY, SMALL, files_may_grow_to
from tests.support.people import DPO_OF_AGENCY, INES, Person
from tests.support.repetitions import in_full, times
from tests.support.requests import another_person

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.xdist_group("fault"), pytest.mark.timeout(times(600))]

KILLS = in_full(60, short=4)


def auditor(number: int) -> Person:
    """One of many, so that each reading can be told from the others."""
    return Person(f"auditor.{number}", "rekenhof-demo", "AUDITOR")


async def a_case(people: Caller) -> tuple[str, str]:
    """The paths of a case and of its referral."""
    await people.set_the_scene()
    made = (await people.done(INES, "/v1/referrals", another_person(), key=str(uuid.uuid4()))).json()
    await people.settled()
    return f"/v1/cases/{made['case']}", f"/v1/referrals/{made['id']}"


async def readers(people: Caller, case: str) -> list[str]:
    """Who is on record as having read the case."""
    found, cursor = list[str](), dict[str, Any]()
    while True:
        page = await people.read(DPO_OF_AGENCY, f"{case}/accesses", limit=200, **cursor)
        found += [item["by"]["sub"] for item in page["items"]]
        if page["next"] is None:
            return found
        cursor = {"cursor": page["next"]}


async def test_who_was_answered_is_on_record_though_the_process_is_killed_at_once(
    program: Start, caller: Callable[[Program], Caller]
) -> None:
    """Two at once each time, of two services; those who had no answer may stand there too, and nobody twice."""
    served = program("serve", "all")
    await served.start()
    answered = set[str]()
    async with caller(served) as people:
        case, referral = await a_case(people)
        for kill in range(KILLS):
            asking = [
                asyncio.create_task(people.send(auditor(2 * kill + n), "GET", path))
                for n, path in enumerate((case, referral))
            ]
            await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
            served.kill()
            for number, answer in enumerate(await asyncio.gather(*asking, return_exceptions=True)):
                if isinstance(answer, httpx.Response) and answer.status_code == 200:
                    answered.add(auditor(2 * kill + number).sub)
            await served.start()
        found = [sub for sub in await readers(people, case) if sub.startswith("auditor.")]
    assert len(answered) >= KILLS // 2
    assert answered <= set(found)
    assert len(found) == len(set(found))
    await served.stop()
    files_are_sound(served.data)
    streams_are_contiguous(served.data)


async def test_without_room_those_who_oversee_are_not_answered_and_others_are(
    program: Start, caller: Callable[[Program], Caller]
) -> None:
    """The refusal says why and when to come again; as soon as there is room they are answered, and on record."""
    served = program("serve", "all")
    await served.start()
    async with caller(served) as people:
        case, referral = await a_case(people)
        files_may_grow_to(served, SMALL)
        for path in (case, referral, f"{case}/timeline", "/v1/cases"):
            refused = await people.send(auditor(1), "GET", path)
            assert (refused.status_code, refused.json()["code"]) == (503, "READING_NOT_RECORDED"), refused.text
            assert int(refused.headers["Retry-After"]) > 0
            assert (await people.send(INES, "GET", path)).status_code == 200
        files_may_grow_to(served, PLENTY)

        async def answered() -> bool:
            return (await people.send(auditor(2), "GET", case)).status_code == 200

        await until(answered)
        assert await readers(people, case) == [auditor(2).sub]
    await served.stop()
    files_are_sound(served.data)
