"""The port of the event log: append under expected versions, read a stream, read everything in order.

One invariant holds on every store: a position at or below one already read can never later become a committed,
unread event. Readers may therefore remember a position and go on behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from msgspec import Struct

from services.chassis.log.event_types import EventTypes
from services.chassis.log.metadata import Metadata, Recorded
from services.chassis.vault.vault import Deposit

NOTHING_READ: Final[Mapping[str, int]] = {}


Row = tuple[int, str, int, str, bytes]
"""Position, stream, version, topic and bytes of an event; in a file that somebody has tampered with, of any type."""


class Write(Struct, frozen=True):
    """Events for one stream, to be appended behind `expected_version` (0: the stream must not exist yet)."""

    stream: str
    expected_version: int
    events: Sequence[tuple[Any, Metadata]]


class Conflict(Exception):  # noqa: N818 - the field's word
    """Somebody else appended to one of the streams first. Nothing of this command was stored.

    `streams` are those that it was to write; `stale` is the one that it had only read, where it was that which moved.
    """

    def __init__(self, streams: Iterable[str], stale: str | None = None) -> None:
        super().__init__("another command was first")
        self.streams = tuple(dict.fromkeys(streams))
        self.stale = stale


def independent(appends: Iterable[tuple[Iterable[str], Iterable[str]]]) -> bool:
    """Whether no append reads what one before it writes; then all reads may be checked before anything is stored.

    An append is given as the streams that it writes and those that it only read.
    """
    written: set[str] = set()
    for writes, reads in appends:
        if not written.isdisjoint(reads):
            return False
        written.update(writes)
    return True


class EventLog(Protocol):
    """An append-only log of one service. Positions and versions start at 1; 0 means none."""

    name: str
    types: EventTypes
    """Its events, and the class of their metadata."""
    remote: bool
    """Whether reading is a round trip to a server, which what is known already may save."""

    async def append(
        self, writes: Sequence[Write], *, read: Mapping[str, int] = NOTHING_READ, records: Deposit | None = None
    ) -> int:
        """Stores all events of all writes in one transaction, or none; returns the last position.

        `read` maps streams that the events rest on, and that are not written, to the versions that were read (0: it
        had no event). `records` are what the events refer to in the vault: in the same transaction where the vault is
        in the same place, before it otherwise. No event is ever there without its record.

        Returns only once the events are durable. Raises Conflict when a stream is not at its expected version, or not
        at the one that was read; ValueError when there is nothing to append, AlreadyKept when a reference was used
        before, Unavailable when a store stays away; whether the events are stored is then unknown, and a repeat of the
        command finds out.
        """

    async def read(
        self, stream: str, *, after: int = 0, through: int | None = None, most: int | None = None
    ) -> list[Recorded]:
        """The events of a stream behind version `after`, up to and including version `through`, the first `most`."""

    async def read_tails(self, tails: Sequence[tuple[str, int]], *, most: int | None = None) -> list[list[Recorded]]:
        """For each (stream, version) the first `most` events of the stream behind that version, in one round trip."""

    async def beginnings(self, after: int, limit: int) -> list[tuple[int, str]]:
        """Position and stream of the first `limit` first events of streams behind position `after`, in order.

        Nothing is decoded: so all that happened can be gone through stream by stream.
        """

    async def read_all(self, after: int, limit: int) -> list[Recorded]:
        """Events of the whole log behind position `after`, in order: at least one if there is any, at most `limit`."""

    async def stored(self, first: int, limit: int) -> list[Row]:
        """The rows from position `first` on as they are stored, up to `limit`; nothing is decoded, or remembered."""

    def mark(self) -> object:
        """Something that differs whenever anything was appended since, by whomever; so cheap that reads ask it first.

        A stream read under an equal mark has nothing new. A store that cannot tell answers a new object every time.
        """

    async def head(self) -> int:
        """The last position, 0 when the log is empty."""

    async def wait(self, after: int, timeout: float) -> bool:
        """Returns when the head may have moved beyond `after`, or after `timeout` seconds: whether it had to wait."""

    async def close(self) -> None:
        """Lets go of files and connections; waits for appends under way."""
