"""A refusal tells all faults of a body at once: of its shape and of the rules, and none that might be no fault."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from pydantic.alias_generators import to_camel

from services.casefile.actions import ACTIONS
from tests.casefile.act import UNKNOWN_FIELD
from tests.casefile.acts import ACTS
from tests.casefile.cases import PROFILE, CaseContext, Told
from tests.support.people import LOTTE
from tests.support.problems import assert_problem, pointers

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("casefile all faults")]

EVERY_ACTION = pytest.mark.parametrize("action", ACTS)
UNREADABLE: Any = {"#": ["no field takes this"]}

_standing: dict[tuple[int, str], Told] = {}


async def ask(context: CaseContext, action: str, body: Any, **more: Any) -> httpx.Response:
    """The action on a case that no test changes: these bodies are all refused."""
    act = ACTS[action]
    key = id(context), act.state
    if key not in _standing:
        _standing[key] = await context.brought_to(act.state)
    case = _standing[key]
    etag = (await context.running.get(act.by, case.path)).headers["ETag"]
    return await context.running.send(act.by, "POST", f"{case.path}/{action}", body, etag=etag, **more)


def below(pointer: str, place: str) -> bool:
    """Whether a pointer names a place, or something in it, or something that it is in."""
    return f"{pointer}/".startswith(f"{place}/") or f"{place}/".startswith(f"{pointer}/")


@EVERY_ACTION
async def test_a_field_that_nobody_asked_for_hides_no_other_fault(shared: CaseContext, action: str) -> None:
    """The answer has what the body without it is refused for, and the field."""
    for _, body in ACTS[action].faulty:
        alone = pointers(await ask(shared, action, body))
        together = await ask(shared, action, {**body, **UNKNOWN_FIELD[1]})
        assert pointers(together) == {**alone, UNKNOWN_FIELD[0]: "UNKNOWN_FIELD"}, together.text


@EVERY_ACTION
async def test_no_fault_is_told_that_rests_on_what_cannot_be_read(shared: CaseContext, action: str) -> None:
    """Each field is made unreadable in turn: what is told beside it is told of the body that can be read, too."""
    act = ACTS[action]
    for body in (act.body, *(faulty for _, faulty in act.faulty)):
        answer = await ask(shared, action, body, params={"dryRun": True})
        known = set(pointers(answer)) if answer.status_code == 422 else set()
        for name in (to_camel(field) for field in ACTIONS[action].request.model_fields):
            together = await ask(shared, action, {**body, name: UNREADABLE})
            assert_problem(together, 422)
            beside = {pointer for pointer in pointers(together) if not below(pointer, f"/{name}")}
            assert beside <= known, f"{body}, {name} unreadable: {together.text}"


@EVERY_ACTION
async def test_no_fault_is_told_that_rests_on_what_is_missing(shared: CaseContext, action: str) -> None:
    """Each required field is left out in turn, as above."""
    act = ACTS[action]
    for body in (act.body, *(faulty for _, faulty in act.faulty)):
        answer = await ask(shared, action, body, params={"dryRun": True})
        known = set(pointers(answer)) if answer.status_code == 422 else set()
        for name, field in ACTIONS[action].request.model_fields.items():
            place = to_camel(name)
            if not field.is_required() or place not in body:
                continue
            left = {other: value for other, value in body.items() if other != place}
            together = await ask(shared, action, {**left, **UNKNOWN_FIELD[1]})
            beside = set(pointers(together)) - {UNKNOWN_FIELD[0]}
            assert {pointer for pointer in beside if not below(pointer, f"/{place}")} <= known, together.text


async def test_shape_text_query_and_rules_are_told_together(shared: CaseContext) -> None:
    """A word for a number, a national number, a parameter that is none, and a time to come."""
    body = {
        "by": "MENTOR",
        "score": "five",
        "reasons": ["NO_CLICK", "85073003328"],
        "occurredAt": "2126-01-01T00:00:00Z",
    }
    answer = await ask(shared, "record-pulse", body, params={"dryRun": "perhaps"})
    assert pointers(answer) == {
        "/query/dryRun": "INVALID_VALUE",
        "/score": "INVALID_VALUE",
        "/reasons/1": "INVALID_VALUE",
        "/reasons/0": "UNKNOWN_CODE",
        "/occurredAt": "IN_THE_FUTURE",
    }, answer.text


@pytest.mark.parametrize("start", [UNREADABLE, "20 January", None])
async def test_an_end_that_rests_on_an_unreadable_start_is_no_fault(shared: CaseContext, start: Any) -> None:
    """From 20 January six months last until 19 July; from today, which nobody wrote, they would not."""
    sound = {**ACTS["sign-agreement"].body, "start": "2026-01-20", "end": "2026-07-19", **UNKNOWN_FIELD[1]}
    assert pointers(await ask(shared, "sign-agreement", sound)) == {UNKNOWN_FIELD[0]: "UNKNOWN_FIELD"}
    told = pointers(await ask(shared, "sign-agreement", {**sound, "start": start}))
    own = {"/start"} if start is not None else {"/end"}
    assert {pointer for pointer in told if not pointer.startswith("/start/")} <= own | {UNKNOWN_FIELD[0]}


async def test_rules_that_follow_on_each_other_are_told_together(shared: CaseContext) -> None:
    """No closing talk, and a time to come: two readers of the same body."""
    body = {"reason": "MISMATCH", "next": "HANDBACK", "occurredAt": "2126-01-01T00:00:00Z"}
    answer = await ask(shared, "end-match", body)
    assert pointers(answer) == {"/closureTalk": "CLOSURE_TALK_MISSING", "/occurredAt": "IN_THE_FUTURE"}


async def test_a_refused_body_writes_nothing_however_often_it_is_looked_at(shared: CaseContext) -> None:
    """What would be recorded without the field that nobody asked for is not recorded."""
    case = await shared.brought_to("MENTORING")
    before = (await shared.running.get(LOTTE, case.path)).headers["ETag"]
    body = {**ACTS["record-meeting"].body, **UNKNOWN_FIELD[1]}
    answer = await shared.running.send(
        LOTTE, "POST", f"{case.path}/record-meeting", body, etag=before, params={"dryRun": False}
    )
    assert pointers(answer) == {UNKNOWN_FIELD[0]: "UNKNOWN_FIELD"}
    assert (await shared.running.get(LOTTE, case.path)).headers["ETag"] == before


async def test_what_a_report_should_have_read_is_refused_with_all_its_faults(shared: CaseContext) -> None:
    """Shape and rules inside `holds`, and a field beside it."""
    case = await shared.brought_to("MENTORING")
    reported = {"by": "MENTOR", "score": 4, "reasons": ["ONE_SIDED"]}
    await shared.running.done(LOTTE, case.path, "record-pulse", reported)
    items = (await shared.running.read(LOTTE, f"{case.path}/timeline"))["items"]
    event = next(item["event"] for item in items if item["type"] == "PulseRecorded")
    etag = (await shared.running.get(LOTTE, case.path)).headers["ETag"]
    body = {
        "event": event,
        "reason": "typing",
        "holds": {"score": 9, "reasons": ["NO_CLICK"], "occurredAt": "2126-01-01T00:00:00Z"},
        **UNKNOWN_FIELD[1],
    }
    answer = await shared.running.send(LOTTE, "POST", f"{case.path}/correct", body, etag=etag)
    assert pointers(answer) == {
        UNKNOWN_FIELD[0]: "UNKNOWN_FIELD",
        "/holds/score": "INVALID_VALUE",
        "/holds/reasons/0": "UNKNOWN_CODE",
        "/holds/occurredAt": "IN_THE_FUTURE",
    }, answer.text


async def test_a_profile_is_refused_with_all_its_faults(shared: CaseContext) -> None:
    """A PUT as well: a date that is none, one to come, and an acknowledgement of no version."""
    body = {**PROFILE, "screenedOn": "yesterday", "trainedOn": "2126-01-01", "charterVersion": None}
    answer = await shared.running.send(LOTTE, "PUT", "/v1/mentors/M-faulty", body)
    assert pointers(answer) == {
        "/screenedOn": "INVALID_VALUE",
        "/trainedOn": "IN_THE_FUTURE",
        "/charterVersion": "REQUIRED",
    }
    assert (await shared.running.get(LOTTE, "/v1/mentors/M-faulty")).status_code == 404


@pytest.mark.parametrize("day", ["0001-01-01", "1899-12-31", "2200-01-01", "9999-12-31"])
async def test_a_date_at_the_end_of_the_calendar_is_refused(shared: CaseContext, day: str) -> None:
    """No months can be counted from it: it is a fault of the body, and never one of the service."""
    answer = await ask(shared, "sign-agreement", {**ACTS["sign-agreement"].body, "start": day, "end": day})
    assert pointers(answer) == {"/start": "INVALID_VALUE", "/end": "INVALID_VALUE"}
    assert "1900 to 2199" in answer.text
