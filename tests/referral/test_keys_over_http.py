"""Idempotency keys on referrals: whose they are, what they stand for, and those that were stored before."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from services.chassis.deciding.idempotency import Key
from services.chassis.log.event_log import Write
from services.chassis.log.event_types import EventTypes
from services.referral.domain.offer import referral_stream
from services.referral.events import EVENTS
from services.referral.stamping import earlier_referral_id_for
from tests.referral.context import ACCEPT, COMMANDS, REFERRALS, ReferralContext
from tests.support.golden import corpus
from tests.support.people import HANNE, INES, LOTTE, TOM
from tests.support.problems import assert_problem, pointers
from tests.support.requests import another_person, new_key, samira

NDJSON = {"Content-Type": "application/x-ndjson"}


async def bulk(context: ReferralContext, key: str, *bodies: dict[str, Any]) -> list[dict[str, Any]]:
    """What lines under one key are answered."""
    lines = "\n".join(json.dumps({**body, "idempotencyKey": key}) for body in bodies)
    answer = await context.running.send(INES, "POST", f"{REFERRALS}/bulk", content=lines.encode(), headers=NDJSON)
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_a_colleague_may_use_the_same_key(context: ReferralContext) -> None:
    """For a referral of another person, and on the same referral: neither gets the other's answer, nor a refusal."""
    key = new_key()
    first = await context.running.create(INES, REFERRALS, samira(), key=key)
    second = await context.running.create(TOM, REFERRALS, another_person(), key=key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] != second.json()["id"]
    # The same body is no repeat of a colleague's either, but a second referral of one person.
    assert_problem(await context.running.create(TOM, REFERRALS, samira(), key=new_key()), 409)
    path = first.headers["Location"]
    await context.running.done(LOTTE, path, "receive", key=key)
    again = await context.running.done(HANNE, path, "receive", key=key)
    assert "Idempotency-Replayed" not in again.headers


async def test_a_command_that_changed_nothing_keeps_its_key(context: ReferralContext) -> None:
    """A second receipt changes nothing; its repeat says so again, after the referral has gone on and the ETag moved."""
    path = await context.received()
    etag = (await context.running.get(LOTTE, path)).headers["ETag"]
    first = await context.running.done(LOTTE, path, "receive", etag=etag, key="twice")
    assert (first.headers["ETag"], "Idempotency-Replayed" in first.headers) == (etag, False)
    await context.running.done(LOTTE, path, "accept", ACCEPT)
    stood = await context.snapshot()
    again = await context.running.done(LOTTE, path, "receive", etag=etag, key="twice")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (again.json()["state"], again.headers["ETag"]) == ("RECEIVED", etag)
    assert again.headers.get("Position") == first.headers.get("Position")
    other = await context.running.command(LOTTE, path, "decline", {"reason": "NO_SHOW"}, etag=etag, key="twice")
    assert_problem(other, 422, "IDEMPOTENCY_KEY_REUSED")
    assert await context.snapshot() == stood


@pytest.mark.parametrize("action", COMMANDS)
async def test_a_key_of_one_referral_is_refused_on_another(context: ReferralContext, action: str) -> None:
    """On every command, whether the key came with a create or with a command, and nothing is done."""
    person, body = COMMANDS[action]
    first, other = await context.submit(), await context.draft() if action == "submit" else await context.submit()
    if person is LOTTE:
        await context.running.done(LOTTE, first, "receive", key="used")
    else:
        assert (await context.running.create(person, REFERRALS, another_person(), key="used")).status_code == 201
    stood = await context.snapshot()
    refused = await context.running.command(person, other, action, body, key="used")
    assert_problem(refused, 422, "IDEMPOTENCY_KEY_REUSED")
    assert pointers(refused) == {"/headers/Idempotency-Key": "IDEMPOTENCY_KEY_REUSED"}
    assert await context.snapshot() == stood


async def test_a_key_of_a_command_makes_no_referral(context: ReferralContext) -> None:
    """Singly, in bulk, as a draft and as an edit: it stands for the command that it came with."""
    path = await context.submit()
    await context.running.done(INES, path, "withdraw", {"reason": "CLIENT_MOVED"}, key="used")
    draft = await context.draft()
    stood = await context.snapshot()
    for body in (another_person(), {**another_person(), "draft": True}):
        assert_problem(await context.running.create(INES, REFERRALS, body, key="used"), 422, "IDEMPOTENCY_KEY_REUSED")
        assert [line["problem"]["code"] for line in await bulk(context, "used", body)] == ["IDEMPOTENCY_KEY_REUSED"]
    etag = (await context.running.get(INES, draft)).headers["ETag"]
    edit = await context.running.send(INES, "PATCH", draft, {"region": "BE211"}, key="used", etag=etag)
    assert_problem(edit, 422, "IDEMPOTENCY_KEY_REUSED")
    assert await context.snapshot() == stood


async def test_a_key_of_before_finds_what_was_made_under_it(context: ReferralContext) -> None:
    """Its id followed from organisation and key: its sender is answered, and a colleague's key is another one."""
    body = {**another_person(), "draft": True}
    made = await context.running.create(INES, REFERRALS, body, key="today")
    service = context.running.service("referral")
    assert service.vault is not None
    records = await service.log.read(referral_stream(made.json()["id"]))
    old = earlier_referral_id_for(Key(INES.org, INES.sub, "before"))
    canonical = json.dumps(["POST /v1/referrals", body], sort_keys=True, separators=(",", ":")).encode()
    mark: dict[str, Any] = {"idempotency_key": "before", "fingerprint": service.vault.fingerprint(canonical)}
    events = [
        (replace(one.event, offer=replace(one.event.offer, referral_id=old)), replace(one.meta, event_id="e", **mark))
        for one in records
    ]
    await service.log.append([Write(referral_stream(old), 0, events)])
    stood = await context.snapshot()
    again = await context.running.create(INES, REFERRALS, body, key="before")
    assert (again.status_code, again.json()["id"], again.headers["Idempotency-Replayed"]) == (201, old, "true")
    assert [line["referral"]["id"] for line in await bulk(context, "before", body)] == [old]
    other = {**body, "region": "BE211"}
    assert_problem(await context.running.create(INES, REFERRALS, other, key="before"), 422, "IDEMPOTENCY_KEY_REUSED")
    assert await context.snapshot() == stood
    colleague = await context.running.create(TOM, REFERRALS, another_person(), key="before")
    assert colleague.status_code == 201
    assert colleague.json()["id"] not in (old, made.json()["id"])


@pytest.mark.parametrize("story", ["story-9.1", "story-9.2"])
def test_the_id_of_before_is_the_one_that_was_stored(story: str) -> None:
    """The referrals of the golden corpus have the ids that follow from the keys that are stored with them."""
    begun = [one for one in corpus("referral").story(story, EventTypes(EVENTS)) if one.stream.startswith("referral-")]
    firsts = [one for one in begun if one.version == 1 and one.meta.idempotency_key is not None]
    assert firsts
    for one in firsts:
        key = Key.of(one.meta.actor, one.meta.idempotency_key or "")
        assert referral_stream(earlier_referral_id_for(key)) == one.stream
