"""Contact data reach somebody, or say why nobody can be reached: asked of every way in, and no refusal repeats them."""

from __future__ import annotations

import json
from typing import Any, Final

import httpx
import pytest
from msgspec.structs import replace

from services.chassis.log.event_log import Write
from services.chassis.vault.vault import Deposit
from services.referral.domain.drafting import DraftEdited
from services.referral.domain.offer import referral_stream
from services.sandbox.demo import PROGRAMME, PROGRAMME_VERSION
from tests.referral.context import REFERRALS, ReferralContext, assert_problem, new_key, pointers
from tests.support.people import INES, LOTTE, OPERATOR, another_person

CODES: Final = ("THROUGH_COUNSELLOR", "ADDRESS_PROTECTED", "NO_DEVICE")
NOBODY: Final[dict[str, tuple[Any, dict[str, str]]]] = {
    "what was once taken": (
        {"name": "\u200b", "phone": "", "email": "not an email"},
        {"/contact/name": "INVALID_VALUE", "/contact/phone": "INVALID_VALUE", "/contact/email": "INVALID_VALUE"},
    ),
    "nothing": ({}, {"/contact": "INVALID_VALUE"}),
    "a name alone": ({"name": "Samira Voorbeeld"}, {"/contact": "INVALID_VALUE"}),
    "all empty": ({"name": None, "phone": None, "email": None, "unreachable": None}, {"/contact": "INVALID_VALUE"}),
    "a null byte": ({"name": "Sam\x00ira", "phone": "+32 470 00 11 22"}, {"/contact/name": "INVALID_VALUE"}),
    "an override": ({"name": "\u202eSamira", "phone": "+32 470 00 11 22"}, {"/contact/name": "INVALID_VALUE"}),
    "another reason": ({"unreachable": "ON_HOLIDAY"}, {"/contact/unreachable": "INVALID_VALUE"}),
}
NO_PHONES: Final = (
    "",
    " ",
    "1",
    "112",
    "none",
    "+32",
    "+32 470",
    "+32 470 00 11 22 33 44 55",
    "+999 470 00 11 22",
    "call +32 470 00 11 22",
    "+32 470 00 11 22\n",
    "0470\x0000 11 22",
    "0470 00 11 22 33 44",
    "85073003328",
)
NO_ADDRESSES: Final = (
    "",
    "samira",
    "samira@",
    "@voorbeeld.example",
    "samira@voorbeeld",
    "samira@voorbeeld.example ",
    "samira @voorbeeld.example",
    "Samira <samira@voorbeeld.example>",
    "samira@voorbeeld..example",
    "samira@voorbeeld.example\u200b",
    "sam\x00ira@voorbeeld.example",
    "samira@[192.0.2.1]",
    "samira@localhost",
    "a@b.example, c@d.example",
)


def fault_of(field: str, value: str) -> tuple[Any, dict[str, str]]:
    """Contact data of which one field is no way to reach anybody."""
    return {"name": "Samira", field: value}, {f"/contact/{field}": "INVALID_VALUE"}


ALL: Final = [
    *NOBODY.values(),
    *(fault_of("phone", one) for one in NO_PHONES),
    *(fault_of("email", one) for one in NO_ADDRESSES),
]
WAYS: Final[tuple[dict[str, str], ...]] = (
    {"name": "Samira Voorbeeld", "phone": "+32 470 00 11 22"},
    {"phone": "0470 00 11 22"},
    {"phone": "0470/00.11.22"},
    {"phone": "(02) 555-01.23"},
    {"phone": "0032 470 00 11 22"},
    {"phone": "+44 20 7946 0958"},
    {"phone": "+32 (0)470 00 11 22"},
    {"phone": "\u0660\u0664\u0667\u0660 \u0660\u0660 \u0661\u0661 \u0662\u0662"},
    {"email": "samira@voorbeeld.example"},
    {"email": "o'neil+work@mail.voorbeeld.example"},
    {"email": "李@例え.example"},
    *({"unreachable": code} for code in CODES),
    {"name": "Samira Voorbeeld", "unreachable": "ADDRESS_PROTECTED"},
)


def values(contact: Any) -> list[str]:
    """What an answer must not repeat."""
    return [one for one in contact.values() if isinstance(one, str) and len(one.strip()) > 3 and one not in CODES]


async def bulk(context: ReferralContext, body: dict[str, Any]) -> dict[str, Any]:
    """The answer to one line."""
    content = json.dumps({**body, "idempotencyKey": body["client"]["ref"]}).encode()
    headers = {"Content-Type": "application/x-ndjson"}
    answer = await context.running.send(INES, "POST", f"{REFERRALS}/bulk", content=content, headers=headers)
    (line,) = (json.loads(one) for one in answer.text.splitlines())
    return dict(line)


