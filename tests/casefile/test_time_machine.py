"""A case as it was, as it was known, and as an organisation saw it then; and what changed, in words, here and there."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.casefile.cases import SERVICES, CaseContext, Told
from tests.casefile.test_disclosure_refused import withdrawn
from tests.support.backups import caserelay
from tests.support.people import AUDITOR, DPO_OF_AGENCY, INES, KARIM, LOTTE, MENTOR, VOLUNTEER
from tests.support.problems import assert_problem
from tests.support.requests import another_person
from tests.support.running import running

READS = ("", "/timeline", "/responsibility")


def january(day: int) -> datetime:
    """Ten o'clock on a day of January 2026, in Brussels."""
    return datetime(2026, 1, day, 9, tzinfo=UTC)


async def two_organisations(context: CaseContext) -> Told:
    """Brugwerk declined on 13 January; samenstap is offered the same person on the 15th, and accepts."""
    await context.running.at(january(13))
    first = await context.opened()
    await context.running.at(january(15))
    ref = (await context.running.read(INES, first.offer))["client"]["ref"]
    return await context.accepted(another_person("samenstap", client={"ref": ref}), by=KARIM)


async def test_a_case_reads_as_it_was_and_as_it_was_known(context: CaseContext) -> None:
    """OPENED on the 14th, INTAKE on the 16th; on the 12th there was no case. Nothing can be done in the past."""
    case = await two_organisations(context)
    for person in (INES, AUDITOR, DPO_OF_AGENCY):
        then = await context.running.read(person, case.path, asOf="2026-01-14")
        assert (then["state"], then["organisation"]) == ("OPENED", None), person
        assert (then["allowedActions"], then["blockedActions"]) == ([], [])
        assert (await context.running.read(person, case.path, asOf="2026-01-16"))["state"] == "INTAKE"
        assert (await context.running.read(person, case.path, knownAt="2026-01-14"))["state"] == "OPENED"
        assert_problem(await context.running.get(person, case.path, asOf="2026-01-12"), 404, "NOT_FOUND")


async def test_an_auditor_sees_what_an_organisation_saw_then(context: CaseContext) -> None:
    """Samenstap saw nothing on the 14th; on the 16th it sees what it reads itself. Brugwerk's part is its own."""
    case = await two_organisations(context)
    for read in READS:
        path = f"{case.path}{read}"
        early = await context.running.get(AUDITOR, path, viewer="samenstap", asOf="2026-01-14")
        assert_problem(early, 404, "NOT_FOUND")
        for viewer, person in (("samenstap", KARIM), ("brugwerk", LOTTE), ("vdab-gent", INES)):
            shown = await context.running.read(AUDITOR, path, viewer=viewer)
            own = await context.running.read(person, path)
            assert without_actions(shown) == without_actions(own), (viewer, read)
        assert_problem(await context.running.get(AUDITOR, path, viewer="actiris-demo"), 404, "NOT_FOUND")
    kinds = await context.kinds(case, AUDITOR, viewer="brugwerk", asOf="2026-01-16")
    assert "ReferralDeclined" in kinds
    assert "ReferralAccepted" not in kinds


def without_actions(shown: dict[str, Any]) -> dict[str, Any]:
    """What is read but for what can be done, and for when."""
    return {name: value for name, value in shown.items() if name not in ("allowedActions", "blockedActions")}


async def test_only_auditors_see_as_others_and_pairs_see_no_past(context: CaseContext) -> None:
    """A party may not look through another's eyes; a mentor reads the case of today."""
    case = await context.brought_to("MENTORING")
    for person in (INES, LOTTE, DPO_OF_AGENCY):
        for read in READS:
            refused = await context.running.get(person, f"{case.path}{read}", viewer="brugwerk")
            assert refused.status_code == 403, (person, read)
    assert (await context.running.get(VOLUNTEER, case.path, asOf="2026-01-12")).status_code == 403
    assert (await context.running.get(MENTOR, case.path, asOf="2026-01-12")).status_code == 404


