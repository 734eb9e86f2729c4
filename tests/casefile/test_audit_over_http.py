"""The transparency log of every service over HTTP: who reads what of it, and that it proves what happened."""

from __future__ import annotations

import base64
import json
from typing import Any, Final

import pytest

from contracts.codes import Role
from services.chassis.transparency.checkpoints import Checkpoint
from services.chassis.transparency.keys import VerifierKey
from services.chassis.transparency.merkle import leaf_hash
from services.chassis.transparency.notes import Note
from services.chassis.transparency.proofs import check_consistency, check_inclusion
from services.chassis.transparency.tiles import WIDTH, Tile, entries_of, split
from services.chassis.transparency.tlog_proofs import TlogProof
from tests.casefile.cases import CaseContext
from tests.chassis.transparency.naive_tree import mth
from tests.support.people import (
    AUDITOR,
    CONTROL,
    DPO_OF_AGENCY,
    HANNE,
    INES,
    KARIM,
    LOTTE,
    PIETER,
    TOM,
    Person,
)
from tests.support.problems import assert_problem

LOGS: Final = ("referral", "casefile", "notifications")
OVERSEERS: Final = {"AUDITOR", "DPO"}
READERS_OF_HASHES: Final = OVERSEERS | {"AGENCY_TEAM_LEAD", "NGO_LEAD"}
"""As the public surface says: auditors, data protection officers, and any organisation's lead."""


async def signed(context: CaseContext, log: str, by: Person = AUDITOR) -> tuple[Note, Checkpoint]:
    """The newest checkpoint, verified with the keys that the log names."""
    note = Note.read((await context.running.get(by, f"/v1/audit/{log}/checkpoint")).content)
    keys = (await context.running.get(by, f"/v1/audit/{log}/keys")).text.splitlines()
    note.verified([VerifierKey.read(key) for key in keys])
    return note, Checkpoint.read(note.text)


