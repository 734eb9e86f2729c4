"""A wrong date of a waiting list over HTTP: corrected in the case, and the referral answers the right one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.casefile.cases import CaseContext, Told
from tests.support.people import AUDITOR, HANNE, INES, KARIM, LOTTE, Person
from tests.support.problems import assert_problem, pointers

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("casefile corrected waits")]

WAIT = {"reason": "CAPACITY_FULL", "expectedBy": "2026-03-01", "clientAgreed": True}


async def waiting(shared: CaseContext) -> tuple[Told, str]:
    """A case whose referral waits, and the id of the entry that says so."""
    case = await shared.referred()
    await shared.follow(case, LOTTE, "receive")
    await shared.follow(case, LOTTE, "waitlist", WAIT)
    return case, await latest(shared, case, "ReferralWaitlisted")


async def latest(shared: CaseContext, case: Told, kind: str) -> str:
    """The id of the latest entry of a type on the timeline."""
    items = (await shared.running.read(INES, f"{case.path}/timeline"))["items"]
    return str(next(item["event"] for item in reversed(items) if item["type"] == kind))


def holding(event: str, **holds: Any) -> dict[str, Any]:
    """The body of a correction."""
    return {"event": event, "reason": "the list was read wrong", "holds": holds}


async def answered(shared: CaseContext, case: Told) -> str:
    """Until when the referral says that a place is expected, once all is told."""
    await shared.running.settle()
    return str((await shared.running.read(LOTTE, case.offer))["waiting"]["expectedBy"])


async def recorded(shared: CaseContext) -> int:
    """How much the referral service has recorded."""
    return int(await shared.running.service("referral").log.head())


async def test_a_corrected_date_is_what_the_case_and_the_referral_answer(shared: CaseContext) -> None:
    """Only the date is sent; the timeline has both, `knownAt` before it one, and no command meets a new ETag."""
    case, event = await waiting(shared)
    etag = (await shared.running.get(LOTTE, case.offer)).headers["ETag"]
    before = shared.running.clock.now()
    await shared.running.at(before.replace(day=before.day + 1))
    await shared.running.done(HANNE, case.path, "correct", holding(event, expectedBy="2026-04-01"))
    assert await answered(shared, case) == "2026-04-01"
    answer = await shared.running.get(LOTTE, case.offer)
    assert answer.headers["ETag"] == etag
    assert answer.json()["waiting"]["since"] == before.strftime("%Y-%m-%dT%H:%M:%SZ")
    items = (await shared.running.read(AUDITOR, f"{case.path}/timeline"))["items"]
    original = next(item for item in items if item["event"] == event)
    assert original["text"].endswith("Expected by 2026-03-01.")
    assert original["correctedBy"] == [items[-1]["event"]]
    assert items[-1]["corrects"] == event
    assert items[-1]["holds"] == {"reason": "CAPACITY_FULL", "expectedBy": "2026-04-01", "clientAgreed": True}
    known = await shared.running.read(AUDITOR, f"{case.path}/timeline", knownAt=before.isoformat())
    assert "CorrectionRecorded" not in [item["type"] for item in known["items"]]
    await shared.running.done(LOTTE, case.offer, "accept", {"coordinator": LOTTE.sub}, etag=etag)


async def test_the_same_correction_twice_is_recorded_once_on_both_sides(shared: CaseContext) -> None:
    """Neither service has an event more."""
    case, event = await waiting(shared)
    body = holding(event, expectedBy="2026-04-01")
    await shared.running.done(LOTTE, case.path, "correct", body)
    await shared.running.settle()
    before = (await shared.snapshot())[0], await recorded(shared)
    await shared.running.done(LOTTE, case.path, "correct", body)
    await shared.running.settle()
    assert ((await shared.snapshot())[0], await recorded(shared)) == before


async def test_a_correction_of_the_correction_reaches_the_referral(shared: CaseContext) -> None:
    """Though it names the correction, and the referral knows its own event only."""
    case, event = await waiting(shared)
    await shared.running.done(LOTTE, case.path, "correct", holding(event, expectedBy="2026-04-01"))
    second = holding(await latest(shared, case, "CorrectionRecorded"), expectedBy="2026-05-01", reason="NO_CAPACITY")
    refused = await shared.running.command(LOTTE, case.path, "correct", second)
    assert pointers(refused) == {"/holds/reason": "INVALID_VALUE"}
    second["holds"]["reason"] = "NO_SUITABLE_MENTOR"
    await shared.running.done(LOTTE, case.path, "correct", second)
    assert await answered(shared, case) == "2026-05-01"
    assert (await shared.running.read(LOTTE, case.offer))["waiting"]["reason"] == "NO_SUITABLE_MENTOR"


async def test_an_accepted_referral_answers_the_right_date_too(shared: CaseContext) -> None:
    """It still shows what was said of the wait."""
    case, event = await waiting(shared)
    await shared.follow(case, LOTTE, "accept", {"coordinator": LOTTE.sub})
    await shared.running.done(LOTTE, case.path, "correct", holding(event, expectedBy="2026-04-01"))
    assert await answered(shared, case) == "2026-04-01"
    assert await shared.state(case) == "INTAKE"


async def test_an_entry_from_before_is_corrected_in_the_case_alone(shared: CaseContext) -> None:
    """Asked and put on the list again, the referral answers what was said last."""
    case, first = await waiting(shared)
    await shared.follow(case, LOTTE, "request-information", {"codes": ["LANGUAGE_LEVEL"]})
    told = {"answers": [{"code": "LANGUAGE_LEVEL", "answer": "B1"}]}
    await shared.follow(case, INES, "provide-information", told)
    await shared.follow(case, LOTTE, "waitlist", {**WAIT, "expectedBy": "2026-06-01"})
    before = await recorded(shared)
    await shared.running.done(LOTTE, case.path, "correct", holding(first, expectedBy="2026-04-01"))
    assert await answered(shared, case) == "2026-06-01"
    assert await recorded(shared) == before


FAULTS: tuple[tuple[dict[str, Any], str, str], ...] = (
    ({"expectedBy": "2025-12-31"}, "/holds/expectedBy", "IN_THE_PAST"),
    ({"expectedBy": "spring"}, "/holds/expectedBy", "INVALID_VALUE"),
    ({"clientAgreed": False}, "/holds/clientAgreed", "CLIENT_MUST_AGREE"),
    ({"since": "2026-01-01"}, "/holds/since", "UNKNOWN_FIELD"),
    ({"occurredAt": "2026-01-12T09:00:00Z"}, "/holds/occurredAt", "UNKNOWN_FIELD"),
)


@pytest.mark.parametrize(("holds", "pointer", "code"), FAULTS, ids=str)
async def test_what_holds_is_as_strict_as_the_list(
    shared: CaseContext, holds: dict[str, Any], pointer: str, code: str
) -> None:
    """The same body and the same rule as `waitlist`, with pointers into `holds`; and nothing is written."""
    case, event = await waiting(shared)
    before = await shared.snapshot()
    answer = await shared.running.command(LOTTE, case.path, "correct", holding(event, **holds))
    assert_problem(answer, 422)
    assert pointers(answer) == {pointer: code}
    assert await shared.snapshot() == before
    assert await answered(shared, case) == "2026-03-01"


@pytest.mark.parametrize(("person", "status"), [(INES, 403), (KARIM, 404)], ids=["agency", "stranger"])
async def test_others_do_not_say_what_holds_of_a_list(shared: CaseContext, person: Person, status: int) -> None:
    """The list is the organisation's."""
    case, event = await waiting(shared)
    etag = (await shared.running.get(INES, case.path)).headers["ETag"]
    body = holding(event, expectedBy="2026-04-01")
    assert (await shared.running.command(person, case.path, "correct", body, etag=etag)).status_code == status
    assert await answered(shared, case) == "2026-03-01"
