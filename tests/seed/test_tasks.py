"""Who does what: the charter's answer to a task, the yes that it needs, the lead of it, and exceptions (rows Q3 to R3).

The verdicts are those of the charter in the domain reference, read cell by cell.
"""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.sandbox.charter import CHARTER
from services.sandbox.demo import PROGRAMME, PROGRAMME_VERSION
from tests.casefile.cases import PROPOSAL, CaseContext, Told
from tests.support.people import AN, HANNE, INES, LOTTE, OPERATOR, TOM, VOLUNTEER, Person
from tests.support.problems import assert_problem
from tests.support.requests import another_person

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("seed tasks")]

WHY = "the desk has no appointment before May"


async def send(context: CaseContext, by: Person, case: Told, action: str, **body: Any) -> httpx.Response:
    """A command a minute after the last one, whatever comes of it; `role` is the role that a task is done in."""
    if (role := body.pop("role", None)) is not None:
        body["by"] = {"role": role}
    await context.running.at(context.running.clock.now() + timedelta(minutes=1))
    return await context.running.command(by, case.path, action, body)


async def done(context: CaseContext, by: Person, case: Told, action: str, **body: Any) -> dict[str, Any]:
    """A command that is done, and what it answers."""
    answer = await send(context, by, case, action, **body)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def with_professional(context: CaseContext, state: str = "MENTORING") -> Told:
    """A case whose mentor is a professional."""
    case = await context.brought_to("MATCHING")
    await context.describe_mentor("M-77", kind="PROFESSIONAL", insuranceNoteOn=None)
    await context.running.done(LOTTE, case.path, "propose-match", {**PROPOSAL, "mentorRef": "M-77"})
    await context.lead_on(case, "MATCH_PROPOSED", state)
    return case


async def excepted(context: CaseContext, case: Told, **what: str) -> str:
    """An exception that was asked for and granted: its id."""
    asked = await done(context, LOTTE, case, "request-exception", **what, justification=WHY)
    exception: str = asked["exceptions"][-1]["id"]
    await done(context, HANNE, case, "decide-exception", exception=exception, granted=True, reason="once")
    return exception


async def items(context: CaseContext, case: Told, kind: str) -> list[dict[str, Any]]:
    """The items of the timeline of one type."""
    told = await context.running.read(INES, f"{case.path}/timeline")
    return [item for item in told["items"] if item["type"] == kind]


async def test_q3_what_a_volunteer_must_not_do_a_professional_may(shared: CaseContext) -> None:
    """The same task: refused to the one with the rule that says so, recorded for the other."""
    with_volunteer = await shared.brought_to("MENTORING")
    with_paid = await with_professional(shared)
    refused = await send(shared, LOTTE, with_volunteer, "record-task", task="DIPLOMA_RECOGNITION_FILE")
    problem = assert_problem(refused, 403, "TASK_REFUSED_BY_CHARTER")
    assert problem["rule"] == {
        "charterVersion": "v1",
        "task": "DIPLOMA_RECOGNITION_FILE",
        "role": "VOLUNTEER_MENTOR",
        "verdict": "X",
        "allowedRoles": ["PROFESSIONAL_MENTOR", "AGENCY_COUNSELLOR", "NGO_COORDINATOR"],
    }
    assert {"report-gap", "request-exception"} <= set(problem["nextActions"])
    await done(shared, LOTTE, with_paid, "record-task", task="DIPLOMA_RECOGNITION_FILE", minutes=30)
    assert len(await items(shared, with_paid, "TaskRecorded")) == 1


async def test_q3_a_refusal_stands_in_the_record_and_moves_no_etag(shared: CaseContext) -> None:
    """Agency and organisation read it on the timeline; a dry run leaves nothing."""
    case = await shared.brought_to("MENTORING")
    etag = (await shared.running.get(LOTTE, case.path)).headers["ETag"]
    before = await shared.snapshot()
    body = {"task": "THERAPY"}
    dry = await shared.running.command(LOTTE, case.path, "record-task", body, dryRun="true")
    assert_problem(dry, 403, "TASK_REFUSED_BY_CHARTER")
    assert await shared.snapshot() == before
    assert_problem(
        await shared.running.command(LOTTE, case.path, "record-task", body, etag=etag), 403, says="refer it to"
    )
    assert (await shared.running.get(LOTTE, case.path)).headers["ETag"] == etag
    for person in (INES, LOTTE):
        assert (await shared.kinds(case, person))[-1] == "TaskRefusedByCharter"


