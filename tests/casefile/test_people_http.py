"""Who acts for whom: staff change hands by the receiver's own act, and mentor and mentee speak for themselves."""

from __future__ import annotations

from typing import Any

import pytest

from tests.casefile.cases import CaseContext, Told
from tests.support.people import HANNE, INES, LOTTE, TOM, VOLUNTEER, Person
from tests.support.problems import assert_problem, pointers
from tests.support.requests import another_person

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("casefile people")]

OTHER_MENTOR = Person("M-42", "brugwerk", "VOLUNTEER_MENTOR")
NAMESAKE = Person("M-41", "samenstap", "VOLUNTEER_MENTOR")


async def responsible(context: CaseContext, case: Told) -> dict[str, Any]:
    """The lead and the owners of the open steps."""
    told = await context.running.read(INES, f"{case.path}/responsibility")
    return {"lead": told["caseLead"]["sub"], "owners": {step["owner"]["sub"] for step in told["steps"]}}


async def test_the_lead_changes_when_the_receiver_takes_over(shared: CaseContext) -> None:
    """Asking moves nothing; the receiver's own command moves the lead and all of its open steps."""
    case = await shared.brought_to("OPENED")
    asked = await shared.running.done(INES, case.path, "reassign-counsellor", {"counsellor": TOM.sub})
    assert asked.json()["askedToLead"]["sub"] == TOM.sub
    assert await responsible(shared, case) == {"lead": INES.sub, "owners": {INES.sub}}
    await shared.running.done(TOM, case.path, "reassign-counsellor")
    assert await responsible(shared, case) == {"lead": TOM.sub, "owners": {TOM.sub}}
    assert (await shared.kinds(case))[-2:] == ["CounsellorProposed", "CounsellorReassigned"]


async def test_whoever_leads_already_changes_nothing_by_taking_over(shared: CaseContext) -> None:
    """Asked by name or without one, the lead stays the lead, and nothing is recorded."""
    case = await shared.brought_to("OPENED")
    before = await shared.snapshot()
    for body in ({}, {"counsellor": INES.sub}):
        await shared.running.done(INES, case.path, "reassign-counsellor", body)
    assert await shared.snapshot() == before


async def test_the_coordination_changes_when_the_receiver_takes_over(shared: CaseContext) -> None:
    """The steps of the organisation pass on, the agency's lead stays where it is."""
    case = await shared.brought_to("MENTORING")
    await shared.running.done(LOTTE, case.path, "reassign-coordinator", {"coordinator": HANNE.sub})
    assert (await responsible(shared, case))["owners"] == {LOTTE.sub}
    await shared.running.done(HANNE, case.path, "reassign-coordinator")
    assert await responsible(shared, case) == {"lead": INES.sub, "owners": {HANNE.sub}}
    await shared.running.done(LOTTE, case.path, "reassign-coordinator", {"coordinator": LOTTE.sub})
    assert (await responsible(shared, case))["owners"] == {LOTTE.sub}


async def test_neither_side_reassigns_the_others_staff(shared: CaseContext) -> None:
    """403 for the other side, and nobody's responsibility moves."""
    case = await shared.brought_to("INTAKE")
    before = await responsible(shared, case)
    for person, action in ((LOTTE, "reassign-counsellor"), (INES, "reassign-coordinator")):
        assert_problem(await shared.running.command(person, case.path, action), 403)
    assert await responsible(shared, case) == before


async def test_a_mentor_and_a_mentee_report_for_their_own_side(shared: CaseContext) -> None:
    """Meetings and pulses by the pair stand on the record in their own names."""
    case = await shared.brought_to("MENTORING")
    mentee = await shared.mentee_of(case)
    await shared.running.done(VOLUNTEER, case.path, "record-meeting", {"minutes": 60, "mode": "IN_PERSON"})
    await shared.running.done(VOLUNTEER, case.path, "record-pulse", {"score": 4})
    await shared.running.done(mentee, case.path, "record-pulse", {"score": 3, "reasons": ["NO_CLICK"]})
    items = (await shared.running.read(INES, f"{case.path}/timeline"))["items"][-3:]
    assert [(item["type"], item["actor"]["role"], item["actor"]["sub"]) for item in items] == [
        ("MeetingRecorded", "VOLUNTEER_MENTOR", VOLUNTEER.sub),
        ("PulseRecorded", "VOLUNTEER_MENTOR", VOLUNTEER.sub),
        ("PulseRecorded", "MENTEE", mentee.sub),
    ]


async def test_each_side_confirms_the_match_for_itself(shared: CaseContext) -> None:
    """Without saying for whom; and nobody says yes in the name of the other."""
    case = await shared.brought_to("MATCH_PROPOSED")
    mentee = await shared.mentee_of(case)
    for person, side in ((VOLUNTEER, "MENTEE"), (mentee, "MENTOR")):
        refused = await shared.running.command(person, case.path, "confirm-match", {"by": side})
        assert_problem(refused, 403, "NOT_YOUR_SIDE")
    await shared.running.done(VOLUNTEER, case.path, "confirm-match")
    await shared.running.done(mentee, case.path, "confirm-match")
    read = await shared.running.read(INES, case.path)
    assert read["trajectory"]["match"]["confirmed"] == ["MENTEE", "MENTOR"]
    assert read["steps"][0]["step"] == "AGREEMENT"


