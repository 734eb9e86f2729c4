"""A7 and R2: who works by a charter has acknowledged the one in force, and each kind of mentor has its own."""

from __future__ import annotations

from copy import deepcopy
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from services.casefile.actions import decide
from services.casefile.charter_fan_out import CharterFanOut
from services.casefile.context import CaseContexts
from services.casefile.domain.context import Context
from services.casefile.domain.known_programme import programme_stream
from services.casefile.projection import CHARTER as KIND
from services.casefile.reactor import SYSTEM
from services.chassis.deciding.handler import Handler
from services.chassis.modelling.decider import Command
from services.chassis.time.clock import SandboxClock
from services.chassis.time.scheduler import Pending, sortable
from services.sandbox.charter import CHARTER
from services.sandbox.demo import LEADS, PROGRAMME, PROGRAMME_VERSION
from tests.casefile.cases import PROFILE, PROPOSAL, CaseContext, Told
from tests.support.dates import on
from tests.support.people import AN, AUDITOR, INES, LOTTE, OPERATOR, VOLUNTEER, Person
from tests.support.problems import assert_problem
from tests.support.requests import AGREEMENT, another_person

MONDAY: Final = on(2, 2, hour=0)
"""2 February 2026, on which the new version of the programme begins."""
DUE: Final = "2026-02-16T22:59:59Z"
"""Ten working days later."""
TASK: Final = "CHILDCARE_SEARCH"
REMATCH: Final = {"reason": "MISMATCH", "next": "REMATCH", "closureTalk": True}
PROFESSIONALS: Final = "mtw-pro-2026"


async def charter(context: CaseContext, version: str, task: str, **roles: str) -> None:
    """A version of the charter in which one task reads otherwise, signed by the three organisations."""
    body = deepcopy(CHARTER)
    for rule in body["tasks"]:
        if rule["task"] == task:
            rule["roles"] = {**rule["roles"], **roles}
    path = f"/v1/charters/{version}"
    written = await context.running.send(OPERATOR, "PUT", path, body)
    assert written.is_success, written.text
    for lead in LEADS:
        await context.running.done(lead, path, "sign")


async def published(context: CaseContext, version: int, programme: str = PROGRAMME, **parameters: Any) -> None:
    """A version of a programme, and every service has heard of it."""
    body = {**PROGRAMME_VERSION, "charterVersion": "v2", "validFrom": "2026-02-02", **parameters}
    path = f"/v1/programmes/{programme}/versions/{version}"
    answer = await context.running.send(OPERATOR, "PUT", path, body)
    assert answer.is_success, answer.text
    await context.running.settle()


async def changed(context: CaseContext) -> Told:
    """A match that has run since 12 January, and a charter that lets volunteers look for childcare from 2 February."""
    case = await context.brought_to("MENTORING")
    await charter(context, "v2", TASK, VOLUNTEER_MENTOR="L")
    await published(context, 2)
    return case


async def asked(context: CaseContext, case: Told, person: Person = INES) -> dict[str, tuple[str, str]]:
    """Who is asked to acknowledge a charter: by what the step is about, its owner, and until when."""
    steps = (await context.running.read(person, case.path))["steps"]
    return {
        step["about"]: (step["owner"]["sub"], step["dueAt"])
        for step in steps
        if step["step"] == "CHARTER_ACKNOWLEDGEMENT"
    }


async def test_a7_a_charter_that_changes_under_a_match_governs_from_its_day_and_is_acknowledged_by_both(
    context: CaseContext,
) -> None:
    """Tasks of that day on are held against it, mentor and coordinator have ten working days; the agreement stays."""
    case, running = await changed(context), context.running
    assert await asked(context, case) == {}
    await running.at(MONDAY)
    both = {"MENTOR": (VOLUNTEER.sub, DUE), "COORDINATOR": (LOTTE.sub, DUE)}
    assert await asked(context, case) == both
    assert await asked(context, case, VOLUNTEER) == both
    await running.at(on(2, 2))
    task = {"task": TASK, "minutes": 30}
    before = await running.command(VOLUNTEER, case.path, "record-task", {**task, "occurredAt": "2026-02-01T12:00:00Z"})
    assert assert_problem(before, 403, "TASK_REFUSED_BY_CHARTER")["rule"]["charterVersion"] == "v1"
    await running.done(VOLUNTEER, case.path, "record-task", {**task, "occurredAt": "2026-02-02T08:30:00Z"})
    shown = (await running.read(INES, case.path))["trajectory"]
    assert shown["agreement"]["charterVersion"] == "v1"
    assert shown["charter"] == {"version": "v2", "since": "2026-02-01T23:00:00Z", "acknowledgedBy": []}
    await running.done(VOLUNTEER, case.path, "acknowledge-charter", {"charterVersion": "v2"})
    await running.done(LOTTE, case.path, "acknowledge-charter")
    assert await asked(context, case) == {}
    assert (await running.read(INES, case.path))["trajectory"]["charter"]["acknowledgedBy"] == ["MENTOR", "COORDINATOR"]
    profile = await running.read(LOTTE, f"/v1/mentors/{VOLUNTEER.sub}")
    assert (profile["charterVersion"], profile["charterAcknowledgedOn"]) == ("v2", "2026-02-02")
    kinds = await context.kinds(case)
    assert [kind for kind in kinds if kind.startswith("Charter")] == ["CharterChanged", *["CharterAcknowledged"] * 2]


