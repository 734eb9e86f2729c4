"""What is tried on a referral after the person withdrew: refused, on record beside the disclosures, and told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.referral.domain.disclosure import DisclosureRefused
from tests.referral.context import COMMANDS, ReferralContext
from tests.referral.test_broadcasts_http import BY_KARIM, received
from tests.support.people import AUDITOR, DPO_OF_AGENCY, HANNE, INES, KARIM, LOTTE, PIETER, TOM, Person
from tests.support.problems import assert_problem
from tests.support.requests import new_key, samira

Tried = list[tuple[str, str, int]]


async def stopped(context: ReferralContext, path: str | None = None) -> str:
    """A referral of which the person has withdrawn the legal basis."""
    path = path or await context.received(samira())
    await context.running.done(TOM, await context.basis(path), "withdraw")
    return path


async def tried(context: ReferralContext, path: str, person: Person = INES) -> Tried:
    """What was refused, as those read it who may: who, what, how often within an hour."""
    page = await context.running.read(person, f"{path}/disclosures", refused="true")
    return [(item["to"]["sub"], item["attempt"], item["count"]) for item in page["items"]]


@pytest.mark.parametrize(
    ("what", "attempt"), [("/contact", "read-contact"), ("/texts", "read-texts"), ("/events", "read-record")]
)
async def test_a_read_after_the_withdrawal_is_refused_on_record(
    context: ReferralContext, what: str, attempt: str
) -> None:
    """With who tried, when, and the basis that was withdrawn; no ETag moves, and nothing was disclosed."""
    path = await stopped(context)
    before = await context.running.read(INES, path)
    disclosed = (await context.running.read(INES, f"{path}/disclosures"))["items"]
    assert_problem(await context.running.get(LOTTE, path + what), 403, "LEGAL_BASIS_WITHDRAWN")
    after = await context.running.read(INES, path)
    assert after["version"] == before["version"]
    (item,) = (await context.running.read(AUDITOR, f"{path}/disclosures", refused="true"))["items"]
    assert item == {
        "at": "2026-01-12T09:30:00Z",
        "to": {"org": "brugwerk", "role": "NGO_COORDINATOR", "sub": "lotte.claes"},
        "attempt": attempt,
        "refusal": "LEGAL_BASIS_WITHDRAWN",
        "legalBasis": before["legalBasis"]["id"],
        "count": 1,
    }
    assert (await context.running.read(INES, f"{path}/disclosures"))["items"] == disclosed


@pytest.mark.parametrize("action", ["receive", "request-information", "waitlist", "accept", "decline"])
async def test_a_command_after_the_withdrawal_is_refused_on_record(context: ReferralContext, action: str) -> None:
    """Whether its sender has seen the stop, or still sends an old ETag: each attempt once."""
    path = await context.received(samira())
    old = (await context.running.get(LOTTE, path)).headers["ETag"]
    await stopped(context, path)
    now = (await context.running.get(LOTTE, path)).headers["ETag"]
    for etag in (old, now):
        answer = await context.running.command(LOTTE, path, action, COMMANDS[action][1], etag=etag)
        assert_problem(answer, 403, "LEGAL_BASIS_WITHDRAWN")
    assert (await context.running.get(LOTTE, path)).headers["ETag"] == now
    assert await tried(context, path) == [("lotte.claes", action, 2)]


async def test_the_agency_is_refused_on_record_as_well(context: ReferralContext) -> None:
    """An answer to the organisation would disclose something; what the agency does with its own referral would not."""
    path = await context.received(samira())
    await context.running.done(LOTTE, path, "request-information", {"codes": ["AVAILABILITY"]})
    old = (await context.running.get(INES, path)).headers["ETag"]
    await stopped(context, path)
    for etag in (old, None):
        answer = await context.running.command(
            INES, path, "provide-information", COMMANDS["provide-information"][1], etag=etag
        )
        assert_problem(answer, 403, "LEGAL_BASIS_WITHDRAWN")
    assert (await context.running.get(INES, f"{path}/contact")).status_code == 200
    assert_problem(await context.running.command(INES, path, "mark-error", COMMANDS["mark-error"][1], etag=old), 412)
    assert await tried(context, path) == [("ines.debacker", "provide-information", 2)]


async def test_who_never_had_a_right_leaves_nothing(context: ReferralContext) -> None:
    """Strangers get 404 as ever; who has another role than those who read, 403 as ever. Nothing is written."""
    path = await stopped(context)
    before = await context.snapshot()
    for stranger in (KARIM, PIETER):
        for what in ("/contact", "/texts", "/events"):
            assert_problem(await context.running.get(stranger, path + what), 404)
    officer = Person("privacy.context", "brugwerk", "DPO")
    assert_problem(await context.running.get(officer, f"{path}/contact"), 403, "ROLE_NOT_ALLOWED")
    assert_problem(await context.running.get(LOTTE, f"{path}/disclosures"), 403, "PARTY_NOT_ALLOWED")
    assert await context.snapshot() == before


async def test_a_question_is_no_attempt(context: ReferralContext) -> None:
    """Neither a dry run nor the head of an answer, which shows nothing, nor reading the stop itself."""
    path = await stopped(context)
    before = await context.snapshot()
    dry = await context.running.command(LOTTE, path, "decline", COMMANDS["decline"][1], dryRun="true")
    assert_problem(dry, 403, "LEGAL_BASIS_WITHDRAWN")
    assert (await context.running.send(LOTTE, "HEAD", f"{path}/contact")).status_code == 403
    assert (await context.running.get(LOTTE, path)).status_code == 200
    assert await context.snapshot() == before


async def test_a_repeat_under_the_same_key_is_one_attempt(context: ReferralContext) -> None:
    """However its sender names the version; another key is another attempt."""
    path = await context.received(samira())
    old = (await context.running.get(LOTTE, path)).headers["ETag"]
    await stopped(context, path)
    for key in (new_key(), new_key()):
        for etag in (old, old, None):
            answer = await context.running.command(LOTTE, path, "receive", etag=etag, key=key)
            assert_problem(answer, 403, "LEGAL_BASIS_WITHDRAWN")
    assert await tried(context, path) == [("lotte.claes", "receive", 2)]


async def test_the_same_attempt_within_an_hour_is_one_item_and_pages_hold(context: ReferralContext) -> None:
    """By person and attempt; an hour after the first it is another. Agency, its officer and auditors read them."""
    path = await stopped(context)
    for person, what in ((LOTTE, "/contact"), (HANNE, "/contact"), (LOTTE, "/contact"), (LOTTE, "/texts")):
        await context.running.get(person, path + what)
    await context.running.at(context.running.clock.now() + timedelta(hours=1))
    await context.running.get(LOTTE, f"{path}/contact")
    expected = [
        ("lotte.claes", "read-contact", 2),
        (HANNE.sub, "read-contact", 1),
        ("lotte.claes", "read-texts", 1),
        ("lotte.claes", "read-contact", 1),
    ]
    for reader in (INES, AUDITOR, DPO_OF_AGENCY):
        assert await tried(context, path, reader) == expected
    seen: list[Any] = []
    asked: dict[str, Any] = {}
    while True:
        page = await context.running.read(INES, f"{path}/disclosures", refused="true", limit=1, **asked)
        seen += page["items"]
        if page["next"] is None:
            break
        asked = {"cursor": page["next"]}
    assert [(item["to"]["sub"], item["attempt"], item["count"]) for item in seen] == expected


async def test_who_reads_again_and_again_does_not_fill_the_log(context: ReferralContext) -> None:
    """Of one person and hour ten of the same are kept; in another hour, or of somebody else, as many again."""
    path = await stopped(context)

    async def noted() -> int:
        return sum(isinstance(one.event, DisclosureRefused) for one in await context.recorded())

    for _ in range(25):
        assert_problem(await context.running.get(LOTTE, f"{path}/contact"), 403, "LEGAL_BASIS_WITHDRAWN")
        assert_problem(await context.running.get(LOTTE, f"{path}/texts"), 403, "LEGAL_BASIS_WITHDRAWN")
    assert await noted() == 20
    assert await tried(context, path) == [("lotte.claes", "read-contact", 10), ("lotte.claes", "read-texts", 10)]
    assert_problem(await context.running.get(HANNE, f"{path}/contact"), 403, "LEGAL_BASIS_WITHDRAWN")
    await context.running.at(context.running.clock.now() + timedelta(hours=1))
    assert_problem(await context.running.get(LOTTE, f"{path}/contact"), 403, "LEGAL_BASIS_WITHDRAWN")
    assert await noted() == 22
    assert (await tried(context, path))[2:] == [(HANNE.sub, "read-contact", 1), ("lotte.claes", "read-contact", 1)]


async def test_an_attempt_on_an_anonymous_offer_is_told_to_the_agency_alone(context: ReferralContext) -> None:
    """Under the case, of which the organisation knows nothing."""
    _, offers = await received(context)
    basis = f"/v1/legal-bases/{(await context.running.read(LOTTE, offers['brugwerk']))['legalBasis']['id']}"
    await context.running.done(INES, basis, "withdraw")
    refused = await context.running.command(KARIM, offers["samenstap"], "accept", BY_KARIM)
    assert_problem(refused, 403, "LEGAL_BASIS_WITHDRAWN")
    case = (await context.running.read(INES, offers["samenstap"]))["case"]
    assert case not in refused.text
    assert await tried(context, offers["samenstap"]) == [("karim.haddad", "accept", 1)]
    (event,) = [one.event for one in await context.recorded() if isinstance(one.event, DisclosureRefused)]
    assert event.offer.case_id == case


async def test_every_disclosure_names_a_basis_that_was_valid_then(context: ReferralContext) -> None:
    """Packet, answers and contact data, each before the withdrawal, each on the basis that the person gave."""
    path = await context.received(samira())
    await context.running.done(LOTTE, path, "request-information", {"codes": ["AVAILABILITY"]})
    await context.running.done(INES, path, "provide-information", COMMANDS["provide-information"][1])
    await context.running.get(LOTTE, f"{path}/contact")
    await context.running.at(context.running.clock.now() + timedelta(minutes=5))
    basis = await context.running.read(INES, await context.basis(path))
    await stopped(context, path)
    withdrawn = (await context.running.read(INES, path))["legalBasis"]["withdrawnAt"]
    await context.running.get(LOTTE, f"{path}/contact")
    items = (await context.running.read(AUDITOR, f"{path}/disclosures"))["items"]
    assert [item["what"] for item in items] == ["PACKET", "INFORMATION", "CONTACT"]
    assert {item["legalBasis"] for item in items} == {basis["id"]}
    assert all(basis["givenAt"] <= item["at"] < withdrawn for item in items)
