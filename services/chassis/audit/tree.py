"""What follows from the stored tiles of a tree: proofs, and whether it begins with a tree that somebody knows."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from services.chassis.audit.store import AuditStore
from services.chassis.transparency.checkpoints import Checkpoint
from services.chassis.transparency.merkle import Range, consistency_ranges, nodes_of, range_hashes, root
from services.chassis.transparency.tiles import Place, from_tiles, tiles_for


async def hashes_of(store: AuditStore, spans: list[Range]) -> list[bytes]:
    """The hash of each range of leaves. Raises KeyError, ValueError where a tile is not as it was stored."""
    tiles = await store.tiles(tiles_for(nodes_of(spans)))
    return range_hashes(spans, lambda nodes: from_tiles(nodes, tiles))


async def consistency(store: AuditStore, first: int, second: int) -> tuple[bytes, ...]:
    """The proof that the tree of `second` leaves begins with that of `first`."""
    return tuple(await hashes_of(store, consistency_ranges(first, second)))


async def has_tree(store: AuditStore, before: Checkpoint, more: Mapping[Place, bytes] = MappingProxyType({})) -> bool:
    """Whether the tree begins with that of a checkpoint; `more` are tiles that are not stored yet."""
    nodes = nodes_of([(0, before.size)])
    tiles = await store.tiles(tiles_for(nodes)) | dict(more)
    try:
        return root(before.size, lambda wanted: from_tiles(wanted, tiles)) == before.root
    except (KeyError, ValueError):
        return False
