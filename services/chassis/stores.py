"""Which engine keeps what: today, embedded files under one data directory. The only place that chooses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from services.chassis.bus import Bus
from services.chassis.bus_embedded import EmbeddedBus
from services.chassis.consumer_store import ConsumerStore
from services.chassis.event_types import EventTypes
from services.chassis.eventlog import EventLog
from services.chassis.eventlog_sqlite import SQLiteEventLog
from services.chassis.index import Table
from services.chassis.index_sqlite import SQLiteIndex
from services.chassis.vault import SQLiteVault, Vault


class Stores:
    """Opens the stores of a service, each in a file of its own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        # Nobody else on the machine has any business in it.
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)

    @staticmethod
    def holds(directory: Path, service: str) -> bool:
        """Whether the service has ever kept a log here; opening one would make it."""
        return (directory / f"{service}-log.db").exists()

    def event_log(self, service: str, types: EventTypes) -> EventLog:
        """The service's own log."""
        return SQLiteEventLog(service, self._directory / f"{service}-log.db", types)

    def vault(self, service: str) -> Vault:
        """The service's personal-data vault."""
        return SQLiteVault(self._directory / f"{service}-vault.db")

    def index(self, service: str, tables: Sequence[Table], version: int) -> SQLiteIndex:
        """The service's index; rebuilt from the log when `version` differs from the one it was made with."""
        return SQLiteIndex(self._directory / f"{service}-index.db", tables, version)

    def consumer_store(self, service: str) -> ConsumerStore:
        """Where the service's consumers have come to."""
        return ConsumerStore(self._directory / f"{service}-consumers.db")

    def bus(self) -> Bus:
        """The bus that all services of this directory share."""
        return EmbeddedBus(self._directory / "bus.db")