async def test_q3_the_same_refusal_within_an_hour_is_one_item_with_a_count(fresh: CaseContext) -> None:
    """Of the same person and the same task; after an hour it is another item."""
    case = await fresh.brought_to("MENTORING")
    for by, task in ((LOTTE, "MONEY"), (LOTTE, "MONEY"), (AN, "MONEY"), (LOTTE, "THERAPY"), (LOTTE, "MONEY")):
        assert_problem(await send(fresh, by, case, "record-task", task=task), 403, "TASK_REFUSED_BY_CHARTER")
    told = await items(fresh, case, "TaskRefusedByCharter")
    assert [(item["actor"]["sub"], item.get("count")) for item in told] == [
        (LOTTE.sub, 3),
        (AN.sub, None),
        (LOTTE.sub, None),
    ]
    await fresh.running.at(fresh.running.clock.now() + timedelta(hours=1))
    await send(fresh, LOTTE, case, "record-task", task="MONEY")
    assert [item.get("count") for item in await items(fresh, case, "TaskRefusedByCharter")] == [3, None, None, None]


async def test_q3_what_a_role_may_support_needs_a_yes_that_is_good_for_the_match(shared: CaseContext) -> None:
    """A volunteer goes along to an authority once the coordinator has said so; after a rematch it is asked again."""
    case = await shared.brought_to("MENTORING")
    refused = await send(shared, VOLUNTEER, case, "record-task", task="ACCOMPANY_TO_AUTHORITY")
    problem = assert_problem(refused, 409, "APPROVAL_REQUIRED")
    assert problem["rule"]["verdict"] == "S"
    assert await items(shared, case, "TaskRefusedByCharter") == []
    await done(shared, LOTTE, case, "approve-task", task="ACCOMPANY_TO_AUTHORITY")
    assert len(await items(shared, case, "ApprovalGiven")) == 1
    for _ in range(2):
        await done(shared, VOLUNTEER, case, "record-task", task="ACCOMPANY_TO_AUTHORITY")
    rematch = {"reason": "MISMATCH", "next": "REMATCH", "closureTalk": True}
    await shared.running.done(LOTTE, case.path, "end-match", rematch)
    await shared.lead_on(case, "MATCHING", "MENTORING")
    again = await send(shared, LOTTE, case, "record-task", task="ACCOMPANY_TO_AUTHORITY")
    assert_problem(again, 409, "APPROVAL_REQUIRED")


async def test_q3_a_coordinators_own_support_is_approved_by_the_lead(shared: CaseContext) -> None:
    """Another coordinator's yes is none, and the lead's is one."""
    case = await shared.brought_to("MENTORING")
    own = {"task": "CV_FEEDBACK", "role": "NGO_COORDINATOR"}
    problem = assert_problem(await send(shared, LOTTE, case, "record-task", **own), 409, "APPROVAL_REQUIRED")
    assert problem["whoCanUnblock"].startswith("NGO_LEAD")
    refused = await send(shared, AN, case, "approve-task", task="CV_FEEDBACK")
    assert_problem(refused, 403, "ROLE_NOT_ALLOWED", says="lead of the organisation")
    await done(shared, HANNE, case, "approve-task", task="CV_FEEDBACK")
    await done(shared, LOTTE, case, "record-task", **own)


async def test_q3_what_needs_no_yes_or_must_not_be_done_is_not_approved(shared: CaseContext) -> None:
    """Neither what the charter allows nor what it refuses; and no task that it does not know."""
    case = await shared.brought_to("MENTORING")
    allowed = await send(shared, LOTTE, case, "approve-task", task="SAFEGUARDING_REPORT")
    assert_problem(allowed, 409, "NOTHING_TO_APPROVE")
    refused = await send(shared, LOTTE, case, "approve-task", task="MONEY")
    assert_problem(refused, 403, "TASK_REFUSED_BY_CHARTER")
    assert_problem(await send(shared, LOTTE, case, "approve-task", task="GOSSIP"), 422, "UNKNOWN_CODE", at="/task")