async def test_a_pulse_gives_reasons_of_its_own_side(shared: CaseContext) -> None:
    """What weighs on a mentor is another list than what weighs on a mentee."""
    case = await shared.brought_to("MENTORING")
    mentee = await shared.mentee_of(case)
    for person, reason in ((VOLUNTEER, "NO_CLICK"), (mentee, "ONE_SIDED")):
        answer = await shared.running.command(person, case.path, "record-pulse", {"score": 1, "reasons": [reason]})
        assert_problem(answer, 422)
        assert pointers(answer) == {"/reasons/0": "UNKNOWN_CODE"}


async def test_mentor_and_mentee_read_what_concerns_them_and_not_the_file(shared: CaseContext) -> None:
    """State, agreement and who is responsible; no timeline, no record, no reference of the person for the mentor."""
    case = await shared.brought_to("MENTORING")
    mentee = await shared.mentee_of(case)
    for person in (VOLUNTEER, mentee):
        read = await shared.running.read(person, case.path)
        assert read["trajectory"].keys() == {"coordinator", "match", "agreement", "charter"}
        assert "clientRef" not in read
        assert mentee.sub not in str(read)
        for what in ("timeline", "responsibility", "events"):
            assert_problem(await shared.running.get(person, f"{case.path}/{what}"), 403)
    assert {one["action"] for one in (await shared.running.read(VOLUNTEER, case.path))["allowedActions"]} == {
        "claim-task",
        "raise-escalation",
        "record-meeting",
        "record-pulse",
        "record-task",
        "release-task",
        "request-exception",
        "report-gap",
    }


async def test_other_mentors_and_mentees_have_no_part_in_the_case(shared: CaseContext) -> None:
    """Not a colleague, not a namesake elsewhere, not another person; when the match is over its mentor only reads."""
    case, other = await shared.brought_to("MENTORING"), await shared.brought_to("MENTORING")
    same_number_elsewhere = Person((await shared.mentee_of(case)).sub, "actiris-demo", "MENTEE")
    strangers = (OTHER_MENTOR, NAMESAKE, await shared.mentee_of(other), same_number_elsewhere)
    for person in strangers:
        assert_problem(await shared.running.get(person, case.path), 404)
        answer = await shared.running.command(person, case.path, "record-pulse", {"score": 3}, etag='"1"')
        assert_problem(answer, 404)
    await shared.running.done(LOTTE, case.path, "complete-trajectory", {"reason": "GOAL_REACHED", "closureTalk": True})
    over = await shared.running.read(VOLUNTEER, case.path)
    assert (over["allowedActions"], over["blockedActions"]) == ([], [])


async def test_the_pair_does_not_learn_who_raised_the_alarm_or_of_the_gaps_of_others(shared: CaseContext) -> None:
    """Neither the step nor its term, from which the kind of alarm would follow; the mentor's own gap is shown."""
    case = await shared.brought_to("MENTORING")
    mentee = await shared.mentee_of(case)
    await shared.running.done(LOTTE, case.path, "record-pulse", {"by": "MENTEE", "score": 4, "reasons": ["SAFETY"]})
    for person, kind in ((LOTTE, "CHILDCARE"), (VOLUNTEER, "TRAINING")):
        await shared.running.done(person, case.path, "report-gap", {"serviceKind": kind, "gapType": "TOO_SLOW"})
    seen = {person: await shared.running.read(person, case.path) for person in (INES, VOLUNTEER, mentee)}
    beside = {
        who.sub: [(s["step"], s.get("about")) for s in read["steps"] if s.get("about")] for who, read in seen.items()
    }
    first, second = f"{case.id}.g1", f"{case.id}.g2"
    gap = "SERVICE_GAP_ANSWER"
    assert beside[INES.sub] == [("ESCALATION", "E1"), (gap, first), (gap, second)]
    assert beside[VOLUNTEER.sub] == [(gap, second)]
    assert beside[mentee.sub] == []
    assert "escalation" in seen[INES]["dueAt"]
    assert "escalation" not in seen[VOLUNTEER]["dueAt"].keys() | seen[mentee]["dueAt"].keys()


async def test_a_mentor_does_not_do_the_coordinators_work(shared: CaseContext) -> None:
    """403 with who may, for every command that is not the pair's."""
    case = await shared.brought_to("MENTORING")
    for action, body in (
        ("record-check-in", {"mode": "PHONE"}),
        ("complete-trajectory", {"reason": "GOAL_REACHED", "closureTalk": True}),
        ("correct", {"event": "any", "reason": "none"}),
    ):
        problem = assert_problem(await shared.running.command(VOLUNTEER, case.path, action, body), 403)
        assert "NGO_COORDINATOR" in problem["detail"]


async def test_a_client_who_is_named_like_a_member_of_staff_gains_nothing(shared: CaseContext) -> None:
    """The pseudonym identifies a mentee in that role only."""
    case = await shared.accepted(another_person(client={"ref": "karim.haddad"}))
    assert_problem(await shared.running.get(Person("karim.haddad", "samenstap", "NGO_COORDINATOR"), case.path), 404)
