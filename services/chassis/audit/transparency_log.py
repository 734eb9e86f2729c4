"""The transparency log of a service, put together: what builds it, and what reads it."""

from __future__ import annotations

from pathlib import Path

from services.chassis.audit.builder import LogBuilder
from services.chassis.audit.reader import AuditReader
from services.chassis.audit.remembered import RememberedCheckpoint
from services.chassis.audit.store import AuditStore
from services.chassis.log.epochs import Epochs
from services.chassis.log.event_log import EventLog


class TransparencyLog:
    """Of one event log. `origin` and `state` are as the settings have them. Raises RefusedState."""

    def __init__(
        self, log: EventLog, epochs: Epochs, store: AuditStore, origin: str | None, state: Path | None
    ) -> None:
        remembered = RememberedCheckpoint(state, log.name) if state is not None else None
        self.builder = LogBuilder(log, epochs.current.name, store, origin=origin, remembered=remembered)
        self.reader = AuditReader(log, store, self.builder.hurry)
        self.store = store
        self.close = store.close