async def entries(context: CaseContext, log: str, size: int) -> list[bytes]:
    """All entries of a log."""
    found: list[bytes] = []
    for number in range(-(-size // WIDTH)):
        path = Tile(-1, number, min(WIDTH, size - number * WIDTH)).path
        found += entries_of((await context.running.get(AUDITOR, f"/v1/audit/{log}/tile/{path}")).content)
    return found


async def record(context: CaseContext, path: str, by: Person = AUDITOR) -> list[dict[str, Any]]:
    """The raw record of a resource, as far as somebody reads it."""
    items: list[dict[str, Any]] = (await context.running.read(by, f"{path}/events", limit=200))["items"]
    return items


@pytest.mark.parametrize("log", LOGS)
async def test_each_service_signs_what_it_recorded(context: CaseContext, log: str) -> None:
    """Asked for at once, the checkpoint covers what was just recorded; the tree is that of its entries."""
    await context.brought_to("INTAKE")
    head = await context.running.service(log).log.head()
    answer = await context.running.get(AUDITOR, f"/v1/audit/{log}/checkpoint")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    _, checkpoint = await signed(context, log)
    assert checkpoint.size >= head
    assert checkpoint.origin.startswith("caserelay.invalid/")
    assert checkpoint.origin.endswith(f"/{log}")
    listed = await entries(context, log, checkpoint.size)
    leaves = [leaf_hash(entry) for entry in listed]
    assert checkpoint.root == mth(leaves)
    tile = await context.running.get(AUDITOR, f"/v1/audit/{log}/tile/{Tile(0, 0, min(WIDTH, len(leaves))).path}")
    assert tile.headers["Content-Type"] == "application/octet-stream"
    assert split(tile.content) == leaves[:WIDTH]
    assert (await context.running.get(AUDITOR, f"/v1/audit/{log}/tile/0%2F000.p%2F1")).content == leaves[0]
    assert [json.loads(entry)["position"] for entry in listed] == [*range(1, len(listed) + 1)]


async def test_an_event_of_a_case_is_proven_in_both_forms(context: CaseContext) -> None:
    """Its entry has the digest that the raw record shows, and the tree of the checkpoint has it."""
    case = await context.brought_to("INTAKE")
    event = (await record(context, case.path))[-1]
    answer = await context.running.get(AUDITOR, "/v1/audit/casefile/proof", event=event["event"])
    proven = answer.json()
    assert proven.keys() == {"event", "index", "entry", "checkpoint", "inclusion"}
    entry = base64.b64decode(proven["entry"])
    said = json.loads(entry)
    assert {name: said[name] for name in ("position", "version", "topic", "recordedAt")} == {
        name: event[name] for name in ("position", "version", "topic", "recordedAt")
    }
    assert said["sha256"] == event["digest"]
    checkpoint = Checkpoint.read(Note.read(proven["checkpoint"].encode()).text)
    inclusion = [base64.b64decode(each) for each in proven["inclusion"]]
    check_inclusion(proven["index"], checkpoint.size, leaf_hash(entry), inclusion, checkpoint.root)
    text = await context.running.send(
        AUDITOR, "GET", "/v1/audit/casefile/proof", params={"event": event["event"]}, headers={"Accept": "text/plain"}
    )
    assert text.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert TlogProof.read(text.content).check(leaf_hash(entry)).size >= checkpoint.size


async def test_a_later_checkpoint_begins_with_an_earlier_one(context: CaseContext) -> None:
    """Which is proven on demand; of a tree that never was, nothing is."""
    await context.brought_to("INTAKE")
    _, first = await signed(context, "casefile")
    await context.brought_to("INTAKE")
    _, second = await signed(context, "casefile")
    assert first.size < second.size
    path = "/v1/audit/casefile/consistency"
    answer = await context.running.read(AUDITOR, path, **{"from": first.size, "to": second.size})
    proof = [base64.b64decode(each) for each in answer["proof"]]
    check_consistency(first.size, second.size, proof, first.root, second.root)
    for sizes in ({"from": 2, "to": 10**6}, {"from": 3, "to": 2}):
        assert_problem(await context.running.get(AUDITOR, path, **sizes), 404, "NOT_FOUND")
    assert_problem(await context.running.get(AUDITOR, path, **{"from": -1, "to": 2}), 422)


@pytest.mark.parametrize("log", LOGS)
async def test_who_reads_what_of_the_log(context: CaseContext, log: str) -> None:
    """Every route with every role at an organisation that has no part in anything."""
    case = await context.brought_to("INTAKE")
    await signed(context, log)
    event = (await record(context, case.path))[0]["event"]
    hashes = ("checkpoint", "keys", "tile/0/000.p/1", "consistency?from=1&to=1")
    for role in {*Role} - {Role.SYSTEM}:
        person = Person(f"somebody.{role.lower()}", "elders", role.value)
        for path in hashes:
            answer = await context.running.get(person, f"/v1/audit/{log}/{path}")
            assert answer.status_code == (200 if role.value in READERS_OF_HASHES else 403), (role, path)
        nothing = await context.running.get(person, f"/v1/audit/{log}/tile/nothing")
        assert nothing.status_code == (403 if role is Role.AGENCY_CONTROL else 404), role
        answer = await context.running.get(person, f"/v1/audit/{log}/tile/entries/000.p/1")
        assert answer.status_code == (200 if role.value in OVERSEERS else 403), role
        proof = await context.running.get(person, f"/v1/audit/{log}/proof", event=event)
        known = role.value in OVERSEERS and log == "casefile"
        barred = role is Role.AGENCY_CONTROL
        assert proof.status_code == (200 if known else 403 if barred else 404), role
    assert_problem(await context.running.get(None, f"/v1/audit/{log}/checkpoint"), 401)


async def test_a_party_proves_the_events_that_it_reads_and_no_others(context: CaseContext) -> None:
    """The agency and the addressed organisation; to others an event is no different from one that never was."""
    case = await context.brought_to("INTAKE")
    (event, *_) = [item["event"] for item in await record(context, case.path)]
    for person in (INES, TOM, LOTTE, HANNE):
        read = {item["event"] for item in await record(context, case.path, person)}
        answer = await context.running.get(person, "/v1/audit/casefile/proof", event=event)
        assert answer.status_code == (200 if event in read else 404), person
    for person in (PIETER, KARIM):
        hidden = await context.running.get(person, "/v1/audit/casefile/proof", event=event)
        absent = await context.running.get(person, "/v1/audit/casefile/proof", event="no-event")
        assert assert_problem(hidden, 404, "NOT_FOUND") == assert_problem(absent, 404, "NOT_FOUND")
    assert_problem(await context.running.get(CONTROL, "/v1/audit/casefile/proof", event=event), 403)
    assert_problem(await context.running.get(INES, "/v1/audit/casefile/proof", event="a\x00b"), 422)
    assert (await context.running.get(DPO_OF_AGENCY, "/v1/audit/casefile/proof", event=event)).status_code == 200


async def test_no_entry_names_a_stream_or_anybody(context: CaseContext) -> None:
    """Names of streams hold organisations, mentors and hashes of clients; none of it stands in any log.

    Nor does anything that two events of one stream would have in common, by which a stream could be followed.
    """
    case = await context.brought_to("MENTORING")
    for log in LOGS:
        _, checkpoint = await signed(context, log)
        listed = await entries(context, log, checkpoint.size)
        assert len({json.loads(entry)["stream"] for entry in listed}) == checkpoint.size
        text = b"\n".join(listed).decode()
        events = await context.running.service(log).log.read_all(0, 500)
        names = {event.stream for event in events}
        assert names
        for name in names | {case.path.rpartition("/")[2], "brugwerk", "vdab-gent", "M-41", "lotte.claes"}:
            assert name not in text, (log, name)