async def test_q3_the_charter_is_data_and_that_in_force_when_it_happened_governs(fresh: CaseContext) -> None:
    """One cell is changed, by a version of the charter and one of the programme that names it from 1 February on."""
    services, version = fresh.running, deepcopy(CHARTER)
    for rule in version["tasks"]:
        if rule["task"] == "CHILDCARE_SEARCH":
            rule["roles"] = {**rule["roles"], "VOLUNTEER_MENTOR": "L"}
    assert (await services.send(OPERATOR, "PUT", "/v1/charters/v2", version)).is_success
    case = await fresh.brought_to("MENTORING")
    later = {**PROGRAMME_VERSION, "charterVersion": "v2", "validFrom": "2026-02-01"}
    published = await services.send(OPERATOR, "PUT", f"/v1/programmes/{PROGRAMME}/versions/2", later)
    assert published.is_success, published.text
    await services.settle()
    task = {"task": "CHILDCARE_SEARCH"}
    assert_problem(await send(fresh, LOTTE, case, "record-task", **task), 403, "TASK_REFUSED_BY_CHARTER")
    await services.at(services.clock.now() + timedelta(days=30))
    refused = await send(fresh, LOTTE, case, "record-task", **task, occurredAt="2026-01-30T10:00:00Z")
    rule = assert_problem(refused, 403, "TASK_REFUSED_BY_CHARTER")["rule"]
    assert rule["charterVersion"] == "v1"
    await done(fresh, LOTTE, case, "record-task", **task, occurredAt="2026-02-02T10:00:00Z")


async def test_q3b_a_volunteer_needs_the_leads_exception_where_a_professional_is_recommended(
    shared: CaseContext,
) -> None:
    """Asked for, granted by the lead, used by the proposal, and good for one."""
    body = another_person()
    case = await shared.accepted({**body, "recommendedMentorKind": "PROFESSIONAL"})
    await shared.lead_on(case, "INTAKE", "MATCHING")
    refused = await shared.running.command(LOTTE, case.path, "propose-match", PROPOSAL)
    assert_problem(refused, 409, "PROFESSIONAL_RECOMMENDED")
    asked = await done(shared, LOTTE, case, "request-exception", rule="MENTOR_KIND", justification=WHY)
    (one,) = asked["exceptions"]
    assert {**one, "id": ""} == {"id": "", "rule": "MENTOR_KIND", "state": "REQUESTED"}
    decision = {"exception": one["id"], "granted": True, "reason": "nobody else speaks Dari"}
    assert_problem(await send(shared, LOTTE, case, "decide-exception", **decision), 403, "ROLE_NOT_ALLOWED")
    assert_problem(
        await shared.running.command(LOTTE, case.path, "propose-match", PROPOSAL), 409, "PROFESSIONAL_RECOMMENDED"
    )
    granted = await done(shared, HANNE, case, "decide-exception", **decision)
    assert [one["state"] for one in granted["exceptions"]] == ["GRANTED"]
    proposed = await shared.running.command(LOTTE, case.path, "propose-match", PROPOSAL)
    assert proposed.status_code == 200, proposed.text
    assert [one["state"] for one in proposed.json()["exceptions"]] == ["USED"]
    no = {"by": "MENTEE", "reason": "NO_CLICK", "onBehalfReason": "INTERPRETER"}
    await shared.running.done(LOTTE, case.path, "reject-match", no)
    again = await shared.running.command(LOTTE, case.path, "propose-match", PROPOSAL)
    assert_problem(again, 409, "PROFESSIONAL_RECOMMENDED")


async def test_a2_what_mentors_do_a_counsellor_does_not(shared: CaseContext) -> None:
    """The five tasks that only mentoring has are carried by mentors, and refused to the agency."""
    case = await shared.brought_to("MENTORING")
    only = ("SECTOR_KNOWLEDGE", "WORK_CULTURE", "NETWORK_INTRODUCTION", "LANGUAGE_PRACTICE", "ENCOURAGEMENT")
    for task in only:
        await done(shared, VOLUNTEER, case, "record-task", task=task)
        refused = await send(shared, INES, case, "record-task", task=task)
        rule = assert_problem(refused, 403, "TASK_REFUSED_BY_CHARTER")["rule"]
        assert (rule["role"], rule["allowedRoles"][0]) == ("AGENCY_COUNSELLOR", "VOLUNTEER_MENTOR")
    for by, role in ((VOLUNTEER, "NGO_COORDINATOR"), (INES, "VOLUNTEER_MENTOR")):
        assert_problem(await send(shared, by, case, "record-task", task=only[0], role=role), 403, "NOT_YOUR_SIDE")


