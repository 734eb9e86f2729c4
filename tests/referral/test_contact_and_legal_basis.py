"""The person's data: who reads them, on which basis, where they are kept, and that they are nowhere else."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.chassis.operating.telemetry import configure_logging
from services.referral.app import build
from services.referral.domain.submission import ReferralSubmitted
from tests.referral.context import ACCEPT, COMMANDS, NDJSON, REFERRALS, ReferralContext
from tests.support.people import DPO_OF_AGENCY, HANNE, INES, KARIM, LOTTE, PIETER, TOM, Person
from tests.support.problems import assert_problem
from tests.support.requests import new_key, samira
from tests.support.running import running

CONTACT = samira()["contact"]
SECRETS = ("Samira Voorbeeld", "Voorbeeld", "+32 470 00 11 22", "470 00 11 22", "samira@voorbeeld.example")
TEXTS = ("a long story", "another long story", "another organisation", "another person was meant", "Mondays")


async def test_the_addressed_organisation_reads_the_contact_data(context: ReferralContext) -> None:
    """From submission on, uncached; the agency may read what it sent; nobody else may."""
    path = await context.submit(samira())
    for person in (LOTTE, HANNE, INES):
        answer = await context.running.get(person, f"{path}/contact")
        assert answer.json() == {"contact": CONTACT}
        assert answer.headers["Cache-Control"] == "no-store"
    assert_problem(await context.running.get(KARIM, f"{path}/contact"), 404)
    assert_problem(await context.running.get(PIETER, f"{path}/contact"), 404)
    assert_problem(await context.running.get(DPO_OF_AGENCY, f"{path}/contact"), 403)


async def test_each_reading_is_recorded_and_moves_no_etag(context: ReferralContext) -> None:
    """Every reading that succeeds stands in a stream of its own, with reader, time and legal basis; others do not."""
    path = await context.submit(samira())
    referral = path.rpartition("/")[2]
    before = await context.running.get(INES, path)
    for _ in range(3):
        assert (await context.running.get(LOTTE, f"{path}/contact")).status_code == 200
    await context.running.get(KARIM, f"{path}/contact")
    read = await context.service.log.read(f"disclosures-{referral}")
    assert [one.event.to for one in read] == ["brugwerk"] * 3
    assert {one.meta.actor.sub for one in read} == {"lotte.claes"}
    assert {one.event.legal_basis_id for one in read} == {before.json()["legalBasis"]["id"]}
    assert (await context.running.get(INES, path)).headers["ETag"] == before.headers["ETag"]
    assert (await context.running.command(LOTTE, path, "receive", etag=before.headers["ETag"])).status_code == 200


async def test_a_draft_without_contact_data_has_none_to_read(context: ReferralContext) -> None:
    """404, and a problem like any other."""
    path = await context.draft(samira(contact=None))
    assert_problem(await context.running.get(INES, f"{path}/contact"), 404)


async def test_personal_data_are_in_the_vault_and_nowhere_else(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """After a whole life with free texts, refusals and dry runs, no byte of them is in any other file or output."""
    said: list[str] = []
    configure_logging("DEBUG")
    async with running(tmp_path, {"referral": build}) as service:
        await service.set_the_scene()
        context = ReferralContext(service)
        send = service.send
        path = await context.submit(samira())
        await service.done(LOTTE, path, "receive")
        await service.get(LOTTE, f"{path}/contact")
        for action, (person, body) in COMMANDS.items():
            said.append((await service.command(person, path, action, body, dryRun="true")).text)
        await service.done(LOTTE, path, "request-information", {"codes": ["AVAILABILITY"]})
        await service.done(INES, path, "provide-information", COMMANDS["provide-information"][1])
        await service.done(LOTTE, path, "decline", COMMANDS["decline"][1])
        await service.done(INES, path, "mark-error", COMMANDS["mark-error"][1])
        draft = await context.draft(samira())
        etag = (await service.get(INES, draft)).headers["ETag"]
        patched = await send(INES, "PATCH", draft, {"contact": {"phone": SECRETS[2]}, "region": None}, etag=etag)
        said.append(patched.text)
        for body in (
            samira(goals=[]),
            samira(contact={"name": SECRETS[0], "phone": SECRETS[2], "email": SECRETS[4], "pet": SECRETS[0]}),
            samira(region=SECRETS[0]),
            samira(client={"ref": f"{SECRETS[0]}\u200b"}),
            {**samira(), SECRETS[0]: 1},
            {"contact": {"name": [SECRETS[0]]}},
            samira(contact={"name": f"{SECRETS[0]}\u200b", "phone": f"{SECRETS[2]}44", "email": f"{SECRETS[4]}@"}),
            samira(contact={"name": SECRETS[0]}),
            samira(contact={"phone": SECRETS[3][:7]}),
        ):
            refused = await service.create(INES, REFERRALS, body)
            assert 400 <= refused.status_code < 500
            said.append(refused.text)
        broken = json.dumps(samira()).encode()[:-40]
        said.append((await send(INES, "POST", REFERRALS, content=broken, key="broken")).text)
        lines = b"\n".join([json.dumps({**samira(), "idempotencyKey": "bulk-1"}).encode(), broken, b"[]"])
        said.append((await send(INES, "POST", f"{REFERRALS}/bulk", content=lines, headers=NDJSON)).text)
        others = (path, draft, f"{path}/events", REFERRALS, "/metrics", "/readyz")
        said += [(await service.get(INES, other)).text for other in others]
        await service.settle()
        kept = b"".join(context.bytes_at_rest(vault=True).values())
        everywhere_else = context.bytes_at_rest()
        assert any("log" in name for name in everywhere_else)
        assert kept
        (submitted,) = [
            one.event
            for one in await context.recorded()
            if one.stream.endswith(path.rpartition("/")[2]) and isinstance(one.event, ReferralSubmitted)
        ]
        record = await context.service.vault.read(submitted.packet.contact_ref)
        assert record == CONTACT
    output = "".join(capfd.readouterr())
    assert '"message"' in output, "the log was on"
    for secret in (*SECRETS, *TEXTS):
        assert secret not in "".join(said), secret
        assert secret not in output, secret
        for name, content in everywhere_else.items():
            for encoded in (secret.encode(), secret.encode("utf-16-le"), json.dumps(secret)[1:-1].encode()):
                assert encoded not in content, (secret, name)
    logging.getLogger().handlers.clear()


@pytest.mark.on_files
async def test_what_the_vault_forgets_is_gone(context: ReferralContext) -> None:
    """The referral stays as it is; its contact data are 404 from then on."""
    path = await context.submit(samira())
    before = await context.running.read(INES, path)
    await context.service.vault.forget(f"referral-{path.rpartition('/')[2]}")
    assert_problem(await context.running.get(LOTTE, f"{path}/contact"), 404)
    assert await context.running.read(INES, path) == before
    for content in context.bytes_at_rest(vault=True).values():
        assert b"Samira" not in content


async def test_a_refused_referral_leaves_nothing_in_the_vault(context: ReferralContext) -> None:
    """The vault is filled only for what is going to be stored."""
    before = context.vault_rows()
    await context.running.create(INES, REFERRALS, samira(goals=[]))
    await context.running.create(INES, REFERRALS, samira(), dryRun="true")
    path = await context.submit(samira())
    one = context.vault_rows()
    assert len(one) == len(before) + 1
    await context.running.create(INES, REFERRALS, samira())
    await context.running.command(LOTTE, path, "decline", COMMANDS["decline"][1], etag='"9"')
    assert context.vault_rows() == one


async def test_a_withdrawn_consent_stops_everything_at_once(context: ReferralContext) -> None:
    """The referral ends in the same transaction, and the organisation reads only the stop."""
    path = await context.received(samira())
    basis = await context.basis(path)
    before = await context.head()
    await context.running.done(INES, basis, "withdraw", {"channel": "PERSON"})
    written = [
        (type(one.event).__name__, one.stream.partition("-")[0])
        for one in await context.recorded()
        if one.position > before
    ]
    assert ("LegalBasisWithdrawn", "legal") in written
    assert ("ReferralWithdrawn", "referral") in written
    assert ("CaseKeyReleased", "case") in written
    stopped = await context.running.read(LOTTE, path)
    assert (stopped["state"], stopped["reason"]) == ("WITHDRAWN", "CONSENT_WITHDRAWN")
    assert stopped["allowedActions"] == []
    assert stopped.keys() <= {
        "id",
        "case",
        "state",
        "version",
        "reason",
        "dueAt",
        "links",
        "allowedActions",
        "blockedActions",
    }
    assert_problem(await context.running.get(LOTTE, f"{path}/events"), 403, "LEGAL_BASIS_WITHDRAWN")
    assert_problem(await context.running.get(LOTTE, f"{path}/contact"), 403, "LEGAL_BASIS_WITHDRAWN")
    full = await context.running.read(INES, path)
    assert full["languages"]
    (listed,) = (await context.running.read(LOTTE, REFERRALS))["items"]
    assert listed == {name: stopped[name] for name in ("id", "case", "state", "version", "reason", "dueAt", "links")}


@pytest.mark.parametrize("action", ["receive", "request-information", "waitlist", "accept", "decline"])
async def test_after_the_stop_the_organisations_commands_are_403(context: ReferralContext, action: str) -> None:
    """With the rule's code, whether the sender has seen the stop or still sends an old ETag; nothing is done."""
    path = await context.received(samira())
    old = (await context.running.get(LOTTE, path)).headers["ETag"]
    await context.running.done(TOM, await context.basis(path), "withdraw")
    before, vault = await context.head(), context.vault_rows()
    for etag in (old, (await context.running.get(LOTTE, path)).headers["ETag"]):
        answer = await context.running.command(LOTTE, path, action, COMMANDS[action][1], etag=etag)
        problem = assert_problem(answer, 403, "LEGAL_BASIS_WITHDRAWN")
        assert "CONSENT_WITHDRAWN" in problem["detail"]
    written = [type(one.event).__name__ for one in await context.recorded() if one.position > before]
    assert set(written) <= {"DisclosureRefused", "KeyRefused"}
    assert context.vault_rows() == vault


