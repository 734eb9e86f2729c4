"""Reads the transparency log for callers: what was signed last, tiles, bundles, and proofs made of tiles."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from services.chassis.audit.cosigned import newest_trusted, newest_with
from services.chassis.audit.refusals import Contradicted, as_stored
from services.chassis.audit.store import AuditStore, Standing
from services.chassis.audit.tree import hashes_of
from services.chassis.log.event_log import EventLog
from services.chassis.transparency.keys import SignerKey
from services.chassis.transparency.merkle import HASH_BYTES, consistency_ranges, inclusion_ranges, leaf_hash
from services.chassis.transparency.notes import Note
from services.chassis.transparency.tiles import ENTRIES, WIDTH, Tile, bundle
from services.chassis.transparency.tlog_proofs import TlogProof
from services.chassis.transparency.trust_policy import TrustPolicy

Made = TypeVar("Made")
LOOK_SECONDS: Final = 0.05
LONGEST_WAIT_SECONDS: Final = 1.5
"""How long a checkpoint that covers what was just recorded is waited for."""


class ProvenEvent(Struct, frozen=True):
    """That an event is in the log: its position, its entry, and the proof."""

    position: int
    entry: bytes
    proof: TlogProof


class AuditReader:
    """What anybody is told of one transparency log. Raises Contradicted where it is not there as it was stored."""

    def __init__(
        self,
        log: EventLog,
        store: AuditStore,
        hurry: Callable[[], None] = lambda: None,
        policy: TrustPolicy | None = None,
    ) -> None:
        """`hurry` tells the process's own builder that somebody waits. `policy` is that of the witnesses."""
        self._log = log
        self._store = store
        self._hurry = hurry
        self._policy = policy

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

    async def cosigned(self) -> Standing | None:
        """How the log stands as `signed` says, with the cosignatures that its checkpoint has by now."""
        signed = await self.signed()
        return replace(signed, note=await newest_with(self._store, signed.note)) if signed is not None else None

    async def checkpoint(self) -> bytes | None:
        """The checkpoint that was signed last, as `signed` says, with the cosignatures that it has by now."""
        cosigned = await self.cosigned()
        return cosigned.note if cosigned is not None else None

    async def trusted(self) -> bytes | None:
        """The newest checkpoint that has the quorum of the witnesses' policy; without a policy, the one signed last.

        With all cosignatures that it has by now; None while there is none.
        """
        return await newest_trusted(self._store, self._policy)

    async def keys(self) -> list[str]:
        """The public keys of all epochs, the newest first, as vkeys."""
        kept = await self._store.keys()
        with as_stored("a key of the log is not there as it was drawn"):
            return [SignerKey.read(key).verifier.text for key in kept]

    async def tile(self, tile: Tile) -> bytes | None:
        """A tile, or a bundle of entries, of what was signed; None for one that the log does not have."""
        standing = await self._store.standing()
        if standing is None or not standing.note or not tile.in_tree(standing.size):
            return None
        return await self._of_tree(standing, self._tile(tile))

    async def _tile(self, tile: Tile) -> bytes:
        """Raises KeyError, ValueError where it is not there, or narrower than it has to be."""
        if tile.level == ENTRIES:
            entries = await self._store.entries(tile.number * WIDTH, tile.width)
            if len(entries) < tile.width:
                raise ValueError("entries are missing")
            return bundle(entries)
        content = (await self._store.tiles([tile]))[tile.place][: tile.width * HASH_BYTES]
        if len(content) < tile.width * HASH_BYTES:
            raise ValueError("hashes are missing")
        return content

    async def _of_tree(self, standing: Standing, made: Awaitable[Made]) -> Made | None:
        """What is made of the tree as it stood; None where another epoch, with another tree, has begun meanwhile."""
        try:
            return await made
        except (KeyError, ValueError):
            now = await self._store.standing()
            if now is None or now.epoch != standing.epoch:
                return None
            raise Contradicted("a part of the tree that was signed is not there as it was stored") from None

    async def consistency(self, first: int, second: int) -> list[bytes] | None:
        """The proof that the tree of `second` leaves begins with that of `first`; None where there is no such tree."""
        standing = await self._store.standing()
        if standing is None or not 0 <= first <= second <= standing.size:
            return None
        return await self._of_tree(standing, hashes_of(self._store, consistency_ranges(first, second)))

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
        note = Note.read(await newest_with(self._store, standing.note))
        return await self._of_tree(standing, self._proven(leaf, standing.size, note))

    async def _proven(self, leaf: tuple[int, int], size: int, note: Note) -> ProvenEvent:
        """Raises KeyError, ValueError where what is stored proves nothing."""
        index, position = leaf
        (entry,) = await self._store.entries(index, 1)
        proof = TlogProof(index, tuple(await hashes_of(self._store, inclusion_ranges(index, size))), note)
        proof.check(leaf_hash(entry))
        return ProvenEvent(position, entry, proof)

    async def proofs(self, standing: Standing, indexes: Sequence[int]) -> list[TlogProof]:
        """That leaves are in the log as it stood; what their proofs are made of is read at once.

        Raises KeyError, ValueError where it is not stored, as after another epoch has begun.
        """
        spans = [inclusion_ranges(index, standing.size) for index in indexes]
        hashes = iter(await hashes_of(self._store, [span for of_leaf in spans for span in of_leaf]))
        note = Note.read(standing.note)
        return [
            TlogProof(index, tuple(next(hashes) for _ in of_leaf), note)
            for index, of_leaf in zip(indexes, spans, strict=True)
        ]
