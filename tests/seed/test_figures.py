"""T1, D1, D2, R1 and C1 of the seed, and K4, K6 and K11 of the known failures: what is only seen over many cases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from services.cli import main
from tests.casefile.cases import PROFILE, SERVICES, CaseContext
from tests.support.dates import on
from tests.support.people import AUDITOR, HANNE, INES, KARIM, LOTTE, OPERATOR, TOM, VOLUNTEER
from tests.support.problems import assert_problem, pointers
from tests.support.requests import INTAKE, MENTOR_PROFILE, another_person
from tests.support.running import running

PULSE_OF_A_MENTOR = {"by": "MENTOR", "score": 4, "reasons": ["GOOD_CLICK", "NO_SHOWS"]}
TEXT = "she says her knee hurts since the accident"


async def report(context: CaseContext, name: str, person: Any = AUDITOR, **query: str) -> list[dict[str, Any]]:
    """The rows of a report."""
    rows: list[dict[str, Any]] = (await context.running.read(person, f"/v1/reports/{name}", **query))["items"]
    return rows


async def test_t1_only_mentoring_to_work_is_referred_to_and_its_balance_can_be_measured(context: CaseContext) -> None:
    """Another kind of programme takes nobody; what each role did is weighed per case and per programme."""
    services = context.running
    version = (await services.read(INES, "/v1/programmes/mtw-be-2026"))["versions"][0]
    buddies = {name: value for name, value in version.items() if name != "version"} | {"kind": "BUDDY"}
    published = await services.send(OPERATOR, "PUT", "/v1/programmes/buddies/versions/1", buddies)
    assert published.status_code == 200, published.text
    refused = await services.create(INES, "/v1/referrals", another_person(programme="buddies"))
    assert pointers(refused)["/programme"] == "PROGRAMME_KIND"
    first, second = await context.brought_to("MENTORING"), await context.brought_to("MENTORING")
    for task in ("CV_FEEDBACK", "INTERVIEW_PRACTICE", "NETWORK_INTRODUCTION"):
        await services.done(LOTTE, first.path, "record-task", {"task": task})
    await services.done(
        INES, second.path, "record-task", {"task": "STATUTORY_PLAN", "by": {"role": "AGENCY_COUNSELLOR"}}
    )
    assert_problem(await services.command(LOTTE, first.path, "record-task", {"task": "MONEY"}), 403)
    await services.done(LOTTE, first.path, "request-exception", {"task": "MONEY", "justification": "the shop closes"})
    await services.done(HANNE, first.path, "decide-exception", {"exception": "X1", "granted": True, "reason": "once"})
    await services.done(LOTTE, second.path, "report-gap", {"serviceKind": "CHILDCARE", "gapType": "ABSENT"})
    rows = {row["case"]: row for row in await report(context, "balance")}
    assert set(rows) == {first.id, second.id, "ALL"}
    shares = {case: (row["tasks"], row["volunteerPercent"], row["counsellorPercent"]) for case, row in rows.items()}
    assert shares == {first.id: (3, 100.0, 0.0), second.id: (1, 0.0, 100.0), "ALL": (4, 75.0, 25.0)}
    counted = {case: (row["refused"], row["exceptionsGranted"], row["gaps"]) for case, row in rows.items()}
    assert counted == {first.id: (1, 1, 0), second.id: (0, 0, 1), "ALL": (1, 1, 1)}
    assert rows["ALL"]["programme"] == "mtw-be-2026"


async def test_d1_a_citizen_who_offers_to_help_is_seen_as_long_as_nobody_takes_the_offer_up(
    context: CaseContext,
) -> None:
    """Described on 12 January, M-41 waits for three weeks, is proposed and waits no more; M-42 still does."""
    await context.describe_mentor("M-42", capacity=2)
    case = await context.accepted()
    await context.running.at(on(2, 2))
    await context.running.done(LOTTE, case.path, "conclude-intake", INTAKE)
    waiting = {row["mentor"]: row for row in await report(context, "unmatched-mentors", HANNE)}
    assert {mentor: (row["waitingSince"], row["waitingDays"], row["capacity"]) for mentor, row in waiting.items()} == {
        "M-41": ("2026-01-12", 21, 100),
        "M-42": ("2026-01-12", 21, 2),
    }
    await context.running.done(LOTTE, case.path, "propose-match", {"mentorRef": "M-41", "criteria": ["SECTOR"]})
    assert [row["mentor"] for row in await report(context, "unmatched-mentors", HANNE)] == ["M-42"]
    mentors = (await context.running.read(LOTTE, "/v1/mentors"))["items"]
    assert {mentor["ref"]: mentor["capacity"] for mentor in mentors} == {"M-41": 100, "M-42": 2}


async def test_d1_the_report_and_the_profile_say_the_same_of_who_waits(context: CaseContext) -> None:
    """A proposal that came to nothing leaves the wait as it is; a match that ends, and a pause, begin it again.

    From 12 January on it is 28 days on 9 February; the match ended on 2 March, seven days before 9 March.
    """
    services = context.running

    async def waits() -> tuple[str | None, int | None]:
        profile = await services.read(LOTTE, "/v1/mentors/M-41")
        found = [row for row in await report(context, "unmatched-mentors", HANNE) if row["mentor"] == "M-41"]
        since = {row["waitingSince"] for row in found}
        assert since == ({profile["waitingSince"][:10]} if profile["waitingSince"] is not None else set())
        (days,) = [row["waitingDays"] for row in found] or [None]
        return next(iter(since), None), days

    case = await context.accepted()
    await services.at(on(2, 2))
    await context.lead_on(case, "INTAKE", "MATCH_PROPOSED")
    assert await waits() == (None, None)
    await services.at(on(9, 2))
    no = {"by": "MENTEE", "reason": "NO_CLICK", "onBehalfReason": "BY_PHONE"}
    await services.done(LOTTE, case.path, "reject-match", no)
    assert await waits() == ("2026-01-12", 28)
    await context.lead_on(case, "MATCHING", "MENTORING")
    assert await waits() == (None, None)
    await services.at(on(2, 3))
    await services.done(LOTTE, case.path, "end-match", {"reason": "MISMATCH", "next": "REMATCH", "closureTalk": True})
    assert await waits() == ("2026-03-02", 0)
    await services.at(on(9, 3))
    await context.describe_mentor("M-42")
    assert await waits() == ("2026-03-02", 7)
    for day, capacity, told in ((on(10, 3), 0, (None, None)), (on(16, 3), 2, ("2026-03-16", 0))):
        await services.at(day)
        etag = (await services.get(LOTTE, "/v1/mentors/M-41")).headers["ETag"]
        body = {**PROFILE, "capacity": capacity}
        assert (await services.send(LOTTE, "PUT", "/v1/mentors/M-41", body, etag=etag)).is_success
        assert await waits() == told


async def test_k6_who_waits_and_who_is_free_are_both_seen(context: CaseContext) -> None:
    """One organisation has no mentor, with a day and a reason on the record; another has one who waits."""
    await context.running.send(KARIM, "PUT", "/v1/mentors/M-90", MENTOR_PROFILE)
    case = await context.referred()
    await context.follow(case, LOTTE, "receive")
    wait = {"reason": "NO_SUITABLE_MENTOR", "expectedBy": "2026-03-02", "clientAgreed": True}
    await context.follow(case, LOTTE, "waitlist", wait)
    referral = await context.running.read(INES, case.offer)
    assert referral["dueAt"]["waitlistReview"].startswith("2026-02-11")
    (answer,) = (await context.running.read(INES, f"{case.path}/responsibility"))["steps"]
    assert (answer["step"], answer["awaiting"]["org"]) == ("REFERRAL_ANSWER", "brugwerk")
    free = [(row["organisation"], row["mentor"]) for row in await report(context, "unmatched-mentors")]
    assert ("samenstap", "M-90") in free


async def test_d2_the_good_and_the_bad_that_both_sides_say_stand_next_to_each_other(context: CaseContext) -> None:
    """A mentor who clicks and is let down, a mentee whose network grows: two good codes and one that weighs."""
    case = await context.brought_to("MENTORING")
    await context.running.done(VOLUNTEER, case.path, "record-pulse", PULSE_OF_A_MENTOR)
    await context.running.done(
        LOTTE, case.path, "record-pulse", {"by": "MENTEE", "score": 5, "reasons": ["NETWORK_GROWS"]}
    )
    rows = await report(context, "balance")
    assert [(row["positive"], row["negative"]) for row in rows] == [(2, 1), (2, 1)]
    # The total of all names no code: it would show what is hidden of an organisation with few cases.
    named = [(row["positiveCodes"], row["negativeCodes"]) for row in rows if row["positiveCodes"] is not None]
    assert named == [(["GOOD_CLICK:1", "NETWORK_GROWS:1"], ["NO_SHOWS:1"])]


async def test_r1_a_mentor_is_prepared_and_the_pair_is_monitored_during_the_entire_process(
    context: CaseContext,
) -> None:
    """Nobody signs with a mentor who is not bound; 36 days without a check-in are a hole that stays in the report."""
    services = context.running
    unbound = {name: value for name, value in PROFILE.items() if name != "confidentialityOn"}
    described = await services.send(LOTTE, "PUT", "/v1/mentors/M-50", unbound)
    case = await context.brought_to("MATCHING")
    await services.done(LOTTE, case.path, "propose-match", {"mentorRef": "M-50", "criteria": ["SECTOR"]})
    for side in ("MENTOR", "MENTEE"):
        await services.done(LOTTE, case.path, "confirm-match", {"by": side, "onBehalfReason": "NO_ACCOUNT"})
    agreement = {
        "coordinatorAttendsFirstMeeting": True,
        "expectations": {"mentor": "honest feedback", "mentee": "two talks a month"},
    }
    unready = await context.running.command(LOTTE, case.path, "sign-agreement", agreement)
    assert_problem(unready, 409, "MENTOR_NOT_READY")
    bound = await services.send(LOTTE, "PUT", "/v1/mentors/M-50", PROFILE, etag=described.headers["ETag"])
    assert bound.status_code == 200, bound.text
    await services.done(LOTTE, case.path, "sign-agreement", agreement)
    await context.running.at(on(16, 2))
    await context.running.done(LOTTE, case.path, "record-check-in", {"mode": "PHONE"})
    (row,) = await report(context, "check-in-coverage")
    assert (row["case"], row["since"], row["longestDays"], row["flagged"]) == (case.id, "2026-01-12", 35, False)
    await context.running.at(on(24, 3))
    await context.running.done(LOTTE, case.path, "record-check-in", {"mode": "PHONE"})
    await context.running.at(on(31, 3))
    (row,) = await report(context, "check-in-coverage", TOM)
    assert (row["flagged"], row["longestDays"], row["holes"]) == (True, 36, ["2026-02-16/2026-03-24"])


@pytest.fixture
async def on_files(tmp_path: Path) -> AsyncIterator[CaseContext]:
    """All services, with logs that the shell can read."""
    async with running(tmp_path, SERVICES) as services:
        await services.set_the_scene()
        context = CaseContext(services)
        await context.describe_mentor()
        yield context


async def test_c1_what_is_evaluated_is_codes_under_pseudonyms_and_comes_again_from_the_log(
    on_files: CaseContext,
) -> None:
    """The shell makes the same bytes of the log alone, twice; no case's id, no reference and no word is in them."""
    context = on_files
    case = await context.brought_to("MENTORING")
    await context.running.done(VOLUNTEER, case.path, "record-pulse", PULSE_OF_A_MENTOR)
    asked = {"task": "MONEY", "justification": TEXT}
    await context.running.done(LOTTE, case.path, "request-exception", asked)
    await context.opened()
    answer = await context.running.get(AUDITOR, "/v1/reports/evaluation")
    table = await context.running.send(AUDITOR, "GET", "/v1/reports/evaluation", headers={"Accept": "text/csv"})
    env = {"CASERELAY_DATA": str(context.running.settings.data)}

    def shell(*options: str) -> str:
        result = CliRunner().invoke(main, ["report", "evaluation", *options], env=env)
        assert result.exit_code == 0, result.output
        return result.stdout

    for _ in range(2):
        assert (await asyncio.to_thread(shell, "--json")).encode() == answer.content + b"\n"
        assert (await asyncio.to_thread(shell, "--csv")).splitlines() == table.text.splitlines()
    rows = answer.json()["items"]
    assert {(*row["mentorScores"], *row["declineReasons"]) for row in rows} == {(4,), ("CAPACITY_FULL",)}
    assert len({row["pseudonym"] for row in rows}) == 2
    for said in (case.id, case.offer.rpartition("/")[2], "CL-", "M-41", "knee", "lotte.claes", "2026-01-12"):
        assert said not in answer.text
        assert said not in table.text