async def test_the_stop_of_an_accepted_referral_completes_it(context: ReferralContext) -> None:
    """It ends as COMPLETED with the closure CONSENT_WITHDRAWN; its place and the person are free again."""
    path = await context.accepted(samira())
    assert (await context.running.read(LOTTE, "/v1/organisations/brugwerk"))["taken"] == 1
    await context.running.done(LOTTE, await context.basis(path), "withdraw", {"channel": "ORGANISATION"})
    ended = await context.running.read(INES, path)
    assert (ended["state"], ended["reason"]) == ("COMPLETED", "CONSENT_WITHDRAWN")
    assert (await context.running.read(LOTTE, path))["reason"] == "CONSENT_WITHDRAWN"
    assert (await context.running.read(LOTTE, "/v1/organisations/brugwerk"))["taken"] == 0
    assert (await context.running.create(INES, REFERRALS, samira())).status_code == 201


async def test_a_basis_says_what_was_done_on_it(context: ReferralContext) -> None:
    """Kind, recipient, interval, and every reliance; withdrawing it twice changes nothing; strangers find nothing."""
    path = await context.accepted(samira())
    basis = await context.basis(path)
    read = await context.running.read(LOTTE, basis)
    assert (read["kind"], read["recipient"], read["valid"], read["withdrawnAt"]) == ("CONSENT", "brugwerk", True, None)
    assert [one["purpose"] for one in read["reliedOn"]] == ["SUBMIT", "ACCEPT"]
    assert_problem(await context.running.get(KARIM, basis), 404)
    assert_problem(await context.running.command(KARIM, basis, "withdraw", etag='"1"'), 404)
    etag = (await context.running.get(INES, basis)).headers["ETag"]
    assert_problem(await context.running.send(INES, "POST", f"{basis}/withdraw", {}), 428)
    assert_problem(await context.running.command(INES, basis, "withdraw", {"channel": "PIGEON"}, etag=etag), 422)
    dry = await context.running.command(INES, basis, "withdraw", etag=etag, dryRun="true")
    assert dry.json()["dryRun"] is True
    assert "LegalBasisWithdrawn" in dry.json()["events"]
    first = await context.running.done(INES, basis, "withdraw", etag=etag, key="stop")
    again = await context.running.done(INES, basis, "withdraw", etag=etag, key="stop")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json()
    before = await context.head()
    await context.running.done(INES, basis, "withdraw")
    assert await context.head() == before
    assert (await context.running.read(INES, basis))["valid"] is False