async def test_a2_nobody_records_a_task_of_the_other_side(shared: CaseContext) -> None:
    """A coordinator may say that a mentor did it, and not that the counsellor did."""
    case = await shared.brought_to("MENTORING")
    for action in ("record-task", "claim-task"):
        refused = await send(shared, LOTTE, case, action, task="CV_FEEDBACK", role="AGENCY_COUNSELLOR")
        assert_problem(refused, 403, "NOT_YOUR_SIDE")
    refused = await send(shared, LOTTE, case, "record-task", task="WORK_CULTURE", role="AGENCY_COUNSELLOR")
    assert_problem(refused, 403, "TASK_REFUSED_BY_CHARTER")


async def test_q3_a_recorded_task_is_corrected_by_the_rule_of_its_record(shared: CaseContext) -> None:
    """The minutes read otherwise; another task only if the charter lets the role do it."""
    case = await shared.brought_to("MENTORING")
    await done(shared, LOTTE, case, "record-task", task="CV_FEEDBACK", minutes=20)
    (item,) = await items(shared, case, "TaskRecorded")
    named = {"event": item["event"], "reason": "mistyped"}
    await done(shared, LOTTE, case, "correct", **named, holds={"minutes": 120})
    (correction,) = await items(shared, case, "CorrectionRecorded")
    assert {**correction["holds"], "occurredAt": ""} == {
        "task": "CV_FEEDBACK",
        "minutes": 120,
        "by": {"role": "VOLUNTEER_MENTOR"},
        "occurredAt": "",
    }
    refused = await send(shared, LOTTE, case, "correct", **named, holds={"task": "MONEY"})
    assert_problem(refused, 403, "TASK_REFUSED_BY_CHARTER")
    none = await send(shared, LOTTE, case, "correct", **named, holds={"task": "GOSSIP"})
    assert_problem(none, 422, "UNKNOWN_CODE", at="/holds/task")


async def test_a4_an_exception_covers_one_record_and_the_second_of_a_kind_is_a_signal(fresh: CaseContext) -> None:
    """What is refused is done once, by exception; two of a kind in a case are told, and the third not again."""
    case = await fresh.brought_to("MENTORING")
    for number, signals in enumerate((0, 1, 1), start=1):
        assert_problem(await send(fresh, LOTTE, case, "record-task", task="CHILDCARE_SEARCH"), 403)
        exception = await excepted(fresh, case, task="CHILDCARE_SEARCH")
        raised = await items(fresh, case, "EscalationRaised")
        assert len(raised) == signals, f"after {number}"
        recorded = await done(fresh, LOTTE, case, "record-task", task="CHILDCARE_SEARCH")
        assert {one["id"]: one["state"] for one in recorded["exceptions"]}[exception] == "USED"
    read = await fresh.running.read(LOTTE, case.path)
    assert [one["state"] for one in read["exceptions"]] == ["USED"] * 3
    told = [one for one in read["escalations"] if one["reason"] == "SUBSTITUTION_SIGNAL"]
    assert [(one["level"], one["state"]) for one in told] == [("L2", "OPEN")], "for both leads"
    # Another kind is counted apart.
    await excepted(fresh, case, task="MONEY")
    assert len(await items(fresh, case, "EscalationRaised")) == 1


async def test_a4_the_fifth_exception_of_a_programme_in_a_month_is_a_signal(fresh: CaseContext) -> None:
    """Each in a case of its own, so that none is the second of its kind there; in the next month it begins again."""
    for number in range(1, 7):
        case = await fresh.brought_to("MENTORING")
        await excepted(fresh, case, task="MONEY")
        assert len(await items(fresh, case, "EscalationRaised")) == (number == 5), number
    await fresh.running.at(fresh.running.clock.now() + timedelta(days=31))
    case = await fresh.brought_to("MENTORING")
    await excepted(fresh, case, task="MONEY")
    assert await items(fresh, case, "EscalationRaised") == []


