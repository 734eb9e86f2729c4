"""The bundle of a case over HTTP: who takes which away, what is in it, and that it proves the case without us."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from tests.casefile.cases import CaseContext, Told
from tests.chassis.audit.bundling import found, members_of, names, put_together, verified
from tests.support.people import (
    AUDITOR,
    CONTROL,
    DPO_OF_AGENCY,
    HANNE,
    INES,
    KARIM,
    LOTTE,
    MENTEE,
    OPERATOR,
    PIETER,
    TOM,
    VOLUNTEER,
    Person,
)
from tests.support.problems import assert_problem

DPO_ELSEWHERE: Final = Person("privacy.actiris", "actiris-demo", "DPO")


async def bundle(context: CaseContext, case: Told, by: Person = AUDITOR) -> bytes:
    """The bundle of a case for somebody."""
    answer = await context.running.get(by, f"{case.path}/bundle")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/zip"
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    return answer.content


def events_of(members: dict[str, bytes], log: str) -> list[int]:
    """The positions of the events that a bundle has of a log."""
    return [int(name[-25:-6]) for name in names(members, "entry") if name.startswith(f"{log}/")]


def streams_of(members: dict[str, bytes], log: str) -> dict[str, bool]:
    """The streams of a log in a bundle, and whether all of each is there."""
    return {each["stream"]: each["whole"] for each in json.loads(members.get(f"{log}/streams.json", b"[]"))}


def manifest_of(members: dict[str, bytes]) -> list[str]:
    """The lines of the manifest before the digests."""
    lines = members["signed-manifest"].decode().split("\n")
    return [line for line in lines if line.startswith(("caserelay", "about ", "view ", "log "))]


async def test_an_auditor_takes_all_of_a_case_away(context: CaseContext) -> None:
    """Every event of its streams in three logs, as stored; it verifies offline, and is the same the second time."""
    case = await context.accepted()
    await context.running.read(LOTTE, f"{case.offer}/contact")
    await context.lead_on(case, "INTAKE", "CLOSED")
    await context.running.settle()
    taken = await bundle(context, case)
    same = taken == await bundle(context, case)
    assert same, "another one the second time"
    came = verified(taken)
    assert came.mismatches == []
    assert came.subject == f"case-{case.id}"
    members = members_of(taken)
    referral = case.offer.rpartition("/")[2]
    assert streams_of(members, "casefile").keys() >= {f"case-{case.id}", "programme-mtw-be-2026", "charter-v1"}
    assert streams_of(members, "referral").keys() >= {f"referral-{referral}", f"disclosures-{referral}"}
    assert streams_of(members, "notifications") == {f"inbox-{case.id}": True}
    record = (await context.running.read(AUDITOR, f"{case.path}/events", limit=200))["items"]
    assert {item["position"] for item in record} <= {*events_of(members, "casefile")}
    for log in ("casefile", "referral", "notifications"):
        assert came.checked[log] == len(events_of(members, log))
        for position in events_of(members, log):
            ((*_, state),) = await context.running.service(log).log.stored(position, 1)
            assert members[f"{log}/events/{position:019}.json"] == state
    assert manifest_of(members)[:3] == ["caserelay-bundle/v1", f"about casefile case-{case.id}", "view whole"]


async def test_one_more_event_makes_another_bundle(context: CaseContext) -> None:
    """Which holds it."""
    case = await context.brought_to("INTAKE")
    before = await bundle(context, case)
    await context.lead_on(case, "INTAKE", "MATCHING")
    after = await bundle(context, case)
    assert found(after) == set()
    more = {*events_of(members_of(after), "casefile")} - {*events_of(members_of(before), "casefile")}
    assert more


async def test_what_stands_beside_the_events(context: CaseContext) -> None:
    """Schemas, versions in force, a sentence for each event of the case, and what the codes of refusals mean."""
    case = await context.brought_to("MENTORING")
    await context.running.command(LOTTE, case.path, "record-task", {"task": "MONEY"})
    members = members_of(await bundle(context, case))
    said = {each["text"] for each in json.loads(members["casefile/sentences.json"])}
    assert any(text.startswith("The charter v1 keeps MONEY from ") for text in said)
    assert [each["version"] for each in json.loads(members["casefile/charter-versions.json"])] == ["v1"]
    programmes = json.loads(members["casefile/programme-versions.json"])
    assert [(each["programme"], each["version"]) for each in programmes] == [("mtw-be-2026", 1)]
    schema = json.loads(members["casefile/schemas/case.opened.v1.json"])
    assert "$defs" in schema
    topics = {json.loads(members[name])["topic"] for name in names(members, "entry")}
    assert {name.rpartition("/")[2].removesuffix(".json") for name in members if "/schemas/" in name} == topics


async def test_the_receipts_for_its_handovers_are_in_it(context: CaseContext) -> None:
    """Those that the reader gets one by one, and no other; each is a file that is verified by itself."""
    case = await context.brought_to("CLOSED")
    await context.running.settle()
    for person in (AUDITOR, INES, LOTTE):
        taken = await bundle(context, case, person)
        assert found(taken) == set()
        members = members_of(taken)
        kept = [members[name] for name in sorted(members) if name.startswith("casefile/receipts/")]
        receipts = (await context.running.read(person, f"{case.path}/receipts"))["items"]
        assert [json.loads(content) for content in kept] == receipts
        assert [each["type"] for each in receipts] == [
            "ResponsibilityTransferred",
            "HandbackAccepted",
            "ResponsibilityTransferred",
        ]
        for content in kept:
            assert verified(content).mismatches == []
    declined = await context.opened()
    assert not [name for name in members_of(await bundle(context, declined, LOTTE)) if "/receipts/" in name]


async def test_an_organisation_takes_away_what_it_sees(context: CaseContext) -> None:
    """The one that declined has its own referral and what came of it; nothing of the one that has the case now."""
    case = await context.opened()
    first = case.offer.rpartition("/")[2]
    whole = members_of(await bundle(context, case))
    declined = await bundle(context, case, LOTTE)
    assert found(declined) == set()
    members = members_of(declined)
    assert manifest_of(members)[2] == "view of brugwerk"
    seen = (await context.running.read(LOTTE, f"{case.path}/events", limit=200))["items"]
    assert events_of(members, "casefile") == sorted(item["position"] for item in seen)
    assert {*events_of(members, "casefile")} < {*events_of(whole, "casefile")}
    assert streams_of(members, "casefile") == {f"case-{case.id}": False}
    assert streams_of(members, "referral") == {f"referral-{first}": False}
    record = (await context.running.read(LOTTE, f"{case.offer}/events", limit=200))["items"]
    assert events_of(members, "referral") == sorted(item["position"] for item in record)
    assert not any(name.startswith("notifications/") for name in members)
    assert {json.loads(members["casefile/sentences.json"])[n]["position"] for n in range(len(seen))} == {
        item["position"] for item in seen
    }


async def test_who_has_no_part_takes_nothing_away(context: CaseContext) -> None:
    """Readers of the case do; others are told that there is none, or that it is not for them."""
    case = await context.brought_to("INTAKE")
    for person in (AUDITOR, DPO_OF_AGENCY, INES, TOM, LOTTE, HANNE):
        assert found(await bundle(context, case, person)) == set(), person
    for person in (KARIM, PIETER, DPO_ELSEWHERE):
        assert_problem(await context.running.get(person, f"{case.path}/bundle"), 404, "NOT_FOUND")
    for person in (CONTROL, OPERATOR, MENTEE, VOLUNTEER):
        assert (await context.running.get(person, f"{case.path}/bundle")).status_code in (403, 404), person
    assert_problem(await context.running.get(None, f"{case.path}/bundle"), 401)
    assert_problem(await context.running.get(AUDITOR, "/v1/cases/no-such/bundle"), 404, "NOT_FOUND")


async def test_nobody_is_named_in_it(context: CaseContext) -> None:
    """Neither the person nor what was written in words: those are in the vault, and in no event."""
    case = await context.brought_to("CLOSED")
    contact: dict[str, Any] = await context.running.read(INES, f"{case.offer}/contact")
    personal = [value for value in contact["contact"].values() if isinstance(value, str)]
    assert personal
    for person in (AUDITOR, INES, LOTTE):
        taken = await bundle(context, case, person)
        for text in (*personal, "Samira", "Nadia", "+32 4", "samira@"):
            assert text.encode() not in taken, (person, text)


@pytest.mark.parametrize("whose", ["its own", "another's"])
async def test_events_of_another_case_do_not_fit(context: CaseContext, whose: str) -> None:
    """Taken from the bundle of another case, even with its list of streams, they are not what was signed for."""
    one, other = await context.brought_to("INTAKE"), await context.brought_to("INTAKE")
    members, foreign = members_of(await bundle(context, one)), members_of(await bundle(context, other))
    swapped = {name: content for name, content in members.items() if not name.startswith("casefile/events/")}
    swapped |= {name: content for name, content in foreign.items() if name.startswith("casefile/events/")}
    if whose == "another's":
        swapped["casefile/streams.json"] = foreign["casefile/streams.json"]
    whats = {what for _, _, what in found(put_together(swapped))}
    assert {"ADDED", "MISSING"} <= whats
