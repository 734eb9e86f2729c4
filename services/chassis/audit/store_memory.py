"""The transparency log in memory, for tests and experiments: nothing survives the process."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from services.chassis.audit.store import Begun, Growth, Standing
from services.chassis.transparency.tiles import Place, Tile


class MemoryAuditContents:
    """What is in one transparency log, for everybody in the process who opens it."""

    def __init__(self) -> None:
        self.epochs: list[Standing] = []
        self.entries: list[list[bytes]] = []
        self.leaves: list[dict[str, tuple[int, int]]] = []
        """Leaf and position by the event's id, of each epoch."""
        self.tiles: list[dict[Place, bytes]] = []
        self.keys: list[tuple[str, str]] = []
        """Origin and private key, the newest first."""
        self.cosigned: dict[int, dict[int, bytes]] = {}
        """Checkpoints with cosignatures, by the number of their epoch and their size."""


class MemoryAuditStore:
    """An `AuditStore` in memory."""

    def __init__(self, contents: MemoryAuditContents) -> None:
        self._all = contents

    async def standing(self) -> Standing | None:
        """See `AuditStore.standing`."""
        return self._all.epochs[-1] if self._all.epochs else None

    async def begin(self, begun: Begun, *, after: int) -> bool:
        """See `AuditStore.begin`."""
        contents = self._all
        if len(contents.epochs) != after:
            return False
        earlier = tuple(standing.origin for standing in reversed(contents.epochs))
        contents.epochs.append(Standing(after + 1, begun.origin, begun.log_epoch, begun.secret, "", earlier=earlier))
        contents.entries.append([])
        contents.leaves.append({})
        contents.tiles.append({})
        contents.keys.insert(0, (begun.origin, begun.key))
        return True

    async def take_over(self, epoch: int, signer: str) -> None:
        """See `AuditStore.take_over`."""
        self._all.epochs[epoch - 1] = replace(self._all.epochs[epoch - 1], signer=signer)

    async def extend(self, standing: Standing, growth: Growth, sign: Callable[[], bytes]) -> bool:
        """See `AuditStore.extend`."""
        contents = self._all
        if contents.epochs[-1] != standing:
            return False
        note = sign()
        last = len(contents.epochs) - 1
        entries, leaves = contents.entries[last], contents.leaves[last]
        for added in growth.entries:
            leaves[added.event] = len(entries), added.position
            entries.append(added.entry)
        contents.tiles[last].update(growth.tiles)
        through = growth.entries[-1].position if growth.entries else standing.through
        contents.epochs[last] = replace(standing, size=len(entries), through=through, note=note)
        return True

    async def tiles(self, tiles: Sequence[Tile]) -> dict[Place, bytes]:
        """See `AuditStore.tiles`."""
        there = self._all.tiles[-1]
        return {tile.place: there[tile.place] for tile in tiles if tile.place in there}

    async def entries(self, first: int, count: int) -> list[bytes]:
        """See `AuditStore.entries`."""
        return self._all.entries[-1][first : first + count]

    async def cosigned(self) -> list[bytes]:
        """See `AuditStore.cosigned`."""
        return [note for _, note in sorted(self._all.cosigned.get(len(self._all.epochs), {}).items(), reverse=True)]

    async def keep_cosigned(self, epoch: int, size: int, note: bytes, stay: Sequence[int]) -> None:
        """See `AuditStore.keep_cosigned`."""
        kept = self._all.cosigned.get(epoch, {})
        self._all.cosigned[epoch] = {**{each: kept[each] for each in stay if each in kept}, size: note}

    async def leaf_of(self, event: str) -> tuple[int, int] | None:
        """See `AuditStore.leaf_of`."""
        return self._all.leaves[-1].get(event)

    async def keys(self, origin: str | None = None) -> list[str]:
        """See `AuditStore.keys`."""
        return [key for of, key in self._all.keys if origin in (None, of)]

    async def add_key(self, key: str) -> None:
        """See `AuditStore.add_key`."""
        self._all.keys.insert(0, (self._all.epochs[-1].origin, key))

    async def close(self) -> None:
        """See `AuditStore.close`."""
