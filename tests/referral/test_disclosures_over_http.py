"""To whom a person's data went: recorded when it happens, and readable by the agency, its DPO and auditors."""

from __future__ import annotations

from typing import Any

from tests.referral.context import ReferralContext
from tests.support.people import AUDITOR, CONTROL, DPO_OF_AGENCY, HANNE, INES, KARIM, LOTTE, PIETER, TOM, Person
from tests.support.problems import assert_problem
from tests.support.requests import samira


async def items(context: ReferralContext, path: str, by: Person = INES, **asked: Any) -> list[dict[str, Any]]:
    """What the list says."""
    found: list[dict[str, Any]] = (await context.running.read(by, f"{path}/disclosures", **asked))["items"]
    return found


async def test_every_disclosure_is_listed_with_its_receiver_and_its_basis(context: ReferralContext) -> None:
    """The offer itself, the answers to a question, and each reading of the contact data, in their order."""
    path = await context.received(samira())
    await context.running.read(LOTTE, f"{path}/contact")
    await context.running.done(LOTTE, path, "request-information", {"codes": ["AVAILABILITY"]})
    given = {"answers": [{"code": "AVAILABILITY", "answer": "Mondays"}]}
    await context.running.done(INES, path, "provide-information", given)
    await context.running.read(HANNE, f"{path}/contact")
    await context.running.read(INES, f"{path}/contact")
    basis = (await context.running.read(INES, path))["legalBasis"]["id"]
    listed = await items(context, path)
    assert [(one["what"], one["to"]) for one in listed] == [
        ("PACKET", {"org": "brugwerk", "role": None, "sub": None}),
        ("CONTACT", {"org": "brugwerk", "role": "NGO_COORDINATOR", "sub": "lotte.claes"}),
        ("INFORMATION", {"org": "brugwerk", "role": None, "sub": None}),
        ("CONTACT", {"org": "brugwerk", "role": "NGO_LEAD", "sub": "hanne.wouters"}),
        ("CONTACT", {"org": "vdab-gent", "role": "AGENCY_COUNSELLOR", "sub": "ines.debacker"}),
    ]
    assert {one["legalBasis"] for one in listed} == {basis}
    assert [one["at"] for one in listed] == sorted(one["at"] for one in listed)
    assert "Samira" not in str(listed)


async def test_agency_its_dpo_and_auditors_read_the_list_and_nobody_else(context: ReferralContext) -> None:
    """403 for the organisations that data went to, who get no link to it, and 404 for strangers."""
    path = await context.received(samira())
    for person in (INES, TOM, DPO_OF_AGENCY, AUDITOR):
        assert len(await items(context, path, person)) == 1
        assert (await context.running.read(person, path))["links"]["disclosures"] == f"{path}/disclosures"
    for person in (LOTTE, HANNE, CONTROL):
        assert_problem(await context.running.get(person, f"{path}/disclosures"), 403)
    assert "disclosures" not in (await context.running.read(LOTTE, path))["links"]
    for person in (KARIM, PIETER):
        assert_problem(await context.running.get(person, f"{path}/disclosures"), 404)


async def test_the_list_comes_in_pages(context: ReferralContext) -> None:
    """Page by page everything comes once; an unreadable cursor and a limit out of range are refused."""
    path = await context.received(samira())
    for _ in range(4):
        await context.running.read(LOTTE, f"{path}/contact")
    found, cursor = [], None
    while True:
        asked = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = await context.running.read(INES, f"{path}/disclosures", **asked)
        found += page["items"]
        assert len(page["items"]) <= 2
        if (cursor := page["next"]) is None:
            break
    assert found == await items(context, path)
    assert len(found) == 5
    for asked in ({"cursor": "nonsense"}, {"limit": 0}, {"limit": 201}):
        assert_problem(await context.running.get(INES, f"{path}/disclosures", **asked), 422)


async def test_what_was_refused_is_no_disclosure(context: ReferralContext) -> None:
    """After the person withdrew, the organisation reads nothing, and nothing is listed for it."""
    path = await context.received(samira())
    await context.running.done(INES, await context.basis(path), "withdraw")
    assert_problem(await context.running.get(LOTTE, f"{path}/contact"), 403)
    assert [one["what"] for one in await items(context, path)] == ["PACKET"]


async def test_a_draft_was_disclosed_to_nobody(context: ReferralContext) -> None:
    """Nobody is addressed yet."""
    assert await items(context, await context.draft()) == []