async def test_after_a_withdrawal_the_past_is_closed_to_the_organisation_and_open_to_auditors(
    context: CaseContext,
) -> None:
    """Brugwerk reads the stop, whatever day it asks for; an auditor sees what brugwerk saw before it, and that stop."""
    await context.running.at(january(13))
    case = await context.brought_to("INTAKE")
    await context.running.at(january(20))
    await withdrawn(context, case)
    then = await context.running.read(LOTTE, case.path, asOf="2026-01-16")
    assert then["stopped"] == "CONSENT_WITHDRAWN"
    assert "state" not in then
    assert (await context.running.read(LOTTE, f"{case.path}/responsibility", asOf="2026-01-16"))["steps"] == []
    moments = {"from": "2026-01-12", "to": "2026-01-16"}
    changed = await context.running.read(LOTTE, f"{case.path}/diff", **moments)
    assert "lotte" not in changed["answer"]
    seen = await context.running.read(AUDITOR, case.path, viewer="brugwerk", asOf="2026-01-16")
    assert (seen["state"], seen["organisation"]) == ("INTAKE", "brugwerk")
    assert (await context.running.read(AUDITOR, case.path, viewer="brugwerk"))["stopped"] == "CONSENT_WITHDRAWN"
    owed = await context.running.read(AUDITOR, f"{case.path}/responsibility", viewer="brugwerk", asOf="2026-01-16")
    assert {step["owner"]["sub"] for step in owed["steps"]} == {"lotte.claes"}


async def test_the_difference_says_what_changed_in_words(context: CaseContext) -> None:
    """From the 14th to the 16th: state, organisation, steps, and what happened; from a moment to itself nothing."""
    case = await two_organisations(context)
    path = f"{case.path}/diff"
    told = await context.running.read(AUDITOR, path, **{"from": "2026-01-14", "to": "2026-01-16"})
    assert told["changes"][0] == "The case went from OPENED to INTAKE."
    assert "It was with no organisation, and then with samenstap." in told["changes"]
    assert any(line.startswith("NEXT_SERVICE of ines.debacker") for line in told["changes"])
    assert any(line.startswith("INTAKE began with karim.haddad") for line in told["changes"])
    assert told["answer"] == " ".join(told["changes"])
    happened = [item["type"] for item in told["events"]]
    assert happened.count("ReferralSubmitted") == happened.count("ReferralAccepted") == 1
    same = await context.running.read(AUDITOR, path, **{"from": "2026-01-16", "to": "2026-01-16"})
    assert (same["answer"], same["changes"], same["events"]) == ("Nothing is different.", [], [])
    own = await context.running.read(LOTTE, path, **{"from": "2026-01-14", "to": "2026-01-16"})
    assert own["events"] == []
    assert "samenstap" not in json.dumps(own)
    whole = await context.running.read(AUDITOR, path)
    assert whole["changes"][0] == "The case went from not opened to INTAKE."
    assert (whole["from"], whole["to"]) == (None, None)
    since = await context.running.read(AUDITOR, path, **{"from": "2026-01-14"})
    assert since["changes"] == told["changes"]
    back = await context.running.read(AUDITOR, path, **{"from": "2026-01-16", "to": "2026-01-14"})
    assert back["changes"][0] == "The case went from INTAKE to OPENED."
    assert "In between had not happened yet: LegalBasisRecorded 1" in back["answer"]


async def as_the_api_says(data: Path) -> tuple[str, dict[str, Any]]:
    """A case, and what the API says of it."""
    async with running(data, SERVICES) as services:
        await services.set_the_scene()
        context = CaseContext(services)
        await context.describe_mentor()
        case = await two_organisations(context)
        at = {"viewer": "samenstap", "asOf": "2026-01-16"}
        answers = {read: await services.read(AUDITOR, f"{case.path}{read}", **at) for read in READS}
        moments = {"from": "2026-01-14", "to": "2026-01-16"}
        return case.id, answers | {"/diff": await services.read(AUDITOR, f"{case.path}/diff", **moments)}


@pytest.mark.on_files
def test_the_shell_says_the_same(tmp_path: Path) -> None:
    """With a viewer, as of a day, and between two; and refuses a viewer who saw nothing."""
    case, answers = asyncio.run(as_the_api_says(tmp_path))
    at = ("--viewer", "samenstap", "--as-of", "2026-01-16")
    told = json.loads(caserelay("replay", case, *at, "--json", data=tmp_path).out)
    assert told["timeline"] == answers["/timeline"]["items"]
    assert told["responsibility"] == answers["/responsibility"]
    assert told["state"] == answers[""]["state"]
    moments = ("--from", "2026-01-14", "--to", "2026-01-16")
    assert json.loads(caserelay("diff", case, *moments, "--json", data=tmp_path).out) == answers["/diff"]
    assert caserelay("diff", case, *moments, data=tmp_path).out == answers["/diff"]["answer"] + "\n"
    assert caserelay("replay", case, "--viewer", "samenstap", "--as-of", "2026-01-14", data=tmp_path).status == 1
    assert caserelay("diff", "no-such", *moments, data=tmp_path).status == 1
