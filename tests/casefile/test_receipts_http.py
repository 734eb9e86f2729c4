"""Receipts for handovers over HTTP: both sides get them, and check them without asking anybody; nobody else does."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.chassis.audit.offline.findings import Findings
from services.chassis.audit.offline.receipts import verify
from services.chassis.transparency.trust_policy import TrustPolicy
from tests.casefile.cases import SERVICES, CaseContext, Told
from tests.support.people import (
    AN,
    AUDITOR,
    CONTROL,
    DPO_OF_AGENCY,
    FATIMA,
    HANNE,
    INES,
    KARIM,
    LOTTE,
    MENTEE,
    MENTOR,
    OPERATOR,
    PIETER,
    TOM,
    VOLUNTEER,
    Person,
)
from tests.support.problems import assert_problem
from tests.support.requests import another_person
from tests.support.running import running

READERS = (INES, TOM, DPO_OF_AGENCY, LOTTE, HANNE, AN, AUDITOR)
"""Both sides, and those who oversee."""


def verified(answer: Any, policy: TrustPolicy | None = None) -> Findings:
    """What comes of an answer, kept as a file."""
    return verify(io.BytesIO(answer.content), policy)


async def receipts(context: CaseContext, case: Told, by: Person = INES) -> list[dict[str, Any]]:
    """All that somebody gets."""
    items: list[dict[str, Any]] = (await context.running.read(by, f"{case.path}/receipts"))["items"]
    return items


async def test_both_sides_get_the_same_receipt_for_an_acceptance(context: CaseContext) -> None:
    """Who handed the case to whom, when: the organisation accepted it from the counsellor, and the intake begins."""
    case = await context.accepted()
    (receipt,) = await receipts(context, case)
    assert (receipt["type"], receipt["case"], receipt["step"]) == ("ResponsibilityTransferred", case.id, "INTAKE")
    assert receipt["from"] == {"role": "AGENCY_COUNSELLOR", "org": "vdab-gent", "sub": "ines.debacker"}
    assert receipt["to"] == {"role": "NGO_COORDINATOR", "org": "brugwerk", "sub": "lotte.claes"}
    assert (receipt["at"], receipt["recordedAt"]) == ("2026-01-12T09:30:00Z", "2026-01-12T09:30:00Z")
    assert receipt["text"] == (
        f"On 2026-01-12 at 09:30 UTC, lotte.claes of brugwerk (NGO_COORDINATOR) accepted the case {case.id} from"
        " ines.debacker of vdab-gent (AGENCY_COUNSELLOR), and is responsible for it from then on."
    )
    record = (await context.running.read(INES, f"{case.path}/events", limit=200))["items"]
    (event,) = [each for each in record if each["type"] == "ResponsibilityTransferred"]
    assert receipt["event"] == event["event"]
    assert json.loads(receipt["events"][0]["entry"])["sha256"] == event["digest"]
    keys = (await context.running.get(AUDITOR, "/v1/audit/casefile/keys")).text
    policy = TrustPolicy.read(f"log {keys.strip()}\nquorum none\n".encode())
    for reader in READERS:
        answer = await context.running.get(reader, f"{case.path}/receipts/{event['event']}")
        assert (answer.status_code, answer.json()) == (200, receipt)
        assert answer.headers["Cache-Control"] == "no-store"
        found = verified(answer, policy)
        assert (found.mismatches, found.checked, found.subject) == ([], {"casefile": 1}, f"case-{case.id}")


async def test_a_handback_has_a_receipt_for_its_acceptance_and_one_for_the_transfer(context: CaseContext) -> None:
    """The first says what was decided, and brings the transfer along that says who handed over."""
    case = await context.brought_to("CLOSED")
    for by in (INES, LOTTE):
        accepted, back, transferred = await receipts(context, case, by)
        assert [each["type"] for each in (accepted, back, transferred)] == [
            "ResponsibilityTransferred",
            "HandbackAccepted",
            "ResponsibilityTransferred",
        ]
        for each in (back, transferred):
            assert each["from"] == {"role": "NGO_COORDINATOR", "org": "brugwerk", "sub": "lotte.claes"}
            assert each["to"] == {"role": "AGENCY_COUNSELLOR", "org": "vdab-gent", "sub": "ines.debacker"}
            assert each["referral"] == case.offer.rpartition("/")[2]
        assert back["decision"] == "CLOSE"
        assert [len(each["events"]) for each in (accepted, back, transferred)] == [1, 2, 1]
        assert back["events"][1]["event"] == transferred["event"]
        answer = await context.running.get(by, f"{case.path}/receipts")
        assert (verified(answer).mismatches, verified(answer).checked) == ([], {"casefile": 4})


async def test_pages_of_receipts_have_all_of_them_once(context: CaseContext) -> None:
    """In the order of the record."""
    case = await context.brought_to("CLOSED")
    seen, cursor = list[str](), None
    while True:
        page = await context.running.read(
            INES, f"{case.path}/receipts", limit=1, **({"cursor": cursor} if cursor else {})
        )
        seen += [item["event"] for item in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert seen == [each["event"] for each in await receipts(context, case)]
    assert len(seen) == 3


async def test_who_has_no_part_in_the_case_learns_nothing(context: CaseContext) -> None:
    """Of a case that there is as of one that there is not; mentors and mentees read no raw record either."""
    case = await context.brought_to("CLOSED")
    event = (await receipts(context, case))[0]["event"]
    pair = Person(another_person()["client"]["ref"], "vdab-gent", "MENTEE")
    for nobody in (KARIM, PIETER, MENTOR, FATIMA, MENTEE, OPERATOR, VOLUNTEER, pair):
        for tail in ("receipts", f"receipts/{event}"):
            there = await context.running.get(nobody, f"{case.path}/{tail}")
            missing = await context.running.get(nobody, f"/v1/cases/00000000-0000-4000-8000-000000000000/{tail}")
            assert (there.status_code, there.json()["code"]) == (missing.status_code, missing.json()["code"]), nobody
            assert there.status_code in (403, 404), nobody
    assert (await context.running.get(CONTROL, f"{case.path}/receipts")).status_code == 403
    assert (await context.running.get(None, f"{case.path}/receipts")).status_code == 401


async def test_an_event_that_is_no_handover_has_no_receipt(context: CaseContext) -> None:
    """Nor one that there is not, nor one of another case."""
    case, other = await context.accepted(), await context.accepted()
    first = (await context.running.read(INES, f"{case.path}/events"))["items"][0]
    for event in (first["event"], (await receipts(context, other))[0]["event"], "nothing"):
        assert_problem(await context.running.get(INES, f"{case.path}/receipts/{event}"), 404, "NOT_FOUND")


async def test_an_organisation_gets_no_receipt_of_what_came_after_its_part(context: CaseContext) -> None:
    """A case that went to another one afterwards: each gets those of its own part, the agency all."""
    client = {"ref": "CL-RECEIPT"}
    case = await context.accepted(another_person("brugwerk", client=client))
    await context.lead_on(case, "INTAKE", "HANDBACK_REQUESTED")
    await context.running.done(
        INES, case.path, "accept-handback", {"decision": "RE_REFER", "answers": {"DIPLOMA_EQUIVALENCE": "DIPLOMA_DESK"}}
    )
    await context.running.settle()
    again = await context.referred(another_person("samenstap", client=client))
    assert again.id == case.id
    await context.running.done(KARIM, again.offer, "receive")
    await context.follow(again, KARIM, "accept", {"coordinator": KARIM.sub})
    whole = await receipts(context, again)
    assert [each["to"]["org"] for each in whole] == ["brugwerk", "vdab-gent", "vdab-gent", "samenstap"]
    assert await receipts(context, again, LOTTE) == whole[:3]
    assert await receipts(context, again, KARIM) == whole[3:]
    assert_problem(await context.running.get(KARIM, f"{case.path}/receipts/{whole[0]['event']}"), 404, "NOT_FOUND")


@pytest.fixture
async def on_servers(tmp_path: Path, database_url: str) -> AsyncIterator[CaseContext]:
    """All services over PostgreSQL."""
    async with running(tmp_path, SERVICES, database_url=database_url) as services:
        await services.set_the_scene()
        yield CaseContext(services)


@pytest.mark.slow
async def test_a_receipt_from_a_database_holds_too(on_servers: CaseContext) -> None:
    """It is made of the bytes that are stored there."""
    case = await on_servers.accepted()
    answer = await on_servers.running.get(LOTTE, f"{case.path}/receipts")
    assert (verified(answer).mismatches, verified(answer).checked) == ([], {"casefile": 1})
