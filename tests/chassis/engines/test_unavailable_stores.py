"""A store that cannot be used is told from a fault: who asks hears which it is, operators why, and it comes back."""

from __future__ import annotations

import ast
import asyncio
import logging
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from contracts.message import Envelope
from services.chassis.delivery.bus import BusMessage, Place
from services.chassis.delivery.consumer import Consumer
from services.chassis.delivery.consumer_store import Parked
from services.chassis.delivery.consumer_store_sqlite import SQLiteConsumerStore
from services.chassis.delivery.embedded import EmbeddedBus
from services.chassis.engines.sqlite_connection import StoreConnection
from services.chassis.engines.store_health import StoreHealth, Unavailable
from services.chassis.index.index import Changes
from services.chassis.index.sqlite import SQLiteIndex
from services.chassis.leading.lease_sqlite import SQLiteLease
from services.chassis.log.event_log import Write
from services.chassis.log.sqlite import SQLiteEventLog
from services.chassis.store_opener import StoreOpener
from services.chassis.stores import Stores
from services.chassis.time.clock import SandboxClock
from services.chassis.vault.sqlite import SQLiteVault
from tests.chassis.asking import create, problem
from tests.chassis.counters import TYPES, Counted, metadata
from tests.chassis.counting import Running, running
from tests.chassis.delivery.consuming import message
from tests.chassis.indexing import TABLES

SERVICES: Final = Path(__file__).parents[3] / "services"


@contextmanager
def not_writable(store: Any) -> Iterator[None]:
    """Every write of the store is refused by SQLite meanwhile, as on a file system that has become read-only."""
    pool: Any = store._datastore.pool if isinstance(store, SQLiteEventLog) else None
    connection: StoreConnection = store._db if pool is None else pool.opened
    connection.execute("PRAGMA query_only = ON")
    try:
        yield
    finally:
        connection.execute("PRAGMA query_only = OFF")


def fails(health: StoreHealth) -> bool:
    """Whether the store counts as one that cannot be used."""
    return health.failing is not None


Use = Callable[[Any], Awaitable[object]]


async def _advance(store: SQLiteConsumerStore) -> None:
    await store.advance("embedded", "topic", {0: Place(1, 1)}, [Parked(message(1, "a"), 1, "X", None)])


USES: Final[dict[str, tuple[Callable[[StoreOpener], Any], Use]]] = {
    "log": (
        lambda stores: stores.event_log("counters", TYPES),
        lambda log: log.append([Write("a", 0, [(Counted(by=1), metadata())])]),
    ),
    "vault": (lambda stores: stores.vault("counters"), lambda vault: vault.keep("ref", "a", {"name": "nobody"})),
    "index": (
        lambda stores: stores.index("counters", TABLES, 1),
        lambda index: index.apply(Changes(), after=0, through=1),
    ),
    "consumers": (lambda stores: stores.consumer_store("counters"), _advance),
    "lease": (lambda stores: stores.lease("counters"), lambda lease: lease.claim("me", 3.0)),
    "bus": (lambda stores: stores.bus(), lambda bus: bus.publish("topic", [BusMessage(1, "a", "id", b"{}")], 1)),
}


@pytest.mark.parametrize("name", USES)
async def test_every_store_names_itself_and_its_engines_code_when_it_cannot_be_written(
    tmp_path: Path, name: str
) -> None:
    """Nothing of what was written is left open: the same store works as soon as it may."""
    stores = Stores(tmp_path)
    opened, use = USES[name]
    store = opened(stores)
    (health,) = stores.health
    with not_writable(store):
        for _ in range(2):
            with pytest.raises(Unavailable) as refused:
                await use(store)
            assert (refused.value.store, refused.value.code) == (name, "SQLITE_READONLY")
        assert (health.store, health.failing, health.errors["SQLITE_READONLY"]) == (name, "SQLITE_READONLY", 2)
        await health.look()
        assert health.failing == "SQLITE_READONLY"
    await health.look()
    assert not fails(health)
    await use(store)
    done = store.close()
    if done is not None:
        await done


