"""A process that builds the log of counters and has it cosigned, and histories that contradict what was cosigned."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.chassis.audit.builder import LogBuilder
from services.chassis.audit.cosigning import Cosigning
from services.chassis.audit.reader import AuditReader
from services.chassis.audit.store import Begun
from services.chassis.audit.witnesses import Witnesses
from services.chassis.memory_stores import MemoryStores
from services.chassis.transparency.checkpoints import Checkpoint
from services.chassis.transparency.notes import Note
from services.chassis.transparency.trust_policy import TrustPolicy
from tests.chassis.audit.auditing import EPOCH, ORIGIN, Auditing
from tests.chassis.counters import TYPES


class Witnessed:
    """A process that builds a log, and has it cosigned as a policy says."""

    def __init__(self, auditing: Auditing, witnesses: Witnesses) -> None:
        policy = witnesses.policy
        self.auditing = auditing
        self.witnesses = witnesses
        self.cosigning = Cosigning(auditing.store, self.witnesses, pause=0.01)
        self.builder = LogBuilder(
            auditing.log, EPOCH, auditing.store, origin=ORIGIN, witnesses=self.witnesses, signed=self.cosigning.look
        )
        self.reader = AuditReader(auditing.log, auditing.store, self.builder.hurry, policy)

    async def grow(self, *steps: int) -> None:
        """Records, and signs."""
        if steps:
            await self.auditing.count("counter-a", *steps)
        await self.builder.grow()

    async def newest(self) -> Note:
        """The checkpoint that is served."""
        content = await self.reader.checkpoint()
        assert content is not None
        return Note.read(content)

    async def trusted(self) -> int | None:
        """The size of the newest that enough witnesses have cosigned."""
        content = await self.reader.trusted()
        if content is None:
            return None
        self.witnesses.policy.cosigned(Note.read(content))
        return Checkpoint.read(Note.read(content).text).size


@asynccontextmanager
async def witnessed(auditing: Auditing, policy: TrustPolicy, **given: float) -> AsyncIterator[Witnessed]:
    """A process, until its end; `given` is what `Witnesses` may be given besides."""
    process = Witnessed(auditing, Witnesses(policy, **given))
    try:
        yield process
    finally:
        await process.witnesses.close()


async def other_history(auditing: Auditing, *steps: int) -> Auditing:
    """The same log, with the same keys, in which other events were recorded: as it was put back, or exchanged."""
    standing, stores = await auditing.standing(), MemoryStores()
    (key,) = await auditing.store.keys()
    store = stores.audit("counters")
    await store.begin(Begun(standing.origin, key, EPOCH, standing.secret, "the first"), after=0)
    other = Auditing(stores.event_log("counters", TYPES), store)
    if steps:
        await other.count("counter-b", *steps)
    return other
