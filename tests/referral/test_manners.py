"""The manners that every referral route has: preconditions, idempotency keys, dry runs, positions, lists, limits."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator

import pytest

from services.chassis.log.position import Position
from tests.referral.context import ACCEPT, COMMANDS, REFERRALS, ReferralContext
from tests.support.people import INES, LOTTE
from tests.support.problems import assert_problem, pointers
from tests.support.requests import another_person, new_key, samira

FROM = {
    "submit": "DRAFT",
    "receive": "SUBMITTED",
    "request-information": "RECEIVED",
    "provide-information": "INFO_REQUESTED",
    "waitlist": "RECEIVED",
    "accept": "RECEIVED",
    "decline": "RECEIVED",
    "withdraw": "RECEIVED",
    "mark-error": "ACCEPTED",
    "confirm-error": "SUBMITTED",
}


async def ready_for(context: ReferralContext, action: str) -> str:
    """A referral in a state from which the action is possible."""
    match FROM[action]:
        case "DRAFT":
            return await context.draft()
        case "SUBMITTED":
            path = await context.submit()
        case "ACCEPTED":
            path = await context.accepted()
        case _:
            path = await context.received()
    if action == "provide-information":
        await context.running.done(LOTTE, path, "request-information", {"codes": ["AVAILABILITY"]})
    if action == "confirm-error":
        await context.running.done(INES, path, "mark-error", {"justification": "another person was meant"})
    return path


@pytest.mark.parametrize("action", COMMANDS)
async def test_a_command_needs_the_version_it_decides_on(context: ReferralContext, action: str) -> None:
    """Without If-Match 428; with `*`, an old ETag or something else 412; nothing has changed after any of them."""
    path = await ready_for(context, action)
    person, body = COMMANDS[action]
    before = await context.snapshot()
    send = context.running.send
    assert_problem(await send(person, "POST", f"{path}/{action}", body), 428, "IF_MATCH_REQUIRED")
    assert_problem(await send(person, "POST", f"{path}/{action}", body, etag="*"), 412)
    for stale in ('"999"', '"0"', "1", 'W/"1"', '"998", "999"', ""):
        assert_problem(await send(person, "POST", f"{path}/{action}", body, etag=stale), 412, "STALE_VERSION")
    assert await context.snapshot() == before


@pytest.mark.parametrize("action", COMMANDS)
async def test_a_command_answers_the_new_state_with_etag_and_position(context: ReferralContext, action: str) -> None:
    """200, an ETag that the next read has as well, and a Position that a read can wait for."""
    path = await ready_for(context, action)
    person, body = COMMANDS[action]
    answer = await context.running.done(person, path, action, body)
    read = await context.running.get(person, path, waitFor=answer.headers["Position"])
    assert read.headers["ETag"] == answer.headers["ETag"]
    assert read.json() == answer.json()
    assert "contact" not in answer.json()


@pytest.mark.parametrize("action", COMMANDS)
async def test_a_dry_run_says_what_would_be_and_writes_nothing(context: ReferralContext, action: str) -> None:
    """200 with the state and the events to come; log and vault stay as they are; the command then does just that."""
    path = await ready_for(context, action)
    person, body = COMMANDS[action]
    before, etag = await context.snapshot(), (await context.running.get(person, path)).headers["ETag"]
    dry = await context.running.command(person, path, action, body, etag=etag, key=new_key(), dryRun="true")
    assert dry.status_code == 200, dry.text
    said = dry.json()
    assert said.pop("dryRun") is True
    events = said.pop("events")
    assert events
    assert await context.snapshot() == before
    assert (await context.running.get(person, path)).headers["ETag"] == etag
    done = await context.running.done(person, path, action, body, etag=etag)
    assert done.json() == said
    written = [type(one.event).__name__ for one in (await context.recorded()) if one.position > before[0]]
    assert sorted(written) == sorted(events)


@pytest.mark.parametrize("draft", [False, True])
async def test_a_dry_run_of_a_create_writes_nothing(context: ReferralContext, draft: bool) -> None:  # noqa: FBT001 - two cases
    """200, not 201, nothing in log and vault, and the same key creates afterwards what was said."""
    body, key, before = samira(draft=draft), new_key(), await context.snapshot()
    dry = await context.running.create(INES, REFERRALS, body, key=key, dryRun="true")
    assert dry.status_code == 200, dry.text
    assert dry.json()["dryRun"] is True
    assert "Location" not in dry.headers
    assert await context.snapshot() == before
    assert "Voorbeeld" not in dry.text
    created = await context.running.create(INES, REFERRALS, body, key=key)
    assert created.status_code == 201
    said = {name: value for name, value in dry.json().items() if name not in ("dryRun", "events")}
    assert created.json() == said


async def test_a_dry_run_is_refused_like_the_command(context: ReferralContext) -> None:
    """What the command would be refused for, its dry run is refused for."""
    path = await context.submit()
    assert_problem(await context.running.command(LOTTE, path, "accept", ACCEPT, dryRun="true"), 409)
    assert_problem(await context.running.command(LOTTE, path, "receive", {"x": 1}, dryRun="true"), 422)
    assert_problem(await context.running.command(LOTTE, path, "receive", {}, etag='"7"', dryRun="true"), 412)
    assert_problem(await context.running.create(INES, REFERRALS, samira(goals=[]), dryRun="true"), 422)
    assert_problem(await context.running.command(LOTTE, path, "receive", {}, dryRun="perhaps"), 422)


async def test_a_repeated_create_answers_the_first_answer_again(context: ReferralContext) -> None:
    """Also after later events: 201, the same body, Location, ETag and Position, marked as replayed; no event more."""
    body, key = samira(), str(uuid.uuid4())
    first = await context.running.create(INES, REFERRALS, body, key=key)
    await context.running.done(LOTTE, first.headers["Location"], "receive")
    await context.running.done(LOTTE, first.headers["Location"], "accept", ACCEPT)
    before = await context.snapshot()
    for spelling in (key, f'"{key}"'):
        again = await context.running.create(INES, REFERRALS, body, key=spelling)
        assert again.status_code == 201
        assert again.headers["Idempotency-Replayed"] == "true"
        assert again.json() == first.json()
        for header in ("Location", "ETag", "Position"):
            assert again.headers[header] == first.headers[header]
    assert "Idempotency-Replayed" not in first.headers
    assert await context.snapshot() == before


async def test_the_same_body_written_differently_is_the_same_body(context: ReferralContext) -> None:
    """Order of members and white space are no difference."""
    body, key = samira(), new_key()
    first = await context.running.create(INES, REFERRALS, body, key=key)
    turned = json.dumps(dict(reversed(body.items())), indent=3).encode()
    again = await context.running.send(INES, "POST", REFERRALS, content=turned, key=key)
    assert (again.status_code, again.json()) == (201, first.json())


async def test_a_key_with_another_body_is_422(context: ReferralContext) -> None:
    """The key stands for the body that it came with first, on creates and on commands."""
    key = new_key()
    path = await context.submit(samira(), key=key)
    before = await context.snapshot()
    refused = await context.running.create(INES, REFERRALS, samira(region="BE211"), key=key)
    assert_problem(refused, 422, "IDEMPOTENCY_KEY_REUSED")
    await context.running.done(LOTTE, path, "receive", key="receiving")
    again = await context.running.command(LOTTE, path, "decline", {"reason": "NO_SHOW"}, key="receiving")
    assert_problem(again, 422, "IDEMPOTENCY_KEY_REUSED")
    # The receipt, and the use of its key.
    assert (await context.head()) == before[0] + 2


async def test_keys_belong_to_their_organisation(context: ReferralContext) -> None:
    """Two organisations may use the same key for different things."""
    key = new_key()
    path = await context.submit(key=key)
    assert (await context.running.command(LOTTE, path, "receive", {}, key=key)).status_code == 200


async def test_a_repeated_command_answers_again_although_its_etag_is_old(context: ReferralContext) -> None:
    """The key is looked at before If-Match, since the first try has moved the ETag; later events change nothing."""
    path = await context.received()
    etag = (await context.running.get(LOTTE, path)).headers["ETag"]
    first = await context.running.command(LOTTE, path, "accept", ACCEPT, etag=etag, key="accepting")
    await context.running.done(INES, path, "mark-error", {"justification": "another person was meant"})
    before = await context.snapshot()
    again = await context.running.command(LOTTE, path, "accept", ACCEPT, etag=etag, key='"accepting"')
    assert again.status_code == 200
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json()
    assert again.headers["Position"] == first.headers["Position"]
    assert await context.snapshot() == before


async def test_a_refusal_is_not_remembered(context: ReferralContext) -> None:
    """A key whose command was refused is free for a better one."""
    key = new_key()
    assert_problem(await context.running.create(INES, REFERRALS, samira(goals=[]), key=key), 422)
    assert (await context.running.create(INES, REFERRALS, samira(), key=key)).status_code == 201


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (None, "IDEMPOTENCY_KEY_REQUIRED"),
        ("", "IDEMPOTENCY_KEY_INVALID"),
        ('""', "IDEMPOTENCY_KEY_INVALID"),
        ("x" * 256, "IDEMPOTENCY_KEY_INVALID"),
        ('"' + "x" * 256 + '"', "IDEMPOTENCY_KEY_INVALID"),
        ('"unfinished', "IDEMPOTENCY_KEY_INVALID"),
        ("two words", "IDEMPOTENCY_KEY_INVALID"),
    ],
)
async def test_a_create_needs_a_key_that_can_be_kept(context: ReferralContext, key: str | None, code: str) -> None:
    """No key, an empty one and one over 255 characters are 400."""
    before = await context.snapshot()
    assert_problem(await context.running.send(INES, "POST", REFERRALS, samira(), key=key), 400, code)
    assert await context.snapshot() == before
    longest = await context.running.send(INES, "POST", REFERRALS, samira(), key="y" * 255)
    assert longest.status_code == 201


async def test_a_position_that_cannot_be_read_is_422(context: ReferralContext) -> None:
    """And so is one of a log that the service does not follow; one that is not reached in time is 504."""
    path = await context.submit()
    for token in ("", "abc", "cDE6cmVmZXJyYWw6eA", "x" * 500, "é"):
        assert_problem(await context.running.get(INES, path, waitFor=token), 422)
    unknown = Position("elsewhere", 1).token()
    assert_problem(await context.running.get(INES, path, waitFor=unknown), 422, "UNKNOWN_LOG")


async def test_a_list_covers_the_position_it_waits_for(context: ReferralContext) -> None:
    """What was just submitted stands in the list that waited for it."""
    for _ in range(5):
        created = await context.running.create(INES, REFERRALS, another_person())
        listed = await context.running.read(INES, REFERRALS, waitFor=created.headers["Position"], limit=200)
        assert created.json()["id"] in [item["id"] for item in listed["items"]]


async def test_a_field_that_nobody_asked_for_is_named(context: ReferralContext) -> None:
    """At any depth, on every command; its value is not repeated."""
    body = samira(client={"ref": "CL-1", "nationality": "secret-value"}, religion="secret-value")
    answer = await context.running.create(INES, REFERRALS, body)
    assert_problem(answer, 422)
    assert pointers(answer) == {"/client/nationality": "UNKNOWN_FIELD", "/religion": "UNKNOWN_FIELD"}
    assert "secret-value" not in answer.text
    path = await context.submit()
    for action, (person, sent) in COMMANDS.items():
        answer = await context.running.command(person, path, action, {**sent, "health": "secret-value"}, etag='"1"')
        assert_problem(answer, 422)
        assert pointers(answer)["/health"] == "UNKNOWN_FIELD", action
        assert "secret-value" not in answer.text


@pytest.mark.parametrize("params", [{}, {"dryRun": "false"}])
async def test_a_criterion_that_stands_twice_is_400_and_refers_nobody(
    context: ReferralContext, params: dict[str, str]
) -> None:
    """Which of the two answers would hold is nobody's to guess; whichever way the request is read, and in a patch."""
    draft = await context.draft()
    before = await context.snapshot()
    sound = json.dumps(another_person())
    twice = sound.replace('"RIGHT_TO_WORK": true', '"RIGHT_TO_WORK": false, "RIGHT_TO_WORK": true').encode()
    assert twice != sound.encode()
    answer = await context.running.send(INES, "POST", REFERRALS, content=twice, key=new_key(), params=params)
    assert_problem(answer, 400, "DUPLICATE_NAME")
    assert pointers(answer) == {"/eligibility/RIGHT_TO_WORK": "DUPLICATE_NAME"}
    etag = (await context.running.get(INES, draft)).headers["ETag"]
    patch = b'{"eligibility": {"RIGHT_TO_WORK": false, "RIGHT_TO_WORK": true}}'
    answer = await context.running.send(INES, "PATCH", draft, content=patch, etag=etag, params=params)
    assert_problem(answer, 400, "DUPLICATE_NAME")
    assert await context.snapshot() == before


