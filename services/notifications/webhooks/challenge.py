"""Whether an endpoint belongs to its subscriber: it repeats a challenge that only its owner can have read."""

from __future__ import annotations

import hmac
import secrets
from typing import Any, Final

import msgspec

from services.notifications.webhooks.bodies import own_event
from services.notifications.webhooks.sender import Answer

VERIFICATION: Final = "org.caserelay.subscription.verification.v1"
"""The type of the event that asks for it."""
MEMBER: Final = "challenge"


def drawn_challenge() -> str:
    """43 characters that nobody can guess."""
    return secrets.token_urlsafe(32)


def challenge_body(*, event: str, source: str, subscription: str, challenge: str, time: str) -> bytes:
    """The CloudEvent in structured JSON. `event` is its id, `time` RFC 3339 in UTC."""
    data = {"subscription": subscription, MEMBER: challenge}
    return own_event(VERIFICATION, data, event=event, source=source, subject=subscription, time=time)


def repeats(answer: Answer, challenge: str) -> bool:
    """Whether the answer is 200 with the challenge in a JSON body, as `{"challenge": …}` at any depth."""
    if answer.error is not None or answer.status != 200:
        return False
    try:
        body = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    right = False
    left: list[Any] = [body]
    while left:
        found = left.pop()
        if isinstance(found, dict):
            given = found.get(MEMBER)
            if isinstance(given, str):
                right |= hmac.compare_digest(given.encode(), challenge.encode())
            left.extend(found.values())
        elif isinstance(found, list):
            left.extend(found)
    return right
