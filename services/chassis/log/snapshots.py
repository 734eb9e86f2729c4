"""The port of snapshots: of each stream and fold the latest one, as bytes that its store cannot read.

After the library's notion: a snapshot is stored as an event is, under its stream, version and topic. Here it is never
the truth: its reader checks it against the log, and does without where it does not fit.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Snapshot(NamedTuple):
    """A fold of a stream as it stood at a version.

    `topic` names the fold; `made_by` is the fingerprint of the code that made it and can read it.
    """

    stream: str
    topic: str
    made_by: str
    version: int
    state: bytes


class SnapshotStore(Protocol):
    """Keeps snapshots. Whatever goes wrong with it, nothing is lost but time: it raises what its engine raises."""

    async def latest(self, stream: str, topic: str) -> Snapshot | None:
        """The snapshot of a stream by one fold; None where there is none."""

    async def keep(self, snapshot: Snapshot) -> None:
        """Puts it in the place of an older one, or of one that other code has made."""

    async def close(self) -> None:
        """Lets go of files and connections."""
