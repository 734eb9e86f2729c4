"""The real services and witnesses in other processes: three cosign, two are enough, and a rollback is not signed."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.chassis.transparency.checkpoints import Checkpoint
from services.chassis.transparency.notes import Note
from services.chassis.transparency.trust_policy import Distrusted, TrustPolicy
from tests.casefile.cases import SERVICES, CaseContext
from tests.support.backups import caserelay
from tests.support.people import AUDITOR
from tests.support.running import Running, listening, running
from tests.witness.witnesses import Witness, witnessing

pytestmark = [pytest.mark.slow, pytest.mark.on_files, pytest.mark.timeout(240)]
LOGS = ("referral", "casefile", "notifications")


async def a_case(services: Running) -> None:
    """A case, all of it signed."""
    context = CaseContext(services)
    if await services.service("casefile").log.head() == 0:
        await services.set_the_scene()
        await context.describe_mentor()
    await context.brought_to("INTAKE")


async def checkpoint(services: Running, log: str = "referral") -> Note:
    """The checkpoint that is served."""
    answer = await services.get(AUDITOR, f"/v1/audit/{log}/checkpoint")
    assert answer.status_code == 200
    return Note.read(answer.content)


async def keys_drawn(data: Path) -> list[str]:
    """The services have begun, and their logs have keys, by which witnesses know them."""
    async with running(data, SERVICES) as services:
        await a_case(services)
        for log in LOGS:
            await checkpoint(services, log)
        return [(await services.get(AUDITOR, f"/v1/audit/{log}/keys")).text.strip() for log in LOGS]


def policy_file(file: Path, quorum: str, witnesses: list[Witness], logs: list[str]) -> Path:
    """The policy that names the logs and the witnesses with their URLs."""
    lines = [f"log {log}" for log in logs]
    lines += [f"witness w{n} {each.key.text} {each.url}" for n, each in enumerate(witnesses)]
    names = " ".join(f"w{n}" for n in range(len(witnesses)))
    file.write_text("\n".join([*lines, f"group enough {quorum} {names}", "quorum enough", ""]))
    return file


@contextmanager
def three(directory: Path, logs: list[str]) -> Iterator[list[Witness]]:
    """Three witnesses of three organisations."""
    with ExitStack() as stack:
        yield [stack.enter_context(witnessing(directory / f"w{n}" / "key", *logs)) for n in range(3)]


async def cosigned(services: Running, policy: TrustPolicy, log: str = "referral") -> Note:
    """The newest checkpoint, once it has the quorum."""
    async with asyncio.timeout(30):
        while True:
            note = await checkpoint(services, log)
            try:
                policy.check(note)
            except Distrusted:
                await asyncio.sleep(0.1)
            else:
                return note


async def failing(services: Running, work: str, why: str) -> None:
    """Returns once the background work fails for this reason."""
    async with asyncio.timeout(30):
        while services.service("referral").failing().get(work) != why:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)


async def witnessed(data: Path, file: Path, witnesses: list[Witness]) -> None:
    """One witness is killed: two are enough, and nothing is held up; with two killed the quorum is missed."""
    policy = TrustPolicy.read(await asyncio.to_thread(file.read_bytes))
    async with running(data, SERVICES, witness_policy=file) as services:
        await a_case(services)
        for log in LOGS:
            await cosigned(services, policy, log)
        assert services.service("referral").failing() == {}
        witnesses[0].kill()
        began = time.monotonic()
        await a_case(services)
        note = await cosigned(services, policy)
        assert {*policy.check(note).cosigned} == {"w1", "w2"}
        shown = await asyncio.to_thread(caserelay, "audit", "checkpoint", "referral", data=data)
        assert {*policy.check(Note.read(shown.out.encode())).cosigned} == {"w1", "w2"}
        witnesses[1].kill()
        await a_case(services)
        # What is served covers what was recorded, whatever the witnesses do.
        head = await services.service("referral").log.head()
        assert Checkpoint.read((await checkpoint(services)).text).size == head
        await failing(services, "referral witnesses", "QuorumMissed")
        assert time.monotonic() - began < 60


async def not_signed(data: Path, file: Path, why: str) -> None:
    """The services work on, sign nothing more, and name the reason."""
    async with running(data, SERVICES, witness_policy=file) as services:
        await failing(services, "referral audit", why)
        before = await checkpoint(services)
        await a_case(services)
        assert (await checkpoint(services)).text == before.text


def test_two_of_three_witnesses_are_enough_and_a_rollback_is_not_signed(tmp_path: Path) -> None:
    """Nothing is remembered but by the witnesses, each in a process and with a store of its own."""
    data = tmp_path / "data"
    logs = asyncio.run(keys_drawn(data))
    before = {path.name: path.read_bytes() for path in data.glob("*.db*")}
    with three(tmp_path, logs) as witnesses:
        file = policy_file(tmp_path / "policy", "2", witnesses, logs)
        asyncio.run(witnessed(data, file, witnesses))
        for path in data.glob("*.db*"):
            path.unlink()
        for name, content in before.items():
            (data / name).write_bytes(content)
        # Two of the witnesses are away: the one that answers is enough to notice it.
        output = caserelay("audit", "verify", "--json", data=data, witness_policy=str(file))
        found = json.loads(output.out)["mismatches"]
        assert output.status == 1
        assert {"log": "referral", "position": 0, "what": "TRUNCATED"} in found
        assert "the witness w0 does not answer" in output.err
        assert json.loads(caserelay("audit", "verify", "--json", data=data).out)["ok"]
        asyncio.run(not_signed(data, file, "RolledBack"))


async def followed(data: Path, token: Path, witness_of: Any) -> None:
    """A witness that nobody reaches asks for the checkpoints of a service that listens."""
    async with running(data, SERVICES) as quiet, listening(quiet) as services:
        await a_case(services)
        await asyncio.to_thread(token.write_text, services.token(AUDITOR))
        with witness_of(("--follow", services.url, "--token", str(token), "--every", "0.2")) as witness:
            async with asyncio.timeout(30), httpx.AsyncClient() as http:
                while True:
                    standing = (await http.get(f"{witness.url}/status")).json()
                    heads = {log: await services.service(log).log.head() for log in LOGS}
                    sizes = {each["origin"].rpartition("/")[2]: each.get("size") for each in standing["logs"]}
                    if sizes == heads:
                        assert standing["ok"]
                        return
                    await asyncio.sleep(0.1)


def finding_of(witness: Witness) -> str:
    """The first file that proves a log wrong."""
    (file, *_) = sorted((witness.records / "findings").glob("*/*.txt"))
    return file.read_text()


async def shows_less(data: Path, token: Path, witness_of: Any) -> str:
    """What a witness says that follows a service whose data were put back."""
    async with running(data, SERVICES) as quiet, listening(quiet) as services:
        await asyncio.to_thread(token.write_text, services.token(AUDITOR))
        with witness_of(("--follow", services.url, "--token", str(token), "--every", "0.2")) as witness:
            async with asyncio.timeout(30), httpx.AsyncClient() as http:
                while (await http.get(f"{witness.url}/status")).json()["ok"]:  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.1)
            return finding_of(witness)


def test_a_witness_that_follows_a_real_service_proves_its_rollback(tmp_path: Path) -> None:
    """With both checkpoints, each signed by the log."""
    data, token = tmp_path / "data", tmp_path / "token"
    logs = asyncio.run(keys_drawn(data))
    before = {path.name: path.read_bytes() for path in data.glob("*.db*")}

    def witness_of(more: tuple[str, ...]) -> Any:
        return witnessing(tmp_path / "key", *logs, more=more)

    asyncio.run(followed(data, token, witness_of))
    for path in data.glob("*.db*"):
        path.unlink()
    for name, content in before.items():
        (data / name).write_bytes(content)
    finding = asyncio.run(shows_less(data, token, witness_of))
    sentence, *notes = finding.split("\n\n", 1)
    assert sentence.startswith("ROLLED BACK")
    assert notes[0].count("\n\n") == 3
