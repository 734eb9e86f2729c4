"""New secrets beside old ones, and what is sent again, as it is asked for over HTTP."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.notifications.domain.subscription_events import ReplayRequested
from services.notifications.log_times import through_before
from tests.notifications.running import Running
from tests.notifications.subscribers import Subscriber
from tests.support.problems import assert_problem


@pytest.fixture
def lotte(system: Running) -> Subscriber:
    """Somebody who manages the subscriptions of an organisation."""
    return Subscriber(system)


async def test_a_new_secret_signs_beside_the_old_one_for_a_day(lotte: Subscriber) -> None:
    """24 hours unless it is said otherwise, by the machine's clock; the answer alone shows it."""
    made = await lotte.create()
    path, began = made.headers["Location"], datetime.now(UTC)
    rotated = (await lotte.act(path, "rotate-secret")).json()
    assert rotated["secret"] not in (None, made.json()["secret"])
    assert rotated["publicKey"] == rotated["keys"][0]["publicKey"] != made.json()["publicKey"]
    assert rotated["keys"][1]["publicKey"] == made.json()["publicKey"]
    until = datetime.fromisoformat(rotated["keys"][1]["until"])
    assert timedelta(hours=24) <= until - began < timedelta(hours=24, minutes=1)
    assert "secret" not in await lotte.read(path)
    at_once = (await lotte.act(path, "rotate-secret", {"keepOldFor": 0})).json()
    assert [key["publicKey"] for key in at_once["keys"]] == [at_once["publicKey"]]


@pytest.mark.parametrize(("kept", "seconds"), [(90, 90), ("PT1H30M", 5400), ("P7D", 604_800), ("PT0S", None)])
async def test_how_long_old_secrets_sign_is_said_in_seconds_or_as_a_duration(
    lotte: Subscriber, kept: int | str, seconds: int | None
) -> None:
    """ISO 8601, whole."""
    path, began = await lotte.created(), datetime.now(UTC)
    rotated = (await lotte.act(path, "rotate-secret", {"keepOldFor": kept})).json()
    until = [datetime.fromisoformat(key["until"]) - began for key in rotated["keys"][1:]]
    assert [round(span.total_seconds() / 10) for span in until] == ([round(seconds / 10)] if seconds else [])


@pytest.mark.parametrize("kept", [-1, 2_592_001, 1.5, "24 hours", "P", "PT", "P1Y", "P31D", True, None])
async def test_no_other_span_is_taken(lotte: Subscriber, kept: Any) -> None:
    """422 at the field, with what would be accepted; the secret stays."""
    path = await lotte.created()
    before = await lotte.state(path)
    refused = await lotte.act(path, "rotate-secret", {"keepOldFor": kept})
    assert_problem(refused, 422, "INVALID_VALUE", at="/keepOldFor")
    assert await lotte.state(path) == before


async def test_of_two_rotations_at_once_the_secret_that_is_shown_is_the_one_that_signs(lotte: Subscriber) -> None:
    """The other is refused, and leaves nothing: what the event refers to is what the answer had."""
    path = await lotte.created()
    for _ in range(5):
        etag = await lotte.etag(path)
        ending = {"keepOldFor": 0}
        both = await asyncio.gather(*(lotte.act(path, "rotate-secret", ending, If_Match=etag) for _ in range(2)))
        (done,) = (answer for answer in both if answer.status_code == 200)
        (late,) = (answer for answer in both if answer.status_code != 200)
        assert_problem(late, 412, "STALE_VERSION")
        (keys,) = (await lotte.state(path)).keys
        kept = await lotte.vault.read(keys.secret_ref)
        assert kept is not None
        assert (kept["secret"], keys.public_key) == (done.json()["secret"], done.json()["publicKey"])


async def test_a_moment_is_found_in_the_log_however_long_it_is(lotte: Subscriber) -> None:
    """Behind all that was recorded before it, and before all that was not."""
    for _ in range(7):
        await lotte.created()
    log = lotte.system.service.log
    recorded = await log.read_all(0, 1000)
    moments = [one.meta.recorded_at for one in recorded]
    for at in {*moments, moments[0] - timedelta(days=1), moments[-1] + timedelta(days=1)}:
        before = [one.position for one in recorded if one.meta.recorded_at < at]
        assert await through_before(log, at) == max(before, default=0)


async def replayed(lotte: Subscriber, path: str, body: dict[str, str]) -> tuple[int, int]:
    """The positions of a replay that was asked for."""
    answer = await lotte.act(path, "replay", body)
    assert answer.status_code == 200, answer.text
    replay = (await lotte.state(path)).replay
    assert isinstance(replay, ReplayRequested)
    assert answer.json()["replay"] == {
        "number": replay.replay,
        "requestedAt": replay.requested_at.isoformat().replace("+00:00", "Z"),
    }
    return replay.after_position, replay.through_position


async def test_a_replay_since_a_moment_ends_where_the_log_ended(lotte: Subscriber) -> None:
    """What comes later comes anyway."""
    await lotte.created()
    path, log = await lotte.proven(), lotte.system.service.log
    recorded, head = await log.read_all(0, 1000), await log.head()
    since = recorded[3].meta.recorded_at
    expected = max(one.position for one in recorded if one.meta.recorded_at < since)
    assert await replayed(lotte, path, {"since": since.isoformat()}) == (expected, head)


async def test_a_replay_of_a_range_is_of_that_range(lotte: Subscriber) -> None:
    """From its first moment on, and nothing of its last."""
    await lotte.created()
    path, log = await lotte.proven(), lotte.system.service.log
    recorded = await log.read_all(0, 1000)
    begins, ends = recorded[0].meta.recorded_at, recorded[-1].meta.recorded_at
    expected = max(one.position for one in recorded if one.meta.recorded_at < ends)
    body = {"from": begins.isoformat(), "to": ends.isoformat()}
    assert await replayed(lotte, path, body) == (0, expected)


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({}, "REQUIRED", "/since"),
        ({"from": "2026-01-12T09:00:00Z"}, "REQUIRED", "/to"),
        ({"to": "2026-01-12T09:00:00Z"}, "REQUIRED", "/from"),
        ({"since": "2026-01-12T09:00:00Z", "to": "2026-01-12T09:00:00Z"}, "NOT_EXPECTED", "/since"),
        ({"since": "2199-01-12T09:00:00Z"}, "IN_THE_FUTURE", "/since"),
        ({"from": "2026-01-12T09:00:00Z", "to": "2026-01-12T09:00:00Z"}, "RANGE_BACKWARDS", "/to"),
        ({"since": "yesterday"}, "INVALID_VALUE", "/since"),
    ],
)
async def test_what_is_wrong_with_a_range_is_named(
    lotte: Subscriber, body: dict[str, str], code: str, pointer: str
) -> None:
    """And nothing is sent again."""
    path = await lotte.proven()
    assert_problem(await lotte.act(path, "replay", body), 422, code, at=pointer)
    assert (await lotte.state(path)).replay is None


async def test_a_test_event_is_asked_for_once_under_a_key(lotte: Subscriber) -> None:
    """Without one, each request is another test."""
    path = await lotte.proven()
    etag = await lotte.etag(path)
    first = await lotte.act(path, "test", If_Match=etag, Idempotency_Key='"a-test"')
    again = await lotte.act(path, "test", If_Match=etag, Idempotency_Key='"a-test"')
    assert first.json()["test"] == again.json()["test"]
    other = await lotte.act(path, "test")
    assert other.json()["test"]["id"] != first.json()["test"]["id"]