@pytest.mark.parametrize(("contact", "expected"), ALL)
async def test_who_cannot_be_reached_is_not_referred(
    context: ReferralContext, contact: Any, expected: dict[str, str]
) -> None:
    """Not at once, not as a draft, not by bulk, not by a patch: 422 at the field, nothing kept, nothing repeated."""
    path = await context.draft()
    before = await context.snapshot()
    for draft in (False, True):
        answer = await context.running.create(INES, REFERRALS, {**another_person(contact=contact), "draft": draft})
        assert_problem(answer, 422)
        assert pointers(answer) == expected
        assert not [one for one in values(contact) if one in answer.text]
    line = await bulk(context, another_person(contact=contact))
    assert line["status"] == 422
    assert {one["pointer"] for one in line["problem"]["errors"]} == expected.keys()
    whole = {"name": None, "phone": None, "email": None, "unreachable": None, **contact}
    patched = await context.running.send(INES, "PATCH", path, {"contact": whole}, etag='"1"')
    assert_problem(patched, 422)
    assert pointers(patched) == expected
    assert await context.snapshot() == before


@pytest.mark.parametrize("contact", WAYS)
async def test_one_way_is_enough_or_a_code_that_says_why_there_is_none(
    context: ReferralContext, contact: dict[str, str]
) -> None:
    """The addressed organisation reads it as it was sent."""
    path = await context.submit(another_person(contact=contact))
    read = (await context.running.read(LOTTE, f"{path}/contact"))["contact"]
    assert {name: value for name, value in read.items() if value is not None} == contact
    assert ("unreachable" in read) is ("unreachable" in contact)


async def test_a_referral_says_how_the_person_is_reached(context: ReferralContext) -> None:
    """A draft may leave it out; the offer may not, whichever way it is made."""
    without = {name: value for name, value in another_person().items() if name != "contact"}
    for body in (without, {**without, "contact": None}):
        answer = await context.running.create(INES, REFERRALS, body)
        assert_problem(answer, 422)
        assert pointers(answer) == {"/contact": "REQUIRED"}
    path = await context.draft(without)
    answer = await context.running.command(INES, path, "submit")
    assert_problem(answer, 422)
    assert pointers(answer) == {"/contact": "REQUIRED"}
    etag = (await context.running.get(INES, path)).headers["ETag"]
    await context.running.send(INES, "PATCH", path, {"contact": {"unreachable": "NO_DEVICE"}}, etag=etag)
    await context.running.done(INES, path, "submit")


async def test_what_a_patch_makes_of_the_contact_data_reaches_somebody(context: ReferralContext) -> None:
    """A way may be taken out as long as another one, or the reason for none, stays."""
    path = await context.draft(
        another_person(contact={"phone": "+32 470 00 11 22", "email": "samira@voorbeeld.example"})
    )

    async def patch(**contact: str | None) -> httpx.Response:
        etag = (await context.running.get(INES, path)).headers["ETag"]
        return await context.running.send(INES, "PATCH", path, {"contact": contact}, etag=etag)

    assert (await patch(phone=None)).status_code == 200
    answer = await patch(email=None)
    assert_problem(answer, 422)
    assert pointers(answer) == {"/contact": "INVALID_VALUE"}
    assert (await patch(email=None, unreachable="THROUGH_COUNSELLOR")).status_code == 200
    assert_problem(await patch(unreachable=None), 422)
    assert (await patch(unreachable=None, phone="0470 00 11 22")).status_code == 200
    assert_problem(await patch(phone="0470"), 422)


async def programme_in(context: ReferralContext, country: str) -> str:
    """A programme of another country that brugwerk offers."""
    programme, path = f"mtw-{country.lower()}", "/v1/organisations/brugwerk"
    version = {**PROGRAMME_VERSION, "country": country}
    published = await context.running.send(OPERATOR, "PUT", f"/v1/programmes/{programme}/versions/1", version)
    assert published.status_code == 200, published.text
    told = await context.running.get(OPERATOR, path)
    body = {**told.json(), "programmes": [*told.json()["programmes"], programme]}
    await context.running.send(OPERATOR, "PUT", path, body, etag=told.headers["ETag"])
    return programme


