"""A transparency log of counters for tests: who builds it, who reads it, and what others would make of it."""

from __future__ import annotations

from dataclasses import dataclass

from services.chassis.audit.builder import LogBuilder
from services.chassis.audit.entries import entry_of
from services.chassis.audit.reader import AuditReader
from services.chassis.audit.remembered import RememberedCheckpoint
from services.chassis.audit.store import AuditStore, Standing
from services.chassis.log.event_log import EventLog, Write
from services.chassis.transparency.checkpoints import Checkpoint
from services.chassis.transparency.keys import SignerKey, VerifierKey
from services.chassis.transparency.merkle import leaf_hash
from services.chassis.transparency.notes import Note
from tests.chassis.counters import Counted, metadata
from tests.chassis.transparency.naive_tree import mth

EPOCH = "first-epoch"
ORIGIN = "audit.example/caserelay"


@dataclass
class Auditing:
    """A log of counters and its transparency log."""

    log: EventLog
    store: AuditStore
    remembered: RememberedCheckpoint | None = None

    def builder(self, origin: str | None = ORIGIN, epoch: str = EPOCH) -> LogBuilder:
        """One that builds it."""
        return LogBuilder(self.log, epoch, self.store, origin=origin, remembered=self.remembered)

    @property
    def reader(self) -> AuditReader:
        """One that reads it."""
        return AuditReader(self.log, self.store)

    async def count(self, stream: str, *steps: int) -> int:
        """Counts up in a stream; the last position."""
        version = len(await self.log.read(stream))
        events = [(Counted(by=step), metadata(f"{stream}-{version + n}")) for n, step in enumerate(steps, start=1)]
        return await self.log.append([Write(stream, version, events)])

    async def standing(self) -> Standing:
        """How the log stands, once something was signed."""
        standing = await self.store.standing()
        assert standing is not None
        return standing

    async def would_sign(self, size: int) -> bytes:
        """A checkpoint of the log at a size, of the entries that it will have."""
        standing = await self.standing()
        leaves: list[bytes] = []
        while len(leaves) < size:
            events = await self.log.read_all(len(leaves), size - len(leaves))
            leaves += (leaf_hash(entry_of(event, standing.secret)) for event in events)
        (key,) = await self.store.keys()
        return Note(Checkpoint(standing.origin, size, mth(leaves)).text, ()).signed_by(SignerKey.read(key)).content

    async def signed(self) -> Checkpoint:
        """The checkpoint that was signed last, as somebody verifies it who has the log's keys."""
        note = Note.read((await self.standing()).note)
        note.verified([VerifierKey.read(key) for key in await self.reader.keys()])
        return Checkpoint.read(note.text)
