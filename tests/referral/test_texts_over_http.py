"""What the parties write to each other in words: kept in the vault, read by the parties, told to nobody else."""

from __future__ import annotations

import json

from tests.referral.context import NDJSON, REFERRALS, ReferralContext
from tests.support.people import AUDITOR, HANNE, INES, KARIM, LOTTE
from tests.support.problems import assert_problem
from tests.support.requests import new_key, samira


async def answered(context: ReferralContext) -> str:
    """A referral whose organisation asked, and was answered in words."""
    path = await context.received(samira())
    await context.running.done(LOTTE, path, "request-information", {"codes": ["AVAILABILITY", "EXPECTATIONS"]})
    answers = [{"code": "AVAILABILITY", "answer": "Mondays only"}, {"code": "EXPECTATIONS", "answer": "a network"}]
    await context.running.done(INES, path, "provide-information", {"answers": answers})
    return path


async def test_the_organisation_reads_the_answers_that_it_asked_for(context: ReferralContext) -> None:
    """Each with the question that it answers; both sides read the same."""
    path = await answered(context)
    for person in (LOTTE, HANNE, INES):
        items = (await context.running.read(person, f"{path}/texts"))["items"]
        assert [(item["type"], item["code"], item["text"]) for item in items] == [
            ("InformationProvided", "AVAILABILITY", "Mondays only"),
            ("InformationProvided", "EXPECTATIONS", "a network"),
        ]


async def test_nobody_but_the_parties_reads_texts(context: ReferralContext) -> None:
    """Another organisation finds nothing; an auditor reads codes, and no words."""
    path = await answered(context)
    assert_problem(await context.running.get(KARIM, f"{path}/texts"), 404)
    assert_problem(await context.running.get(AUDITOR, f"{path}/texts"), 403)


async def test_texts_are_not_read_after_the_consent_was_withdrawn(context: ReferralContext) -> None:
    """The organisation is told to stop; the agency keeps its own file."""
    path = await answered(context)
    await context.running.done(INES, await context.basis(path), "withdraw")
    assert_problem(await context.running.get(LOTTE, f"{path}/texts"), 403)
    assert len((await context.running.read(INES, f"{path}/texts"))["items"]) == 2


async def test_the_agency_reads_why_and_its_own_justification_stays_with_it(context: ReferralContext) -> None:
    """OTHER is explained in words to the agency; why the agency sees a mistake is not the organisation's to read."""
    path = await context.received(samira())
    declined = {"reason": "OTHER", "text": "we move house", "suggestion": "ask the neighbours"}
    await context.running.done(LOTTE, path, "decline", declined)
    await context.running.done(INES, path, "mark-error", {"justification": "the wrong person"})
    agency = {item["text"] for item in (await context.running.read(INES, f"{path}/texts"))["items"]}
    organisation = {item["text"] for item in (await context.running.read(LOTTE, f"{path}/texts"))["items"]}
    assert agency == {"we move house", "ask the neighbours", "the wrong person"}
    assert organisation == {"we move house", "ask the neighbours"}


async def test_rights_are_looked_at_before_the_body(context: ReferralContext) -> None:
    """A caller without a part in a referral learns nothing from what is wrong with the body."""
    path = await context.received(samira())
    assert_problem(await context.running.command(KARIM, path, "decline", {"reason": "NOPE"}, etag='"1"'), 404)
    assert_problem(await context.running.command(INES, path, "decline", {"reason": "NOPE"}, etag='"1"'), 403)


async def test_filters_that_nothing_can_match_are_refused(context: ReferralContext) -> None:
    """An organisation that there is not, and a case id that is none."""
    for name, value in (("organisation", "nobody"), ("case", "nope")):
        answer = await context.running.get(INES, "/v1/referrals", **{name: value})
        assert assert_problem(answer, 422)["errors"][0]["pointer"] == f"/query/{name}"


async def test_a_dry_run_in_bulk_writes_nothing(context: ReferralContext) -> None:
    """Each line says what it would write, as the single request would."""
    before = await context.snapshot()
    line = json.dumps({**samira(), "idempotencyKey": new_key()}).encode()
    asked = {"dryRun": "true"}
    answer = await context.running.send(INES, "POST", f"{REFERRALS}/bulk", content=line, headers=NDJSON, params=asked)
    said = json.loads(answer.text)
    assert (said["status"], said["referral"]["dryRun"]) == (200, True)
    assert "ReferralSubmitted" in said["referral"]["events"]
    assert await context.snapshot() == before


async def test_a_dry_run_with_a_used_key_says_what_the_real_one_would(context: ReferralContext) -> None:
    """Another body under the key is refused, dry or not."""
    key = new_key()
    await context.submit(samira(), key=key)
    other = samira(region="BE21")
    answer = await context.running.create(INES, "/v1/referrals", other, key=key, dryRun="true")
    assert_problem(answer, 422, "IDEMPOTENCY_KEY_REUSED")


async def test_an_organisation_whose_access_ended_reads_no_legal_basis(context: ReferralContext) -> None:
    """The basis goes with the referral that it was given for."""
    path = await context.received(samira())
    basis = await context.basis(path)
    await context.running.done(LOTTE, path, "decline", {"reason": "CAPACITY_FULL"})
    assert (await context.running.get(LOTTE, basis)).status_code == 200
    await context.running.at(context.running.clock.now().replace(month=12))
    assert_problem(await context.running.get(LOTTE, basis), 403, "ACCESS_ENDED")