def test_no_file_of_a_service_is_opened_but_where_its_errors_are_told_apart() -> None:
    """Opened anywhere else, its full disk would be an unexpected failure again."""
    opening = set[str]()
    for file in SERVICES.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr == "connect" and ast.unparse(node.value) == "sqlite3":
                opening.add(file.relative_to(SERVICES).as_posix())
    # The second moves pages in a thread of its own, where nobody waits for an answer; the third is for a command, which
    # says itself in a line what failed.
    assert opening == {f"chassis/engines/sqlite_{name}.py" for name in ("connection", "checkpoints", "moment")}


async def test_a_fault_of_a_statement_is_no_unavailable_store(tmp_path: Path) -> None:
    """Otherwise every mistake of ours would ask callers to come again."""
    stores = Stores(tmp_path)
    index = stores.index("counters", TABLES, 1)
    assert isinstance(index, SQLiteIndex)
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        index._db.execute("SELECT * FROM absent")
    assert stores.health[0].failing is None
    index.close()


async def test_a_log_that_is_damaged_while_it_is_open_names_itself_to_readers(tmp_path: Path) -> None:
    """Reading, too, is told apart."""
    path = tmp_path / "counters-log.db"
    stores = Stores(tmp_path)
    log = stores.event_log("counters", TYPES)
    for n in range(50):
        await log.append([Write(f"s-{n}", 0, [(Counted(by=1), metadata())])])
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        # So that nobody believes what he remembers of the pages.
        other.execute("PRAGMA user_version = 7")
    with pytest.raises(Unavailable) as refused:
        await log.read("s-1")
    assert (refused.value.store, refused.value.code.startswith("SQLITE_CORRUPT")) == ("log", True)


async def test_a_clock_that_cannot_be_kept_stands_where_it_was(tmp_path: Path) -> None:
    """It says so, and does not run ahead of its file."""
    clock = SandboxClock(tmp_path / "sandbox" / "clock.json")
    clock.halt()
    before = clock.now()
    (tmp_path / "sandbox").rename(tmp_path / "elsewhere")
    (tmp_path / "sandbox").write_text("no directory")
    with pytest.raises(Unavailable) as refused:
        clock.move(before.replace(year=before.year + 1))
    assert refused.value.store == "clock"
    assert clock.now() == before


@pytest.fixture
async def here(tmp_path: Path) -> Any:
    """The counters' service at work."""
    async with running(tmp_path) as one:
        yield one


async def ready_again(here: Running) -> None:
    """Returns once the service is ready; nobody asks it for anything else."""
    until = time.monotonic() + 10
    while (await here.client.get("/readyz")).status_code != 200:
        assert time.monotonic() < until
        await asyncio.sleep(0.05)


async def test_a_command_that_cannot_be_stored_is_refused_and_readiness_comes_back_by_itself(here: Running) -> None:
    """503 with Retry-After, naming the store; then `/readyz` 503 by the engine's code; then both as before."""
    with not_writable(here.service.log):
        for n in range(3):
            refused = await create(here, key=f"k{n}", contact={"name": "Nobody In Particular"})
            said = problem(refused, 503, "STORE_UNAVAILABLE")
            assert int(refused.headers["Retry-After"]) > 0
            assert said.detail.startswith("the log is unavailable")
            assert "SQLITE" not in refused.text
            assert "Particular" not in refused.text
        answer = await here.client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json() == {
            "ready": False,
            "services": {},
            "unavailable": {"counters": {"log": "SQLITE_READONLY"}},
        }
        shown = (await here.client.get("/metrics")).text
        where = 'service="counters",store="log"'
        errors = f'caserelay_store_errors_total{{code="SQLITE_READONLY",{where}}}'
        assert errors in shown or f'caserelay_store_errors_total{{{where},code="SQLITE_READONLY"}}' in shown
        assert f"caserelay_store_unavailable{{{where}}} 1.0" in shown
    await ready_again(here)
    assert "caserelay_store_unavailable{" in (shown := (await here.client.get("/metrics")).text)
    assert f"caserelay_store_unavailable{{{where}}} 0.0" in shown
    assert (await create(here, key="k0")).status_code == 201


