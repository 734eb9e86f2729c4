"""The seed's statements on expectations, on both effects of mentoring, and on particular needs, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from services.casefile.domain.handback import AcceptHandback
from services.casefile.domain.matching import ProposeMatch
from services.casefile.domain.mentoring import RecordCheckIn
from services.chassis.memory_stores import MemoryStores
from tests.casefile.casebook import HAND_BACK, READY, Casebook, codes, refusal
from tests.casefile.cases import PROPOSAL, SERVICES, CaseContext
from tests.casefile.messages import submitted
from tests.support.actors import INES as COUNSELLOR
from tests.support.actors import LOTTE as COORDINATOR
from tests.support.dates import on
from tests.support.people import INES, LOTTE, Person
from tests.support.problems import assert_problem
from tests.support.requests import AGREEMENT
from tests.support.running import running

MENTOR = Person("M-41", "brugwerk", "VOLUNTEER_MENTOR")


@pytest.fixture
async def context(tmp_path: Path) -> AsyncIterator[CaseContext]:
    """All services over HTTP with a clock that stands on 12 January 2026, and one ready mentor of brugwerk."""
    async with running(tmp_path, SERVICES, stores=MemoryStores()) as services:
        await services.set_the_scene()
        context = CaseContext(services)
        await context.describe_mentor()
        yield context


async def escalations(context: CaseContext, path: str, person: Person = INES) -> list[dict[str, Any]]:
    """What a case says of its escalations."""
    found: list[dict[str, Any]] = (await context.running.read(person, path))["escalations"]
    return found


async def test_f2_an_agreement_states_what_both_sides_expect(context: CaseContext) -> None:
    """Without the mentor's expectations it is not signed; the mentee's stand in the intake."""
    case = await context.brought_to("CONFIRMED")
    body = {name: value for name, value in AGREEMENT.items() if name != "expectations"}
    refused = await context.running.command(LOTTE, case.path, "sign-agreement", body)
    assert_problem(refused, 422, "EXPECTATIONS_MISSING", at="/expectations/mentor")


@pytest.mark.parametrize(
    ("body", "reason", "contact"),
    [
        ({"score": 2}, "LOW_PULSE", "2026-01-15"),
        ({"score": 4, "reasons": ["ONE_SIDED"]}, "ONE_SIDED", "2026-01-15"),
        ({"score": 3, "reasons": ["ROLE_OVERLOAD"]}, "ROLE_OVERLOAD", "2026-01-15"),
        ({"score": 3, "reasons": ["SAFETY"]}, "SAFETY", "2026-01-13"),
    ],
    ids=["low", "one-sided", "overload", "safety"],
)
async def test_f2_a_disappointed_mentor_is_heard_in_three_working_days_and_helped_in_ten(
    context: CaseContext, body: dict[str, Any], reason: str, contact: str
) -> None:
    """From Monday 12 January: by Thursday, by Tuesday where somebody is not safe, resolved by the 26th with a code."""
    case = await context.brought_to("MENTORING")
    await context.running.done(MENTOR, case.path, "record-pulse", body)
    (held,) = await escalations(context, case.path)
    assert (held["reason"], held["state"], held["resolution"]) == (reason, "OPEN", None)
    assert held["contactDueAt"] == f"{contact}T22:59:59Z"
    assert held["resolutionDueAt"] == "2026-01-26T22:59:59Z"
    assert await escalations(context, case.path, LOTTE) == [held]
    owners = [
        (step["step"], step["about"], step["owner"]["sub"])
        for step in (await context.running.read(INES, f"{case.path}/responsibility"))["steps"]
        if step["step"] == "ESCALATION"
    ]
    assert owners == [("ESCALATION", held["id"], LOTTE.sub)]
    wrong = await context.running.command(
        LOTTE, case.path, "resolve-escalation", {"escalation": "E9", "resolution": "TALK"}
    )
    assert_problem(wrong, 422, "ESCALATION_UNKNOWN", at="/escalation")
    await context.running.done(
        LOTTE, case.path, "resolve-escalation", {"escalation": held["id"], "resolution": "REMATCH"}
    )
    (resolved,) = await escalations(context, case.path)
    assert (resolved["state"], resolved["resolution"]) == ("RESOLVED", "REMATCH")
    kinds = await context.kinds(case)
    assert kinds[-3:] == ["PulseRecorded", "EscalationRaised", "EscalationResolved"]


async def test_f2_nobody_forgets_a_mentor_whom_the_coordinator_does_not_call(context: CaseContext) -> None:
    """The failing case: the contact's term passes, the breach stands in the history, and the lead is asked."""
    case = await context.brought_to("MENTORING")
    await context.running.done(MENTOR, case.path, "record-pulse", {"score": 1})
    await context.running.at(context.running.clock.now() + timedelta(days=4))
    assert [(held["reason"], held["state"]) for held in await escalations(context, case.path)] == [
        ("LOW_PULSE", "OPEN"),
        ("DEADLINE_MISSED", "OPEN"),
    ]
    items = (await context.running.read(INES, "/v1/worklist"))["items"]
    (asked,) = [item for item in items if item["case"] == case.id and item["step"] == "ESCALATION"]
    assert asked["owner"]["sub"] == INES.sub


