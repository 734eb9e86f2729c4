"""What is known to fail in handoffs: each shown as it fails, and what notices it.

K1 to K11 are the rows of the table of known failures. Those of expectations (K8) and of the warm handover (K10) are
with the statements on distress; those that a report notices (K2, K3, K4) are with the reports.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.casefile.cases import CaseContext, Told
from tests.support.people import CONTROL, HANNE, INES, KARIM, LOTTE
from tests.support.problems import assert_problem
from tests.support.requests import another_person, samira

pytestmark = pytest.mark.asyncio(loop_scope="module")

WAIT = {"reason": "NO_SUITABLE_MENTOR", "expectedBy": "2026-03-30", "clientAgreed": True}


async def later(context: CaseContext, **time: float) -> None:
    """The clock goes on, and what falls due on the way has happened everywhere."""
    await context.running.at(context.running.clock.now() + timedelta(**time))


async def missed(context: CaseContext, case: Told) -> list[str]:
    """The terms that the agency reads to have passed, in order."""
    items = (await context.running.read(INES, f"{case.path}/timeline"))["items"]
    return [item["text"].split()[2] for item in items if item["type"] == "DeadlineMissed"]


async def overdue(context: CaseContext) -> set[str]:
    """The cases that the agency is shown as overdue."""
    return {case["id"] for case in (await context.running.read(INES, "/v1/cases", overdue="true"))["items"]}


async def test_k1_a_referral_that_nobody_receives_is_reminded_of_missed_and_comes_back(fresh: CaseContext) -> None:
    """Silence: after two working days the agency sees it as overdue, and after thirty days has the case again."""
    silent, received = await fresh.referred(), await fresh.referred()
    await fresh.follow(received, LOTTE, "receive")
    await later(fresh, days=3)
    assert await missed(fresh, silent) == ["RECEIPT"]
    assert "DeadlineReminded" in await fresh.kinds(silent)
    assert await missed(fresh, received) == []
    assert await overdue(fresh) == {silent.id}
    await later(fresh, days=30)
    for case in (silent, received):
        assert (await fresh.kinds(case)).count("ReferralReturned") == 1
        (step,) = (await fresh.running.read(INES, case.path))["steps"]
        assert (step["step"], step["owner"]["sub"]) == ("NEXT_SERVICE", INES.sub)


async def test_k5_a_packet_that_is_not_the_standard_one_is_refused_field_by_field(fresh: CaseContext) -> None:
    """Free words for a code, a field that belongs nowhere, and one that is missing: all of it in one answer."""
    odd = {**samira(whyMentoring=None), "alternativeConsidered": "she said so", "nationality": "SY"}
    problem = assert_problem(await fresh.running.create(INES, "/v1/referrals", odd), 422)
    found = {(error["pointer"], error["code"]) for error in problem["errors"]}
    assert {("/whyMentoring", "REQUIRED"), ("/nationality", "UNKNOWN_FIELD")} <= found
    assert "/alternativeConsidered" in {pointer for pointer, _ in found}


async def test_k5_an_answer_is_a_code_and_each_role_reads_its_own_part(fresh: CaseContext) -> None:
    """Words beside a code are refused; who has no part in the case, or could sanction, reads nothing of it."""
    case = await fresh.referred()
    words = {"reason": "NO_SHOW", "text": "she did not want to come"}
    assert_problem(await fresh.running.command(LOTTE, case.offer, "decline", words), 422)
    assert_problem(await fresh.running.get(KARIM, case.path), 404)
    assert_problem(await fresh.running.get(CONTROL, case.path), 403)
    read = await fresh.running.read(LOTTE, case.offer)
    assert "contact" not in read


async def test_k6_a_place_on_the_waiting_list_that_nobody_reviews_is_seen_after_thirty_days(
    fresh: CaseContext,
) -> None:
    """It has a date and a review; the agency is told of one that is missed, and the organisation owes the next."""
    waits, goes_on = await fresh.referred(), await fresh.referred()
    for case in (waits, goes_on):
        await fresh.running.done(LOTTE, case.offer, "receive")
        await fresh.follow(case, LOTTE, "waitlist", WAIT)
    listed = (await fresh.running.read(INES, waits.offer))["waiting"]
    assert (listed["since"], listed["expectedBy"]) == ("2026-01-12T09:30:00Z", "2026-03-30")
    await later(fresh, days=20)
    await fresh.follow(goes_on, LOTTE, "accept", {"coordinator": LOTTE.sub})
    assert await missed(fresh, waits) == []
    await later(fresh, days=11)
    assert await missed(fresh, waits) == ["WAITLIST_REVIEW"]
    assert "WAITLIST_REVIEW" not in await missed(fresh, goes_on)
    reviewed = (await fresh.running.read(INES, waits.offer))["dueAt"]["waitlistReview"]
    assert reviewed.startswith("2026-03-1")
    work = (await fresh.running.read(LOTTE, "/v1/worklist"))["items"]
    assert waits.id in {item["case"] for item in work}


async def test_k7_a_person_is_in_one_referral_and_in_one_programme_at_a_time(fresh: CaseContext) -> None:
    """A second live referral names the one that holds; one who is in another funded programme is not eligible."""
    person = another_person()
    first = await fresh.running.create(INES, "/v1/referrals", person)
    again = {**person, "to": "samenstap", "legalBasis": {**person["legalBasis"], "recipient": "samenstap"}}
    problem = assert_problem(await fresh.running.create(INES, "/v1/referrals", again), 409, "REFERRAL_LIVE")
    assert first.json()["id"] in problem["detail"]
    elsewhere = another_person()
    elsewhere["eligibility"] = {**elsewhere["eligibility"], "NO_CONCURRENT_PROGRAMME": False}
    refused = await fresh.running.create(INES, "/v1/referrals", elsewhere)
    assert_problem(refused, 422, "INELIGIBLE", at="/eligibility/NO_CONCURRENT_PROGRAMME")


async def test_k9_a_role_that_drifts_is_stopped_counted_and_told_to_both_leads(fresh: CaseContext) -> None:
    """Once a volunteer fetches money by exception, the second time it is a signal that a service is replaced."""
    case = await fresh.brought_to("MENTORING")
    refused = await fresh.running.command(LOTTE, case.path, "record-task", {"task": "MONEY"})
    problem = assert_problem(refused, 403, "TASK_REFUSED_BY_CHARTER")
    assert {"report-gap", "request-exception"} <= set(problem["nextActions"])
    for time in range(2):
        raised = [one["reason"] for one in (await fresh.running.read(INES, case.path))["escalations"]]
        assert raised == [], f"before exception {time + 1}"
        asked = {"task": "MONEY", "justification": "the card was lost, and the shop closes"}
        await fresh.running.done(LOTTE, case.path, "request-exception", asked)
        wanted = (await fresh.running.read(LOTTE, case.path))["exceptions"][-1]["id"]
        given = {"exception": wanted, "granted": True, "reason": "this once"}
        await fresh.running.done(HANNE, case.path, "decide-exception", given)
        await later(fresh, minutes=5)
        await fresh.running.done(LOTTE, case.path, "record-task", {"task": "MONEY"})
    (signal,) = (await fresh.running.read(INES, case.path))["escalations"]
    assert signal["reason"] == "SUBSTITUTION_SIGNAL"


@pytest.mark.parametrize(
    ("wrong", "at"),
    [
        ({"code": "DOING_WELL"}, "/code"),
        ({"source": "HEARSAY"}, "/source"),
        ({"source": None}, "/source"),
        ({"remark": "she is so happy"}, "/remark"),
    ],
)
async def test_k11_an_outcome_is_a_code_with_its_source_and_no_words(
    fresh: CaseContext, wrong: dict[str, Any], at: str
) -> None:
    """What nobody could compare or check is refused at its field, and the case goes on waiting for the result."""
    case = await fresh.brought_to("CLOSED")
    outcome = {"point": "EXIT", "code": "EMPLOYED_STABLE", "source": "REGISTER"}
    assert_problem(await fresh.running.command(INES, case.path, "record-outcome", {**outcome, **wrong}), 422, at=at)
    assert (await fresh.running.read(INES, case.path))["outcomes"] == []
    await later(fresh, days=29)
    assert "OUTCOME_W4" in await missed(fresh, case)
    assert case.id in await overdue(fresh)
