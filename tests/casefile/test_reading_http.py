"""Reading a case: its timeline, who is responsible, the raw record; as far as the reader may see."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.casefile.cases import PROPOSAL, CaseContext, Told
from tests.support.people import (
    AUDITOR,
    CONTROL,
    DPO_OF_AGENCY,
    HANNE,
    INES,
    KARIM,
    LOTTE,
    OPERATOR,
    PIETER,
    TOM,
    Person,
)
from tests.support.problems import assert_problem
from tests.support.requests import another_person

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("casefile reading")]

READS = ("", "/timeline", "/responsibility", "/events")


async def steps(shared: CaseContext, case: Told, person: Person = INES, **asked: Any) -> dict[str, str]:
    """Who owns which open step."""
    told = await shared.running.read(person, f"{case.path}/responsibility", **asked)
    return {step["step"]: step["owner"]["sub"] for step in told["steps"]}


async def test_an_instant_is_taken_to_the_second_in_any_time_zone(shared: CaseContext) -> None:
    """With an offset too, and with its plus sign unescaped as many clients send it."""
    case = await shared.referred()
    at = "2026-01-12T10:30:00+01:00"
    assert await shared.kinds(case, asOf=at)
    assert await shared.kinds(case, asOf="2026-01-12T10:29:59+01:00") == []
    unescaped = await shared.running.send(INES, "GET", f"{case.path}/timeline?asOf={at}")
    assert unescaped.status_code == 200
    assert unescaped.json()["items"]


async def test_the_ends_of_the_calendar_are_dates_like_others(shared: CaseContext) -> None:
    """No date makes the service fail."""
    case = await shared.referred()
    assert await shared.kinds(case, asOf="0001-01-01") == []
    assert await shared.kinds(case, asOf="9999-12-31")


async def test_a_time_that_cannot_be_read_is_refused(shared: CaseContext) -> None:
    """422 with the parameter's name: a time without a zone could be any of two dozen."""
    case = await shared.referred()
    wrong = ("yesterday", "", "2026-02-30", "2026-01-12T10:00:00", "20260112", "12/01/2026", "1768210200", "2026-W03-1")
    for path in ("timeline", "responsibility"):
        for parameter in ("asOf", "knownAt"):
            for value in wrong:
                answer = await shared.running.get(INES, f"{case.path}/{path}", **{parameter: value})
                problem = assert_problem(answer, 422)
                assert problem["errors"][0]["pointer"] == f"/query/{parameter}", value


@pytest.mark.parametrize("what", READS)
async def test_all_who_work_on_a_case_read_the_same(shared: CaseContext, what: str) -> None:
    """Counsellor and team lead, coordinator and lead, auditor and privacy officer: one story, item by item."""
    case = await shared.brought_to("MENTORING")
    told = [
        await shared.running.read(one, case.path + what) for one in (INES, TOM, LOTTE, HANNE, AUDITOR, DPO_OF_AGENCY)
    ]
    for one in told:
        # What each may do differs; what is so does not.
        one.pop("allowedActions", None)
        one.pop("blockedActions", None)
    assert all(one == told[0] for one in told)


@pytest.mark.parametrize("what", READS)
async def test_a_case_is_hidden_from_whoever_has_no_part_in_it(shared: CaseContext, what: str) -> None:
    """404 for strangers as for what does not exist, 401 without a token, 403 for the control unit."""
    case = await shared.brought_to("INTAKE")
    hidden = [await shared.running.get(one, case.path + what) for one in (KARIM, PIETER, OPERATOR)]
    hidden.append(await shared.running.get(KARIM, f"/v1/cases/nowhere{what}"))
    for answer in hidden:
        assert_problem(answer, 404, "NOT_FOUND")
    assert_problem(await shared.running.get(None, case.path + what), 401)
    assert_problem(await shared.running.get(CONTROL, case.path + what), 403)
    assert_problem(await shared.running.get(CONTROL, f"/v1/cases/nowhere{what}"), 403)


async def test_the_raw_record_is_the_stream_with_its_metadata(shared: CaseContext) -> None:
    """Versions without gaps, who, when, under which programme version and legal basis, and the stored data."""
    case = await shared.brought_to("MENTORING")
    items = (await shared.running.read(AUDITOR, f"{case.path}/events"))["items"]
    assert [item["version"] for item in items] == list(range(1, len(items) + 1))
    assert len({item["event"] for item in items}) == len(items)
    signed = next(item for item in items if item["type"] == "AgreementSigned")
    assert signed["actor"] == {"sub": LOTTE.sub, "role": LOTTE.role, "org": LOTTE.org} | signed["actor"]
    assert signed["programmeVersion"] == "mtw-be-2026/1"
    assert signed["charterVersion"] == "v1"
    assert signed["legalBasisId"] == (await shared.running.read(INES, case.offer))["legalBasis"]["id"]
    assert signed["data"]["norm"] == 2
    assert signed["topic"].endswith(".v1")
    timeline = (await shared.running.read(AUDITOR, f"{case.path}/timeline"))["items"]
    assert [item["position"] for item in timeline] == [item["version"] for item in items]


