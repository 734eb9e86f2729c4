"""The implementations that the behaviour suites run on. A new store joins by a line here and passes all of them."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from services.chassis.delivery.bus import Bus
from services.chassis.delivery.embedded import EmbeddedBus
from services.chassis.delivery.kafka.bus import KafkaBus
from services.chassis.delivery.kafka.clients import Cluster
from services.chassis.delivery.kafka.topics import Topics, wanted
from services.chassis.engines.migrations import log_of
from services.chassis.log.event_log import EventLog
from services.chassis.log.postgres import PostgresEventLog
from services.chassis.log.sqlite import SQLiteEventLog
from services.chassis.memory_stores import MemoryStores
from services.chassis.operating.telemetry import Telemetry
from services.chassis.store_opener import StoreOpener
from services.chassis.stores import Stores
from tests.chassis.counters import TYPES
from tests.chassis.following import TOPIC, Follower
from tests.chassis.issuing import Issuer

OpenLog = Callable[[], EventLog]
OpenBus = Callable[[], Bus]


def sqlite_log(directory: Path) -> EventLog:
    """The log in an SQLite file."""
    return SQLiteEventLog("counters", directory / "counters-log.db", TYPES)


def embedded_bus(directory: Path) -> Bus:
    """The bus in an SQLite file."""
    return EmbeddedBus(directory / "bus.db")


def kafka_bus(directory: Path) -> Bus:
    """The bus in the cluster whose address stands in the directory, or above it; with topics of that directory."""
    place = directory if (directory / SERVERS).exists() else directory.parent
    cluster = Cluster.at((place / SERVERS).read_text(encoding="utf-8"), f"{place.name}-{directory.name}.")
    topics = Topics(cluster)
    topics.create(wanted(["caserelay.test.v1", "caserelay.other.v1"], PARTITIONS), 1)
    topics.close()
    return KafkaBus(cluster)


def postgres_log(directory: Path) -> EventLog:
    """The log in the database whose address stands in the directory."""
    return PostgresEventLog("counters", log_of(address_in(directory), "counters"), TYPES)


SERVERS = "kafka-servers"
"""The file in a test's directory that tells its processes where Kafka is."""
PARTITIONS = 3
ADDRESS = "database-url"
"""The file in a test's directory that tells its processes which database is the test's."""


def address_in(directory: Path) -> str:
    """The address of the test's database."""
    return (directory / ADDRESS).read_text(encoding="utf-8")


LOGS = {"sqlite": sqlite_log, "postgres": postgres_log}
BUSES = {"embedded": embedded_bus, "kafka": kafka_bus}
"""What processes can share."""
MEMORY = "memory"
needs_processes = pytest.mark.parametrize("engine", sorted(LOGS), indirect=True)
"""For a test of what lies outside the process, where memory has nothing."""
on_buses_of_processes = pytest.mark.parametrize("kind_of_bus", sorted(BUSES), indirect=True)


@pytest.fixture(params=[MEMORY, "sqlite", "postgres"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Which engine the test runs on; where it is a server, with a database of the test's own."""
    name: str = request.param
    if name == "postgres":
        (tmp_path / ADDRESS).write_text(request.getfixturevalue("database_url"), encoding="utf-8")
    return name


@pytest.fixture
def stores(engine: str, tmp_path: Path) -> StoreOpener:
    """The stores of the engine."""
    if engine == MEMORY:
        return MemoryStores()
    return Stores(tmp_path, address_in(tmp_path) if engine == "postgres" else None)


@pytest.fixture
async def open_log(stores: StoreOpener) -> AsyncIterator[OpenLog]:
    """Opens the same event log, as often as asked; all are closed in the end."""
    opened: list[EventLog] = []

    def opening() -> EventLog:
        opened.append(stores.event_log("counters", TYPES))
        return opened[-1]

    yield opening
    for log in opened:
        await log.close()


@pytest.fixture
def log(open_log: OpenLog) -> EventLog:
    """One empty event log."""
    return open_log()


@pytest.fixture(params=[MEMORY, *sorted(BUSES)])
def kind_of_bus(request: pytest.FixtureRequest, bus_directory: Path) -> str:
    """Which bus the test runs on; where it is a server, with topics of the test's own."""
    name: str = request.param
    if name == "kafka":
        (bus_directory / SERVERS).write_text(request.getfixturevalue("kafka_servers"), encoding="utf-8")
    return name


@pytest.fixture
def bus_directory(tmp_path: Path) -> Path:
    """Where the bus is, or its address; the name is no other test's."""
    directory = tmp_path / uuid.uuid4().hex[:12]
    directory.mkdir()
    return directory


@pytest.fixture
async def open_bus(kind_of_bus: str, bus_directory: Path) -> AsyncIterator[OpenBus]:
    """Opens the same bus, as often as asked; all are closed in the end."""
    opened, memory = list[Bus](), MemoryStores()

    def opening() -> Bus:
        opened.append(memory.bus() if kind_of_bus == MEMORY else BUSES[kind_of_bus](bus_directory))
        return opened[-1]

    yield opening
    for bus in opened:
        await bus.close()


@pytest.fixture
def bus(open_bus: OpenBus) -> Bus:
    """One empty bus."""
    return open_bus()


@pytest.fixture
async def follow(bus: Bus) -> AsyncIterator[Callable[..., Follower]]:
    """Followers of topics, which leave in the end."""
    made: list[Follower] = []

    def following(topic: str = TOPIC, of: Bus = bus) -> Follower:
        made.append(Follower(of, topic))
        return made[-1]

    yield following
    for one in made:
        await one.subscription.close()


@pytest.fixture
def telemetry() -> Telemetry:
    """A process's metrics."""
    return Telemetry()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """A running issuer with one key."""
    running = Issuer()
    running.make_key("first")
    yield running
    running.server.shutdown()
    running.server.server_close()