async def test_a_number_without_its_country_is_one_of_the_programmes(context: ReferralContext) -> None:
    """Norway's have eight digits, which Belgium's of mobiles lack; France's begin with 0 and have ten."""
    norway, france = await programme_in(context, "NO"), await programme_in(context, "FR")
    for programme, phone, possible in (
        (norway, "400 00 123", True),
        (norway, "0470 00 11 22", False),
        (norway, "+32 470 00 11 22", True),
        (france, "06 12 34 56 78", True),
        (france, "400 00 12", False),
        (PROGRAMME, "0470 00 11 22", True),
        (PROGRAMME, "06 12 34 56 78 90", False),
    ):
        for draft in (False, True):
            body = {**another_person(programme=programme, contact={"phone": phone}), "draft": draft}
            answer = await context.running.create(INES, REFERRALS, body)
            assert answer.status_code == (201 if possible else 422), (programme, phone, answer.text)
            if not possible:
                assert pointers(answer) == {"/contact/phone": "INVALID_VALUE"}
                assert phone not in answer.text
    path = await context.draft(another_person(programme=norway))
    answer = await context.running.send(INES, "PATCH", path, {"contact": {"phone": "0470 00 11 22"}}, etag='"1"')
    assert pointers(answer) == {"/contact/phone": "INVALID_VALUE"}


async def test_what_is_wrong_with_the_contact_data_is_said_with_all_else(context: ReferralContext) -> None:
    """In the order of the body."""
    body = another_person(contact={"phone": "06 12 34 56 78 90"}, goals=[], region=None)
    answer = await context.running.create(INES, REFERRALS, body)
    assert list(pointers(answer)) == ["/contact/phone", "/region", "/goals"]


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (
            {"name": "\u200b", "phone": "", "email": "not an email"},
            {"/contact/name", "/contact/phone", "/contact/email"},
        ),
        ({"name": "Samira", "phone": None, "email": None}, {"/contact"}),
        ({"name": None, "phone": "06 12 34 56 78 90", "email": None}, {"/contact/phone"}),
        (None, {"/contact"}),
    ],
)
async def test_a_draft_from_before_is_submitted_once_it_reaches_somebody(
    context: ReferralContext, stored: dict[str, Any] | None, expected: set[str]
) -> None:
    """Contact data that lay in the vault before there was a rule stay as they are, and are asked for at the offer."""
    path = await context.draft()
    stream, vault = referral_stream(path.rpartition("/")[2]), context.service.vault
    if stored is None:
        await vault.forget(stream)
    else:
        deposit = Deposit(vault, stream)
        ref = deposit.put("contact", stored)
        await deposit.keep()
        (drafted,) = await context.service.log.read(stream)
        told = drafted.event
        packet = replace(told.packet, contact_ref=ref)
        edited = DraftEdited(offer=told.offer, at=told.at, by=told.by, deadlines=told.deadlines, packet=packet)
        meta = replace(drafted.meta, event_id=new_key(), idempotency_key=None, fingerprint=None)
        await context.service.log.append([Write(stream, 1, [(edited, meta)])])
    answer = await context.running.command(INES, path, "submit")
    assert_problem(answer, 422)
    assert set(pointers(answer)) == expected
    etag = (await context.running.get(INES, path)).headers["ETag"]
    contact = {"name": "Samira", "phone": "+32 470 00 11 22", "email": None}
    patched = await context.running.send(INES, "PATCH", path, {"contact": contact}, etag=etag)
    assert patched.status_code == 200, patched.text
    await context.running.done(INES, path, "submit")


@pytest.mark.parametrize(
    ("point", "taken"),
    [
        ("the context on the first floor", True),
        ("privacy@voorbeeld.example", True),
        ("+32 2 555 01 23", True),
        ("Ask Lotte: intake@voorbeeld.example, or +32 2 555 01 23", True),
        ("privacy@", False),
        ("privacy@voorbeeld", False),
        ("+32 2", False),
        ("\u200b", False),
        ("the \u202edesk", False),
        ("the context\x00", False),
    ],
)
async def test_a_contact_point_has_the_form_of_what_it_looks_like(
    context: ReferralContext, point: str, *, taken: bool
) -> None:
    """Of an organisation and of a programme: an address, a number, or words that can be read."""
    told = await context.running.get(OPERATOR, "/v1/organisations/brugwerk")
    body = {**told.json(), "contactPoint": point}
    etag = told.headers["ETag"]
    put = await context.running.send(OPERATOR, "PUT", "/v1/organisations/brugwerk", body, etag=etag)
    version = {**PROGRAMME_VERSION, "contactPoint": point}
    published = await context.running.send(OPERATOR, "PUT", "/v1/programmes/another/versions/1", version)
    for answer in (put, published):
        assert answer.status_code == (200 if taken else 422), answer.text
        if not taken:
            assert pointers(answer) == {"/contactPoint": "INVALID_VALUE"}
            assert point not in answer.text
