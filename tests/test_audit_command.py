"""`caserelay audit`: what was tampered with is found and named, and a restored log is signed again in another epoch."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from contracts.audited import ACCESS
from services.chassis.transparency.checkpoints import Checkpoint
from services.chassis.transparency.keys import VerifierKey
from services.chassis.transparency.notes import Note, NotSigned
from tests.casefile.cases import SERVICES, CaseContext
from tests.support.backups import caserelay
from tests.support.people import AUDITOR
from tests.support.running import Running, running

pytestmark = [pytest.mark.slow, pytest.mark.on_files]
LOGS = ("referral", "casefile", "notifications", "access")


async def a_case(directory: Path, **settings: Any) -> str:
    """A case in the files of a directory, all of it signed; its id."""
    async with running(directory, SERVICES, **settings) as services:
        context = CaseContext(services)
        if await services.service("casefile").log.head() == 0:
            await services.set_the_scene()
            await context.describe_mentor()
        case = await context.brought_to("INTAKE")
        assert (await services.get(AUDITOR, case.path)).status_code == 200
        for log in LOGS:
            assert (await services.get(AUDITOR, f"/v1/audit/{log}/checkpoint")).status_code == 200
        return case.path.rpartition("/")[2]


async def refused(directory: Path, why: str, signed: str, **settings: Any) -> None:
    """The service works on and names the refusal; what was signed before is all that there is."""
    async with running(directory, SERVICES, **settings) as services:
        async with asyncio.timeout(20):
            while services.service("referral").failing().get("referral audit") != why:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
        await CaseContext(services).brought_to("INTAKE")
        assert (await services.get(AUDITOR, "/v1/audit/referral/checkpoint")).text == signed


async def head_of(services: Running, log: str) -> int:
    """The last position of a log."""
    if log == ACCESS:
        head: int = await services.apps["casefile"].state.recorder.log.head()
        return head
    return await services.service(log).log.head()


async def signed_in_full(directory: Path, origins: dict[str, str]) -> None:
    """Every log is taken in to its end, and signed under these origins; older keys are kept."""
    async with running(directory, SERVICES) as services, asyncio.timeout(60):
        for log, origin in origins.items():
            checkpoint = Checkpoint("", -1, b"")
            while checkpoint.size < await head_of(services, log):
                answer = await services.get(AUDITOR, f"/v1/audit/{log}/checkpoint")
                checkpoint = Checkpoint.read(Note.read(answer.content).text)
            assert checkpoint.origin == origin
        keys = (await services.get(AUDITOR, "/v1/audit/referral/keys")).text.splitlines()
        assert [key.partition("+")[0].endswith("/2") for key in keys] == [True, False]


def change(data: Path, log: str, statement: str, *values: object) -> None:
    """Runs a statement in a log's file."""
    with closing(sqlite3.connect(data / f"{log}-log.db")) as db, db:
        db.execute(statement, values)


def test_what_holds_is_said_to_hold_and_what_does_not_is_named(tmp_path: Path) -> None:
    """By log, position and case; the status of the command says which it was."""
    case = asyncio.run(a_case(tmp_path))
    output = caserelay("audit", "verify", "--json", data=tmp_path)
    found = json.loads(output.out)
    assert (output.status, found["ok"], found["mismatches"]) == (0, True, [])
    assert found["checked"].keys() == {*LOGS}
    assert min(found["checked"].values()) > 0
    with closing(sqlite3.connect(tmp_path / "casefile-log.db")) as db:
        (position,) = db.execute(
            "SELECT position FROM stored_events WHERE originator_id = ? AND originator_version = 2", (f"case-{case}",)
        ).fetchone()
    change(tmp_path, "casefile", "UPDATE stored_events SET state = state || ' ' WHERE position = ?", position)
    change(tmp_path, "referral", "DELETE FROM stored_events WHERE position = (SELECT max(position) FROM stored_events)")
    change(
        tmp_path,
        "access",
        "UPDATE stored_events SET state = CAST(replace(state, 'demo.auditor', 'demo.nobody.') AS BLOB)",
    )
    output = caserelay("audit", "verify", "--json", data=tmp_path)
    found = json.loads(output.out)
    assert (output.status, found["ok"]) == (1, False)
    assert [each["what"] for each in found["mismatches"] if each["log"] == "access"] == ["CHANGED"]
    assert {"log": "casefile", "position": position, "case": case, "what": "CHANGED"} in found["mismatches"]
    assert [each["what"] for each in found["mismatches"] if each["log"] == "referral"] == ["TRUNCATED"]
    lines = caserelay("audit", "verify", data=tmp_path).out.splitlines()
    assert f"casefile: position {position}, case {case}: CHANGED" in lines
    assert lines[-1].startswith("3 mismatches; events checked: referral ")


def test_the_newest_checkpoint_is_printed(tmp_path: Path) -> None:
    """As it is served; where nothing was signed, a line says so."""
    asyncio.run(a_case(tmp_path / "data"))
    output = caserelay("audit", "checkpoint", "casefile", data=tmp_path / "data")
    assert output.status == 0
    assert Checkpoint.read(Note.read(output.out.encode()).text).origin.endswith("/casefile")
    output = caserelay("audit", "checkpoint", "casefile", data=tmp_path / "empty")
    assert (output.status, output.out) == (2, "")
    assert "nothing of the casefile log was signed yet" in output.err


