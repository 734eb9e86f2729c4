"""Builds the transparency log by tailing the event log, and signs it, in the process of the service that leads.

An append never waits for it. What it signs begins with all that was signed before: that is compared, also with what was
remembered outside the database, whenever another process or an operator may have changed any of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from services.chassis.audit.beginning import begin_first, origin_of
from services.chassis.audit.entries import entry_of
from services.chassis.audit.refusals import Contradicted, Renamed, Restored, RolledBack
from services.chassis.audit.remembered import RememberedCheckpoint
from services.chassis.audit.store import Added, AuditStore, Growth, Standing
from services.chassis.audit.tree import has_tree
from services.chassis.audit.witnesses import UNKNOWN_ROOT, Witnesses
from services.chassis.log.event_log import EventLog
from services.chassis.transparency.checkpoints import Checkpoint
from services.chassis.transparency.keys import SignerKey
from services.chassis.transparency.merkle import leaf_hash
from services.chassis.transparency.notes import Note
from services.chassis.transparency.right_edge import RightEdge, edge_of

log = logging.getLogger(__name__)

READ_AT_ONCE: Final = 500
IDLE_SECONDS: Final = 5.0
FURTHEST_AHEAD: Final = 20 * READ_AT_ONCE
"""Leaves that what was remembered may be ahead of what is stored. A crash leaves it a few hundred ahead."""
GATHER_SECONDS: Final = 0.5
"""How long further events may join those that are there: a signature costs writes that wait for the disk.

