"""In which ways a log and what was signed of it differ, and what came of holding one against the other."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum


class What(StrEnum):
    """In which way a log and its rows differ."""

    CHANGED = "CHANGED"
    REDATED = "REDATED"
    RENAMED = "RENAMED"
    MOVED = "MOVED"
    REORDERED = "REORDERED"
    MISSING = "MISSING"
    ADDED = "ADDED"
    TRUNCATED = "TRUNCATED"
    ENTRY_CHANGED = "ENTRY_CHANGED"
    """The event is right, and the log's own copy of its entry is not."""
    REPLACED = "REPLACED"
    """The hashes of the log are others than those that were signed."""
    NOT_SIGNED = "NOT_SIGNED"
    """No checkpoint that a key of the log has signed."""
    UNKNOWN_EPOCH = "UNKNOWN_EPOCH"
    """An epoch is not known outside the database, so perhaps nobody but who writes to that has begun it."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A place where they differ; position 0 stands for the log as a whole. `stream` and `state` as far as known."""

    position: int
    what: What
    stream: str | None = None
    state: bytes | None = None


@dataclass
class Verification:
    """What came of it: how many events were held against their leaves, and every mismatch.

    Of more mismatches than `most` the further ones are counted alone.
    """

    checked: int = 0
    mismatches: list[Mismatch] = field(default_factory=list)
    counts: Counter[What] = field(default_factory=Counter)
    most: int | None = None

    @property
    def ok(self) -> bool:
        """Whether everything holds."""
        return not self.counts

    def found(self, position: int, what: What, stream: str | None = None, state: bytes | None = None) -> None:
        """Notes a mismatch; of the log as a whole each once."""
        if position == 0:
            if what in self._whole:
                return
            self._whole.add(what)
        self.counts[what] += 1
        if self.most is None or len(self.mismatches) < self.most:
            self.mismatches.append(Mismatch(position, what, stream, state))

    _whole: set[What] = field(default_factory=set)