async def test_a_store_that_only_background_work_writes_makes_the_service_unready_too(here: Running) -> None:
    """What is taken would be seen by nobody; the command itself is taken."""
    with not_writable(here.service.index):
        assert (await create(here)).status_code == 201
        until = time.monotonic() + 10
        while (answer := await here.client.get("/readyz")).status_code == 200:
            assert time.monotonic() < until
            await asyncio.sleep(0.05)
        assert answer.json()["unavailable"] == {"counters": {"index": "SQLITE_READONLY"}}
        shown = (await here.client.get("/metrics")).text
        assert 'caserelay_failing{service="counters",work="counters projection"} 1.0' in shown
    await ready_again(here)


async def test_a_refusal_for_want_of_a_store_is_one_line_with_its_code_and_trace(
    here: Running, caplog: pytest.LogCaptureFixture
) -> None:
    """Under the route's template."""
    caplog.set_level(logging.INFO)
    created = await create(here)
    name = created.headers["location"]
    with not_writable(here.service.log):
        refused = await here.client.post(f"{name}/count", json={"by": 1}, headers={"If-Match": '"1"'})
    assert refused.status_code == 503
    trace = refused.headers["traceparent"].split("-")[1]
    (line,) = [one.__dict__ for one in caplog.records if getattr(one, "trace_id", None) == trace]
    assert (line["route"], line["status"], line["levelno"]) == ("/v1/counters/{name}/count", 503, logging.WARNING)
    assert (line["store"], line["code"], line["refusal"]) == ("log", "SQLITE_READONLY", "STORE_UNAVAILABLE")


async def test_a_store_that_fails_and_comes_back_is_said_once_each(
    here: Running, caplog: pytest.LogCaptureFixture
) -> None:
    """However many requests meet it."""
    with not_writable(here.service.log):
        for n in range(5):
            await create(here, key=f"k{n}")
        await asyncio.sleep(1.2)
    await ready_again(here)
    said = [one.__dict__ for one in caplog.records if one.name == "services.chassis.engines.store_health"]
    assert [(one["msg"], one["store"], one["code"], one["service"]) for one in said] == [
        ("a store cannot be used", "log", "SQLITE_READONLY", "counters"),
        ("a store can be used again", "log", "SQLITE_READONLY", "counters"),
    ]


async def test_a_store_that_cannot_be_used_is_no_failure_of_a_message(tmp_path: Path) -> None:
    """The message has not been tried: it is neither put aside nor given up, however long that lasts."""
    stores = Stores(tmp_path)
    log, bus, store = stores.event_log("counters", TYPES), stores.bus(), stores.consumer_store("counters")
    assert isinstance(bus, EmbeddedBus)

    async def react(event: Envelope) -> None:
        await log.append([Write(event.id, 0, [(Counted(by=1), metadata())])])

    consumer = Consumer("counters", "topic", bus, store, react)
    await bus.publish("topic", [message(1, "a"), message(2, "b")], 2)
    with not_writable(log):
        for _ in range(12):
            with pytest.raises(Unavailable):
                await consumer.round()
        assert (await consumer.parked(), await consumer.through()) == (0, 0)
    await consumer.round()
    assert (await consumer.parked(), await consumer.through(), await log.head()) == (0, 2, 2)
    await store.park("topic", Parked(message(3, "c"), 2, "RuntimeError", 0.0))
    with not_writable(log), pytest.raises(Unavailable):
        await consumer.retry_round()
    (aside,) = await store.parked("topic")
    assert aside.tries == 2
    await consumer.retry_round()
    assert (await consumer.parked(), await log.head()) == (0, 3)


def test_the_stores_that_are_tried_are_all_that_there_are(tmp_path: Path) -> None:
    """A new kind of store joins the table above."""
    stores = Stores(tmp_path)
    kinds = {type(opened(stores)) for opened, _ in USES.values()}
    assert kinds == {SQLiteEventLog, SQLiteVault, SQLiteIndex, SQLiteConsumerStore, SQLiteLease, EmbeddedBus}
    assert {health.store for health in stores.health} == set(USES)
