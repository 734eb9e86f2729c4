"""The process that answers and its worker: whichever dies, hangs or stops, nothing is lost, told twice or left over."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.faults.caller import Caller, until
from tests.faults.conftest import Start
from tests.faults.evidence import Evidence, files_are_sound, streams_are_contiguous
from tests.faults.load import Clients
from tests.faults.processes import Program, children
from tests.support.people import INES, LOTTE, OPERATOR
from tests.support.repetitions import in_full
from tests.support.requests import another_person

pytestmark = [
    pytest.mark.slow,
    pytest.mark.fault,
    pytest.mark.xdist_group("fault"),
    pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="only Linux tells of processes there"),
]

CLIENTS = 4
KILLS = in_full(5, short=2)
SOON = 5.0
MOST_MEGABYTES = 250
ALONE = pytest.param(False, id="the process that answers")
BOTH = pytest.param(True, id="both")
FROZEN_AT = "2026-01-12T09:30:00Z"


def worker_of(program: Program) -> int:
    """The worker that runs now."""
    (worker,) = children(program.pid)
    return worker


def runs(pid: int) -> bool:
    """Whether there is such a process, and it has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def is_gone(pid: int) -> bool:
    """Whether a process has ended."""
    return not runs(pid)


def megabytes(pid: int) -> float:
    """Memory of a process; what several share is divided between them."""
    return int(Path(f"/proc/{pid}/smaps_rollup").read_text().partition("Pss:")[2].split()[0]) / 1024


@pytest.fixture
async def served(program: Start) -> Program:
    """All services, with a worker."""
    one = program("serve", "all", processes="2")
    await one.start()
    return one


@pytest.mark.timeout(240)
async def test_what_was_acknowledged_is_told_once_though_the_worker_is_killed_again_and_again(
    served: Program, caller: Callable[[Program], Caller]
) -> None:
    """And everybody is answered meanwhile: no request fails because of it."""
    chance = random.Random(random.getrandbits(32))
    async with caller(served) as people:
        await people.set_the_scene()
        clients = Clients(people, chance)
        working = asyncio.create_task(clients.work(CLIENTS))
        for _ in range(KILLS):
            await asyncio.sleep(chance.uniform(0.2, 1.0))
            killed = worker_of(served)
            os.kill(killed, signal.SIGKILL)
            for _ in range(3):
                referred = await people.send(INES, "POST", "/v1/referrals", another_person(), key=str(uuid.uuid4()))
                assert referred.status_code == 201, referred.text
            await until(partial(another_one_runs, served, killed))
        clients.end()
        await working
        evidence = await Evidence.gathered(people)
        evidence.holds_what_was_acknowledged(clients.told)
        evidence.holds_nothing_twice()
        evidence.agrees_everywhere()
        assert all(not any(service["parked"].values()) for service in evidence.ready.values()), evidence.ready
    await served.stop()
    files_are_sound(served.data)
    streams_are_contiguous(served.data)


async def another_one_runs(program: Program, than: int) -> bool:
    """Whether there is a worker that is not the one that was killed."""
    return any(one != than and runs(one) for one in children(program.pid))


async def test_a_worker_does_not_outlive_the_process_that_it_works_for(served: Program) -> None:
    """Killed, that one has no chance to say so."""
    worker = worker_of(served)
    os.kill(served.pid, signal.SIGKILL)
    await until(lambda: is_gone(worker), within=SOON)
    await asyncio.to_thread(served.kill)


@pytest.mark.parametrize("to_both", in_full([ALONE, BOTH], short=[BOTH]))
async def test_a_signal_to_stop_ends_both(
    served: Program, caller: Callable[[Program], Caller], *, to_both: bool
) -> None:
    """Whether a supervisor tells one of them, or a terminal all; what was acknowledged before is published.

    CI tells both, the worker first, which has to wait for the other one.
    """
    worker = worker_of(served)
    async with caller(served) as people:
        await people.set_the_scene()
        await people.done(INES, "/v1/referrals", another_person(), key=str(uuid.uuid4()))
    if to_both:
        os.kill(worker, signal.SIGTERM)
        os.kill(worker, signal.SIGINT)
        await asyncio.sleep(0.2)
        assert runs(worker), "it stops when nobody can ask anything any more, and not before"
    async with asyncio.timeout(SOON):
        await served.stop()
    assert not runs(worker)


