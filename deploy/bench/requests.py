"""Requests as bytes, for clients that cost little: the referral of every benchmark, and who sends it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import Any, Final

from services.sandbox.demo import PROGRAMME

PERSON: Final = "@PERSON@"
"""Where the person's pseudonym goes in a prepared body."""

SUBMITTED: Final = "org.caserelay.referral.submitted.v1"
RECIPIENT: Final = "brugwerk"

REFERRAL: Final[dict[str, Any]] = {
    "programme": PROGRAMME,
    "to": RECIPIENT,
    "client": {"ref": PERSON},
    "contact": {"name": "Invented Person", "phone": "+32 470 00 11 22", "email": "invented@voorbeeld.example"},
    "contactLanguage": "ar",
    "languages": [{"tag": "nl", "level": "B1", "evidence": "TESTED"}],
    "occupations": [{"isco": "2411"}],
    "sectors": ["M"],
    "region": "BE234",
    "goals": ["SOCIAL", "CULTURAL", "INFORMATIONAL"],
    "supportNeeds": ["RECOGNITION_FILE"],
    "availability": ["MON_AM", "THU_PM"],
    "whyMentoring": "ADDED_CAPITAL",
    "alternativeConsidered": "JOB_COACHING",
    "recommendedMentorKind": "VOLUNTEER",
    "eligibility": {"REGISTERED_JOBSEEKER": True, "RIGHT_TO_WORK": True, "NO_CONCURRENT_PROGRAMME": True},
    "participationChoice": {"chosenAt": "2026-01-12T09:10:00Z", "method": "IN_PERSON", "language": "ar"},
    "legalBasis": {
        "kind": "CONSENT",
        "recipient": RECIPIENT,
        "textVersion": "v3",
        "language": "ar",
        "givenAt": "2026-01-12T09:12:00Z",
    },
    "previousReferral": None,
}


def pseudonyms() -> Iterator[str]:
    """One that nobody had before, as often as asked; all of one length.

    The letters keep the digits apart: a row of digits could look like a national number, which is refused.
    """
    run = uuid.uuid4().hex[:8]
    for number in range(10**9):
        yield f"b{run}k{number:09d}"


def request(
    method: str,
    path: str,
    token: str,
    body: Any = None,
    *,
    key: str | None = None,
    etag: str | None = None,
) -> bytes:
    """A request of HTTP/1.1. `body` is JSON, or bytes that are."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {token}"]
    if key is not None:
        lines.append(f"Idempotency-Key: {key}")
    if etag is not None:
        lines.append(f"If-Match: {etag}")
    content = b""
    if body is not None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join([*lines, "", ""]).encode() + content


class Referrals:
    """Requests that each submit a referral of another person, to these organisations in turn."""

    def __init__(self, token: str, to: Sequence[str] = (RECIPIENT,)) -> None:
        self._pseudonyms = pseudonyms()
        self._parts = cycle([_parts(organisation) for organisation in to])
        self._token = token

    def next(self) -> bytes:
        """Another one, under a key of its own."""
        person = next(self._pseudonyms)
        body = person.encode().join(next(self._parts))
        return request("POST", "/v1/referrals", self._token, body, key=person)


def _parts(organisation: str) -> list[bytes]:
    basis = {**REFERRAL["legalBasis"], "recipient": organisation}
    return json.dumps({**REFERRAL, "to": organisation, "legalBasis": basis}).encode().split(PERSON.encode())