async def test_a7_mentor_and_coordinator_find_it_on_their_worklists_with_the_act(context: CaseContext) -> None:
    """And a person who acts for a mentor without an account says why, as in a match; the actor says for whom it was."""
    case, running = await changed(context), context.running
    await running.at(on(2, 2))
    for person, abouts in ((VOLUNTEER, {"MENTOR"}), (LOTTE, {"MENTOR", "COORDINATOR"})):
        items = (await running.read(person, "/v1/worklist", mine="true"))["items"]
        found = [item for item in items if item["step"] == "CHARTER_ACKNOWLEDGEMENT"]
        assert {item["about"] for item in found} == abouts
        assert all("acknowledge-charter" in [act["action"] for act in item["actions"]] for item in found)
    silent = await running.command(LOTTE, case.path, "acknowledge-charter", {"by": "MENTOR"})
    assert_problem(silent, 422, "REQUIRED", at="/onBehalfReason")
    await running.done(LOTTE, case.path, "acknowledge-charter", {"by": "MENTOR", "onBehalfReason": "NO_ACCOUNT"})
    item, *_ = [
        item
        for item in (await running.read(INES, f"{case.path}/timeline"))["items"]
        if item["type"] == "CharterAcknowledged"
    ]
    assert (item["actor"]["sub"], item["actor"]["onBehalfOf"]) == (LOTTE.sub, VOLUNTEER.sub)
    # A colleague stands in for the coordinator, under their own name.
    await running.done(AN, case.path, "acknowledge-charter")
    assert await asked(context, case) == {}


async def test_a7_who_does_not_acknowledge_it_in_time_is_seen_to_by_the_other_side(context: CaseContext) -> None:
    """A missed term as any other: it stands in the record, and the step stays."""
    case = await changed(context)
    await context.running.at(on(17, 2))
    kinds = await context.kinds(case)
    assert kinds.count("DeadlineMissed") >= 2
    assert "EscalationRaised" in kinds
    assert set(await asked(context, case)) == {"MENTOR", "COORDINATOR"}


async def test_a7_a_version_that_has_begun_when_it_is_entered_asks_at_once(context: CaseContext) -> None:
    """From the day on which they are asked, and not from a day of the past."""
    case = await context.brought_to("MENTORING")
    await charter(context, "v2", TASK, VOLUNTEER_MENTOR="L")
    await published(context, 2, validFrom="2026-01-05")
    await context.running.at(context.running.clock.now())
    assert await asked(context, case) == {
        "MENTOR": (VOLUNTEER.sub, "2026-01-26T22:59:59Z"),
        "COORDINATOR": (LOTTE.sub, "2026-01-26T22:59:59Z"),
    }


async def test_a7_nobody_is_asked_to_acknowledge_a_charter_that_is_not_written(context: CaseContext) -> None:
    """The programme names it all the same; once the operator has entered it, it is found within a day."""
    case = await context.brought_to("MENTORING")
    await published(context, 2, validFrom="2026-01-05")
    await context.running.at(context.running.clock.now())
    assert await asked(context, case) == {}
    assert "CharterChanged" not in await context.kinds(case)
    await charter(context, "v2", TASK, VOLUNTEER_MENTOR="L")
    await context.running.at(context.running.clock.now() + timedelta(days=1))
    assert set(await asked(context, case)) == {"MENTOR", "COORDINATOR"}


