"""When nothing more can be written, commands are refused, and what was acknowledged before is still there."""

from __future__ import annotations

import asyncio
import resource
import sys
import uuid
from collections.abc import Callable

import pytest

from tests.faults.caller import Caller
from tests.faults.conftest import Start
from tests.faults.evidence import Evidence, files_are_sound, streams_are_contiguous, vault_holds
from tests.faults.processes import Program
from tests.people import INES, LOTTE, another_person

pytestmark = [
    pytest.mark.slow,
    pytest.mark.fault,
    pytest.mark.xdist_group("fault"),
    pytest.mark.skipif(sys.platform != "linux", reason="the size of a running process's files is limited by prlimit(2)"),
]

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
    running = program("serve", "all")
    await running.start()
    async with caller(running) as people:
        await people.set_the_scene()
        first = await people.done(INES, "/v1/referrals", another_person(), key=str(uuid.uuid4()))
        path = f"/v1/referrals/{first.json()['id']}"
        wanted = {str(uuid.uuid4()): another_person() for _ in range(10)}

        files_may_grow_to(running, SMALL)
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

        files_may_grow_to(running, PLENTY)
        answers = await asyncio.gather(
            *(people.send(INES, "POST", "/v1/referrals", body, key=key) for key, body in wanted.items())
        )
        assert [answer.status_code for answer in answers] == [201] * len(wanted)
        await people.done(LOTTE, f"{path}/receive", etag=first.headers["ETag"])

        evidence = await Evidence.gathered(people)
        assert set(evidence.referrals) == {answer.json()["id"] for answer in (first, *answers)}
        evidence.holds_nothing_twice()
        evidence.agrees_everywhere()
        assert not any(service["failing"] for service in evidence.ready.values())
    await running.stop()
    files_are_sound(running.data)
    streams_are_contiguous(running.data)
    vault_holds(running.data, evidence.referrals)
