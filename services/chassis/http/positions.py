"""Positions and cursors as opaque tokens: base64url, readable by every service, and nobody's business inside."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from services.chassis.decider import Fault
from services.chassis.http.problems import ProblemError

_POSITION = re.compile(r"p1:([a-z]{1,32}):([0-9]{1,18})\Z")
_CURSOR = re.compile(r"c1:([0-9]{1,18})\Z")
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Position:
    """A place in one service's log."""

    log: str
    number: int

    def token(self) -> str:
        """The opaque form."""
        return _encode(f"p1:{self.log}:{self.number}")

    @classmethod
    def read(cls, token: str) -> Position:
        """Raises ProblemError 422 when the token was not made by a service."""
        found = _POSITION.match(_decode(token) or "")
        if found is None:
            raise unreadable("waitFor", "the `Position` header of an earlier answer")
        return cls(found[1], int(found[2]))


def cursor(seq: int) -> str:
    """Where a list goes on."""
    return _encode(f"c1:{seq}")


def read_cursor(token: str | None, parameter: str = "cursor") -> int:
    """The place behind which a list goes on; 0 without a token. Raises ProblemError 422 when it cannot be read."""
    if token is None:
        return 0
    found = _CURSOR.match(_decode(token) or "")
    if found is None:
        raise unreadable(parameter, "the `next` of an earlier answer")
    return int(found[1])


def unreadable(parameter: str, expected: str) -> ProblemError:
    """A query parameter that cannot be read."""
    fault = Fault(f"/query/{parameter}", "UNREADABLE_TOKEN", f"this is not {expected}")
    return ProblemError(422, fault.code, f"{parameter} cannot be read; give {expected}", errors=[fault])


def unknown_filter(parameter: str, expected: str) -> ProblemError:
    """A filter value that nothing can have."""
    fault = Fault(f"/query/{parameter}", "UNKNOWN_FILTER_VALUE", f"this is not {expected}")
    return ProblemError(422, fault.code, f"{parameter} is unknown; give {expected}", errors=[fault])


def _encode(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(token: str) -> str | None:
    if len(token) > _LONGEST:
        return None
    try:
        padded = token + "=" * (-len(token) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return None
    # Only the one canonical spelling counts.
    return text if _encode(text) == token else None
