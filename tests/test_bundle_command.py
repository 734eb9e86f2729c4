"""`caserelay audit bundle` and `audit verify FILE`: a case taken away, and checked with nothing but the file."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from services.casefile.events import EVENT_TYPES as CASEFILE
from services.chassis.audit.beginning import new_key
from services.chassis.log.event_types import EventTypes
from services.chassis.transparency.keys import SignerKey
from services.notifications.events import EVENT_TYPES as NOTIFICATIONS
from services.referral.events import EVENT_TYPES as REFERRAL
from tests.casefile.cases import SERVICES, CaseContext
from tests.chassis.audit.bundling import members_of, policy_of, put_together
from tests.support.backups import caserelay
from tests.support.people import AUDITOR
from tests.support.running import running

pytestmark = [pytest.mark.slow, pytest.mark.on_files]
LOGS = ("casefile", "notifications", "referral")


async def a_case(directory: Path, database_url: str | None = None) -> tuple[str, bytes]:
    """A case in files or in a database, all of it signed: its id, and the bundle that an auditor is given."""
    async with running(directory, SERVICES, database_url=database_url) as services:
        context = CaseContext(services)
        await services.set_the_scene()
        await context.describe_mentor()
        case = await context.brought_to("INTAKE")
        await services.settle()
        answer = await services.get(AUDITOR, f"{case.path}/bundle")
        return case.id, answer.content


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, bytes]:
    """A case and its bundle, for tests that only look at it."""
    return asyncio.run(a_case(tmp_path_factory.mktemp("data")))


def the_same_on_the_shell(data: Path, file: Path, case: str, served: bytes, **settings: Any) -> None:
    """The command writes what was served, although no service runs, and what it wrote verifies."""
    output = caserelay("audit", "bundle", case, "-o", file, data=data, **settings)
    assert (output.status, output.err) == (0, "")
    assert str(file) in output.out
    written = file.read_bytes() == served
    assert written, "the command writes another file than the route"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    output = caserelay("audit", "verify", file, data=data / "nothing is here")
    assert output.status == 0, output
    assert output.out.startswith("0 mismatches; events checked: casefile ")
    assert output.out.splitlines()[-1].startswith("the keys came from the file itself")


def test_the_command_writes_what_is_served_and_verifies_it(tmp_path: Path) -> None:
    """Byte for byte; a file that is there is not written over."""
    case, served = asyncio.run(a_case(tmp_path / "data"))
    the_same_on_the_shell(tmp_path / "data", tmp_path / "case.zip", case, served)
    again = caserelay("audit", "bundle", case, "-o", tmp_path / "case.zip", data=tmp_path / "data")
    assert (again.status, "exists" in again.err) == (1, True)
    unknown = caserelay("audit", "bundle", "no-such", "-o", tmp_path / "no.zip", data=tmp_path / "data")
    assert (unknown.status, "no case no-such" in unknown.err) == (1, True)
    assert not (tmp_path / "no.zip").exists()
    half_written(tmp_path, case, len(served))


def half_written(directory: Path, case: str, size: int) -> None:
    """On a disk that is full nothing is left; nor is anything written through a link that somebody laid there."""
    (directory / "full").mkdir()
    file, other = directory / "full" / "case.zip", directory / "other"
    other.write_text("of somebody else")
    (directory / "full" / "case.zip.part").symlink_to(other)
    largest = 100_000
    assert largest < size
    output = caserelay("audit", "bundle", case, "-o", file, data=directory / "data", largest=largest)
    assert (output.status, f"{file} cannot be written" in output.err) == (2, True), output
    assert [each.name for each in file.parent.iterdir()] == ["case.zip.part"]
    assert other.read_text() == "of somebody else"


def test_so_it_does_in_postgresql(tmp_path: Path, database_url: str) -> None:
    """The same bundle by both ways, from a database."""
    case, served = asyncio.run(a_case(tmp_path, database_url))
    the_same_on_the_shell(tmp_path, tmp_path / "case.zip", case, served, database_url=database_url)


def test_a_mismatch_is_a_line_and_status_1(taken: tuple[str, bytes], tmp_path: Path) -> None:
    """With log, position and case; the same as JSON."""
    case, bundle = taken
    members = members_of(bundle)
    name = next(name for name in members if name.startswith("casefile/events/") and name.endswith(".json"))
    position = int(name[-24:-5])
    file = tmp_path / "case.zip"
    file.write_bytes(put_together({**members, name: members[name] + b" "}))
    output = caserelay("audit", "verify", file, data=tmp_path)
    assert output.status == 1
    assert output.out.splitlines()[0].startswith(f"casefile: position {position}, case {case}: CHANGED: ")
    told = json.loads(caserelay("audit", "verify", file, "--json", data=tmp_path).out)
    assert told["ok"] is False
    assert told["mismatches"] == [{"log": "casefile", "position": position, "case": case, "what": "CHANGED"}]
    assert told["checked"].keys() == {*LOGS}


def test_a_policy_says_whom_to_trust(taken: tuple[str, bytes], tmp_path: Path) -> None:
    """The logs' own keys are enough; a foreign one, or a witness that did not cosign, is a mismatch."""
    _, bundle = taken
    members, file, policy = members_of(bundle), tmp_path / "case.zip", tmp_path / "policy"
    file.write_bytes(bundle)
    keys = [members[f"{log}/keys"].decode().strip() for log in LOGS]
    policy.write_text(policy_of(*(f"log {key}" for key in keys)))
    output = caserelay("audit", "verify", file, "--trust", policy, data=tmp_path)
    assert (output.status, len(output.out.splitlines())) == (0, 1), output
    foreign = SignerKey.read(new_key(keys[0].partition("+")[0])).verifier.text
    policy.write_text(policy_of(*(f"log {key}" for key in (foreign, *keys[1:]))))
    output = caserelay("audit", "verify", file, "--trust", policy, data=tmp_path)
    assert output.status == 1
    assert output.out.startswith("casefile: the whole log, case ")
    assert "DISTRUSTED" in output.out.splitlines()[0]
    witness = "witness.example/w+6f6f6f6f+BAA="
    policy.write_text(policy_of(*(f"log {key}" for key in keys), f"witness w {witness}", quorum="w"))
    output = caserelay("audit", "verify", file, "--trust", policy, data=tmp_path)
    assert (output.status, "line 4" in output.err) == (1, True)
    output = caserelay("audit", "verify", "--trust", policy, data=tmp_path)
    assert (output.status, "--trust is for a FILE" in output.err) == (2, True)


@pytest.mark.parametrize("types", [CASEFILE, NOTIFICATIONS, REFERRAL], ids=LOGS)
def test_every_stored_event_has_a_schema(types: EventTypes) -> None:
    """Of its bytes as they are stored, with what is known of each beside its fields."""
    for topic in types.topics:
        schema = types.schema_of(topic)
        assert schema is not None, topic
        stored = schema["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
        assert {"meta", "data"} == stored["properties"].keys(), topic


def test_what_is_no_bundle_is_said_to_be_none(tmp_path: Path) -> None:
    """A file that is not there, one that is a directory, and one with something else in it."""
    output = caserelay("audit", "verify", tmp_path / "none.zip", data=tmp_path)
    assert (output.status, "cannot be read" in output.err) == (1, True)
    output = caserelay("audit", "verify", tmp_path, data=tmp_path)
    assert (output.status, "cannot be read" in output.err) == (1, True)
    (tmp_path / "hello").write_text("hello")
    output = caserelay("audit", "verify", tmp_path / "hello", data=tmp_path)
    assert output.status == 1
    assert output.out.startswith("the file: MALFORMED: ")
