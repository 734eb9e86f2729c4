"""Positions as opaque tokens: base64url, readable by every service, and nobody's business inside."""

from __future__ import annotations

import base64
import binascii
import re

from msgspec import Struct

_POSITION = re.compile(r"p1:([a-z]{1,32}):([0-9]{1,18})\Z")
_LONGEST = 200


class Position(Struct, frozen=True):
    """A place in one service's log."""

    log: str
    number: int

    def token(self) -> str:
        """The opaque form."""
        return to_token(f"p1:{self.log}:{self.number}".encode())

    @classmethod
    def read(cls, token: str) -> Position:
        """Raises ValueError when the token was not made by a service."""
        content = read_token(token, _LONGEST)
        found = _POSITION.match(content.decode()) if content is not None and content.isascii() else None
        if found is None:
            msg = "no position of a log"
            raise ValueError(msg)
        return cls(found[1], int(found[2]))


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