async def test_a7_no_mentor_is_activated_and_no_agreement_signed_without_the_charter_in_force(
    context: CaseContext,
) -> None:
    """The mentor's acknowledgement of another version does not count, and the coordinator's is asked for as well."""
    case, running = await changed(context), context.running
    late = await context.brought_to("MATCHING")
    await running.at(on(2, 2))
    stale = assert_problem(await running.command(LOTTE, late.path, "propose-match", PROPOSAL), 409, "MENTOR_NOT_READY")
    assert "CHARTER in version v2" in stale["detail"]
    await running.done(VOLUNTEER, case.path, "acknowledge-charter")
    await running.done(LOTTE, case.path, "end-match", REMATCH)
    await running.done(LOTTE, case.path, "propose-match", PROPOSAL)
    for side in ("MENTOR", "MENTEE"):
        await running.done(LOTTE, case.path, "confirm-match", {"by": side, "onBehalfReason": "BY_PHONE"})
    refused = await running.command(LOTTE, case.path, "sign-agreement", AGREEMENT)
    assert_problem(refused, 409, "CHARTER_NOT_ACKNOWLEDGED")
    await running.done(LOTTE, case.path, "acknowledge-charter")
    await running.done(LOTTE, case.path, "sign-agreement", AGREEMENT)
    shown = (await running.read(INES, case.path))["trajectory"]
    assert (shown["agreement"]["charterVersion"], shown["charter"]["version"]) == ("v2", "v2")
    assert await asked(context, case) == {}


async def test_a7_confidentiality_counts_in_the_version_that_the_programme_names(context: CaseContext) -> None:
    """As the charter does; the record of the agreement names both versions."""
    running = context.running
    await published(context, 2, charterVersion="v1", validFrom="2026-01-05", confidentialityVersion="c2")
    case = await context.brought_to("CONFIRMED")
    refused = await running.command(LOTTE, case.path, "sign-agreement", AGREEMENT)
    assert "CONFIDENTIALITY in version c2" in assert_problem(refused, 409, "MENTOR_NOT_READY")["detail"]
    path = f"/v1/mentors/{VOLUNTEER.sub}"
    etag = (await running.get(LOTTE, path)).headers["ETag"]
    described = await running.send(LOTTE, "PUT", path, {**PROFILE, "confidentialityVersion": "c2"}, etag=etag)
    assert described.json()["confidentialityVersion"] == "c2", described.text
    await running.done(LOTTE, case.path, "sign-agreement", AGREEMENT)
    record = (await running.read(AUDITOR, f"{case.path}/events", limit=200))["items"]
    (signed,) = [one["data"] for one in record if one["type"] == "AgreementSigned"]
    assert (signed["readiness"]["charterVersion"], signed["readiness"]["confidentialityVersion"]) == ("v1", "c2")


async def test_a7_every_running_match_of_the_programme_is_asked_once_however_often_it_is_begun(
    context: CaseContext, tmp_path: Path
) -> None:
    """Two at a time, begun again in the middle, and by another process at the end; other cases are left alone."""
    cases = [await context.brought_to("MENTORING") for _ in range(4)]
    paused, before = await context.brought_to("SUSPENDED"), await context.brought_to("MATCHING")
    await charter(context, "v2", TASK, VOLUNTEER_MENTOR="L")
    await published(context, 2)
    service, clock = context.running.service("casefile"), SandboxClock(tmp_path / "a-clock-of-its-own.json")
    clock.move(on(2, 2), frozen=True)
    handler = Handler[Command, Context](service.streams, CaseContexts(service.index), decide)
    fan_out = CharterFanOut(service.streams, handler, service.index, clock, SYSTEM, at_once=2)
    began = Pending(sortable(MONDAY), "0", KIND, sortable(MONDAY))

    async def told() -> list[int]:
        return [(await context.kinds(case)).count("CharterChanged") for case in (*cases, paused, before)]

    (left,) = await fan_out.fire(programme_stream(PROGRAMME), began)
    assert await told() == [1, 1, 0, 0, 0, 0]
    assert left.at == sortable(on(2, 2)), "behind what else is due by then"
    for start in (began, left, left):
        behind: tuple[Pending, ...] = (start,)
        while behind:
            behind = await fan_out.fire(programme_stream(PROGRAMME), behind[0])
    assert await told() == [1, 1, 1, 1, 1, 0]


