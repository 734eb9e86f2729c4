"""Positions as opaque tokens: base64url, readable by every service, and nobody's business inside."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from services.chassis.http.problems.problem import ProblemError
from services.chassis.modelling.decider import Fault

_POSITION = re.compile(r"p1:([a-z]{1,32}):([0-9]{1,18})\Z")
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Position:
    """A place in one service's log."""

    log: str
    number: int

    def token(self) -> str:
        """The opaque form."""
        return to_token(f"p1:{self.log}:{self.number}".encode())

    @classmethod
    def read(cls, token: str) -> Position:
        """Raises ProblemError 422 when the token was not made by a service."""
        found = _POSITION.match(_decode(token) or "")
        if found is None:
            raise unreadable("waitFor", "the `Position` header of an earlier answer")
        return cls(found[1], int(found[2]))


def unreadable(parameter: str, expected: str) -> ProblemError:
    """A query parameter that cannot be read."""
    fault = Fault(f"/query/{parameter}", "UNREADABLE_TOKEN", f"this is not {expected}")
    return ProblemError(422, fault.code, f"{parameter} cannot be read; give {expected}", errors=[fault])


def unknown_filter(parameter: str, expected: str) -> ProblemError:
    """A filter value that nothing can have."""
    fault = Fault(f"/query/{parameter}", "UNKNOWN_FILTER_VALUE", f"this is not {expected}")
    return ProblemError(422, fault.code, f"{parameter} is unknown; give {expected}", errors=[fault])


def to_token(content: bytes) -> str:
    """Bytes in letters that need no escaping in a URL."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def read_token(token: str, longest: int) -> bytes | None:
    """The bytes of a token of at most `longest` letters; None for any other text."""
    if len(token) > longest:
        return None
    try:
        content = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    # Only the one canonical spelling counts.
    return content if to_token(content) == token else None


def _decode(token: str) -> str | None:
    content = read_token(token, _LONGEST)
    return content.decode() if content is not None and content.isascii() else None
