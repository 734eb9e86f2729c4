"""An endpoint proves whose it is by repeating what it was sent; no other answer does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.notifications.webhooks.challenge import VERIFICATION, challenge_body, drawn_challenge, repeats
from services.notifications.webhooks.sender import Answer, Sender
from tests.notifications.webhooks.sending import event, target
from tests.support.fault_receiver import FaultReceiver

RIGHT = drawn_challenge()


def answered(body: bytes | Any, status: int = 200, error: str | None = None) -> Answer:
    """An answer with this body, or with the JSON of it."""
    return Answer(status, error, 1, body=body if isinstance(body, bytes) else json.dumps(body).encode())


@pytest.mark.parametrize(
    "body",
    [
        {"challenge": RIGHT},
        {"challenge": RIGHT, "more": [1, None]},
        {"data": {"challenge": RIGHT}},
        [[{"a": {"challenge": RIGHT}}]],
        {"challenge": "x", "data": {"challenge": RIGHT}},
        {"challenge": {"challenge": RIGHT}},
    ],
)
def test_the_challenge_is_repeated_anywhere_in_a_json_body(body: Any) -> None:
    """As a member of that name, at any depth."""
    assert repeats(answered(body), RIGHT)


@pytest.mark.parametrize(
    "answer",
    [
        *(answered({"challenge": RIGHT}, status) for status in (201, 202, 204, 301, 400, 500)),
        *(
            answered({"challenge": wrong})
            for wrong in ("", RIGHT[:-1], RIGHT + " ", RIGHT.swapcase(), None, 1, [RIGHT], "é")
        ),
        *(
            answered(wrong)
            for wrong in (RIGHT, [RIGHT], {"answer": RIGHT}, {RIGHT: "challenge"}, {"Challenge": RIGHT}, {})
        ),
        *(answered(wrong) for wrong in (b"", RIGHT.encode(), b"challenge=" + RIGHT.encode(), b"\xff\xfe", b"{")),
        answered(b'{"challenge": "' + RIGHT.encode()),
        answered(b"[" * 65_536),
        answered(b'{"a":' * 13_000),
        answered({"challenge": RIGHT}, error="TIMEOUT"),
        Answer(None, "CONNECTION", 1),
    ],
)
def test_nothing_else_proves_anything(answer: Answer) -> None:
    """Another status, another name, another text, no JSON, JSON without end, or an answer that did not end."""
    assert not repeats(answer, RIGHT)


def test_a_challenge_cannot_be_guessed() -> None:
    """256 bits, another one each time."""
    drawn = {drawn_challenge() for _ in range(100)}
    assert len(drawn) == 100
    assert all(len(text) == 43 for text in drawn)


async def test_an_endpoint_is_asked_by_a_signed_event(sender: Sender, receiver: FaultReceiver) -> None:
    """One CloudEvent of the type that is documented, with the challenge in its data."""
    body = challenge_body(
        event="11111111-1111-4111-8111-111111111111",
        source="/services/notifications",
        subscription="22222222-2222-4222-8222-222222222222",
        challenge=RIGHT,
        time="2026-11-28T14:00:00Z",
    )
    assert json.loads(body) == {
        "specversion": "1.0",
        "id": "11111111-1111-4111-8111-111111111111",
        "source": "/services/notifications",
        "type": "org.caserelay.subscription.verification.v1",
        "subject": "22222222-2222-4222-8222-222222222222",
        "time": "2026-11-28T14:00:00Z",
        "datacontenttype": "application/json",
        "data": {"subscription": "22222222-2222-4222-8222-222222222222", "challenge": RIGHT},
    }
    assert json.loads(body)["type"] == VERIFICATION
    answer = await sender.send(target(receiver.url("/challenge")), event(body=body))
    assert repeats(answer, RIGHT)
    assert not repeats(await sender.send(target(receiver.url("/ok")), event(body=body)), RIGHT)
