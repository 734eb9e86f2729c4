"""Whom mentors are, how they are prepared, on what they are matched, and how long anybody waits.

Rows A3, A7, D1, R1 and F1 of the seed, over HTTP.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.casefile.cases import PROFILE, PROPOSAL, CaseContext, Told
from tests.support.people import AUDITOR, INES, LOTTE
from tests.support.problems import assert_problem
from tests.support.requests import AGREEMENT

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("seed preparation")]


async def describe(context: CaseContext, ref: str, **changes: Any) -> None:
    """Describes a mentor, or describes one otherwise."""
    found = await context.running.get(LOTTE, f"/v1/mentors/{ref}")
    etag = found.headers.get("ETag") if found.status_code == 200 else None
    answer = await context.running.send(LOTTE, "PUT", f"/v1/mentors/{ref}", {**PROFILE, **changes}, etag=etag)
    assert answer.status_code == 200, answer.text


async def last(context: CaseContext, case: Told, kind: str) -> dict[str, Any]:
    """The data of the latest event of a type in the record."""
    items = (await context.running.read(INES, f"{case.path}/events", limit=200))["items"]
    found: dict[str, Any] = [item["data"] for item in items if item["type"] == kind][-1]
    return found


async def test_a3_a_match_is_made_on_the_sector_or_says_why_not(shared: CaseContext) -> None:
    """The criteria stand in the proposal; without the sector among them it is refused, unless that is justified."""
    case = await shared.brought_to("MATCHING")
    proposal = {"mentorRef": "M-41", "criteria": ["LANGUAGE"]}
    refused = await shared.running.command(LOTTE, case.path, "propose-match", proposal)
    assert_problem(refused, 422, "SECTOR_CRITERION", at="/criteria")
    why = {**proposal, "sectorAbsence": "nobody of the sector speaks Arabic"}
    assert (await shared.running.command(LOTTE, case.path, "propose-match", why, dryRun="true")).is_success
    await shared.running.done(LOTTE, case.path, "propose-match", PROPOSAL)
    proposed = await last(shared, case, "MatchProposed")
    assert (proposed["criteria"], proposed["sectorAbsenceRef"]) == (["SECTOR", "LANGUAGE"], None)
    other = await shared.brought_to("MATCHING")
    await shared.running.done(LOTTE, other.path, "propose-match", why)
    proposed = await last(shared, other, "MatchProposed")
    assert proposed["criteria"] == ["LANGUAGE"]
    texts = (await shared.running.read(INES, f"{other.path}/texts"))["items"]
    assert why["sectorAbsence"] in [item["text"] for item in texts]


async def test_a3_an_outcome_says_whether_the_job_is_at_the_persons_level(shared: CaseContext) -> None:
    """Yes or no, in the case and in the record; a correction puts it right, and what was not said stays unsaid."""
    services = shared.running
    for level in (True, False):
        case = await shared.brought_to("CLOSED")
        outcome = {"point": "EXIT", "code": "EMPLOYED_STABLE", "source": "DECLARED", "levelMatch": level}
        answer = (await services.done(INES, case.path, "record-outcome", outcome)).json()
        assert answer["outcomes"] == [outcome]
        assert (await last(shared, case, "OutcomeRecorded"))["levelMatch"] is level
        item = (await services.read(INES, f"{case.path}/timeline", limit=200))["items"][-1]
        holds = {**outcome, "levelMatch": not level}
        await services.done(INES, case.path, "correct", {"event": item["event"], "reason": "misread", "holds": holds})
        assert (await services.read(INES, case.path))["outcomes"] == [holds]
        await services.done(INES, case.path, "reopen")
        await services.done(INES, case.path, "close", {"reason": "EMPLOYMENT"})
        unsaid = {name: outcome[name] for name in ("point", "code", "source")}
        again = (await services.done(INES, case.path, "record-outcome", unsaid)).json()
        assert again["outcomes"] == [{**unsaid, "levelMatch": None}]
    unsaid = await shared.brought_to("FINALISED")
    levels = {held["point"]: held["levelMatch"] for held in (await services.read(INES, unsaid.path))["outcomes"]}
    assert levels == {"EXIT": None, "W4": None, "M6": None, "M12": None}


LACKING = {
    "SCREENING": {"screenedOn": None},
    "TRAINING": {"trainedOn": None},
    "INSURANCE_NOTE": {"insuranceNoteOn": None},
    "CHARTER": {"charterVersion": None, "charterAcknowledgedOn": None},
}
"""What a volunteer lacks, by its code, and the profile without it."""


async def test_a7_a_mentor_who_has_not_acknowledged_the_charter_in_force_is_not_matched(shared: CaseContext) -> None:
    """Nor one who acknowledged another version; with the one in force the same mentor is."""
    case = await shared.brought_to("MATCHING")
    proposal = {**PROPOSAL, "mentorRef": "M-70"}
    for missing in (LACKING["CHARTER"], {"charterVersion": "v0"}):
        await describe(shared, "M-70", **missing)
        refused = await shared.running.command(LOTTE, case.path, "propose-match", proposal)
        assert_problem(refused, 409, "MENTOR_NOT_READY", says="CHARTER")
    await describe(shared, "M-70")
    await shared.running.done(LOTTE, case.path, "propose-match", proposal)


async def test_a7_no_agreement_is_signed_without_it(shared: CaseContext) -> None:
    """Also where it was acknowledged when the mentor was proposed."""
    case = await shared.brought_to("MATCHING")
    await describe(shared, "M-71")
    await shared.running.done(LOTTE, case.path, "propose-match", {**PROPOSAL, "mentorRef": "M-71"})
    await shared.lead_on(case, "MATCH_PROPOSED", "CONFIRMED")
    await describe(shared, "M-71", charterVersion="v0")
    refused = await shared.running.command(LOTTE, case.path, "sign-agreement", AGREEMENT)
    assert_problem(refused, 409, "MENTOR_NOT_READY", says="CHARTER")
    await describe(shared, "M-71")
    await shared.running.done(LOTTE, case.path, "sign-agreement", AGREEMENT)
    signed = await last(shared, case, "AgreementSigned")
    assert (signed["charterVersion"], signed["readiness"]["charterVersion"]) == ("v1", "v1")


@pytest.mark.parametrize("code", LACKING)
async def test_r1_no_agreement_is_signed_with_a_mentor_who_is_not_prepared(shared: CaseContext, code: str) -> None:
    """Whatever is missing of screening, training, insurance note and charter is named, and nothing is recorded."""
    case = await shared.brought_to("MATCHING")
    ref = f"M-r1-{code}"
    await describe(shared, ref)
    await shared.running.done(LOTTE, case.path, "propose-match", {**PROPOSAL, "mentorRef": ref})
    await shared.lead_on(case, "MATCH_PROPOSED", "CONFIRMED")
    await describe(shared, ref, **LACKING[code])
    before = await shared.snapshot()
    refused = await shared.running.command(LOTTE, case.path, "sign-agreement", AGREEMENT)
    assert_problem(refused, 409, "MENTOR_NOT_READY", says=code)
    assert await shared.snapshot() == before


async def test_r1_who_is_not_bound_to_confidentiality_signs_nothing(shared: CaseContext) -> None:
    """It may be acknowledged between proposal and agreement; what was met, and when, stands in the agreement."""
    case = await shared.brought_to("MATCHING")
    await describe(shared, "M-72", confidentialityOn=None)
    await shared.running.done(LOTTE, case.path, "propose-match", {**PROPOSAL, "mentorRef": "M-72"})
    await shared.lead_on(case, "MATCH_PROPOSED", "CONFIRMED")
    refused = await shared.running.command(LOTTE, case.path, "sign-agreement", AGREEMENT)
    assert_problem(refused, 409, "MENTOR_NOT_READY", says="CONFIDENTIALITY")
    await describe(shared, "M-72", confidentialityOn="2026-01-12")
    await shared.running.done(LOTTE, case.path, "sign-agreement", AGREEMENT)
    readiness = (await last(shared, case, "AgreementSigned"))["readiness"]
    assert readiness == {
        "kind": "VOLUNTEER",
        "screenedOn": "2025-11-10",
        "trainedOn": "2025-11-24",
        "insuranceNoteOn": "2025-11-24",
        "charterVersion": "v1",
        "charterAcknowledgedOn": "2025-11-24",
        "confidentialityOn": "2026-01-12",
    }


async def test_d1_citizens_who_offer_themselves_are_capacity_that_waits_visibly(fresh: CaseContext) -> None:
    """How many places, how many are free, and since when nobody took one: for the organisation and for auditors."""
    services = fresh.running
    offered = services.clock.now()
    await describe(fresh, "M-80", capacity=2)
    await services.at(offered + timedelta(days=40))

    async def shown() -> tuple[int, int, str | None]:
        read = await services.read(LOTTE, "/v1/mentors/M-80")
        listed = (await services.read(AUDITOR, "/v1/mentors"))["items"]
        assert read in listed
        return read["capacity"], read["places"], read["waitingSince"]

    assert await shown() == (2, 2, "2026-01-12T09:30:00Z")
    case = await fresh.brought_to("MATCHING")
    await services.done(LOTTE, case.path, "propose-match", {**PROPOSAL, "mentorRef": "M-80"})
    assert await shown() == (2, 1, None)
    no = {"by": "MENTEE", "reason": "NO_CLICK", "onBehalfReason": "INTERPRETER"}
    await services.done(LOTTE, case.path, "reject-match", no)
    assert await shown() == (2, 2, "2026-01-12T09:30:00Z")


async def test_f1_nobody_waits_in_silence(fresh: CaseContext) -> None:
    """A wait has a reason, a beginning, an expected end and a review; after 30 days without one the agency is told."""
    services = fresh.running
    case = await fresh.referred()
    await fresh.follow(case, LOTTE, "receive")
    wait = {"reason": "NO_SUITABLE_MENTOR", "expectedBy": "2026-03-20", "clientAgreed": True}
    for missing in wait:
        refused = await services.command(LOTTE, case.offer, "waitlist", {k: v for k, v in wait.items() if k != missing})
        assert_problem(refused, 422, at=f"/{missing}")
    await fresh.follow(case, LOTTE, "waitlist", wait)
    read = await services.read(INES, case.offer)
    waiting = read["waiting"]
    assert (waiting["since"], waiting["expectedBy"]) == ("2026-01-12T09:30:00Z", "2026-03-20")
    assert read["dueAt"]["waitlistReview"] == "2026-02-11T22:59:59Z"
    await services.at(services.clock.now() + timedelta(days=31))
    items = (await services.read(INES, f"{case.path}/timeline"))["items"]
    (alert,) = (item for item in items if item["type"] == "DeadlineMissed")
    assert "WAITLIST_REVIEW" in alert["text"]
    feed = (await services.read(INES, "/v1/feed", limit=200))["items"]
    assert "org.caserelay.referral.deadline_missed.v1" in {message["type"] for message in feed}


async def test_f1_a_mentor_has_no_more_mentees_than_places(fresh: CaseContext) -> None:
    """The second match of a mentor with one place is refused until the first ends."""
    await describe(fresh, "M-81", capacity=1)
    proposal = {**PROPOSAL, "mentorRef": "M-81"}
    first, second = await fresh.brought_to("MATCHING"), await fresh.brought_to("MATCHING")
    await fresh.running.done(LOTTE, first.path, "propose-match", proposal)
    refused = await fresh.running.command(LOTTE, second.path, "propose-match", proposal)
    assert_problem(refused, 409, "MENTOR_AT_CAPACITY")
    no = {"by": "MENTOR", "reason": "AVAILABILITY", "onBehalfReason": "BY_PHONE"}
    await fresh.running.done(LOTTE, first.path, "reject-match", no)
    await fresh.running.done(LOTTE, second.path, "propose-match", proposal)
