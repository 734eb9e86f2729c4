"""What a service asks for its stores, wherever they are kept."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from services.chassis.audit.store import AuditStore
from services.chassis.delivery.bus import Bus
from services.chassis.delivery.consumer_store import ConsumerStore
from services.chassis.engines.store_health import StoreHealth
from services.chassis.index.index import Index, Table
from services.chassis.leading.lease import Lease
from services.chassis.leading.shares import Shares
from services.chassis.log.epochs import Epochs
from services.chassis.log.event_log import EventLog
from services.chassis.log.event_types import EventTypes
from services.chassis.log.snapshots import SnapshotStore
from services.chassis.vault.vault import Vault

INDEX: Final = "index"
"""What the index is kept as that lists search in."""


class StoreOpener(ABC):
    """Opens the stores of the services of a process, and knows how each of them stands.

    Opening raises RefusedStart for a store that cannot be used.
    """

    def __init__(self) -> None:
        self.checkpointed: dict[Path, int] = {}
        """The files whose write-ahead logs should not grow beyond so many pages before somebody moves them."""
        self.health: list[StoreHealth] = []
        """How each store that was opened stands."""

    def health_of(self, service: str) -> list[StoreHealth]:
        """How the stores of a service stand, and those that it shares."""
        return [health for health in self.health if health.service in (service, None)]

    def own_health_of(self, service: str) -> list[StoreHealth]:
        """How its own stores stand, such as those of a log that services share."""
        return [health for health in self.health if health.service == service]

    def _health(self, store: str, service: str | None) -> StoreHealth:
        self.health.append(StoreHealth(store, service))
        return self.health[-1]

    @property
    @abstractmethod
    def described(self) -> str:
        """Engine and place of logs, vaults and indexes, without user and password."""

    @property
    @abstractmethod
    def bus_described(self) -> str:
        """Engine and place of the bus."""

    @abstractmethod
    def require_writable(self) -> None:
        """Raises RefusedStart when one of the stores that were opened cannot be written, but for want of room."""

    @abstractmethod
    def holds(self, service: str) -> bool:
        """Whether the service has ever kept a log here; opening one would make it."""

    @abstractmethod
    def event_log(self, service: str, types: EventTypes) -> EventLog:
        """The service's own log."""

    @abstractmethod
    def epochs(self, service: str) -> Epochs:
        """The epochs of the service's log, which has been opened before."""

    @abstractmethod
    def audit(self, service: str) -> AuditStore:
        """The service's transparency log. That it cannot be used makes the service no less ready."""

    @abstractmethod
    def snapshots(self, service: str) -> SnapshotStore:
        """Where long streams of the service need not be folded from their first events; opened when it is used."""

    @abstractmethod
    def vault(self, service: str) -> Vault:
        """The service's personal-data vault."""

    @abstractmethod
    def index(self, service: str, tables: Sequence[Table], version: int, *, kept_as: str = INDEX) -> Index:
        """The service's index; filled from the log again when there is none of this `version`.

        One that is filled at another pace is `kept_as` something else.
        """

    @abstractmethod
    def consumer_store(self, service: str) -> ConsumerStore:
        """Where the service's consumers have come to."""

    @abstractmethod
    def lease(self, service: str) -> Lease:
        """What the processes of the service that share these stores lead by."""

    @abstractmethod
    def shares(self, service: str) -> Shares:
        """How the processes of the service that share these stores part the work that all of them do."""

    @abstractmethod
    def bus(self) -> Bus:
        """The bus that the services share."""
