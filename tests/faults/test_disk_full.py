"""When nothing more can be written, commands are refused, and what was acknowledged before is still there."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import resource
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.chassis.index.sqlite import SQLiteIndex
from tests.casefile.cases import SERVICES
from tests.faults.caller import Caller, until
from tests.faults.conftest import Start
from tests.faults.evidence import Evidence, files_are_sound, streams_are_contiguous, vault_holds
from tests.faults.processes import Program
from tests.support.mounts import mounted
from tests.support.people import INES, LOTTE
from tests.support.requests import another_person
from tests.support.running import running

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.xdist_group("fault")]

PLENTY = resource.RLIM_INFINITY
SMALL = 4096
"""Bytes: no store can grow, or write anywhere but at its very beginning."""
SMALL_FILE_SYSTEM = "12m"


@pytest.fixture
def small_file_system(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with little room, where this user may mount one."""
    with mounted(tmp_path / "small", SMALL_FILE_SYSTEM) as where:
        yield where


def fill(file: Path) -> None:
    """Takes all the room that is left."""
    with file.open("ab", buffering=0) as taking:
        for size in (65_536, 4096):
            with contextlib.suppress(OSError):
                while taking.write(bytes(size)) == size:
                    pass


def files_may_grow_to(program: Program, size: int) -> None:
    """From now on, for a process that runs."""
    for pid in program.pids:
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


def lines_of(program: Program) -> list[dict[str, Any]]:
    """What the program has logged."""
    return [json.loads(line) for line in program.said.read_text().splitlines() if line.startswith("{")]


async def sample(people: Caller, name: str) -> dict[str, float]:
    """What `/metrics` shows under a name, by the labels as they are written."""
    shown = (await people.probe("/metrics")).text
    found = re.findall(rf"^{name}(\{{.*\}})? (\S+)$", shown, re.MULTILINE)
    return {labels: float(value) for labels, value in found}


async def refused_for_want_of_a_store(people: Caller, body: Any, key: str) -> httpx.Response:
    """A referral that cannot be stored: the answer says which store, when to come again, and nothing of the data."""
    refused = await people.send(INES, "POST", "/v1/referrals", body, key=key)
    assert (refused.status_code, refused.json()["code"]) == (503, "STORE_UNAVAILABLE"), refused.text
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert int(refused.headers["Retry-After"]) > 0
    assert re.match(r"the (log|vault) is unavailable", refused.json()["detail"])
    assert body["contact"]["name"] not in refused.text
    return refused


async def says_that_it_is_not_ready(people: Caller) -> None:
    """Which store of which service it lacks, by SQLite's name for it."""
    answer = await people.probe("/readyz")
    assert answer.status_code == 503, answer.text
    lacks = answer.json()["unavailable"]["referral"]
    assert lacks.keys() & {"vault", "log"}
    assert all(code.startswith(("SQLITE_FULL", "SQLITE_IOERR")) for code in lacks.values())
    assert 1 in (await sample(people, "caserelay_store_unavailable")).values()
    errors = await sample(people, "caserelay_store_errors_total")
    assert any('service="referral"' in labels and "SQLITE_" in labels for labels in errors)


async def is_ready(people: Caller) -> bool:
    """Whether it takes work again."""
    return (await people.probe("/readyz")).status_code == 200


def tells_each_refusal_once(program: Program, refusals: Sequence[httpx.Response]) -> None:
    """One line each, with the engine's code, the route's template and the trace that the answer named."""
    told = lines_of(program)
    for refused in refusals:
        trace = refused.headers["traceparent"].split("-")[1]
        (line,) = [line for line in told if line.get("trace_id") == trace]
        assert (line["route"], line["status"]) == (refused.request.url.path, 503)
        assert line["store"] in ("log", "vault")
        assert line["code"].startswith("SQLITE_")


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
            await refused_for_want_of_a_store(people, body, key)
        await says_that_it_is_not_ready(people)
        refused = await people.send(LOTTE, "POST", f"{path}/receive", {}, etag=first.headers["ETag"])
        assert (refused.status_code, refused.json()["code"]) == (503, "STORE_UNAVAILABLE"), refused.text
        # What is there can still be read.
        assert (await people.read(INES, path))["state"] == "SUBMITTED"
        assert len(await people.listed(INES, "/v1/referrals")) == 1
        # Asked again and again, it stays so: a store that is asked whether it can be written must not seem well.
        for _ in range(8):
            assert not await is_ready(people)
            await asyncio.sleep(0.25)

        files_may_grow_to(served, PLENTY)
        await until(lambda: is_ready(people))
        assert 1 not in (await sample(people, "caserelay_store_unavailable")).values()
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


