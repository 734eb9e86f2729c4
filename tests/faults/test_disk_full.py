"""When nothing more can be written, commands are refused, and what was acknowledged before is still there."""

from __future__ import annotations

import asyncio
import resource
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from services.assembly import SERVICES
from services.chassis.index_sqlite import SQLiteIndex
from tests.faults.caller import Caller, until
from tests.faults.conftest import Start
from tests.faults.evidence import Evidence, files_are_sound, streams_are_contiguous, vault_holds
from tests.faults.processes import Program
from tests.people import INES, LOTTE, another_person
from tests.running import running

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.xdist_group("fault")]

PLENTY = resource.RLIM_INFINITY
SMALL = 4096
"""Bytes: no store can grow, or write anywhere but at its very beginning."""


def files_may_grow_to(program: Program, size: int) -> None:
    """From now on, for a process that runs."""
    _, hard = resource.prlimit(program.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(program.pid, resource.RLIMIT_FSIZE, (size, hard))


@pytest.mark.timeout(90)
async def test_without_room_commands_are_refused_and_nothing_that_was_acknowledged_is_lost(
    program: Start, caller: Callable[[Program], Caller]
) -> None:
    """As soon as there is room again the same process takes the same commands under the same keys."""
    served = program("serve", "all")
    await served.start()
    async with caller(served) as people:
        await people.set_the_scene()
        first = await people.done(INES, "/v1/referrals", another_person(), key=str(uuid.uuid4()))
        path = f"/v1/referrals/{first.json()['id']}"
        await people.settled()
        wanted = {str(uuid.uuid4()): another_person() for _ in range(10)}

        files_may_grow_to(served, SMALL)
        for key, body in wanted.items():
            refused = await people.send(INES, "POST", "/v1/referrals", body, key=key)
            assert refused.status_code in (500, 503), refused.text
            assert refused.headers["Content-Type"] == "application/problem+json"
            assert body["contact"]["name"] not in refused.text
        refused = await people.send(LOTTE, "POST", f"{path}/receive", {}, etag=first.headers["ETag"])
        assert refused.status_code in (500, 503), refused.text
        # What is there can still be read.
        assert (await people.read(INES, path))["state"] == "SUBMITTED"
        assert len(await people.listed(INES, "/v1/referrals")) == 1

        files_may_grow_to(served, PLENTY)
        answers = await asyncio.gather(
            *(people.send(INES, "POST", "/v1/referrals", body, key=key) for key, body in wanted.items())
        )
        assert [answer.status_code for answer in answers] == [201] * len(wanted)
        await people.done(LOTTE, f"{path}/receive", etag=first.headers["ETag"])

        evidence = await Evidence.gathered(people)
        assert set(evidence.referrals) == {answer.json()["id"] for answer in (first, *answers)}
        evidence.holds_nothing_twice()
        evidence.agrees_everywhere()

        async def nothing_fails() -> bool:
            return not any(service["failing"] for service in (await people.settled()).values())

        await until(nothing_fails)
    await served.stop()
    files_are_sound(served.data)
    streams_are_contiguous(served.data)
    vault_holds(served.data, evidence.referrals)


async def test_a_list_whose_index_cannot_be_written_says_so_instead_of_hanging(tmp_path: Path) -> None:
    """Commands go on, since they need the log alone; the list comes back when its index does."""
    builds = {"referral": SERVICES["referral"]}
    async with running(tmp_path, builds, wait_seconds=0.3) as here:
        await here.set_the_scene()
        await here.settle()
        index = here.service("referral").index
        assert isinstance(index, SQLiteIndex)
        index._db.execute("PRAGMA query_only = ON")
        made = await here.create(INES, "/v1/referrals", another_person())
        assert made.status_code == 201, made.text
        answer = await here.get(INES, "/v1/referrals")
        assert (answer.status_code, answer.json()["code"]) == (503, "CATCHING_UP")
        assert "Retry-After" in answer.headers
        index._db.execute("PRAGMA query_only = OFF")
        await here.settle()
        assert [one["id"] for one in (await here.read(INES, "/v1/referrals"))["items"]] == [made.json()["id"]]
