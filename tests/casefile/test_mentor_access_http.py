"""What a mentor reads of a match: from the signature on, and until twelve weeks after its end."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import pytest

from tests.casefile.cases import PROPOSAL, REPORT, CaseContext, Told
from tests.support.dates import MONDAY, end_of, on
from tests.support.people import INES, LOTTE, VOLUNTEER, Person
from tests.support.problems import assert_problem

ENDS: Final = end_of(6, 4)
"""Eighty-four days after Monday 12 January."""
DAY_BEFORE: Final = on(5, 4)
LAST_DAY: Final = on(6, 4, hour=23, minute=59)
DAY_AFTER: Final = on(7, 4)
GAP: Final = {"serviceKind": "CHILDCARE", "gapType": "TOO_SLOW"}
COMPLETED: Final = ("complete-trajectory", {"reason": "EMPLOYMENT", "closureTalk": True})
ENDED: Final = ("end-match", {"reason": "MISMATCH", "next": "REMATCH", "closureTalk": True})
HANDED_BACK: Final = ("request-handback", REPORT)
SHOWN: Final = {"id", "state", "version", "organisation", "programme", "caseLead", "steps", "dueAt", "overdue"}


async def ended(context: CaseContext, how: tuple[str, Any] = COMPLETED) -> Told:
    """A case whose match ended on 12 January."""
    case = await context.brought_to("MENTORING")
    await context.running.done(LOTTE, case.path, *how)
    return case


@pytest.mark.parametrize("how", [COMPLETED, ENDED, HANDED_BACK], ids=lambda how: str(how[0]))
async def test_a_mentor_reads_the_match_on_the_last_day_and_is_a_stranger_on_the_next(
    context: CaseContext, how: tuple[str, Any]
) -> None:
    """Whichever way the match ended; on the day after, the case is to the mentor as any that is not there."""
    case = await ended(context, how)
    for now in (DAY_BEFORE, LAST_DAY):
        await context.running.at(now)
        assert (await context.running.read(VOLUNTEER, case.path))["id"] == case.id
    for now in (ENDS, DAY_AFTER):
        await context.running.at(now)
        gone = await context.running.get(VOLUNTEER, case.path)
        unknown = await context.running.get(VOLUNTEER, f"{case.path}x")
        assert assert_problem(gone, 404)["detail"] == assert_problem(unknown, 404)["detail"]


async def test_what_comes_after_the_match_is_not_the_mentors_to_read(context: CaseContext) -> None:
    """The agreement as it stood; neither the handback nor who leads the case today, nor how often it has moved."""
    case = await context.brought_to("MENTORING")
    before = await context.running.read(VOLUNTEER, case.path)
    await context.running.done(LOTTE, case.path, *COMPLETED)
    first = await context.running.get(VOLUNTEER, case.path)
    await context.lead_on(case, "HANDBACK_DUE", "CLOSED")
    later = await context.running.get(VOLUNTEER, case.path)
    assert (later.json(), later.headers["ETag"]) == (first.json(), first.headers["ETag"])
    shown = later.json()
    assert shown.keys() == SHOWN | {"trajectory", "gaps", "links", "allowedActions", "blockedActions"}
    assert (shown["state"], shown["steps"], shown["dueAt"]) == ("MENTORING", [], {})
    assert shown["trajectory"] == {**before["trajectory"], "endedAt": "2026-01-12T09:30:00Z"}
    assert "EMPLOYMENT" not in later.text
    assert (shown["allowedActions"], shown["blockedActions"]) == ([], [])


async def test_the_mentor_learns_what_became_of_a_gap_also_after_the_match(context: CaseContext) -> None:
    """Of the own gap alone."""
    case = await context.brought_to("MENTORING")
    await context.running.done(VOLUNTEER, case.path, "report-gap", GAP)
    await context.running.done(LOTTE, case.path, "report-gap", {**GAP, "gapType": "ABSENT"})
    await context.running.done(LOTTE, case.path, *COMPLETED)
    answer = {"gap": f"{case.id}.g1", "accepted": True, "action": "ten more places", "due": "2026-09-01"}
    await context.running.done(INES, case.path, "answer-gap", answer)
    (gap,) = (await context.running.read(VOLUNTEER, case.path))["gaps"]
    assert (gap["id"], gap["state"]) == (f"{case.id}.g1", "ANSWERED")


async def test_a_match_that_was_never_signed_leaves_nothing_to_read(context: CaseContext) -> None:
    """The view begins with the signature."""
    case = await context.brought_to("CONFIRMED")
    await context.running.done(LOTTE, case.path, *HANDED_BACK)
    assert_problem(await context.running.get(VOLUNTEER, case.path), 404)


async def test_a_withdrawn_consent_ends_what_the_mentor_reads_at_once(context: CaseContext) -> None:
    """While the match runs, and while the mentor only reads what was: either is told to stop."""
    for case in (await context.brought_to("MENTORING"), await ended(context)):
        assert (await context.running.get(VOLUNTEER, case.path)).status_code == 200
        basis = (await context.running.read(INES, case.offer))["legalBasis"]["id"]
        await context.running.done(INES, f"/v1/legal-bases/{basis}", "withdraw")
        await context.running.settle()
        assert_problem(await context.running.get(VOLUNTEER, case.path), 403, "LEGAL_BASIS_WITHDRAWN")


async def test_a_match_after_a_rematch_is_another_mentors(context: CaseContext) -> None:
    """The first one reads the first match, and nothing of the second."""
    other = Person("M-77", "brugwerk", "VOLUNTEER_MENTOR")
    await context.describe_mentor("M-77")
    case = await ended(context, ENDED)
    await context.running.done(LOTTE, case.path, "propose-match", {**PROPOSAL, "mentorRef": "M-77"})
    await context.lead_on(case, "MATCH_PROPOSED", "MENTORING")
    assert (await context.running.read(VOLUNTEER, case.path))["trajectory"]["match"]["mentorRef"] == "M-41"
    assert (await context.running.read(other, case.path))["trajectory"]["match"]["mentorRef"] == "M-77"


@pytest.mark.parametrize("now", [MONDAY, LAST_DAY, DAY_AFTER], ids=["that day", "last day", "day after"])
async def test_feed_stream_and_the_other_reads_are_no_mentors(context: CaseContext, now: datetime) -> None:
    """What is told of a case is told to organisations: a mentor is refused it, in the match and after it alike."""
    case = await ended(context)
    await context.running.at(now)
    for path in ("/v1/feed", "/v1/stream", "/v1/cases"):
        assert_problem(await context.running.get(VOLUNTEER, path), 403)
    for what in ("timeline", "responsibility", "events", "texts"):
        assert_problem(await context.running.get(VOLUNTEER, f"{case.path}/{what}"), 404)
    assert (await context.running.read(VOLUNTEER, "/v1/worklist"))["items"] == []
    meeting = await context.running.command(VOLUNTEER, case.path, "record-meeting", {"minutes": 60}, etag='"1"')
    assert_problem(meeting, 404)
