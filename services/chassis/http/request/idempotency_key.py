"""The header `Idempotency-Key`, and the mark by which a body is known when it comes again under the same key."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from fastapi import Request
from msgspec.json import Encoder

from services.chassis.http.problems.problem import ProblemError
from services.chassis.vault import national_number
from services.chassis.vault.vault import Vault

LONGEST_KEY = 255
_CANONICAL = Encoder(order="sorted")
_CANONICAL_BEFORE = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
_VERSION = "2:"
"""Begins the marks of today, so that none is compared with one that was made otherwise."""
# A structured-field string (RFC 8941), or the bare form that many clients send.
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"\Z')
_BARE = re.compile(r"[!#-+\--:<-~]+\Z")


def read_key(header: str | None) -> str | None:
    """The idempotency key without its quotes. Raises ProblemError 400 when it is none."""
    if header is None:
        return None
    text = header.strip()
    if (quoted := _QUOTED.match(text)) is not None:
        key = re.sub(r"\\(.)", r"\1", quoted[1])
    elif _BARE.match(text):
        key = text
    else:
        key = ""
    if not key or len(key) > LONGEST_KEY or (not text.isascii()) or national_number.find(key):
        raise ProblemError(
            400,
            "IDEMPOTENCY_KEY_INVALID",
            f"Idempotency-Key must be a quoted string or a bare UUID of 1 to {LONGEST_KEY} printable characters",
        )
    return key


def required_key(header: str | None) -> str:
    """The same, where there has to be one. Raises ProblemError 400 besides when there is none."""
    key = read_key(header)
    if key is None:
        raise ProblemError(
            400,
            "IDEMPOTENCY_KEY_REQUIRED",
            "send an Idempotency-Key, so that a retry does not create a second resource",
        )
    return key


class Fingerprint(NamedTuple):
    """What tells the body of a command from another: `mark` as it is made today, `before` as it was made before."""

    mark: str
    before: Callable[[], str]


async def fingerprint_of(request: Request, key: str | None) -> Fingerprint | None:
    """The mark of what a request under a key asks for; None without a key. Raises ProblemError 400 for no JSON."""
    if key is None:
        return None
    try:
        # Read once, for all that ask: the framework's request keeps what it has parsed.
        sent = await request.json() if await request.body() else None
        return fingerprint(request, f"{request.method} {request.scope['path']}", sent)
    except (ValueError, RecursionError):
        # Deep nesting may be read and then not be written again; a sign may be half of one.
        raise ProblemError(400, "UNREADABLE_JSON", "the body is not valid JSON (RFC 8259, UTF-8)") from None


def fingerprint(request: Request, route: str, body: Any) -> Fingerprint:
    """A comparable, irreversible mark of what was asked; the same body written differently has the same mark."""
    vault: Vault = request.app.state.service.vault
    command = [route, body]

    def before() -> str:
        return vault.fingerprint(_CANONICAL_BEFORE.encode(command).encode())

    try:
        canonical = _CANONICAL.encode(command)
        if b"null" in canonical and _holds_infinity(body):
            # Written as null, which is another body.
            return Fingerprint(before(), before)
        return Fingerprint(_VERSION + vault.fingerprint(canonical), before)
    except UnicodeEncodeError:
        # Half of a sign has no UTF-8; what is wrong with it is said where the text is looked at.
        return Fingerprint(before(), before)


def _holds_infinity(value: Any) -> bool:
    """Whether a number in it is beyond what a float holds, such as 1e400."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case dict() as members:
                waiting += members.values()
            case list() as elements:
                waiting += elements
            case float() as number if math.isinf(number):
                return True
            case _:
                pass
    return False