async def test_what_is_no_consent_cannot_be_withdrawn(context: ReferralContext) -> None:
    """Sharing in a public task is objected to, elsewhere; here it is 409 with the article."""
    path = await context.submit(samira(legalBasis={**samira()["legalBasis"], "kind": "PUBLIC_TASK"}))
    problem = assert_problem(await context.running.command(INES, await context.basis(path), "withdraw"), 409)
    assert "Art. 21" in problem["detail"]
    assert await context.state(path) == "SUBMITTED"


async def test_a_withdrawal_and_an_accept_at_once_do_not_both_win(context: ReferralContext) -> None:
    """Either the accept came first and the referral is completed by the stop, or it was refused."""
    for _ in range(20):
        path = await context.received()
        basis = await context.basis(path)
        etag = (await context.running.get(LOTTE, path)).headers["ETag"]
        stop, accept = await context.race(
            context.running.command(INES, basis, "withdraw", etag='"1"'),
            context.running.command(LOTTE, path, "accept", ACCEPT, etag=etag),
        )
        assert stop.status_code == 200, stop.text
        ended = await context.running.read(INES, path)
        if accept.status_code == 200:
            assert (ended["state"], ended["reason"]) == ("COMPLETED", "CONSENT_WITHDRAWN")
        else:
            assert accept.status_code in (403, 412), accept.text
            assert (ended["state"], ended["reason"]) == ("WITHDRAWN", "CONSENT_WITHDRAWN")


