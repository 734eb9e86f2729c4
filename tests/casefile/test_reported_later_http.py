"""What happened on Friday and is typed on Monday happened on Friday; and why the agency refused is there to be read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
import pytest_asyncio

from tests.casefile.cases import ANSWER, PROPOSAL, REPORT, CaseContext, Told
from tests.support.people import HANNE, INES, LOTTE, Person
from tests.support.problems import assert_problem, pointers
from tests.support.requests import AGREEMENT, INTAKE

Body = dict[str, Any]
ON_PAPER: Final[Body] = {"by": "MENTEE", "onBehalfReason": "ON_PAPER"}
TALKED: Final[Body] = {"reason": "EMPLOYMENT", "closureTalk": True}

REPORTS: Final[dict[str, tuple[str, Body]]] = {
    "log-contact-attempt": ("INTAKE", {"channel": "PHONE"}),
    "report-no-show": ("INTAKE", {}),
    "conclude-intake": ("INTAKE", INTAKE),
    "confirm-match": ("MATCH_PROPOSED", ON_PAPER),
    "reject-match": ("MATCH_PROPOSED", {**ON_PAPER, "reason": "NO_CLICK"}),
    "sign-agreement": ("CONFIRMED", {**AGREEMENT, "start": "2026-01-12"}),
    "record-meeting": ("MENTORING", {"minutes": 60}),
    "record-check-in": ("MENTORING", {}),
    "record-pulse": ("MENTORING", {"by": "MENTEE", "score": 4}),
    "report-progress": ("MENTORING", {"progress": {"SOCIAL": "+"}}),
    "suspend": ("MENTORING", {"reason": "HOLIDAY"}),
    "resume": ("SUSPENDED", {}),
    "end-match": ("MENTORING", {**TALKED, "next": "REMATCH"}),
    "complete-trajectory": ("MENTORING", TALKED),
}
"""What tells of something that happened, the state that it is told in, and how."""

MOVES: Final[dict[str, tuple[Person, str, Body]]] = {
    "propose-match": (LOTTE, "MATCHING", PROPOSAL),
    "extend-agreement": (LOTTE, "MENTORING", {}),
    "request-handback": (LOTTE, "HANDBACK_DUE", REPORT),
    "accept-handback": (INES, "HANDBACK_REQUESTED", ANSWER),
    "return-handback": (INES, "HANDBACK_REQUESTED", {"missing": ["OPEN_NEEDS"]}),
    "close": (INES, "OPENED", {"reason": "OTHER"}),
    "reopen": (INES, "CLOSED", {}),
    "reassign-counsellor": (INES, "OPENED", {}),
    "reassign-coordinator": (LOTTE, "INTAKE", {}),
}
"""What decides, or moves responsibility: it happens when it is recorded."""


async def steps(context: CaseContext, case: Told, **asked: str) -> dict[str, Any]:
    """The open steps and when each is due."""
    told = await context.running.read(INES, f"{case.path}/responsibility", **asked)
    return {step["step"]: step["dueAt"] for step in told["steps"]}


@dataclass(frozen=True)
class TwoDaysAgo:
    """A case for each report, in the state in which it is given, and a time when all were, two days ago."""

    cases: dict[str, Told]
    then: datetime


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def two_days_ago(shared: CaseContext) -> TwoDaysAgo:
    """The cases, after the two days."""
    cases = {action: await shared.brought_to(state) for action, (state, _) in REPORTS.items()}
    then = shared.running.clock.now() + timedelta(hours=1)
    await shared.running.at(then + timedelta(days=2))
    return TwoDaysAgo(cases, then)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.xdist_group("casefile reports")
@pytest.mark.parametrize("action", REPORTS)
async def test_a_report_stands_at_the_time_of_which_it_tells(
    shared: CaseContext, two_days_ago: TwoDaysAgo, action: str
) -> None:
    """Two days later it is recorded with both times; one of tomorrow, or of before it could be, is refused."""
    _, body = REPORTS[action]
    case, then = two_days_ago.cases[action], two_days_ago.then
    before = await shared.snapshot()
    for wrong, code in ((then + timedelta(days=3), "IN_THE_FUTURE"), (datetime(2026, 1, 11, tzinfo=UTC), "TOO_EARLY")):
        told = {**body, "occurredAt": wrong.isoformat()}
        refused = await shared.running.command(LOTTE, case.path, action, told)
        assert_problem(refused, 422)
        assert pointers(refused)["/occurredAt"] in (code, "OUTSIDE_AGREEMENT")
    assert await shared.snapshot() == before
    await shared.running.done(LOTTE, case.path, action, {**body, "occurredAt": then.isoformat()})
    item = (await shared.running.read(INES, f"{case.path}/timeline"))["items"][-1]
    assert datetime.fromisoformat(item["occurredAt"]) == then
    assert datetime.fromisoformat(item["recordedAt"]) == shared.running.clock.now()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.xdist_group("casefile reports")
@pytest.mark.parametrize("action", MOVES)
async def test_what_moves_responsibility_happens_when_it_is_recorded(shared: CaseContext, action: str) -> None:
    """Nobody becomes, or has been, responsible by what somebody says later of the past."""
    person, state, body = MOVES[action]
    case = await shared.brought_to(state)
    now = shared.running.clock.now().isoformat()
    refused = await shared.running.command(person, case.path, action, {**body, "occurredAt": now})
    assert_problem(refused, 422)
    assert pointers(refused).keys() == {"/occurredAt"}


async def test_an_intake_held_on_its_last_day_and_typed_afterwards_was_in_time(context: CaseContext) -> None:
    """Accepted on 12 January it is due on 2 February; held on that day, matching has thirty days from then."""
    case = await context.accepted()
    assert (await steps(context, case))["INTAKE"] == "2026-02-02T22:59:59Z"
    await context.running.at(datetime(2026, 2, 4, 9, tzinfo=UTC))
    await context.running.done(LOTTE, case.path, "conclude-intake", {**INTAKE, "occurredAt": "2026-02-02T14:00:00Z"})
    in_time = {"MATCHING": "2026-03-04T22:59:59Z"}
    assert await steps(context, case) == in_time
    assert await steps(context, case, asOf="2026-02-02") == in_time
    assert "INTAKE" in await steps(context, case, asOf="2026-02-02", knownAt="2026-02-03")


async def test_a_trajectory_that_ended_before_it_was_told_owes_its_report_from_its_end(context: CaseContext) -> None:
    """Ended on Wednesday 14 January, told on Friday: the report is due five working days after Wednesday."""
    case = await context.brought_to("MENTORING")
    await context.running.at(datetime(2026, 1, 16, 9, tzinfo=UTC))
    await context.running.done(
        LOTTE, case.path, "complete-trajectory", {**TALKED, "occurredAt": "2026-01-14T10:00:00Z"}
    )
    assert await steps(context, case) == {"HANDBACK_REPORT": "2026-01-21T22:59:59Z"}


async def test_nobody_answers_for_a_time_before_they_took_over(context: CaseContext) -> None:
    """What ended the former coordinator's steps cannot be dated back behind the handover."""
    case = await context.accepted()
    await context.running.at(datetime(2026, 1, 15, 9, tzinfo=UTC))
    await context.running.done(HANNE, case.path, "reassign-coordinator")
    await context.running.at(datetime(2026, 1, 16, 9, tzinfo=UTC))
    told = {**INTAKE, "occurredAt": "2026-01-14T09:00:00Z"}
    refused = await context.running.command(HANNE, case.path, "conclude-intake", told)
    assert_problem(refused, 422, "TOO_EARLY")
    owners = (await context.running.read(INES, f"{case.path}/responsibility", asOf="2026-01-14"))["steps"]
    assert {step["owner"]["sub"] for step in owners} == {"lotte.claes"}