Somebody who asks for a checkpoint meanwhile need not wait so long (`LogBuilder.hurry`)."""


class LogBuilder:
    """Keeps the transparency log of one event log abreast of it."""

    def __init__(
        self,
        log: EventLog,
        log_epoch: str,
        store: AuditStore,
        *,
        origin: str | None = None,
        remembered: RememberedCheckpoint | None = None,
        witnesses: Witnesses | None = None,
        signed: Callable[[], None] = lambda: None,
    ) -> None:
        """`log_epoch`: the current one of the event log. `origin`: as set, without the name of the log.

        `signed` hears of every checkpoint.
        """
        self._log = log
        self._log_epoch = log_epoch
        self._store = store
        self._origin = origin
        self._remembered = remembered
        self._witnesses = witnesses
        self._on_signed = signed
        self._looked = ""
        """The origin of which the witnesses were asked what they hold, since this process began to lead."""
        self._signer = str(uuid.uuid4())
        self._open: tuple[Standing, RightEdge] | None = None
        self._more = False
        """Whether there was more to take in than is taken in at once."""
        self._hurried = asyncio.Event()
        self._agreed: set[Checkpoint] = set()
        """What was signed before, and agrees with the log as this process knows it."""

    def start_over(self) -> None:
        """Another process may have built meanwhile: the next round takes the log over as it stands then."""
        self._open, self._looked = None, ""

    def hurry(self) -> None:
        """Somebody waits for what is there to be signed: nothing further is waited for."""
        self._hurried.set()

    async def round(self) -> None:
        """Waits a while for new events, and takes them in. Raises RefusesToSign."""
        known = self._open is not None
        standing, _ = await self._taken_over()
        if known and standing.note:
            if await self._log.wait(standing.through, IDLE_SECONDS):
                # While it waited another process may have become the one that builds, or somebody begun an epoch.
                now = await self._store.standing()
                if now is None or now.epoch != standing.epoch:
                    self.start_over()
                return
            await self._gather()
        await self.grow()

    async def _gather(self) -> None:
        if self._more:
            # Where much is to be taken in, others have a turn all the same.
            await asyncio.sleep(0)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GATHER_SECONDS):
                await self._hurried.wait()
        self._hurried.clear()

    async def grow(self) -> None:
        """Takes in what is there, up to a number of events, and signs. Raises RefusesToSign."""
        standing, edge = await self._taken_over()
        # Whatever goes wrong from here on, what is stored is looked at again before anything else is.
        self._open = None
        last = self._remembered.read() if self._remembered is not None else b""
        held = self._witnesses.held(standing.origin) if self._witnesses is not None else []
        signed = self._signed_before(standing, last)
        earlier = [checkpoint for checkpoint in (*signed, *held) if checkpoint not in self._agreed]
        entries = await self._taken_in(standing, edge, max((checkpoint.size for checkpoint in earlier), default=0))
        self._more = len(entries) >= READ_AT_ONCE
        growth = Growth(entries, edge.taken())
        checkpoint = Checkpoint(standing.origin, edge.size, edge.root)
        for before in earlier:
            await self._agree(before, checkpoint, growth)
        if not entries and standing.note and (self._remembered is None or standing.note == last):
            self._agreed = {*signed, *held}
            self._open = standing, edge
            return
        keys = await self._store.keys(standing.origin)
        note = Note(checkpoint.text, ()).signed_by(SignerKey.read(keys[0])).content

        def sign() -> bytes:
            if self._remembered is not None:
                # Where a lost connection has it done again, it was written by this very attempt.
                if self._remembered.read() not in (last, note):
                    raise Contradicted("what was signed last was changed while something was about to be signed")
                self._remembered.write(note)
            return note

        if self._remembered is not None and not last and standing.earlier:
            # Nobody has remembered anything here before: what there is now is taken as it is.
            self._remembered.knows(standing.origin, *standing.earlier[:-1])
        if not await self._store.extend(standing, growth, sign):
            return
        self._agreed = {checkpoint, *held}
        self._on_signed()
        through = entries[-1].position if entries else standing.through
        self._open = replace(standing, size=edge.size, through=through, note=note), edge

    async def _taken_over(self) -> tuple[Standing, RightEdge]:
        if self._open is not None:
            return self._open
        if await self._store.standing() is None:
            await begin_first(self._store, self._log.name, self._log_epoch, self._origin)
        standing = await self._store.standing()
        assert standing is not None  # noqa: S101 - it has begun
        self._require_same_log(standing)
        if self._witnesses is not None and self._looked != standing.origin:
            self._looked = standing.origin
            await self._witnesses.look(standing.origin, standing.note)
        await self._store.take_over(standing.epoch, self._signer)
        standing = replace(standing, signer=self._signer)
        wanted = edge_of(standing.size)
        tiles = await self._store.tiles(wanted)
        try:
            edge = RightEdge(standing.size, [(tile, tiles[tile.place]) for tile in wanted])
        except (KeyError, ValueError):
            raise Contradicted("the right edge of the tree is not stored as it was") from None
        self._agreed.clear()
        self._open = standing, edge
        return self._open

    def _require_same_log(self, standing: Standing) -> None:
        if standing.log_epoch != self._log_epoch:
            raise Restored("the log was restored: run `caserelay audit epoch` before anything more is signed")
        if self._origin is not None and standing.origin != origin_of(self._origin, self._log.name, standing.epoch):
            raise Renamed(
                "CASERELAY_AUDIT_ORIGIN is another than that of the log: set it back, or run `caserelay audit epoch`"
            )

    def _signed_before(self, standing: Standing, last: bytes) -> list[Checkpoint]:
        """What was signed of this epoch before, as it is stored and as it is remembered."""
        earlier: list[Checkpoint] = []
        for note in {standing.note, last} - {b""}:
            try:
                checkpoint = Checkpoint.read(Note.read(note).text)
            except ValueError:
                raise Contradicted("what was signed last is not there as it was written") from None
            if checkpoint.origin == standing.origin:
                earlier.append(checkpoint)
            elif checkpoint.origin in standing.earlier:
                # That is no contradiction: each machine has a memory of its own. But who can write to the database can
                # begin an epoch as well, so it does not go unnoticed; verifying tells of one that is not known here.
                fields = {"service": self._log.name, "count": standing.epoch}
                log.warning("another epoch was begun since this machine signed last", extra=fields)
            else:
                raise Contradicted("what was remembered last was signed of another log, or of a later epoch")
        return earlier

    async def _taken_in(self, standing: Standing, edge: RightEdge, least: int) -> list[Added]:
        """The entries of further events, up to a number, and until the tree has `least` leaves if there are so many.

        Raises RolledBack where that is more than any crash can have left out.
        """
        if least > edge.size + FURTHEST_AHEAD:
            raise RolledBack(f"of the log {least} leaves were signed, and {edge.size} are stored")
        entries: list[Added] = []
        through = standing.through
        while recorded := await self._log.read_all(through, READ_AT_ONCE):
            for event in recorded:
                entry = entry_of(event, standing.secret)
                edge.append(leaf_hash(entry))
                entries.append(Added(event.position, event.meta.event_id, entry))
            through = recorded[-1].position
            if edge.size >= least:
                break
            # Requests have a turn between.
            await asyncio.sleep(0)
        return entries

    async def _agree(self, before: Checkpoint, now: Checkpoint, growth: Growth) -> None:
        """That the tree begins with what was signed before. Raises RolledBack, Contradicted."""
        if before.size > now.size:
            raise RolledBack(f"of the log {before.size} leaves were signed, and it has {now.size}")
        if before.root != UNKNOWN_ROOT and not await has_tree(self._store, before, growth.tiles):
            raise Contradicted(f"the first {before.size} leaves of the log are others than those that were signed")
