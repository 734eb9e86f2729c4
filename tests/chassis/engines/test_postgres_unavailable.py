"""A database that is there and takes no writes: who asks hears which store it is, and it comes back by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from services.chassis.delivery.bus import Place
from services.chassis.delivery.consumer_store import Parked
from services.chassis.engines.postgres import RefusedDatabase
from services.chassis.engines.store_health import Unavailable
from services.chassis.index.index import Changes
from services.chassis.log.event_log import Write
from services.chassis.store_opener import StoreOpener
from services.chassis.stores import Stores
from tests.casefile.cases import SERVICES
from tests.chassis.counters import TYPES, Counted, metadata
from tests.chassis.delivery.consuming import message
from tests.chassis.indexing import TABLES
from tests.support.people import INES
from tests.support.requests import another_person
from tests.support.running import Running, running

REFUSE: Final = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$"""


@contextmanager
def full(url: str, *tables: str) -> Iterator[None]:
    """The server answers every write of these tables as it does on a full disk."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(REFUSE)
        for table in tables:
            connection.execute(f"CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON {table} EXECUTE FUNCTION refuse()")
        try:
            yield
        finally:
            connection.execute("DROP FUNCTION refuse CASCADE")


def set_read_only(url: str, value: str) -> None:
    """As an operator does, or a server that has become a stand-by; those who are connected connect again."""
    name = conninfo_to_dict(url)["dbname"]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        setting = sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = {}")
        connection.execute(setting.format(sql.Identifier(str(name)), sql.SQL(value)))
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
        connection.execute(others, (name,))


async def _advance(store: Any) -> None:
    await store.advance("kafka", "topic", {0: Place(1, 1)}, [Parked(message(1, "a"), 1, "X", None)])


async def _close(store: Any) -> None:
    if (closing := store.close()) is not None:
        await closing


USES: Final[dict[str, tuple[str, Callable[[StoreOpener], Any], Callable[[Any], Any]]]] = {
    "log": (
        "caserelay_counters.stored_events",
        lambda stores: stores.event_log("counters", TYPES),
        lambda log: log.append([Write("a", 0, [(Counted(by=1), metadata())])]),
    ),
    "vault": (
        "caserelay_counters_vault.records",
        lambda stores: stores.vault("counters"),
        lambda vault: vault.keep("ref", "a", {"name": "nobody"}),
    ),
    "index": (
        "caserelay_counters_index.progress_v1",
        lambda stores: stores.index("counters", TABLES, 1),
        lambda index: index.apply(Changes(), after=0, through=1),
    ),
    "consumers": (
        "caserelay_counters.consumer_places, caserelay_counters.stored_events",
        lambda stores: stores.consumer_store("counters"),
        _advance,
    ),
    "lease": (
        "caserelay_counters.leader, caserelay_counters.stored_events",
        lambda stores: stores.lease("counters"),
        lambda lease: lease.claim("me", 3.0),
    ),
}


@pytest.mark.parametrize("name", USES)
async def test_every_store_names_itself_and_the_sqlstate_when_it_cannot_be_written(
    tmp_path: Path, database_url: str, name: str
) -> None:
    """At once, since the server has answered; and whether it is well again is asked by writing."""
    stores = Stores(tmp_path, database_url)
    tables, opened, use = USES[name]
    store = opened(stores)
    (health,) = stores.health
    with full(database_url, *tables.split(", ")):
        began = time.monotonic()
        with pytest.raises(Unavailable) as refused:
            await use(store)
        assert time.monotonic() - began < 5
        assert (refused.value.store, refused.value.code) == (name, "53100")
        await health.look()
        assert (health.store, health.failing) == (name, "53100")
    await health.look()
    assert stores.health[0].failing is None
    await use(store)
    await _close(store)


async def test_asking_whether_a_log_can_be_written_leaves_nothing_in_it(tmp_path: Path, database_url: str) -> None:
    """No event, and no gap in the positions of those that follow."""
    stores = Stores(tmp_path, database_url)
    log = stores.event_log("counters", TYPES)
    assert await log.append([Write("a", 0, [(Counted(by=1), metadata())])]) == 1
    (health,) = stores.health
    for _ in range(3):
        health.away("53100")
        await health.look()
        assert health.failing is None
    assert await log.append([Write("b", 0, [(Counted(by=1), metadata())])]) == 2
    assert len(await log.read_all(-10, 10)) == 2
    await log.close()


def test_a_database_that_takes_no_writes_is_refused_at_the_start(tmp_path: Path, database_url: str) -> None:
    """Better no service than one that refuses everything; it says what to do."""
    stores = Stores(tmp_path, database_url)
    stores.event_log("counters", TYPES)
    stores.require_writable()
    set_read_only(database_url, "on")
    with pytest.raises(RefusedDatabase, match=r"CASERELAY_DATABASE_URL .*25006"):
        Stores(tmp_path, database_url).require_writable()


@pytest.fixture
async def here(tmp_path: Path, database_url: str) -> AsyncIterator[Running]:
    """The referral service at work on PostgreSQL."""
    async with running(tmp_path, {"referral": SERVICES["referral"]}, database_url=database_url) as one:
        await one.set_the_scene()
        yield one


async def ready(here: Running, status: int) -> dict[str, Any]:
    """What `/readyz` says once it has this status."""
    until = time.monotonic() + 15
    while (answer := await here.get(None, "/readyz")).status_code != status:
        assert time.monotonic() < until, answer.text
        await asyncio.sleep(0.1)
    said: dict[str, Any] = answer.json()
    return said


async def test_a_full_disk_of_the_server_is_refused_named_and_over_by_itself(here: Running, database_url: str) -> None:
    """503 for the caller, the SQLSTATE for operators, nothing stored twice under the key."""
    body, key = another_person(), "a-key"
    with full(database_url, "caserelay_referral.stored_events", "caserelay_referral_vault.records"):
        refused = await here.create(INES, "/v1/referrals", body, key=key)
        assert (refused.status_code, refused.json()["code"]) == (503, "STORE_UNAVAILABLE")
        assert "Retry-After" in refused.headers
        assert body["contact"]["name"] not in refused.text
        lacks = (await ready(here, 503))["unavailable"]["referral"]
        assert set(lacks.values()) == {"53100"}
        assert set(lacks) <= {"log", "vault"}
    await ready(here, 200)
    assert (await here.create(INES, "/v1/referrals", body, key=key)).status_code == 201
    assert len((await here.read(INES, "/v1/referrals"))["items"]) == 1


async def test_a_server_that_turns_read_only_is_named_while_commands_wait_for_it(
    here: Running, database_url: str
) -> None:
    """Anyone who asked meanwhile is answered as if nothing had been, once it is over."""
    set_read_only(database_url, "on")
    asked = asyncio.create_task(here.create(INES, "/v1/referrals", another_person()))
    while "25006" not in (await ready(here, 503))["unavailable"]["referral"].values():  # noqa: ASYNC110 - as a probe
        await asyncio.sleep(0.1)
    assert not asked.done(), asked.result().text
    set_read_only(database_url, "off")
    assert (await asked).status_code == 201
    await ready(here, 200)
