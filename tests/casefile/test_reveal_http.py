"""An auditor has it revealed who a person is: an act of its own, on record, which the agency is told of."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.chassis.memory_stores import MemoryStores
from tests.casefile.cases import SERVICES, CaseContext, Told
from tests.support.people import (
    AUDITOR,
    CONTROL,
    DPO_OF_AGENCY,
    HANNE,
    INES,
    KARIM,
    LOTTE,
    MENTEE,
    MENTOR,
    OPERATOR,
    TOM,
    Person,
)
from tests.support.problems import assert_problem
from tests.support.requests import another_person
from tests.support.running import running

CONTACT = {"name": "Zoubida Geheimnaam", "phone": "+32 470 91 82 73", "email": "zoubida@geheim.example"}
WHY = "Geheim: de handtekening moet vergeleken worden"


async def reveal(
    context: CaseContext, case: Told, by: Person = AUDITOR, *, key: str | None = None, why: str = WHY, **params: Any
) -> httpx.Response:
    """Asks who the person of a case is."""
    return await context.running.send(
        by, "POST", f"{case.path}/reveal", {"reason": why}, key=key or str(uuid.uuid4()), params=params
    )


async def a_case(context: CaseContext) -> Told:
    """A case whose person has a name that nobody else has."""
    return await context.accepted(another_person(contact=CONTACT, client={"ref": "CL-GEHEIM"}))


async def told(context: CaseContext, case: Told, by: Person) -> list[dict[str, Any]]:
    """What somebody reads of it on the timeline."""
    await context.running.settle()
    items = (await context.running.read(by, f"{case.path}/timeline"))["items"]
    return [item for item in items if item["type"] == "IdentityRevealed"]


async def in_feed(context: CaseContext, by: Person) -> int:
    """How often somebody is told of it in the feed."""
    items = (await context.running.read(by, "/v1/feed", limit=200))["items"]
    return [item["type"] for item in items].count("org.caserelay.referral.identity_revealed.v1")


async def disclosed(context: CaseContext, case: Told, by: Person) -> list[dict[str, Any]]:
    """What of it somebody reads among the disclosures."""
    items = (await context.running.read(by, f"{case.offer}/disclosures"))["items"]
    return [item for item in items if item["what"] == "IDENTITY"]


async def test_the_auditor_is_shown_who_it_is_and_the_agency_is_told(context: CaseContext) -> None:
    """On the timeline, in the feed, and among the disclosures with the reason; the organisation hears nothing of it."""
    case = await a_case(context)
    answer = await reveal(context, case)
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert (shown["case"], shown["referral"]) == (case.id, case.offer.rpartition("/")[2])
    assert (shown["clientRef"], shown["identity"]) == ("CL-GEHEIM", CONTACT)
    assert "contact" not in shown
    assert answer.headers["Cache-Control"] == "no-store"
    await context.running.read(INES, case.path, waitFor=answer.headers["Position"])
    for person in (INES, TOM, DPO_OF_AGENCY, AUDITOR):
        (item,) = await told(context, case, person)
        assert item["actor"] == {"sub": AUDITOR.sub, "role": "AUDITOR", "org": AUDITOR.org}
        assert "Geheim" not in str(item)
    for person in (INES, DPO_OF_AGENCY):
        (found,) = await disclosed(context, case, person)
        assert found["to"] == {"org": AUDITOR.org, "role": "AUDITOR", "sub": AUDITOR.sub}
        assert found["reason"] == WHY
        assert await in_feed(context, person) == 1
    (found,) = await disclosed(context, case, AUDITOR)
    assert found["reason"] is None
    for person in (LOTTE, HANNE):
        assert await told(context, case, person) == []
        assert await in_feed(context, person) == 0
    for service in SERVICES:
        for record in await context.running.service(service).log.read_all(0, 1000):
            assert b"Geheim" not in record.state.replace(b"CL-GEHEIM", b"")


async def test_it_moves_no_etag_and_stands_among_the_readings(context: CaseContext) -> None:
    """Nobody has to read anything again for it; who reads who has read the case finds it."""
    case = await a_case(context)
    before = [await context.running.version(INES, path) for path in (case.path, case.offer)]
    await reveal(context, case)
    await context.running.settle()
    assert [await context.running.version(INES, path) for path in (case.path, case.offer)] == before
    (item,) = (await context.running.read(DPO_OF_AGENCY, f"{case.path}/accesses"))["items"]
    assert (item["by"]["sub"], item["route"]) == (AUDITOR.sub, "POST /v1/cases/{case_id}/reveal")


async def test_the_same_key_is_the_same_act(context: CaseContext) -> None:
    """Shown again and recorded once; another reason under it is refused, and another key is another act."""
    case = await a_case(context)
    first, again = [await reveal(context, case, key="why-1") for _ in range(2)]
    assert (again.json(), again.headers["Idempotency-Replayed"]) == (first.json(), "true")
    assert_problem(await reveal(context, case, key="why-1", why="for something else"), 422, "IDEMPOTENCY_KEY_REUSED")
    assert len(await disclosed(context, case, INES)) == 1
    await reveal(context, case, key="why-2")
    assert len(await disclosed(context, case, INES)) == 2


async def test_nobody_but_an_auditor_has_it_revealed(context: CaseContext) -> None:
    """Parties are told the rule, strangers that there is no such case; nothing is shown, and nothing recorded."""
    case = await a_case(context)
    for person in (INES, TOM, LOTTE, HANNE, DPO_OF_AGENCY):
        assert "Geheim" not in str(assert_problem(await reveal(context, case, person), 403, "PARTY_NOT_ALLOWED"))
    for person in (KARIM, MENTOR, MENTEE, OPERATOR, Person("some.body", "rekenhof-demo", "DPO")):
        assert_problem(await reveal(context, case, person), 404, "NOT_FOUND")
    assert_problem(await reveal(context, case, CONTROL), 403, "NO_ACCESS_FOR_CONTROL")
    assert_problem(await reveal(context, Told("nothing", "")), 404, "NOT_FOUND")
    unsaid = await context.running.send(KARIM, "POST", f"{case.path}/reveal", {}, key="k")
    assert_problem(unsaid, 404, "NOT_FOUND")
    assert await disclosed(context, case, INES) == []


async def test_after_a_withdrawal_nothing_is_shown_also_not_again(context: CaseContext) -> None:
    """Rule W: no new disclosure, to anybody; the agency still knows whose case it is."""
    case = await a_case(context)
    assert (await reveal(context, case, key="before")).status_code == 200
    basis = (await context.running.read(INES, case.offer))["legalBasis"]["id"]
    await context.running.done(INES, f"/v1/legal-bases/{basis}", "withdraw")
    for key in ("before", "after"):
        assert "Geheim" not in str(assert_problem(await reveal(context, case, key=key), 403, "LEGAL_BASIS_WITHDRAWN"))
    assert len(await disclosed(context, case, INES)) == 1


async def test_of_an_erased_person_nothing_is_left_to_show(context: CaseContext) -> None:
    """Also not under the key that it was shown under; and that nothing was shown is no disclosure."""
    case = await a_case(context)
    assert (await reveal(context, case, key="before")).status_code == 200
    vault = context.running.service("referral").vault
    assert vault is not None
    await vault.forget(f"referral-{case.offer.rpartition('/')[2]}")
    for key in ("before", "after"):
        assert_problem(await reveal(context, case, key=key), 409, "IDENTITY_NOT_KEPT")
    assert len(await disclosed(context, case, INES)) == 1


async def test_a_dry_run_shows_and_writes_nothing(context: CaseContext) -> None:
    """But says what would be written."""
    case = await a_case(context)
    answer = await reveal(context, case, dryRun="true")
    assert answer.json() == {
        "case": case.id,
        "referral": case.offer.rpartition("/")[2],
        "dryRun": True,
        "events": ["IdentityRevealed"],
    }
    assert await disclosed(context, case, INES) == []


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "85.07.30-033.28"}, {"reason": "x", "more": 1}])
async def test_a_reason_is_needed(context: CaseContext, body: dict[str, Any]) -> None:
    """In words, and without a national number."""
    case = await a_case(context)
    answer = await context.running.send(AUDITOR, "POST", f"{case.path}/reveal", body, key="k")
    assert_problem(answer, 422)
    assert await disclosed(context, case, INES) == []


async def test_who_it_is_is_what_the_agency_wrote_last(context: CaseContext) -> None:
    """With the newest referral of the case."""
    client = {"ref": "CL-GEHEIM"}
    first = await context.referred(another_person(client=client, contact={**CONTACT, "name": "Z. Vroeger"}))
    await context.running.done(LOTTE, first.offer, "receive")
    await context.follow(first, LOTTE, "decline", {"reason": "CAPACITY_FULL"})
    case = await context.referred(another_person(client=client, contact=CONTACT))
    assert case.id == first.id
    assert (await reveal(context, case)).json()["identity"] == CONTACT


async def test_a_setting_asks_for_its_purpose_too(tmp_path: Path) -> None:
    """As for everything of the record that an auditor reads."""
    async with running(tmp_path, SERVICES, stores=MemoryStores(), audit_purpose=True) as services:
        await services.set_the_scene()
        context = CaseContext(services)
        case = await context.referred()
        assert_problem(await reveal(context, case), 400, "PURPOSE_REQUIRED")


async def test_a_key_of_an_earlier_referral_shows_nothing_of_a_later_one(context: CaseContext) -> None:
    """What was recorded under it was another act."""
    client = {"ref": "CL-GEHEIM"}
    first = await context.referred(another_person(client=client, contact={**CONTACT, "name": "Z. Vroeger"}))
    assert (await reveal(context, first, key="stale")).status_code == 200
    await context.running.done(LOTTE, first.offer, "receive")
    await context.follow(first, LOTTE, "decline", {"reason": "CAPACITY_FULL"})
    case = await context.referred(another_person(client=client, contact=CONTACT))
    assert "Geheim" not in str(assert_problem(await reveal(context, case, key="stale"), 422, "IDEMPOTENCY_KEY_REUSED"))


async def test_of_two_reveals_at_once_each_that_shows_something_is_on_record(context: CaseContext) -> None:
    """With keys of their own; with the same key it is one act."""
    case = await a_case(context)
    answers = await asyncio.gather(*(reveal(context, case, key=key) for key in ("a", "b", "same", "same")))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert {answer.status_code for answer in answers[:2]} == {200}
    assert len(await disclosed(context, case, INES)) == 3