async def test_a_body_over_the_limit_is_413(context: ReferralContext) -> None:
    """On every route that takes one, with or without a length."""
    huge = json.dumps(samira(region="x" * 1_000_001)).encode()

    async def in_pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(huge), 65_536):
            yield huge[start : start + 65_536]

    path, before = await context.submit(), await context.snapshot()
    before = await context.snapshot()
    for target in (REFERRALS, f"{path}/receive", f"{path}/decline"):
        answer = await context.running.send(INES, "POST", target, content=huge, key="k", etag='"1"')
        assert_problem(answer, 413, "BODY_TOO_LARGE")
        headers = {**context.running.headers(INES, key="k", etag='"1"'), "Content-Type": "application/json"}
        answer = await context.running.http.post(target, content=in_pieces(), headers=headers)
        assert_problem(answer, 413, "BODY_TOO_LARGE")
    assert await context.snapshot() == before


@pytest.mark.parametrize("params", [{}, {"dryRun": "false"}])
async def test_a_created_referral_names_its_trace_whichever_way_it_was_read(
    context: ReferralContext, params: dict[str, str]
) -> None:
    """Most are answered before the framework sees them, and carry it all the same; so do refusals."""
    for body, status in ((another_person(), 201), ({}, 422)):
        answer = await context.running.create(INES, REFERRALS, body, **params)
        assert answer.status_code == status
        (named,) = answer.headers.get_list("traceparent")
        if status == 201:
            recorded = await context.running.service("referral").log.read_all(0, 1_000)
            assert recorded[-1].meta.traceparent == named
