"""Has the newest checkpoint of a transparency log cosigned, in the process that leads, and keeps what comes of it.

Nothing else waits for it: what is signed is served at once, and cosignatures stand below it as they arrive.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from services.chassis.audit.cosigned import cosigned_by, has_quorum, newest_trusted, newest_with
from services.chassis.audit.refusals import Contradicted, RolledBack
from services.chassis.audit.store import AuditStore, Standing
from services.chassis.audit.tree import consistency, has_tree
from services.chassis.audit.witness_client import NotCosigned
from services.chassis.audit.witnesses import UNKNOWN_ROOT, Witness, Witnesses
from services.chassis.transparency.checkpoints import Checkpoint
from services.chassis.transparency.notes import Note, Signature

PAUSE_SECONDS: Final = 1.0
"""The least between two rounds, and, where nothing is signed, half of the most: a witness may answer again."""


class QuorumMissed(Exception):  # noqa: N818 - reads as what happens
    """Fewer witnesses have cosigned the newest checkpoint than the policy asks for. Everything else goes on."""


class Cosigning:
    """Asks the witnesses of one log, side by side; a round ends when each has answered, or has taken too long."""

    def __init__(self, store: AuditStore, witnesses: Witnesses, pause: float = PAUSE_SECONDS) -> None:
        self._store = store
        self._pause = pause
        self._witnesses = witnesses
        self._policy = witnesses.policy
        self._news = asyncio.Event()

    def look(self) -> None:
        """Something was signed."""
        self._news.set()

    async def round(self) -> None:
        """Has the newest checkpoint cosigned by those who have not done so. Raises RefusesToSign, QuorumMissed."""
        standing = await self._store.standing()
        if standing is None or not standing.note:
            await self._rest()
            return
        note = await self._as_kept(standing)
        to_ask = [witness for witness in self._witnesses.all if not (witness.rests or _done(witness, note))]
        if to_ask:
            found = await asyncio.gather(*(self._cosignature(witness, note) for witness in to_ask))
            if any(found):
                await self._keep(standing, note, [signature for signature in found if signature is not None])
            await self._compare(standing)
        await self._rest()
        if not has_quorum(self._policy, await self._as_kept(standing)):
            raise QuorumMissed

    async def _rest(self) -> None:
        # Not sooner after the last round, however much is signed: each costs every witness a write to its disk.
        self._news.clear()
        await asyncio.sleep(self._pause)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._pause):
                await self._news.wait()

    async def _as_kept(self, standing: Standing) -> Note:
        return Note.read(await newest_with(self._store, standing.note))

    async def _cosignature(self, witness: Witness, note: Note) -> Signature | None:
        size = Checkpoint.read(note.text).size

        async def prove(first: int) -> tuple[bytes, ...]:
            try:
                return await consistency(self._store, first, size)
            except (KeyError, ValueError):
                witness.leave_alone("a tile is not there as it was stored")
                raise NotCosigned from None

        with contextlib.suppress(NotCosigned):
            return await witness.cosign(note, prove)
        return None

    async def _keep(self, standing: Standing, note: Note, signatures: list[Signature]) -> None:
        sizes = [Checkpoint.read(Note.read(kept).text).size for kept in await self._store.cosigned()]
        if sizes and sizes[0] > standing.size:
            # Another process leads by now, and has had a later one cosigned, in whose place this one would come.
            return
        whole = cosigned_by(note, Note(note.text, tuple(signatures)))
        stay: list[int] = []
        if not has_quorum(self._policy, whole):
            kept = await newest_trusted(self._store, self._policy)
            stay = [Checkpoint.read(Note.read(kept).text).size] if kept is not None else []
        await self._store.keep_cosigned(standing.epoch, standing.size, whole.content, stay)

    async def _compare(self, before: Standing) -> None:
        """What the witnesses hold with the log as it stands: another process may have signed more meanwhile."""
        # First, since what they come to hold meanwhile may be signed after what is read here.
        all_held = self._witnesses.held(before.origin)
        now = await self._store.standing()
        if now is None or now.epoch != before.epoch:
            return
        for held in all_held:
            if held.size > now.size:
                raise RolledBack(f"a witness holds {held.size} leaves, and {now.size} are signed")
            if held.root != UNKNOWN_ROOT and not await has_tree(self._store, held):
                raise Contradicted("a witness holds another log than the one that is signed")


def _done(witness: Witness, note: Note) -> bool:
    key = witness.client.key
    return (key.name, key.id) in {(each.name, each.id) for each in note.signatures}
