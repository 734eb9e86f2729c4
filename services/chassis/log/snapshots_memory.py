"""Snapshots in memory, for tests and experiments."""

from __future__ import annotations

from services.chassis.log.snapshots import Snapshot


class MemorySnapshots:
    """A `SnapshotStore` over what everybody in the process shares who opens it."""

    def __init__(self, contents: dict[tuple[str, str], Snapshot]) -> None:
        self._contents = contents

    async def latest(self, stream: str, topic: str) -> Snapshot | None:
        """See `SnapshotStore.latest`."""
        return self._contents.get((stream, topic))

    async def keep(self, snapshot: Snapshot) -> None:
        """See `SnapshotStore.keep`."""
        place = snapshot.stream, snapshot.topic
        known = self._contents.get(place)
        if known is None or known.made_by != snapshot.made_by or known.version < snapshot.version:
            self._contents[place] = snapshot

    async def close(self) -> None:
        """See `SnapshotStore.close`."""
