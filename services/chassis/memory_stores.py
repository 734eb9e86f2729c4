"""All stores in memory, for tests and experiments inside one process: nothing survives it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from services.chassis.audit.store import AuditStore
from services.chassis.audit.store_memory import MemoryAuditContents, MemoryAuditStore
from services.chassis.delivery.bus import Bus
from services.chassis.delivery.consumer_store import ConsumerStore
from services.chassis.delivery.consumer_store_memory import MemoryConsumerContents, MemoryConsumerStore
from services.chassis.delivery.memory import MemoryBus, MemoryBusContents
from services.chassis.index.index import Index, Table
from services.chassis.index.memory import MemoryIndex, MemoryIndexContents
from services.chassis.leading.lease import Lease
from services.chassis.leading.lease_memory import MemoryLease, MemoryLeaseContents
from services.chassis.leading.shares import Shares
from services.chassis.leading.shares_memory import MemoryShares, MemorySharesContents
from services.chassis.log.epochs import Epochs
from services.chassis.log.event_log import EventLog
from services.chassis.log.event_types import EventTypes
from services.chassis.log.memory import MemoryEventLog, MemoryLogContents
from services.chassis.log.snapshots import Snapshot, SnapshotStore
from services.chassis.log.snapshots_memory import MemorySnapshots
from services.chassis.store_opener import INDEX, StoreOpener
from services.chassis.vault.memory import MemoryVault, MemoryVaultContents
from services.chassis.vault.vault import Vault


class MemoryStores(StoreOpener):
    """Stores whose contents live as long as this object does; opened twice, a store has what it had.

    Given to `services.assembly.assemble` in the place of what the settings name. Used from one event loop.
    """

    def __init__(self) -> None:
        super().__init__()
        self._logs: defaultdict[str, MemoryLogContents] = defaultdict(MemoryLogContents)
        self._snapshots: defaultdict[str, dict[tuple[str, str], Snapshot]] = defaultdict(dict)
        self.vaults: defaultdict[str, MemoryVaultContents] = defaultdict(MemoryVaultContents)
        """What is in each service's vault, for tests that look past the port."""
        self._indexes: dict[tuple[str, str, int], MemoryIndexContents] = {}
        self._consumers: defaultdict[str, MemoryConsumerContents] = defaultdict(MemoryConsumerContents)
        self._leases: defaultdict[str, MemoryLeaseContents] = defaultdict(MemoryLeaseContents)
        self._shares: defaultdict[str, MemorySharesContents] = defaultdict(MemorySharesContents)
        self._audits: defaultdict[str, MemoryAuditContents] = defaultdict(MemoryAuditContents)
        self._bus = MemoryBusContents()

    @property
    def described(self) -> str:
        """See `StoreOpener.described`."""
        return "this process's memory, which nothing survives"

    @property
    def bus_described(self) -> str:
        """See `StoreOpener.bus_described`."""
        return self.described

    def require_writable(self) -> None:
        """Memory always is."""

    def holds(self, service: str) -> bool:
        """See `StoreOpener.holds`."""
        return service in self._logs

    def event_log(self, service: str, types: EventTypes) -> EventLog:
        """See `StoreOpener.event_log`."""
        self._health("log", service)
        return MemoryEventLog(service, self._logs[service], types)

    def epochs(self, service: str) -> Epochs:
        """See `StoreOpener.epochs`."""
        return self._logs[service].epochs()

    def audit(self, service: str) -> AuditStore:
        """See `StoreOpener.audit`."""
        return MemoryAuditStore(self._audits[service])

    def snapshots(self, service: str) -> SnapshotStore:
        """See `StoreOpener.snapshots`."""
        return MemorySnapshots(self._snapshots[service])

    def vault(self, service: str) -> Vault:
        """See `StoreOpener.vault`."""
        self._health("vault", service)
        return MemoryVault(self.vaults[service])

    def index(self, service: str, tables: Sequence[Table], version: int, *, kept_as: str = INDEX) -> Index:
        """See `StoreOpener.index`."""
        self._health(kept_as, service)
        if (service, kept_as, version) not in self._indexes:
            self._indexes[service, kept_as, version] = MemoryIndexContents(tables)
        return MemoryIndex(self._indexes[service, kept_as, version])

    def consumer_store(self, service: str) -> ConsumerStore:
        """See `StoreOpener.consumer_store`."""
        self._health("consumers", service)
        return MemoryConsumerStore(self._consumers[service])

    def lease(self, service: str) -> Lease:
        """See `StoreOpener.lease`."""
        self._health("lease", service)
        return MemoryLease(self._leases[service])

    def shares(self, service: str) -> Shares:
        """See `StoreOpener.shares`."""
        self._health("shares", service)
        return MemoryShares(self._shares[service])

    def bus(self) -> Bus:
        """See `StoreOpener.bus`."""
        self._health("bus", None)
        return MemoryBus(self._bus)