async def test_the_raw_record_is_read_in_pages(shared: CaseContext) -> None:
    """Together they are the whole, also while more is written."""
    case = await shared.brought_to("INTAKE")
    whole = (await shared.running.read(INES, f"{case.path}/events", limit=200))["items"]
    first = await shared.running.read(INES, f"{case.path}/events", limit=5)
    await shared.running.done(LOTTE, case.path, "conclude-intake", {"suitable": False, "reason": "MOVED"})
    rest = await shared.running.read(INES, f"{case.path}/events", limit=200, cursor=first["next"])
    assert (first["items"] + rest["items"])[: len(whole)] == whole
    assert rest["next"] is None
    assert_problem(await shared.running.get(INES, f"{case.path}/events", cursor="nonsense"), 422)


@pytest.mark.parametrize("person", [INES, LOTTE, AUDITOR], ids=["agency", "organisation", "auditor"])
@pytest.mark.parametrize("limit", [1, 4])
async def test_the_timeline_is_read_in_pages(shared: CaseContext, person: Person, limit: int) -> None:
    """Together they are the whole, item by item as it stands there, also while more is recorded."""
    case = await shared.brought_to("MATCHING")
    path = f"{case.path}/timeline"
    whole = await shared.running.read(person, path)
    assert whole["next"] is None
    seen: list[dict[str, Any]] = []
    following: dict[str, str] = {}
    while True:
        page = await shared.running.read(person, path, limit=limit, **following)
        assert 0 < len(page["items"]) <= limit
        assert page["items"][0] not in seen
        seen += page["items"]
        if page["next"] is None:
            break
        following = {"cursor": page["next"]}
        if len(seen) == 4:
            await shared.running.done(LOTTE, case.path, "propose-match", PROPOSAL)
    assert seen[: len(whole["items"])] == whole["items"]
    assert seen == (await shared.running.read(person, path))["items"]
    assert len(seen) > len(whole["items"])


async def test_a_timeline_of_the_past_has_pages_of_its_own(shared: CaseContext) -> None:
    """What has happened since is on none of them, and a cursor of the one is none of the other."""
    case = await shared.brought_to("MATCHING")
    path = f"{case.path}/timeline"
    then = {"knownAt": shared.running.clock.now().isoformat()}
    whole = (await shared.running.read(INES, path, **then))["items"]
    await shared.running.at(shared.running.clock.now() + timedelta(minutes=1))
    await shared.running.done(LOTTE, case.path, "propose-match", PROPOSAL)
    first = await shared.running.read(INES, path, limit=len(whole) - 1, **then)
    rest = await shared.running.read(INES, path, cursor=first["next"], **then)
    assert (first["items"] + rest["items"], rest["next"]) == (whole, None)
    problem = assert_problem(await shared.running.get(INES, path, cursor=first["next"]), 422)
    assert problem["code"] == "CURSOR_OF_OTHER_FILTERS"


async def test_what_was_corrected_is_said_on_the_page_of_what_was_reported(shared: CaseContext) -> None:
    """However far behind it the correction stands."""
    case = await shared.brought_to("CLOSED")
    outcome = {"point": "EXIT", "code": "EMPLOYED_STABLE", "source": "DECLARED"}
    await shared.running.done(INES, case.path, "record-outcome", outcome)
    reported = (await shared.running.read(INES, f"{case.path}/timeline"))["items"][-1]
    correction = {"event": reported["event"], "reason": "the wrong line", "holds": {"code": "EMPLOYED_SHORT"}}
    await shared.running.done(INES, case.path, "correct", correction)
    whole = (await shared.running.read(INES, f"{case.path}/timeline"))["items"]
    page = await shared.running.read(INES, f"{case.path}/timeline", limit=len(whole) - 1)
    assert page["items"] == whole[:-1]
    assert page["items"][-1]["correctedBy"] == [whole[-1]["event"]]


