"""The transparency log of a service, put together: what builds it, has it cosigned, reads it, and verifies it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from services.chassis.audit.builder import LogBuilder
from services.chassis.audit.cosigning import Cosigning
from services.chassis.audit.proving import Proving
from services.chassis.audit.reader import AuditReader
from services.chassis.audit.receipts import Receipts
from services.chassis.audit.remembered import RememberedCheckpoint
from services.chassis.audit.scheduled import ScheduledVerification
from services.chassis.audit.store import AuditStore
from services.chassis.audit.witness_policy import read_policy
from services.chassis.audit.witnesses import Witnesses
from services.chassis.log.epochs import Epochs
from services.chassis.log.event_log import EventLog
from services.chassis.operating.verification_metrics import Verified


class TransparencyLog:
    """Of one event log, as it is set. Raises RefusedState, RefusedPolicy."""

    def __init__(
        self,
        log: EventLog,
        epochs: Epochs,
        store: AuditStore,
        proving: Proving,
    ) -> None:
        remembered = RememberedCheckpoint(proving.state, log.name) if proving.state is not None else None
        trusts = read_policy(proving.policy) if proving.policy is not None else None
        self.store = store
        self._witnesses = Witnesses(trusts) if trusts is not None else None
        cosigning = Cosigning(store, self._witnesses) if self._witnesses is not None else None
        self.builder = LogBuilder(
            log,
            epochs.current.name,
            store,
            origin=proving.origin,
            remembered=remembered,
            witnesses=self._witnesses,
            signed=cosigning.look if cosigning is not None else lambda: None,
        )
        self.reader = AuditReader(log, store, self.builder.hurry, trusts)
        self.receipts = Receipts(log, store, self.reader)
        self.verification = ScheduledVerification(
            log, store, remembered, proving.verify_seconds, witnesses=self._witnesses
        )
        self.led: dict[str, Callable[[], Awaitable[None]]] = {"audit": self.builder.round}
        """The rounds of the process that leads."""
        if cosigning is not None:
            self.led["witnesses"] = cosigning.round
        if proving.verify_seconds > 0:
            self.led["verification"] = self.verification.round
        self._name = log.name

    def verified(self) -> dict[str, Verified]:
        """What came of the last verification, by the name of the log; empty where none is due."""
        known = self.verification.known
        return {self._name: known} if known is not None else {}

    async def close(self) -> None:
        """Lets go of files and connections."""
        if self._witnesses is not None:
            await self._witnesses.close()
        await self.store.close()
