"""D3, R4 and R5 of the seed: what mentors find reaches the agency, which answers, and services get better by it."""

from __future__ import annotations

import pytest

from tests.casefile.cases import CaseContext
from tests.support.people import AUDITOR, INES, KARIM, LOTTE, VOLUNTEER
from tests.support.problems import assert_problem
from tests.support.requests import another_person

GAP = {"serviceKind": "CHILDCARE", "gapType": "TOO_SLOW"}


async def test_d3_a_mentors_signal_is_a_gap_that_the_agency_answers_in_twenty_working_days(
    context: CaseContext,
) -> None:
    """Reported on 12 January, it is due on 9 February; the mentor cannot write in the counsellor's step."""
    case = await context.brought_to("MENTORING")
    await context.running.done(VOLUNTEER, case.path, "report-gap", GAP)
    (step,) = [step for step in (await context.running.read(INES, case.path))["steps"] if "about" in step]
    assert (step["step"], step["owner"]["sub"]) == ("SERVICE_GAP_ANSWER", INES.sub)
    assert step["dueAt"].startswith("2026-02-09T22:59:59")
    answer = {"gap": step["about"], "accepted": True, "action": "ten more places", "due": "2026-09-01"}
    assert_problem(await context.running.command(VOLUNTEER, case.path, "answer-gap", answer), 403, "PARTY_NOT_ALLOWED")
    await context.running.done(INES, case.path, "answer-gap", answer)
    (gap,) = (await context.running.read(VOLUNTEER, case.path))["gaps"]
    assert (gap["state"], gap["answer"]["due"]) == ("ANSWERED", "2026-09-01")
    told = await context.running.read(VOLUNTEER, gap["links"]["self"])
    assert told["answer"]["action"] == "ten more places"


@pytest.mark.parametrize(
    ("why", "alternative", "found"),
    [
        ("SERVICE_GAP", "LANGUAGE_COURSE", [("LANGUAGE_COURSE", "ABSENT", "OPEN")]),
        ("SERVICE_GAP", "NONE_AVAILABLE", [("OTHER", "ABSENT", "OPEN")]),
        ("ADDED_CAPITAL", "LANGUAGE_COURSE", []),
    ],
)
async def test_r4_a_referral_that_mends_a_gap_in_services_opens_a_gap_by_itself(
    context: CaseContext, why: str, alternative: str, found: list[tuple[str, str, str]]
) -> None:
    """The reason for mentoring is recorded with the referral, and SERVICE_GAP does not stay a word in it."""
    case = await context.referred(another_person(whyMentoring=why, alternativeConsidered=alternative))
    gaps = (await context.running.read(INES, "/v1/gaps"))["items"]
    assert [(gap["serviceKind"], gap["gapType"], gap["state"]) for gap in gaps] == found
    assert {gap["case"] for gap in gaps} <= {case.id}
    assert ("ServiceGapReported" in await context.kinds(case)) == bool(found)


async def test_r5_the_loop_of_a_gap_is_closed_and_can_be_replayed(context: CaseContext) -> None:
    """Reported, answered with a day, done: an auditor reads each step, and what is open next to what is answered."""
    case = await context.brought_to("MENTORING")
    for body in (GAP, {"serviceKind": "TRAINING", "gapType": "QUALITY"}):
        await context.running.done(LOTTE, case.path, "report-gap", body)
    first, second = f"{case.id}.g1", f"{case.id}.g2"
    promise = {"gap": first, "accepted": True, "action": "a second crèche", "due": "2026-03-02"}
    await context.running.done(INES, case.path, "answer-gap", promise)
    listed = {state: (await context.running.read(AUDITOR, "/v1/gaps", state=state))["items"] for state in STATES}
    assert {state: [gap["id"] for gap in gaps] for state, gaps in listed.items()} == {
        "OPEN": [second],
        "ANSWERED": [first],
    }
    await context.running.done(INES, case.path, "complete-gap-action", {"gap": first})
    told = await context.running.read(AUDITOR, f"/v1/gaps/{first}")
    assert told["answer"]["completedAt"] is not None
    about_gaps = [kind for kind in await context.kinds(case, AUDITOR) if "Gap" in kind]
    assert about_gaps == ["ServiceGapReported", "ServiceGapReported", "ServiceGapAnswered", "GapActionCompleted"]
    assert_problem(await context.running.get(KARIM, f"/v1/gaps/{first}"), 404, "NOT_FOUND")


STATES = ("OPEN", "ANSWERED")
