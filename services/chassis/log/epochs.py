"""The epochs of a log: from where to where its positions have meant the same events, and the key of its cursors.

A log that is restored from a backup goes on from where the backup ends, and gives out once more the positions that were
lost. So it begins another epoch there. A place that was named in an earlier epoch still holds up to the end of that
epoch, and is none of this log's beyond it.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

KEY_BYTES: Final = 64
"""Of AES-256 in the mode SIV, which takes two keys (RFC 5297)."""

Row = tuple[str, int, bytes]
"""An epoch as it is stored: its name, the position behind which its events begin, and the key of the log's cursors."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """A stretch of a log; `begins` is the position behind which its own events stand."""

    name: str
    begins: int


@dataclass(frozen=True)
class Epochs:
    """All epochs of a log, the oldest first, and the key that every process of the service reads cursors with."""

    key: bytes
    known: tuple[Epoch, ...]

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Epochs:
        """From what is stored, the oldest first."""
        return cls(bytes(rows[0][2]), tuple(Epoch(name, begins) for name, begins, _ in rows))

    def __repr__(self) -> str:
        return f"Epochs({self.known})"

    @property
    def current(self) -> Epoch:
        """The one that is written now."""
        return self.known[-1]

    def at(self, position: int) -> Epoch:
        """The one that the event at a position was written in; 0 stands before the first."""
        return next((epoch for epoch, following in pairwise(self.known) if position <= following.begins), self.current)

    def end_of(self, name: str) -> int | None:
        """The last position that a place of an epoch may name; None while it goes on. Raises KeyError for no epoch."""
        for epoch, following in pairwise(self.known):
            if epoch.name == name:
                return following.begins
        if self.current.name == name:
            return None
        raise KeyError(name)

    @property
    def before_the_first(self) -> Epoch | None:
        """What a log was written in that is older than epochs are: part of its first one; None for any other log."""
        return self.known[0] if self.known[0].begins else None


def another(rows: Sequence[Row], head: int) -> Row:
    """The next epoch of a log, or its first, that begins at `head`."""
    return secrets.token_urlsafe(9), head, bytes(rows[0][2]) if rows else secrets.token_bytes(KEY_BYTES)
