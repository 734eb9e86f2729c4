"""The transparency log of a service, put together: what builds it, what reads it, and what holds it against the log."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from services.chassis.audit.builder import LogBuilder
from services.chassis.audit.reader import AuditReader
from services.chassis.audit.receipts import Receipts
from services.chassis.audit.remembered import RememberedCheckpoint
from services.chassis.audit.scheduled import ScheduledVerification
from services.chassis.audit.store import AuditStore
from services.chassis.log.epochs import Epochs
from services.chassis.log.event_log import EventLog
from services.chassis.operating.verification_metrics import Verified


class TransparencyLog:
    """Of one event log. `origin`, `state` and `verify_every` are as the settings have them. Raises RefusedState."""

    def __init__(
        self,
        log: EventLog,
        epochs: Epochs,
        store: AuditStore,
        origin: str | None,
        state: Path | None,
        verify_every: float,
    ) -> None:
        remembered = RememberedCheckpoint(state, log.name) if state is not None else None
        self.builder = LogBuilder(log, epochs.current.name, store, origin=origin, remembered=remembered)
        self.reader = AuditReader(log, store, self.builder.hurry)
        self.receipts = Receipts(log, store, self.reader)
        self.verification = ScheduledVerification(log, store, remembered, verify_every)
        self.close = store.close
        self._name = log.name
        self._verifies = verify_every > 0

    @property
    def led(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """The rounds of the process that leads: one builds and signs, and one verifies, unless that is switched off."""
        verifies = {"verification": self.verification.round} if self._verifies else {}
        return {"audit": self.builder.round, **verifies}

    def verified(self) -> dict[str, Verified]:
        """What came of the last verification, by the name of the log; empty before the first."""
        return {self._name: self.verification.last} if self.verification.last is not None else {}
