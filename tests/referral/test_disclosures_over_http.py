"""To whom a person's data went: recorded when it happens, and readable by the agency, its DPO and auditors."""

from __future__ import annotations

from typing import Any

from tests.people import AUDITOR, CONTROL, DPO_OF_AGENCY, HANNE, INES, KARIM, LOTTE, PIETER, TOM, Person, samira
from tests.referral.desk import ReferralDesk, assert_problem


async def items(desk: ReferralDesk, path: str, by: Person = INES, **asked: Any) -> list[dict[str, Any]]:
    """What the list says."""
    found: list[dict[str, Any]] = (await desk.running.read(by, f"{path}/disclosures", **asked))["items"]
    return found


async def test_every_disclosure_is_listed_with_its_receiver_and_its_basis(desk: ReferralDesk) -> None:
    """The offer itself, the answers to a question, and each reading of the contact data, in their order."""
    path = await desk.received(samira())
    await desk.running.read(LOTTE, f"{path}/contact")
    await desk.running.done(LOTTE, path, "request-information", {"codes": ["AVAILABILITY"]})
    given = {"answers": [{"code": "AVAILABILITY", "answer": "Mondays"}]}
    await desk.running.done(INES, path, "provide-information", given)
    await desk.running.read(HANNE, f"{path}/contact")
    await desk.running.read(INES, f"{path}/contact")
    basis = (await desk.running.read(INES, path))["legalBasis"]["id"]
    listed = await items(desk, path)
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


async def test_agency_its_dpo_and_auditors_read_the_list_and_nobody_else(desk: ReferralDesk) -> None:
    """403 for the organisations that data went to, who get no link to it, and 404 for strangers."""
    path = await desk.received(samira())
    for person in (INES, TOM, DPO_OF_AGENCY, AUDITOR):
        assert len(await items(desk, path, person)) == 1
        assert (await desk.running.read(person, path))["links"]["disclosures"] == f"{path}/disclosures"
    for person in (LOTTE, HANNE, CONTROL):
        assert_problem(await desk.running.get(person, f"{path}/disclosures"), 403)
    assert "disclosures" not in (await desk.running.read(LOTTE, path))["links"]
    for person in (KARIM, PIETER):
        assert_problem(await desk.running.get(person, f"{path}/disclosures"), 404)


async def test_the_list_comes_in_pages(desk: ReferralDesk) -> None:
    """Page by page everything comes once; an unreadable cursor and a limit out of range are refused."""
    path = await desk.received(samira())
    for _ in range(4):
        await desk.running.read(LOTTE, f"{path}/contact")
    found, cursor = [], None
    while True:
        asked = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = await desk.running.read(INES, f"{path}/disclosures", **asked)
        found += page["items"]
        assert len(page["items"]) <= 2
        if (cursor := page["next"]) is None:
            break
    assert found == await items(desk, path)
    assert len(found) == 5
    for asked in ({"cursor": "nonsense"}, {"limit": 0}, {"limit": 201}):
        assert_problem(await desk.running.get(INES, f"{path}/disclosures", **asked), 422)


async def test_what_was_refused_is_no_disclosure(desk: ReferralDesk) -> None:
    """After the person withdrew, the organisation reads nothing, and nothing is listed for it."""
    path = await desk.received(samira())
    await desk.running.done(INES, await desk.basis(path), "withdraw")
    assert_problem(await desk.running.get(LOTTE, f"{path}/contact"), 403)
    assert [one["what"] for one in await items(desk, path)] == ["PACKET"]


async def test_a_draft_was_disclosed_to_nobody(desk: ReferralDesk) -> None:
    """Nobody is addressed yet."""
    assert await items(desk, await desk.draft()) == []
