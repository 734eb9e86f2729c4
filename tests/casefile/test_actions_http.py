"""The manners of every command on a case: who may, on what version, how often, and what a refusal says."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import pytest

from services.casefile.actions import ACTIONS
from tests.casefile.acts import ACTS, UNKNOWN_FIELD
from tests.casefile.cases import CaseContext, Told
from tests.support.people import CONTROL, INES, KARIM, LOTTE, PIETER, TOM, Person
from tests.support.problems import assert_problem, pointers

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("casefile actions")]

EVERY_ACTION = pytest.mark.parametrize("action", ACTS)
NATIONAL_NUMBER = "85073003328"
"""Valid by its check digits, and nobody's: the example of the register's own documentation."""

_standing: dict[tuple[int, str], Told] = {}


async def standing(context: CaseContext, state: str) -> Told:
    """A case in a state, for tests that change nothing."""
    key = id(context), state
    if key not in _standing:
        _standing[key] = await context.brought_to(state)
    return _standing[key]


async def ask(context: CaseContext, action: str, **changes: Any) -> httpx.Response:
    """The action as it succeeds, except for the changes; on a case that no test changes."""
    act = ACTS[action]
    case = await standing(context, act.state)
    asked: dict[str, Any] = {"by": act.by, "body": act.body, **changes}
    if "etag" not in asked:
        asked["etag"] = (await context.running.get(act.by, case.path)).headers["ETag"]
    return await context.running.send(
        asked["by"],
        "POST",
        f"{case.path}/{action}",
        asked["body"],
        etag=asked["etag"],
        key=asked.get("key"),
        params=asked.get("params"),
    )


NAMING_WHAT_IS_THERE = ("answer-gap", "complete-gap-action", "decide-change", "withdraw-change")
"""Their body names a gap or a proposal of the case: `test_gaps_http.py` and `test_changes_http.py` give them."""


async def test_every_action_has_its_manners_tested() -> None:
    """A command that is added comes into this table."""
    assert {*ACTS, "correct", "raise-escalation", "resolve-escalation", *NAMING_WHAT_IS_THERE} == set(ACTIONS)


@EVERY_ACTION
async def test_without_a_token_nobody_acts(shared: CaseContext, action: str) -> None:
    """401, with the challenge that HTTP asks for."""
    answer = await ask(shared, action, by=None)
    assert_problem(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@EVERY_ACTION
async def test_the_other_side_is_told_whose_act_it_is(shared: CaseContext, action: str) -> None:
    """403 that names the roles, and nothing of the case."""
    other = INES if ACTS[action].by is LOTTE else LOTTE
    problem = assert_problem(await ask(shared, action, by=other), 403)
    assert "NGO_COORDINATOR" in problem["detail"] or "AGENCY_COUNSELLOR" in problem["detail"]


@EVERY_ACTION
@pytest.mark.parametrize("stranger", [KARIM, PIETER])
async def test_a_stranger_does_not_learn_that_there_is_a_case(
    shared: CaseContext, action: str, stranger: Person
) -> None:
    """404, the same as for a case that does not exist."""
    hidden = await ask(shared, action, by=stranger)
    assert_problem(hidden, 404, "NOT_FOUND")
    nowhere = await shared.running.send(
        stranger, "POST", f"/v1/cases/{uuid.uuid4()}/{action}", ACTS[action].body, etag='"1"'
    )
    assert hidden.json()["detail"] == nowhere.json()["detail"]


@EVERY_ACTION
async def test_the_control_unit_acts_nowhere(shared: CaseContext, action: str) -> None:
    """403, also for a case that does not exist."""
    assert_problem(await ask(shared, action, by=CONTROL), 403, "NO_ACCESS_FOR_CONTROL")


@EVERY_ACTION
async def test_a_command_names_the_version_that_it_decides_on(shared: CaseContext, action: str) -> None:
    """428 without If-Match, 412 for an old version, for any version, and for what is no ETag."""
    assert_problem(await ask(shared, action, etag=None), 428, "IF_MATCH_REQUIRED")
    for stale in ('"1"', "*", "1", 'W/"1"', '"999999"'):
        assert_problem(await ask(shared, action, etag=stale), 412)


@EVERY_ACTION
async def test_every_fault_of_a_body_has_its_pointer(shared: CaseContext, action: str) -> None:
    """422 for a field that nobody asked for, an unknown code, and every unmet guard of the content."""
    act = ACTS[action]
    for pointer, body in (*act.faulty, (UNKNOWN_FIELD[0], {**act.body, **UNKNOWN_FIELD[1]})):
        answer = await ask(shared, action, body=body)
        assert_problem(answer, 422)
        assert pointer in pointers(answer), f"{body}: {answer.text}"
        assert '"SY"' not in answer.text


@EVERY_ACTION
async def test_a_national_number_is_refused_wherever_it_is_written(shared: CaseContext, action: str) -> None:
    """422, and the number is not repeated."""
    answer = await ask(shared, action, body={**ACTS[action].body, "note": NATIONAL_NUMBER, NATIONAL_NUMBER: 1})
    assert_problem(answer, 422)
    assert NATIONAL_NUMBER not in answer.text


@EVERY_ACTION
async def test_a_dry_run_says_what_would_happen_and_writes_nothing(shared: CaseContext, action: str) -> None:
    """200 with the state as it would be and the events that would be written; log and vault stay as they are."""
    act = ACTS[action]
    await standing(shared, act.state)
    before = await shared.snapshot()
    answer = await ask(shared, action, params={"dryRun": "true"}, key=str(uuid.uuid4()))
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["dryRun"] is True
    assert act.writes in told["events"]
    assert told["state"] == act.then
    assert "Position" not in answer.headers
    assert await shared.snapshot() == before


@EVERY_ACTION
async def test_a_refused_command_writes_nothing(shared: CaseContext, action: str) -> None:
    """Neither in the log nor in the vault, whatever the refusal."""
    await standing(shared, ACTS[action].state)
    before = await shared.snapshot()
    await ask(shared, action, etag='"1"')
    await ask(shared, action, by=KARIM)
    for _, body in ACTS[action].faulty:
        await ask(shared, action, body=body)
    assert await shared.snapshot() == before


@EVERY_ACTION
async def test_a_command_answers_with_the_new_state_and_a_repeat_with_the_same(
    shared: CaseContext, action: str
) -> None:
    """Its ETag moves and Position is given; the same key and body again change nothing and answer the same."""
    act = ACTS[action]
    case, key = await shared.brought_to(act.state), str(uuid.uuid4())
    etag = (await shared.running.get(act.by, case.path)).headers["ETag"]
    done = await shared.running.command(act.by, case.path, action, act.body, etag=etag, key=key)
    assert done.status_code == 200, done.text
    assert done.json()["state"] == act.then
    assert done.headers["ETag"] not in (etag, None)
    assert done.headers["Position"]
    assert act.writes in await shared.kinds(case)
    before = await shared.snapshot()
    for spelling in (key, f'"{key}"'):
        again = await shared.running.command(act.by, case.path, action, act.body, etag=etag, key=spelling)
        assert again.headers["Idempotency-Replayed"] == "true"
        for name in ("ETag", "Position"):
            assert again.headers[name] == done.headers[name]
        assert again.json() == done.json()
    other = await shared.running.command(
        act.by, case.path, action, {**act.body, "occurredAt": "2026-01-12T09:00:00Z"}, etag=etag, key=key
    )
    assert_problem(other, 422)
    assert await shared.snapshot() == before


@EVERY_ACTION
async def test_a_state_that_does_not_allow_it_is_a_conflict_that_names_the_rule(
    shared: CaseContext, action: str
) -> None:
    """409 with what is possible from where, and in which state the case is."""
    act = ACTS[action]
    case = await standing(shared, act.elsewhere)
    answer = await shared.running.command(act.by, case.path, action, act.body)
    if act.by is LOTTE and act.elsewhere == "OPENED":
        # The organisation's part has ended with its referral, which comes before any state.
        assert_problem(answer, 403, "REFERRAL_ENDED")
        return
    problem = assert_problem(answer, 409)
    assert any(command in problem["detail"] for command in (*ACTIONS, "withdraw"))


async def test_a_case_that_is_offered_is_not_closed_but_withdrawn_first(shared: CaseContext) -> None:
    """The refusal names the referral that holds."""
    case = await standing(shared, "REFERRED")
    problem = assert_problem(
        await shared.running.command(INES, case.path, "close", {"reason": "OTHER"}), 409, "REFERRAL_LIVE"
    )
    assert case.offer.rsplit("/", 1)[1] in problem["detail"]
    assert "withdraw" in problem["detail"]


async def test_a_correction_stands_beside_the_event_in_any_state(shared: CaseContext) -> None:
    """Either side may correct, also what is final; the event stays, the reason goes to the vault."""
    for state in ("INTAKE", "CLOSED", "FINALISED"):
        case = await shared.brought_to(state)
        event = (await shared.running.read(INES, f"{case.path}/timeline"))["items"][0]["event"]
        vaulted = len(shared.vault_rows())
        body = {"event": event, "reason": "opened on the wrong day"}
        done = await shared.running.done(INES, case.path, "correct", body)
        assert len(shared.vault_rows()) == vaulted + 1
        assert "wrong day" not in done.text
        assert (await shared.kinds(case))[-1] == "CorrectionRecorded"
        assert event in [item["event"] for item in (await shared.running.read(TOM, f"{case.path}/timeline"))["items"]]


async def test_a_correction_names_an_event_of_the_case_and_gives_a_reason(shared: CaseContext) -> None:
    """422 with the pointer of what is missing or unknown."""
    case = await standing(shared, "INTAKE")
    other = await standing(shared, "CLOSED")
    foreign = (await shared.running.read(INES, f"{other.path}/timeline"))["items"][0]["event"]
    own = (await shared.running.read(INES, f"{case.path}/timeline"))["items"][0]["event"]
    for body, pointer in (
        ({"event": foreign, "reason": "no"}, "/event"),
        ({"event": str(uuid.uuid4()), "reason": "no"}, "/event"),
        ({"event": own}, "/reason"),
        ({"reason": "no"}, "/event"),
        ({"event": own, "reason": f"it was {NATIONAL_NUMBER}"}, "/reason"),
    ):
        answer = await shared.running.command(INES, case.path, "correct", body)
        assert_problem(answer, 422)
        assert pointer in pointers(answer)
    # A caller without a part in the case does not even learn what a correction takes.
    assert_problem(await shared.running.command(KARIM, case.path, "correct", {}, etag='"1"'), 404)


async def test_saying_the_same_twice_changes_nothing(shared: CaseContext) -> None:
    """What is so already is answered as it is, without a new event, also without a key."""
    case = await shared.brought_to("MENTORING")
    await shared.running.done(LOTTE, case.path, "suspend", {"reason": "HOLIDAY"})
    before = await shared.snapshot()
    again = await shared.running.done(LOTTE, case.path, "suspend", {"reason": "HOLIDAY"})
    assert again.json()["state"] == "SUSPENDED"
    assert "Position" not in again.headers
    assert await shared.snapshot() == before
