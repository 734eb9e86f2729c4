"""What the parties write to each other in words: kept in the vault, read by the parties, told to nobody else."""

from __future__ import annotations

import json

from tests.people import AUDITOR, HANNE, INES, KARIM, LOTTE, samira
from tests.referral.desk import NDJSON, REFERRALS, ReferralDesk, assert_problem, new_key


async def answered(desk: ReferralDesk) -> str:
    """A referral whose organisation asked, and was answered in words."""
    path = await desk.received(samira())
    await desk.running.done(LOTTE, path, "request-information", {"codes": ["AVAILABILITY", "EXPECTATIONS"]})
    answers = [{"code": "AVAILABILITY", "answer": "Mondays only"}, {"code": "EXPECTATIONS", "answer": "a network"}]
    await desk.running.done(INES, path, "provide-information", {"answers": answers})
    return path


async def test_the_organisation_reads_the_answers_that_it_asked_for(desk: ReferralDesk) -> None:
    """Each with the question that it answers; both sides read the same."""
    path = await answered(desk)
    for person in (LOTTE, HANNE, INES):
        items = (await desk.running.read(person, f"{path}/texts"))["items"]
        assert [(item["type"], item["code"], item["text"]) for item in items] == [
            ("InformationProvided", "AVAILABILITY", "Mondays only"),
            ("InformationProvided", "EXPECTATIONS", "a network"),
        ]


async def test_nobody_but_the_parties_reads_texts(desk: ReferralDesk) -> None:
    """Another organisation finds nothing; an auditor reads codes, and no words."""
    path = await answered(desk)
    assert_problem(await desk.running.get(KARIM, f"{path}/texts"), 404)
    assert_problem(await desk.running.get(AUDITOR, f"{path}/texts"), 403)


async def test_texts_are_not_read_after_the_consent_was_withdrawn(desk: ReferralDesk) -> None:
    """The organisation is told to stop; the agency keeps its own file."""
    path = await answered(desk)
    await desk.running.done(INES, await desk.basis(path), "withdraw")
    assert_problem(await desk.running.get(LOTTE, f"{path}/texts"), 403)
    assert len((await desk.running.read(INES, f"{path}/texts"))["items"]) == 2


async def test_the_agency_reads_why_and_its_own_justification_stays_with_it(desk: ReferralDesk) -> None:
    """OTHER is explained in words to the agency; why the agency sees a mistake is not the organisation's to read."""
    path = await desk.received(samira())
    declined = {"reason": "OTHER", "text": "we move house", "suggestion": "ask the neighbours"}
    await desk.running.done(LOTTE, path, "decline", declined)
    await desk.running.done(INES, path, "mark-error", {"justification": "the wrong person"})
    agency = {item["text"] for item in (await desk.running.read(INES, f"{path}/texts"))["items"]}
    organisation = {item["text"] for item in (await desk.running.read(LOTTE, f"{path}/texts"))["items"]}
    assert agency == {"we move house", "ask the neighbours", "the wrong person"}
    assert organisation == {"we move house", "ask the neighbours"}


async def test_rights_are_looked_at_before_the_body(desk: ReferralDesk) -> None:
    """Whoever has no part in a referral learns nothing from what is wrong with the body."""
    path = await desk.received(samira())
    assert_problem(await desk.running.command(KARIM, path, "decline", {"reason": "NOPE"}, etag='"1"'), 404)
    assert_problem(await desk.running.command(INES, path, "decline", {"reason": "NOPE"}, etag='"1"'), 403)


async def test_filters_that_nothing_can_match_are_refused(desk: ReferralDesk) -> None:
    """An organisation that there is not, and a case id that is none."""
    for name, value in (("organisation", "nobody"), ("case", "nope")):
        answer = await desk.running.get(INES, "/v1/referrals", **{name: value})
        assert assert_problem(answer, 422)["errors"][0]["pointer"] == f"/query/{name}"


async def test_a_dry_run_in_bulk_writes_nothing(desk: ReferralDesk) -> None:
    """Each line says what it would write, as the single request would."""
    before = await desk.snapshot()
    line = json.dumps({**samira(), "idempotencyKey": new_key()}).encode()
    asked = {"dryRun": "true"}
    answer = await desk.running.send(INES, "POST", f"{REFERRALS}/bulk", content=line, headers=NDJSON, params=asked)
    said = json.loads(answer.text)
    assert (said["status"], said["referral"]["dryRun"]) == (200, True)
    assert "ReferralSubmitted" in said["referral"]["events"]
    assert await desk.snapshot() == before


async def test_a_dry_run_with_a_used_key_says_what_the_real_one_would(desk: ReferralDesk) -> None:
    """Another body under the key is refused, dry or not."""
    key = new_key()
    await desk.submit(samira(), key=key)
    other = samira(region="BE21")
    answer = await desk.running.create(INES, "/v1/referrals", other, key=key, dryRun="true")
    assert_problem(answer, 422, "IDEMPOTENCY_KEY_REUSED")


async def test_an_organisation_whose_access_ended_reads_no_legal_basis(desk: ReferralDesk) -> None:
    """The basis goes with the referral that it was given for."""
    path = await desk.received(samira())
    basis = await desk.basis(path)
    await desk.running.done(LOTTE, path, "decline", {"reason": "CAPACITY_FULL"})
    assert (await desk.running.get(LOTTE, basis)).status_code == 200
    await desk.running.at(desk.running.clock.now().replace(month=12))
    assert_problem(await desk.running.get(LOTTE, basis), 403, "ACCESS_ENDED")