@pytest.mark.timeout(90)
async def test_without_room_what_the_person_withdrew_stays_refused(
    program: Start, caller: Callable[[Program], Caller]
) -> None:
    """The refusal cannot be noted, and is one all the same; once there is room, attempts are noted again."""
    served = program("serve", "all")
    await served.start()
    async with caller(served) as people:
        await people.set_the_scene()
        first = await people.done(INES, "/v1/referrals", another_person(), key=str(uuid.uuid4()))
        path = f"/v1/referrals/{first.json()['id']}"
        basis = f"/v1/legal-bases/{(await people.read(INES, path))['legalBasis']['id']}"
        etag = (await people.send(INES, "GET", basis)).headers["ETag"]
        await people.done(INES, f"{basis}/withdraw", etag=etag)
        await people.settled()

        async def attempts() -> list[Any]:
            found: list[Any] = (await people.read(INES, f"{path}/disclosures", refused="true"))["items"]
            return found

        files_may_grow_to(served, SMALL)
        for what in ("contact", "texts"):
            refused = await people.send(LOTTE, "GET", f"{path}/{what}")
            assert (refused.status_code, refused.json()["code"]) == (403, "LEGAL_BASIS_WITHDRAWN"), refused.text
        assert await attempts() == []
        files_may_grow_to(served, PLENTY)
        await until(lambda: is_ready(people))
        await people.send(LOTTE, "GET", f"{path}/contact")
        assert [item["attempt"] for item in await attempts()] == ["read-contact"]
    await served.stop()
    unnoted = [line for line in lines_of(served) if line.get("message") == "a refusal was not noted"]
    assert [line["code"] for line in unnoted] == ["LEGAL_BASIS_WITHDRAWN"] * 2


@pytest.mark.timeout(120)
async def test_a_full_file_system_comes_back_by_itself_when_there_is_room(
    program: Start, caller: Callable[[Program], Caller], small_file_system: Path, tmp_path: Path
) -> None:
    """A real one, filled by somebody else while all services work; nothing that was acknowledged is lost or doubled."""
    served = program("serve", "all", data=str(small_file_system / "data"))
    served.said = tmp_path / "said"
    await served.start()
    async with caller(served) as people:
        await people.set_the_scene()
        taken = [await people.done(INES, "/v1/referrals", another_person(), key=str(uuid.uuid4())) for _ in range(5)]
        await people.settled()

        filled = small_file_system / "somebody else's"
        fill(filled)
        refusals, tries = list[httpx.Response](), 0
        wanted = dict[str, Any]()
        # What a log has grown to before may hold some more.
        while len(refusals) < 5:
            tries += 1
            assert tries < 500, "the disk never fills"
            key, body = str(uuid.uuid4()), another_person()
            answer = await people.send(INES, "POST", "/v1/referrals", body, key=key)
            if answer.status_code == 201:
                taken.append(answer)
                fill(filled)
                continue
            refusals.append(await refused_for_want_of_a_store(people, body, key))
            wanted[key] = body
        await says_that_it_is_not_ready(people)

        filled.unlink()
        await until(lambda: is_ready(people))
        for key, body in wanted.items():
            taken.append(await people.done(INES, "/v1/referrals", body, key=key))
        evidence = await Evidence.gathered(people)
        assert set(evidence.referrals) == {answer.json()["id"] for answer in taken}
        evidence.holds_nothing_twice()
        evidence.agrees_everywhere()
        assert not any(any(service["parked"].values()) for service in (await people.settled()).values())
    await served.stop()
    tells_each_refusal_once(served, refusals)
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