async def test_f2_one_of_the_pair_asks_for_help_and_needs_no_pulse(context: CaseContext) -> None:
    """A mentor raises it; the same again is on record as a further sign of it, and a stranger learns of no case."""
    case = await context.brought_to("MENTORING")
    await context.running.done(MENTOR, case.path, "raise-escalation", {"reason": "ROLE_OVERLOAD"})
    await context.running.done(MENTOR, case.path, "raise-escalation", {"reason": "ROLE_OVERLOAD"})
    (held,) = await escalations(context, case.path)
    assert (held["reason"], held["signals"]) == ("ROLE_OVERLOAD", ["ROLE_OVERLOAD"])
    told = (await context.running.read(LOTTE, f"{case.path}/timeline"))["items"]
    (again,) = [item for item in told if item["type"] == "EscalationJoined"]
    assert (again["actor"]["sub"], again["text"]) == (MENTOR.sub, "A further sign for escalation E1: ROLE_OVERLOAD.")
    stranger = Person("M-99", "brugwerk", "VOLUNTEER_MENTOR")
    hidden = await context.running.send(
        stranger, "POST", f"{case.path}/raise-escalation", {"reason": "OTHER"}, etag='"1"'
    )
    assert_problem(hidden, 404, "NOT_FOUND")


async def test_d2_what_goes_well_is_recorded_as_well_as_what_does_not(context: CaseContext) -> None:
    """Good codes of either side are taken, and are no distress; a low pulse is, whatever good is said with it."""
    case = await context.brought_to("MENTORING")
    mentee = await context.mentee_of(case)
    good = (
        (MENTOR, ["GOOD_CLICK", "MENTEE_ENGAGED", "PROGRESS_SEEN", "APPRECIATED", "LEARNT_MYSELF"]),
        (mentee, ["GOOD_CLICK", "NETWORK_GROWS", "SECTOR_UNDERSTOOD", "CONFIDENCE_GROWS", "LANGUAGE_IMPROVES"]),
    )
    for person, reasons in good:
        await context.running.done(person, case.path, "record-pulse", {"score": 5, "reasons": reasons})
    assert await escalations(context, case.path) == []
    await context.running.at(context.running.clock.now() + timedelta(hours=1))
    await context.running.done(mentee, case.path, "record-pulse", {"score": 2, "reasons": ["GOOD_CLICK"]})
    assert [held["reason"] for held in await escalations(context, case.path)] == ["LOW_PULSE"]
    wrong = await context.running.command(MENTOR, case.path, "record-pulse", {"score": 3, "reasons": ["NETWORK_GROWS"]})
    assert_problem(wrong, 422, "UNKNOWN_CODE", at="/reasons/0")


class Needy(Casebook):
    """A case of a person with those needs, under a programme that says what they ask for."""

    def __init__(self, *needs: str, **rules: Any) -> None:
        super().__init__()
        self.needs = list(needs)
        self.rules = replace(self.rules, **rules)

    def referred(self) -> Casebook:
        """See `Casebook.referred`."""
        self.tell(submitted(on(12, 1), support_needs=self.needs))
        return self


def check_ins(*needs: str) -> list[date]:
    """The days on which check-ins were due in the first three months, each held on its day."""
    book = Needy(*needs, check_in_every_days={"INTERPRETER": 10, "CHILDCARE": 20})
    book.mentoring()
    due = []
    while (day := find_check_in(book)) is not None and day < date(2026, 5, 19):
        due.append(day)
        book.act(RecordCheckIn(at=on(day.day, day.month), by=COORDINATOR))
    return due


def find_check_in(book: Casebook) -> date | None:
    """The next day on which a check-in is due."""
    return next((step.due_at.date() for step in book.case.steps if step.key == "CHECK_IN" and step.due_at), None)


def test_d4_needs_make_check_ins_more_frequent() -> None:
    """Weeks 2, 4, then monthly; never more than the programme's days apart for a need, and the shortest holds."""
    monthly = [date(2026, 3, 5), date(2026, 3, 19), date(2026, 4, 19)]
    assert check_ins() == monthly
    assert check_ins("DIGITAL_SKILLS") == monthly
    often = check_ins("CHILDCARE", "INTERPRETER")
    assert often[:4] == [date(2026, 3, 1), date(2026, 3, 5), date(2026, 3, 15), date(2026, 3, 19)]
    steps = zip([date(2026, 2, 19), *often], often, strict=False)
    assert max(after - before for before, after in steps) == timedelta(days=10)