async def test_it_is_told_that_the_worker_is_dead_or_hangs_and_work_is_taken_all_the_same(
    served: Program, caller: Callable[[Program], Caller]
) -> None:
    """By name, in what probes read; and that it is well again."""
    async with caller(served) as people:
        await people.set_the_scene()
        worker = worker_of(served)

        async def said() -> set[str]:
            answer = await people.probe("/readyz")
            assert answer.status_code == 200, answer.text
            return {why for service in answer.json()["services"].values() for why in service["failing"].values()}

        async def says(what: set[str]) -> bool:
            return await said() == what

        assert await said() == set()
        assert 'caserelay_leader{service="referral"} 1.0' in (await people.probe("/metrics")).text
        os.kill(worker, signal.SIGSTOP)
        assert await said() == {"NO_ANSWER"}
        assert (
            'caserelay_failing{service="referral",work="referral worker"} 1.0' in (await people.probe("/metrics")).text
        )
        await people.done(INES, "/v1/referrals", another_person(), key=str(uuid.uuid4()))
        os.kill(worker, signal.SIGKILL)
        await until(lambda: says({"WorkerEnded"}), within=SOON)
        await people.done(INES, "/v1/referrals", another_person(), key=str(uuid.uuid4()))
        await until(lambda: says(set()), within=3 * SOON)
        await people.settled()
        told = [event for event in (await people.feed(LOTTE))[0] if event["type"].endswith("referral.submitted.v1")]
        assert len(told) == 2
    await served.stop()


async def test_what_somebody_has_written_they_read_at_once(
    served: Program, caller: Callable[[Program], Caller]
) -> None:
    """In lists, in the record, and with `waitFor` in other services, however the work is divided."""
    async with caller(served) as people:
        await people.set_the_scene()
        for number in range(1, 21):
            made = await people.done(INES, "/v1/referrals", another_person(), key=str(uuid.uuid4()))
            assert len(await people.listed(INES, "/v1/referrals")) == number
            seen = {"waitFor": made.headers["Position"]}
            timeline = await people.read(INES, f"/v1/cases/{made.json()['case']}/timeline", **seen)
            assert timeline["items"]
            assert len(await people.listed(INES, "/v1/cases", **seen)) == number
        # With room for whatever else the machine has to do.
        assert sum(map(megabytes, served.pids)) < MOST_MEGABYTES
    await served.stop()


async def test_the_sandboxes_clock_is_the_workers_too(program: Start, caller: Callable[[Program], Caller]) -> None:
    """What the worker records is of the time that was set, and deadlines on the way are kept at their own."""
    sandbox = program("sandbox", "--empty", processes="2")
    await sandbox.start()
    async with caller(sandbox) as people:

        async def move(to: str) -> None:
            moved = await people.send(OPERATOR, "PUT", "/v1/sandbox/clock", {"now": to, "frozen": True})
            assert moved.status_code == 200, moved.text

        await move(FROZEN_AT)
        made = await people.done(INES, "/v1/referrals", another_person(), key=str(uuid.uuid4()))
        case, seen = made.json()["case"], {"waitFor": made.headers["Position"]}
        items = (await people.read(INES, f"/v1/cases/{case}/timeline", **seen))["items"]
        assert {item["recordedAt"] for item in items} == {FROZEN_AT}, items
        await move("2026-04-01T08:00:00Z")
        items = (await people.read(INES, f"/v1/cases/{case}/timeline"))["items"]
        late = [item for item in items if item["recordedAt"] != FROZEN_AT]
        assert late, "nobody answered, and no term has passed"
        assert all(FROZEN_AT < item["recordedAt"] < "2026-04-01T08:00:00Z" for item in late), late
        assert all(item["recordedAt"] == item["occurredAt"] for item in late), late
        # Nothing is under way any more when the clock has been moved.
        events = len((await people.feed(INES))[0])
        await asyncio.sleep(1.5)
        assert len((await people.feed(INES))[0]) == events
    await sandbox.stop()


async def test_one_process_does_it_all_where_that_is_wished(program: Start) -> None:
    """CASERELAY_PROCESSES=1."""
    alone = program("serve", "all", processes="1")
    await alone.start()
    assert children(alone.pid) == []
    await alone.stop()