async def test_an_organisations_access_ends_twelve_weeks_after_its_referral(context: ReferralContext) -> None:
    """Until then it reads its own referral; afterwards 403 with the rule, for reads, contact data and commands."""
    path = await context.received(samira())
    await context.running.done(LOTTE, path, "decline", {"reason": "NO_SHOW"})
    # Monday 12 January and twelve weeks: with the end of Monday 6 April, in Brussels.
    await context.running.at(datetime(2026, 4, 6, 21, 59, 58, tzinfo=UTC))
    assert (await context.running.get(LOTTE, path)).status_code == 200
    await context.running.at(datetime(2026, 4, 6, 21, 59, 59, tzinfo=UTC))
    for suffix in ("", "/events", "/contact"):
        assert_problem(await context.running.get(LOTTE, path + suffix), 403, "ACCESS_ENDED")
    assert_problem(await context.running.command(LOTTE, path, "accept", ACCEPT, etag='"3"'), 403, "ACCESS_ENDED")
    assert (await context.running.read(LOTTE, REFERRALS))["items"] == []
    assert (await context.running.get(INES, path)).status_code == 200


async def test_accept_and_withdraw_at_once_have_one_winner(context: ReferralContext) -> None:
    """Two hundred times: one 200, one 409 or 412 that names the rule or the winner, and both sides read one story."""
    paths = [await context.received() for _ in range(200)]
    etags = [(await context.running.get(INES, path)).headers["ETag"] for path in paths]

    async def race(path: str, etag: str, first: bool) -> None:  # noqa: FBT001 - who is sent first
        accept = context.running.command(LOTTE, path, "accept", ACCEPT, etag=etag, key=new_key())
        withdraw = context.running.command(INES, path, "withdraw", {"reason": "CLIENT_MOVED"}, etag=etag, key=new_key())
        answers = await asyncio.gather(*((accept, withdraw) if first else (withdraw, accept)))
        (winner,) = (answer for answer in answers if answer.status_code == 200)
        (loser,) = (answer for answer in answers if answer.status_code != 200)
        problem = assert_problem(loser, loser.status_code)
        assert loser.status_code in (409, 412)
        state = winner.json()["state"]
        names = {"ACCEPTED": ("ReferralAccepted", "brugwerk"), "WITHDRAWN": ("ReferralWithdrawn", "vdab-gent")}[state]
        assert any(name in problem["detail"] for name in (*names, state)), problem
        for person in (INES, LOTTE):
            assert await context.state(path, person) == state

    await asyncio.gather(
        *(race(path, etag, n % 2 == 0) for n, (path, etag) in enumerate(zip(paths, etags, strict=True)))
    )
    ends = [type(one.event).__name__ for one in await context.recorded()]
    assert ends.count("ReferralAccepted") + ends.count("ReferralWithdrawn") == 200