async def test_r2_volunteers_and_professionals_have_a_charter_and_parameters_of_their_own(
    context: CaseContext,
) -> None:
    """Another programme, entered as data: the same task, the same year and the same norm are answered otherwise."""
    running = context.running
    await charter(context, "pro-1", "VACANCY_REFERRAL", PROFESSIONAL_MENTOR="L")
    own = {"charterVersion": "pro-1", "validFrom": "2026-01-01"}
    await published(context, 1, PROFESSIONALS, **own, agreementMonthsMax=12, meetingsPerMonthMin=4)
    brugwerk = await running.get(OPERATOR, "/v1/organisations/brugwerk")
    both = {**brugwerk.json(), "programmes": [PROGRAMME, PROFESSIONALS]}
    offered = await running.send(OPERATOR, "PUT", "/v1/organisations/brugwerk", both, etag=brugwerk.headers["ETag"])
    assert offered.is_success, offered.text
    for ref, version in (("M-77", "v1"), ("M-78", "pro-1")):
        await context.describe_mentor(ref, kind="PROFESSIONAL", insuranceNoteOn=None, charterVersion=version)
    cases = {}
    for name, programme, ref in (
        ("volunteer", PROGRAMME, "M-41"),
        ("professional in the volunteers' programme", PROGRAMME, "M-77"),
        ("professional", PROFESSIONALS, "M-78"),
    ):
        case = cases[name] = await context.accepted(another_person(programme=programme))
        await context.lead_on(case, "INTAKE", "MATCHING")
        await running.done(LOTTE, case.path, "propose-match", {**PROPOSAL, "mentorRef": ref})
        await context.lead_on(case, "MATCH_PROPOSED", "CONFIRMED")
    year = {**AGREEMENT, "start": "2026-01-12", "end": "2027-01-11", "norm": 4}
    answers = {}
    for name, case in cases.items():
        sparse = await running.command(LOTTE, case.path, "sign-agreement", {**AGREEMENT, "norm": 2}, dryRun="true")
        long = await running.command(LOTTE, case.path, "sign-agreement", year)
        if long.status_code != 200:
            await running.done(LOTTE, case.path, "sign-agreement", AGREEMENT)
        task = await running.command(LOTTE, case.path, "record-task", {"task": "VACANCY_REFERRAL", "minutes": 45})
        codes = tuple(answer.json().get("code") for answer in (task, long, sparse))
        answers[name] = (*codes, (await running.read(INES, case.path))["trajectory"]["agreement"]["end"])
    first = date(2026, 7, 11).isoformat()
    assert answers == {
        "volunteer": ("TASK_REFUSED_BY_CHARTER", "AGREEMENT_TOO_LONG", None, first),
        "professional in the volunteers' programme": ("APPROVAL_REQUIRED", "AGREEMENT_TOO_LONG", None, first),
        "professional": (None, None, "NORM_TOO_LOW", "2027-01-11"),
    }


async def test_r2_a_volunteer_is_not_ready_for_the_professionals_charter(context: CaseContext) -> None:
    """Each kind acknowledges its own charter: that of the other programme does not count."""
    await charter(context, "pro-1", "VACANCY_REFERRAL", PROFESSIONAL_MENTOR="L")
    await published(context, 1, PROFESSIONALS, charterVersion="pro-1", validFrom="2026-01-01")
    brugwerk = await context.running.get(OPERATOR, "/v1/organisations/brugwerk")
    both = {**brugwerk.json(), "programmes": [PROGRAMME, PROFESSIONALS]}
    etag = brugwerk.headers["ETag"]
    assert (await context.running.send(OPERATOR, "PUT", "/v1/organisations/brugwerk", both, etag=etag)).is_success
    case = await context.accepted(another_person(programme=PROFESSIONALS))
    await context.lead_on(case, "INTAKE", "MATCHING")
    refused = await context.running.command(LOTTE, case.path, "propose-match", PROPOSAL)
    assert "CHARTER in version pro-1" in assert_problem(refused, 409, "MENTOR_NOT_READY")["detail"]


@pytest.mark.parametrize("verdict", ["L", "X"])
async def test_r2_one_cell_that_is_changed_by_data_changes_the_answer(context: CaseContext, verdict: str) -> None:
    """Nothing else differs, and nothing in the program names the task."""
    await charter(context, "v2", "NETWORK_INTRODUCTION", VOLUNTEER_MENTOR=verdict)
    await published(context, 2, validFrom="2026-01-05")
    await context.describe_mentor("M-79", charterVersion="v2")
    case = await context.brought_to("MATCHING")
    await context.running.done(LOTTE, case.path, "propose-match", {**PROPOSAL, "mentorRef": "M-79"})
    await context.lead_on(case, "MATCH_PROPOSED", "MENTORING")
    answer = await context.running.command(LOTTE, case.path, "record-task", {"task": "NETWORK_INTRODUCTION"})
    assert answer.status_code == {"L": 200, "X": 403}[verdict]