async def test_k4_an_agency_sees_how_its_offers_fare_and_a_no_costs_an_organisation_nothing(
    context: CaseContext,
) -> None:
    """Ten offers, five of them declined for want of a place: half are accepted, on the same day; the next may come."""
    for _ in range(5):
        await context.accepted()
        await context.opened()
    row, own = await report(context, "acceptance", TOM)
    assert (row["organisation"], own["organisation"]) == ("ALL", "brugwerk")
    for one in (row, own):
        assert (one["offers"], one["accepted"], one["declined"], one["undecided"]) == (10, 5, 5, 0)
        assert (one["acceptedPercent"], one["medianDays"]) == (50.0, 0)
    assert own["declineReasons"] == ["CAPACITY_FULL:5"]
    organisation = await context.running.read(INES, "/v1/organisations/brugwerk")
    assert "capacity" in organisation
    await context.referred()
    assert [one["offers"] for one in await report(context, "acceptance", HANNE)] == [11]


async def test_k11_an_outcome_is_a_code_with_its_source_and_no_story(context: CaseContext) -> None:
    """Five people left for stable work, which the register says and which suits their level."""
    cases = [await context.brought_to("CLOSED") for _ in range(5)]
    outcome = {"point": "EXIT", "code": "EMPLOYED_STABLE", "source": "REGISTER", "levelMatch": True}
    told = await context.running.command(INES, cases[0].path, "record-outcome", {**outcome, "remark": TEXT})
    assert told.status_code in (400, 422), told.text
    for case in cases:
        await context.running.done(INES, case.path, "record-outcome", outcome)
    rows = await report(context, "outcomes")
    assert [(row["organisation"], row["code"], row["people"], row["fromRegister"]) for row in rows] == [
        ("ALL", "EMPLOYED_STABLE", 5, 5),
        ("brugwerk", "EMPLOYED_STABLE", 5, 5),
    ]
    assert rows[1]["levelMatch"] == 5