def test_a_restored_backup_is_signed_again_only_after_an_epoch_is_begun(tmp_path: Path) -> None:
    """Until then the services work on and name the refusal; then the origin is another, and all is proven again."""
    data, archive, restored = tmp_path / "data", tmp_path / "backup.zip", tmp_path / "restored"
    asyncio.run(a_case(data))
    assert caserelay("backup", str(archive), data=data).status == 0
    assert caserelay("restore", str(archive), data=restored).status == 0
    before = caserelay("audit", "checkpoint", "referral", data=restored).out
    asyncio.run(refused(restored, "Restored", before))
    output = caserelay("audit", "epoch", "--reason", "the backup of Monday was put back", "--json", data=restored)
    begun = json.loads(output.out)["begun"]
    assert begun["referral"].endswith("/referral/2")
    asyncio.run(signed_in_full(restored, begun))
    assert caserelay("audit", "verify", data=restored).status == 0


def test_a_backup_that_is_put_back_twice_gets_another_origin_each_time(tmp_path: Path) -> None:
    """It knows nothing of the epoch that began when it was put back first; what was signed last does."""
    data, archive, state = tmp_path / "data", tmp_path / "backup.zip", tmp_path / "state"
    asyncio.run(a_case(data, audit_state=state))
    assert caserelay("backup", str(archive), data=data).status == 0
    for number in (2, 3):
        restored = tmp_path / f"restored-{number}"
        assert caserelay("restore", str(archive), data=restored).status == 0
        output = caserelay("audit", "epoch", "--reason", "again", "--json", data=restored, audit_state=str(state))
        begun = json.loads(output.out)["begun"]
        assert begun["referral"].endswith(f"/referral/{number}")
        asyncio.run(a_case(restored, audit_state=state))
        assert f"/referral/{number}\n" in (state / "referral.checkpoint").read_text()


def test_an_epoch_that_was_slipped_into_the_database_is_a_mismatch(tmp_path: Path) -> None:
    """The services sign in it, as after an epoch that was begun by command; but only that one is known outside."""
    data, state = tmp_path / "data", tmp_path / "state"
    asyncio.run(a_case(data, audit_state=state))
    assert caserelay("audit", "epoch", "--reason", "asked for", data=data, audit_state=str(state)).status == 0
    asyncio.run(a_case(data, audit_state=state))
    output = caserelay("audit", "verify", data=data, audit_state=str(state))
    assert output.status == 0, output.out
    # Who can write to the database can do what the command does, but for what is written outside.
    assert caserelay("audit", "epoch", "--reason", "slipped in", data=data).status == 0
    asyncio.run(a_case(data, audit_state=state))
    output = caserelay("audit", "verify", data=data, audit_state=str(state))
    assert output.status == 1
    assert {f"{log}: the whole log: UNKNOWN_EPOCH" for log in LOGS} <= {*output.out.splitlines()}
    assert output.out.splitlines()[-1].startswith("4 mismatches; ")
    assert caserelay("audit", "verify", data=data).status == 0


async def begins_without(directory: Path) -> None:
    """The service works, says what it lacks, and has no checkpoint to show."""
    async with running(directory, SERVICES) as services:
        async with asyncio.timeout(20):
            while services.service("referral").failing().get("referral audit") != "Unavailable":  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await CaseContext(services).brought_to("INTAKE")
        assert (await services.get(AUDITOR, "/v1/audit/referral/checkpoint")).status_code == 503
        ready = await services.get(None, "/readyz")
        assert (ready.status_code, ready.json()["services"]["referral"]["failing"]) == (
            200,
            {"referral audit": "Unavailable"},
        )


def test_a_damaged_transparency_log_keeps_no_service_from_starting(tmp_path: Path) -> None:
    """It is named, and nothing else fails."""
    asyncio.run(a_case(tmp_path))
    for file in tmp_path.glob("referral-audit.db*"):
        file.unlink()
    (tmp_path / "referral-audit.db").write_bytes(b"damaged" * 1000)
    asyncio.run(begins_without(tmp_path))
    caserelay("audit", "verify", data=tmp_path).refuses("audit", "SQLITE_NOTADB")


def test_a_new_key_signs_after_a_rotation(tmp_path: Path) -> None:
    """In the running services too; the old one is listed behind it."""
    asyncio.run(a_case(tmp_path))
    before = Note.read(caserelay("audit", "checkpoint", "casefile", data=tmp_path).out.encode())
    drawn = json.loads(caserelay("audit", "rotate", "--json", data=tmp_path).out)["keys"]
    assert drawn.keys() == {*LOGS}
    asyncio.run(a_case(tmp_path))
    after = Note.read(caserelay("audit", "checkpoint", "casefile", data=tmp_path).out.encode())
    newest = VerifierKey.read(drawn["casefile"])
    assert after.verified([newest])
    with pytest.raises(NotSigned):
        before.verified([newest])


def test_a_directory_that_was_put_back_by_hand_is_noticed_by_what_is_remembered(tmp_path: Path) -> None:
    """Nobody said that anything was restored; but what was signed last is known elsewhere."""
    data, state = tmp_path / "data", tmp_path / "state"
    asyncio.run(a_case(data, audit_state=state))
    before = {path.name: path.read_bytes() for path in data.glob("*.db*")}
    asyncio.run(a_case(data, audit_state=state))
    for path in data.glob("*.db*"):
        path.unlink()
    for name, content in before.items():
        (data / name).write_bytes(content)
    output = caserelay("audit", "verify", "--json", data=data, audit_state=str(state))
    found = json.loads(output.out)
    assert {"log": "referral", "position": 0, "what": "TRUNCATED"} in found["mismatches"]
    checkpoint = caserelay("audit", "checkpoint", "referral", data=data).out
    asyncio.run(refused(data, "RolledBack", checkpoint, audit_state=state))