async def test_a_pause_that_ended_within_its_time_is_over_though_it_is_told_later(context: CaseContext) -> None:
    """Sixty days from 12 January end on 13 March; taken up again on the 12th and told on the 16th it runs on."""
    case = await context.brought_to("SUSPENDED")
    await context.running.at(datetime(2026, 3, 16, 9, tzinfo=UTC))
    assert_problem(await context.running.command(LOTTE, case.path, "resume"), 409, "SUSPENSION_TOO_LONG")
    await context.running.done(LOTTE, case.path, "resume", {"occurredAt": "2026-03-12T09:00:00Z"})
    assert await context.state(case) == "MENTORING"


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.xdist_group("casefile reports")
@pytest.mark.parametrize("approved", [False, True], ids=["refused", "approved"])
async def test_why_the_agency_decided_so_is_read_by_both_sides(shared: CaseContext, approved: Any) -> None:
    """In words, so from the vault and in no event; and a word without a reason is taken too."""
    for reason in ("the jobseeker starts a training in August", None):
        case = await shared.brought_to("MENTORING")
        await shared.running.done(LOTTE, case.path, "extend-agreement", {"months": 1})
        body = {"approved": approved, **({"reason": reason} if reason is not None else {})}
        await shared.running.done(INES, case.path, "decide-extension", body)
        for reader in (INES, LOTTE):
            texts = (await shared.running.read(reader, f"{case.path}/texts"))["items"]
            why = [one["text"] for one in texts if one["type"] in ("ExtensionRefused", "AgreementExtended")]
            assert why == ([reason] if reason is not None else [])
            assert "August" not in str(await shared.running.read(reader, f"{case.path}/events", limit=200))