async def test_a_loser_who_reads_again_is_told_who_holds_it(context: ReferralContext) -> None:
    """With the new ETag the refusal is a 409 that names the command, the organisation and what would be possible."""
    path = await context.received()
    await context.running.done(INES, path, "withdraw", {"reason": "CLIENT_MOVED"})
    problem = assert_problem(await context.running.command(LOTTE, path, "accept", ACCEPT), 409, "STATE_DOES_NOT_ALLOW")
    assert "withdraw by vdab-gent" in problem["detail"]
    assert "RECEIVED or WAITLISTED" in problem["detail"]


@pytest.mark.parametrize("side", ["vdab-gent", "brugwerk"])
async def test_the_person_withdraws_through_either_side(context: ReferralContext, side: str) -> None:
    """Signed in by their pseudonym, they read the basis and withdraw it; their name for the act is the actor's."""
    path = await context.received(samira())
    basis = await context.basis(path)
    person = Person("CL-7F3A", side, "MENTEE")
    read = await context.running.read(person, basis)
    assert (read["kind"], read["recipient"], read["valid"]) == ("CONSENT", "brugwerk", True)
    await context.running.done(person, basis, "withdraw")
    assert (await context.running.read(INES, path))["reason"] == "CONSENT_WITHDRAWN"
    assert_problem(await context.running.get(LOTTE, f"{path}/contact"), 403)
    (withdrawn,) = [one for one in await context.recorded() if one.topic == "legal_basis.withdrawn.v1"]
    assert (withdrawn.meta.actor.sub, withdrawn.meta.actor.role) == ("CL-7F3A", "MENTEE")


async def test_nobody_else_withdraws_in_the_name_of_a_person(context: ReferralContext) -> None:
    """Not another mentee, not the same pseudonym at another agency or organisation; and nothing else is theirs."""
    path = await context.received(samira())
    basis = await context.basis(path)
    for other in (Person("CL-0001", "vdab-gent", "MENTEE"), Person("CL-0001", "brugwerk", "MENTEE")):
        assert (await context.running.get(other, basis)).status_code in (403, 404)
        answer = await context.running.command(other, basis, "withdraw", etag='"2"')
        assert answer.status_code in (403, 404)
    for org in ("actiris-demo", "samenstap"):
        stranger = Person("CL-7F3A", org, "MENTEE")
        assert_problem(await context.running.get(stranger, basis), 404)
        assert_problem(await context.running.command(stranger, basis, "withdraw", etag='"2"'), 404)
    person = Person("CL-7F3A", "vdab-gent", "MENTEE")
    for what in ("", "/contact", "/events", "/texts", "/disclosures"):
        assert (await context.running.get(person, path + what)).status_code in (403, 404)
    assert (await context.running.read(INES, basis))["valid"]