def test_d4_needs_that_ask_for_a_professional_are_not_met_by_a_volunteer() -> None:
    """By the programme's data: the same proposal is taken where the programme says nothing of the need."""
    propose = ProposeMatch(at=on(12, 2), by=COORDINATOR, match="m-1", mentor="M-41", criteria=("SECTOR",))
    strict = Needy("RECOGNITION_FILE", professional_for=("RECOGNITION_FILE",))
    strict.matching().describe_mentor()
    assert refusal(strict, propose).code == "PROFESSIONAL_RECOMMENDED"
    strict.describe_mentor(replace(READY, kind="PROFESSIONAL"))
    assert [type(event).__name__ for event in strict.act(propose)] == ["MentorEngaged", "MatchProposed"]
    other = Needy("RECOGNITION_FILE")
    other.matching().describe_mentor()
    assert other.act(propose)


async def test_d4_a_programme_says_what_needs_ask_for_as_data(context: CaseContext) -> None:
    """Its next version, over HTTP: read back as it was published, and refused where it says nonsense."""
    operator = Person("demo.operator", "caserelay-demo", "OPERATOR")
    path = "/v1/programmes/mtw-be-2026"
    version = (await context.running.read(INES, path))["versions"][-1]
    told = {**version, "checkInEveryDays": {"INTERPRETER": 10}, "professionalFor": ["RECOGNITION_FILE"]}
    body = {name: value for name, value in told.items() if name != "version"}
    answer = await context.running.send(operator, "PUT", f"{path}/versions/{version['version'] + 1}", body)
    assert answer.status_code in (200, 201), answer.text
    read = (await context.running.read(INES, path))["versions"][-1]
    assert (read["checkInEveryDays"], read["professionalFor"]) == ({"INTERPRETER": 10}, ["RECOGNITION_FILE"])
    never = {**body, "checkInEveryDays": {"INTERPRETER": 0}}
    refused = await context.running.send(operator, "PUT", f"{path}/versions/{version['version'] + 2}", never)
    assert_problem(refused, 422, at="/checkInEveryDays/INTERPRETER")


async def test_k8_a_pair_that_does_not_click_is_seen_early_and_matched_again(context: CaseContext) -> None:
    """Expectations that are too high: the second no asks the coordinator, and matching goes on without a penalty."""
    case = await context.brought_to("MATCH_PROPOSED")
    no = {"by": "MENTEE", "reason": "NO_CLICK", "onBehalfReason": "BY_PHONE"}
    await context.running.done(LOTTE, case.path, "reject-match", no)
    assert await escalations(context, case.path) == []
    await context.running.done(LOTTE, case.path, "propose-match", PROPOSAL)
    await context.running.done(LOTTE, case.path, "reject-match", no)
    (held,) = await escalations(context, case.path)
    assert (held["reason"], held["state"]) == ("TWO_REJECTIONS", "OPEN")
    assert await context.state(case) == "MATCHING"
    await context.running.done(LOTTE, case.path, "propose-match", PROPOSAL)


async def test_k8_a_pair_that_falls_silent_is_asked_and_then_escalated(context: CaseContext) -> None:
    """21 days without a meeting, three working days to ask: from 12 January to 2 and to 5 February."""
    case = await context.brought_to("MENTORING")
    for days, kinds in ((22, ["SilenceNoticed"]), (4, ["DeadlineMissed", "EscalationRaised"])):
        before = len(await context.kinds(case))
        await context.running.at(context.running.clock.now() + timedelta(days=days))
        found = (await context.kinds(case))[before:]
        assert [kind for kind in found if kind in kinds][-len(kinds) :] == kinds, found
    reasons = {held["reason"] for held in await escalations(context, case.path)}
    assert "SILENCE" in reasons


def test_k10_a_handback_names_who_receives_it_and_leaves_no_need_unanswered() -> None:
    """Warm handover: the report waits for the case's named lead, and an open need without an answer is refused."""
    book = Casebook().handback_requested()
    (step,) = book.case.steps
    assert (step.owner.sub, step.awaiting.org if step.awaiting else None) == (COORDINATOR.sub, COUNSELLOR.org)
    assert book.case.lead is not None
    assert book.case.lead.sub == COUNSELLOR.sub
    cold = AcceptHandback(at=on(6, 7), by=COUNSELLOR, decision="CLOSE")
    assert codes(refusal(book, cold)) == [("/answers/DIPLOMA_EQUIVALENCE", "NEED_UNANSWERED")]
    assert HAND_BACK.open_needs == ("DIPLOMA_EQUIVALENCE",)