@pytest.mark.slow
async def test_a_page_of_the_timeline_has_two_hundred_items_unless_fewer_are_asked_for(shared: CaseContext) -> None:
    """And never more."""
    case = await shared.brought_to("INTAKE")
    path = f"{case.path}/timeline"
    there, accepted = len((await shared.running.read(INES, path))["items"]), shared.running.clock.now()
    await shared.running.at(accepted + timedelta(hours=1))
    for n in range(201 - there):
        attempt = {"reached": False, "occurredAt": (accepted + timedelta(seconds=n + 1)).isoformat()}
        await shared.running.done(LOTTE, case.path, "log-contact-attempt", attempt)
    first = await shared.running.read(INES, path)
    assert len(first["items"]) == 200
    assert len((await shared.running.read(INES, path, cursor=first["next"]))["items"]) == 1
    for limit in ("0", "201"):
        problem = assert_problem(await shared.running.get(INES, path, limit=limit), 422)
        assert [fault["pointer"] for fault in problem["errors"]] == ["/query/limit"]


async def declined_and_referred_on(shared: CaseContext) -> tuple[Told, Told]:
    """A case that brugwerk declined and samenstap accepted: with the one referral, and with the other."""
    first = await shared.opened()
    ref = (await shared.running.read(INES, first.offer))["client"]["ref"]
    body = another_person("samenstap", client={"ref": ref}, previousReferral=first.offer.rsplit("/", 1)[1])
    return first, await shared.accepted(body, by=KARIM)


async def test_a_former_party_reads_the_case_as_it_was_when_its_part_ended(shared: CaseContext) -> None:
    """Its own referral, the items up to its end, and nothing of what came after with another."""
    first, second = await declined_and_referred_on(shared)
    assert first.id == second.id
    case = await shared.running.read(LOTTE, first.path)
    assert (case["state"], case["organisation"], case["referral"]) == ("OPENED", None, None)
    assert await steps(shared, first, LOTTE) == {"NEXT_SERVICE": INES.sub}
    assert await steps(shared, first) == {"FIRST_CONTACT": KARIM.sub, "INTAKE": KARIM.sub}
    for what in READS:
        assert "samenstap" not in str(await shared.running.read(LOTTE, first.path + what))
    kinds = await shared.kinds(first, LOTTE)
    assert kinds == (await shared.kinds(first))[: len(kinds)]
    assert kinds[-1] == "ReferralReturned"


async def test_what_is_said_later_of_a_former_partys_referral_reveals_nothing_of_the_present(
    shared: CaseContext,
) -> None:
    """The agency reports the declined referral as an error while another organisation has the case."""
    first, _ = await declined_and_referred_on(shared)
    await shared.follow(first, INES, "mark-error", {"justification": "another person was meant"})
    assert (await shared.kinds(first, LOTTE))[-1] == "ErrorReported"
    for what in READS:
        assert "samenstap" not in str(await shared.running.read(LOTTE, first.path + what))
    assert (await shared.running.read(LOTTE, first.path))["state"] == "OPENED"
    assert await steps(shared, first, LOTTE) == {"NEXT_SERVICE": INES.sub}


async def test_a_former_partys_command_is_refused_with_the_rule_whatever_version_it_names(shared: CaseContext) -> None:
    """403 REFERRAL_ENDED, and no hint at what has moved the case since."""
    first, _ = await declined_and_referred_on(shared)
    etag = (await shared.running.get(LOTTE, first.path)).headers["ETag"]
    for version in (etag, '"3"'):
        answer = await shared.running.command(LOTTE, first.path, "report-no-show", etag=version)
        assert_problem(answer, 403, "REFERRAL_ENDED")
        assert "samenstap" not in answer.text


async def test_after_the_consent_is_withdrawn_not_even_an_earlier_answer_is_repeated(shared: CaseContext) -> None:
    """Only the stop is left to read, and a repeat of a command that went well is refused like a new one."""
    case = await shared.brought_to("INTAKE")
    etag = (await shared.running.get(LOTTE, case.path)).headers["ETag"]
    body, key = {"channel": "PHONE"}, "contact-1"
    await shared.running.done(LOTTE, case.path, "log-contact-attempt", body, etag=etag, key=key)
    basis = (await shared.running.read(INES, case.offer))["legalBasis"]["id"]
    await shared.running.done(INES, f"/v1/legal-bases/{basis}", "withdraw")
    await shared.running.settle()
    again = await shared.running.command(LOTTE, case.path, "log-contact-attempt", body, etag=etag, key=key)
    assert_problem(again, 403, "LEGAL_BASIS_WITHDRAWN")
    case_read = await shared.running.read(LOTTE, case.path)
    assert case_read.keys() <= {"id", "version", "stopped", "dueAt", "links", "allowedActions", "blockedActions"}
    assert case_read["allowedActions"] == []
    assert set(await shared.kinds(case, LOTTE)) == {"LegalBasisWithdrawn", "NgoAccessRevoked"}
    assert await shared.running.read(LOTTE, f"{case.path}/responsibility") == {"caseLead": None, "steps": []}
