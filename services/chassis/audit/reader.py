"""Reads the transparency log for callers: what was signed last, tiles, bundles, and proofs made of tiles."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from services.chassis.audit.store import AuditStore, Standing
from services.chassis.log.event_log import EventLog
from services.chassis.transparency.keys import SignerKey
from services.chassis.transparency.merkle import (
    HASH_BYTES,
    Range,
    consistency_ranges,
    inclusion_ranges,
    nodes_of,
    range_hashes,
)
from services.chassis.transparency.notes import Note
from services.chassis.transparency.tiles import ENTRIES, WIDTH, Tile, bundle, from_tiles, tiles_for
from services.chassis.transparency.tlog_proofs import TlogProof

LOOK_SECONDS: Final = 0.05
LONGEST_WAIT_SECONDS: Final = 1.5
"""How long a checkpoint that covers what was just recorded is waited for."""


class ProvenEvent(Struct, frozen=True):
    """That an event is in the log: its position, its entry, and the proof."""

    position: int
    entry: bytes
    proof: TlogProof


class AuditReader:
    """What anybody is told of one transparency log."""

    def __init__(self, log: EventLog, store: AuditStore, hurry: Callable[[], None] = lambda: None) -> None:
        """`hurry` tells the process's own builder that somebody waits."""
        self._log = log
        self._store = store
        self._hurry = hurry

    async def signed(self) -> Standing | None:
        """How the log stands with the checkpoint that was signed last; None before the first.

        It covers all that was recorded before it was asked for, unless nobody signs at the moment.
        """
        head, until = await self._log.head(), time.monotonic() + LONGEST_WAIT_SECONDS
        while True:
            standing = await self._store.standing()
            signed = standing if standing is not None and standing.note else None
            if (signed is not None and signed.through >= head) or time.monotonic() > until:
                return signed
            self._hurry()
            # Perhaps another process signs, and tells nobody.
            await asyncio.sleep(LOOK_SECONDS)

    async def keys(self) -> list[str]:
        """The public keys of all epochs, the newest first, as vkeys."""
        return [SignerKey.read(key).verifier.text for key in await self._store.keys()]

    async def tile(self, tile: Tile) -> bytes | None:
        """A tile, or a bundle of entries, of what was signed; None for one that the log does not have."""
        standing = await self._store.standing()
        if standing is None or not standing.note or not tile.in_tree(standing.size):
            return None
        if tile.level == ENTRIES:
            entries = await self._store.entries(tile.number * WIDTH, tile.width)
            return bundle(entries) if len(entries) == tile.width else None
        content = (await self._store.tiles([tile])).get(tile.place, b"")[: tile.width * HASH_BYTES]
        return content if len(content) == tile.width * HASH_BYTES else None

    async def consistency(self, first: int, second: int) -> list[bytes] | None:
        """The proof that the tree of `second` leaves begins with that of `first`; None where there is no such tree."""
        standing = await self._store.standing()
        if standing is None or not 0 <= first <= second <= standing.size:
            return None
        return await self._hashes(consistency_ranges(first, second))

    async def position_of(self, event: str) -> int | None:
        """The position of the event of this id; None where there is none, or nobody has taken it in soon."""
        if (leaf := await self._store.leaf_of(event)) is None:
            # Perhaps only not yet.
            await self.signed()
            leaf = await self._store.leaf_of(event)
        return leaf[1] if leaf is not None else None

    async def proof(self, event: str) -> ProvenEvent | None:
        """That an event is in the log as it was signed last; None where it is not, or not yet."""
        standing, leaf = await self.signed(), await self._store.leaf_of(event)
        if standing is None or leaf is None or leaf[0] >= standing.size:
            return None
        index, position = leaf
        (entry,) = await self._store.entries(index, 1)
        inclusion = await self._hashes(inclusion_ranges(index, standing.size))
        return ProvenEvent(position, entry, TlogProof(index, tuple(inclusion), Note.read(standing.note)))

    async def proofs(self, standing: Standing, indexes: Sequence[int]) -> list[TlogProof]:
        """That leaves are in the log as it stood; what their proofs are made of is read at once."""
        spans = [inclusion_ranges(index, standing.size) for index in indexes]
        hashes = iter(await self._hashes([span for of_leaf in spans for span in of_leaf]))
        note = Note.read(standing.note)
        return [
            TlogProof(index, tuple(next(hashes) for _ in of_leaf), note)
            for index, of_leaf in zip(indexes, spans, strict=True)
        ]

    async def _hashes(self, spans: list[Range]) -> list[bytes]:
        tiles = await self._store.tiles(tiles_for(nodes_of(spans)))
        return range_hashes(spans, lambda nodes: from_tiles(nodes, tiles))
