"""What reports prove over many cases: Q4 and R5 of the seed, and two failures in handoffs that are known (K2, K3).

K2: nobody tells the agency what became of a person, and it asks by telephone. K3: nobody knows whose person it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from services.casefile.events import EVENT_TYPES
from services.chassis.log.event_log import Write
from tests.casefile.cases import ANSWER, REPORT, CaseContext, Told
from tests.casefile.reports.test_unowned_time import twice_nobodys
from tests.support.people import AUDITOR, HANNE, INES, LOTTE, TOM, VOLUNTEER, Person

CHILDCARE = {"serviceKind": "CHILDCARE", "gapType": "TOO_SLOW"}


async def rows(
    context: CaseContext, report: str, person: Person = AUDITOR, days: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """The rows of a report."""
    answer = await context.running.read(person, f"/v1/reports/{report}", **(days or {}))
    items: list[dict[str, Any]] = answer["items"]
    return items


async def mentored(context: CaseContext, many: int) -> list[Told]:
    """So many cases with a mentor."""
    return [await context.brought_to("MENTORING") for _ in range(many)]


async def test_q4_reliance_on_volunteers_is_told_quarter_by_quarter(context: CaseContext) -> None:
    """Hours, tasks, exceptions and gaps by service: six meetings of 90 minutes, and in the next quarter none."""
    cases = await mentored(context, 6)
    for case in cases:
        await context.running.done(VOLUNTEER, case.path, "record-meeting", {"minutes": 90})
        await context.running.done(VOLUNTEER, case.path, "record-task", {"task": "CV_FEEDBACK", "minutes": 30})
        asked = {"task": "MONEY", "justification": "the card was lost, and the shop closes"}
        told = await context.running.done(LOTTE, case.path, "request-exception", asked)
        (exception,) = told.json()["exceptions"]
        granted = {"exception": exception["id"], "granted": True, "reason": "once, for the first week"}
        await context.running.done(HANNE, case.path, "decide-exception", granted)
        await context.running.done(LOTTE, case.path, "report-gap", CHILDCARE)

    def shown(items: list[dict[str, Any]], measure: str, kind: str) -> list[tuple[Any, ...]]:
        found = [row for row in items if (row["measure"], row["kind"]) == (measure, kind)]
        return [(row["quarter"], row["count"], row["hours"], row["change"]) for row in found]

    items = await rows(context, "reliance")
    assert shown(items, "VOLUNTEER_MEETINGS", "ALL") == [("2026-Q1", 6, 9.0, None)]
    assert shown(items, "VOLUNTEER_TASKS", "CV_FEEDBACK") == [("2026-Q1", 6, 3.0, None)]
    assert shown(items, "EXCEPTIONS", "MONEY") == [("2026-Q1", 6, 0.0, None)]
    assert shown(items, "GAPS", "CHILDCARE") == [("2026-Q1", 6, 0.0, None)]
    await context.running.at(datetime(2026, 4, 2, 10, tzinfo=UTC))
    await context.running.done(LOTTE, cases[0].path, "record-pulse", {"by": "MENTOR", "score": 4})
    items = await rows(context, "reliance", TOM)
    assert shown(items, "VOLUNTEER_MEETINGS", "ALL") == [("2026-Q1", 6, 9.0, None), ("2026-Q2", 0, 0.0, -6)]
    assert shown(await rows(context, "reliance", HANNE), "GAPS", "CHILDCARE")[1:] == [("2026-Q2", 0, 0.0, -6)]


async def test_r5_gaps_are_told_quarter_by_quarter_with_what_was_answered(context: CaseContext) -> None:
    """Ten gaps, five answered with a day; the agency lets the other five pass, and one promise is kept."""
    cases = await mentored(context, 10)
    for case in cases:
        await context.running.done(LOTTE, case.path, "report-gap", CHILDCARE)
    for number, case in enumerate(cases[:5], start=1):
        promise = {"gap": f"{case.id}.g1", "accepted": True, "action": "more places", "due": f"2026-03-0{number}"}
        await context.running.done(INES, case.path, "answer-gap", promise)
    (row,) = await rows(context, "service-gaps", HANNE, {"from": "2026-01-01", "to": "2026-03-31"})
    assert (row["quarter"], row["serviceKind"], row["reported"]) == ("2026-Q1", "CHILDCARE", 10)
    assert (row["answered"], row["inTime"], row["unanswered"], row["open"]) == (5, 5, 5, 5)
    assert row["nextActionDue"] == "2026-03-01"
    assert await rows(context, "service-gaps", days={"from": "2026-04-01"}) == []


async def test_k2_a_handback_that_nobody_acknowledges_is_told(context: CaseContext) -> None:
    """Two were handed back: one the agency has read, the other it has let pass, and everybody sees which."""
    read, unread = await mentored(context, 2)
    for case in (read, unread):
        ended = {"reason": "EMPLOYMENT", "closureTalk": True}
        await context.running.done(LOTTE, case.path, "complete-trajectory", ended)
        await context.running.done(LOTTE, case.path, "request-handback", REPORT)
    await context.running.done(INES, read.path, "accept-handback", ANSWER)
    await context.running.at(datetime(2026, 1, 21, 10, tzinfo=UTC))
    for person in (AUDITOR, TOM, HANNE):
        told = {row["case"]: row for row in await rows(context, "feedback", person)}
        assert told[read.id]["state"] == "CLOSED"
        assert told[read.id]["acknowledgedAt"] is not None
        assert (told[unread.id]["state"], told[unread.id]["acknowledgedAt"]) == ("WAITING", None)
        assert told[unread.id]["acknowledgementMissed"] is True


async def test_k3_a_time_in_which_a_person_was_nobodys_is_told(context: CaseContext) -> None:
    """No decision leaves one, so it is written straight into the log; of all other cases there is none."""
    await mentored(context, 1)
    await context.opened()
    assert await rows(context, "responsibility-gaps") == []
    assert await rows(context, "unowned-time") == []
    log = context.running.service("casefile").log
    assert log.types is EVENT_TYPES
    broken = twice_nobodys().records
    await log.append([Write(broken[0].stream, 0, [(each.event, each.meta) for each in broken])])
    assert [(row["case"], row["kind"]) for row in await rows(context, "responsibility-gaps")] == [("c1", "NOBODY")] * 2
    assert [(row["case"], row["hours"]) for row in await rows(context, "unowned-time")] == [("c1", 54.0)]