async def test_a4_a_denied_exception_covers_nothing_and_is_not_decided_again(shared: CaseContext) -> None:
    """The task stays refused; the same decision again changes nothing, the other one is a conflict."""
    case = await shared.brought_to("MENTORING")
    asked = await done(shared, VOLUNTEER, case, "request-exception", task="MONEY", justification=WHY)
    assert "exceptions" not in asked or asked["exceptions"] == []
    (one,) = (await shared.running.read(LOTTE, case.path))["exceptions"]
    no = {"exception": one["id"], "granted": False, "reason": "never money"}
    unknown = await send(shared, HANNE, case, "decide-exception", **{**no, "exception": "of-nothing"})
    assert_problem(unknown, 422, "UNKNOWN_EXCEPTION", at="/exception")
    for _ in range(2):
        told = await done(shared, HANNE, case, "decide-exception", **no)
        assert [one["state"] for one in told["exceptions"]] == ["DENIED"]
    assert_problem(await send(shared, LOTTE, case, "record-task", task="MONEY"), 403, "TASK_REFUSED_BY_CHARTER")
    yes = await send(shared, HANNE, case, "decide-exception", **{**no, "granted": True})
    assert_problem(yes, 409, "EXCEPTION_DECIDED")


async def test_a4_why_something_is_excepted_is_read_by_those_who_work_on_the_case_only(shared: CaseContext) -> None:
    """It is in the vault: in no event, and in no item of the timeline."""
    case = await shared.brought_to("MENTORING")
    await excepted(shared, case, task="MONEY")
    read = await shared.running.get(LOTTE, f"{case.path}/texts")
    assert {WHY, "once"} <= {item["text"] for item in read.json()["items"]}
    for path in ("timeline", "events"):
        assert WHY not in (await shared.running.get(LOTTE, f"{case.path}/{path}")).text


async def test_r3_a_task_has_one_lead_and_a_second_party_learns_who_it_is(shared: CaseContext) -> None:
    """Taken by the first who records it, or claimed; given up by who has it, and then free."""
    case = await shared.brought_to("MENTORING")
    await done(shared, VOLUNTEER, case, "record-task", task="CV_FEEDBACK")
    for action in ("record-task", "claim-task"):
        problem = assert_problem(
            await send(shared, INES, case, action, task="CV_FEEDBACK"), 409, "DUPLICATE_RESPONSIBILITY"
        )
        assert problem["holder"] == {"role": "VOLUNTEER_MENTOR", "org": "brugwerk"}
        assert "VOLUNTEER_MENTOR of brugwerk" in problem["detail"]
    assert_problem(await send(shared, INES, case, "release-task", task="CV_FEEDBACK"), 409, "NOT_THE_HOLDER")
    await done(shared, LOTTE, case, "release-task", task="CV_FEEDBACK")
    told = await done(shared, INES, case, "claim-task", task="CV_FEEDBACK")
    assert told["trajectory"]["taskLeads"] == [{"task": "CV_FEEDBACK", "role": "AGENCY_COUNSELLOR", "org": "vdab-gent"}]
    assert_problem(await send(shared, LOTTE, case, "record-task", task="CV_FEEDBACK"), 409, "DUPLICATE_RESPONSIBILITY")
    await done(shared, TOM, case, "record-task", task="CV_FEEDBACK")


async def test_r3_what_everybody_carries_is_nobodys_alone(shared: CaseContext) -> None:
    """A duty of all is recorded by all: nobody is kept from reporting a danger."""
    case = await shared.brought_to("MENTORING")
    for by in (VOLUNTEER, INES):
        await done(shared, by, case, "record-task", task="SAFEGUARDING_REPORT")


async def test_r3_a_mentors_lead_ends_with_the_match(shared: CaseContext) -> None:
    """The next one begins without it, and the agency may take it."""
    case = await shared.brought_to("MENTORING")
    await done(shared, VOLUNTEER, case, "claim-task", task="INTERVIEW_PRACTICE")
    rematch = {"reason": "MISMATCH", "next": "REMATCH", "closureTalk": True}
    await shared.running.done(LOTTE, case.path, "end-match", rematch)
    await shared.lead_on(case, "MATCHING", "MENTORING")
    await done(shared, INES, case, "claim-task", task="INTERVIEW_PRACTICE")
