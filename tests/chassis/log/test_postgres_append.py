"""Events and records in one statement: how often the database is asked, and what there is when something goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from services.chassis.engines.store_health import Unavailable
from services.chassis.log.event_log import Conflict, EventLog
from services.chassis.stores import Stores
from services.chassis.vault.vault import Vault
from tests.chassis.counters import TYPES
from tests.chassis.engines.test_postgres_unavailable import full
from tests.chassis.log.test_append import deposit
from tests.chassis.log.test_event_log import totals, write
from tests.support.round_trips import RoundTrips, counted


@pytest.fixture
def trips(database_url: str) -> Iterator[RoundTrips]:
    """The way to the database, on which round trips are counted."""
    with counted(database_url) as relay:
        yield relay


@pytest.fixture
def stores(tmp_path: Path, trips: RoundTrips) -> Stores:
    """The stores behind it."""
    return Stores(tmp_path, trips.url)


@pytest.fixture
async def log(stores: Stores) -> AsyncIterator[EventLog]:
    """A log, connected, with two events in the till."""
    opened = stores.event_log("counters", TYPES)
    await opened.append([write("till", 0, 1, 2)])
    yield opened
    await opened.close()


@pytest.fixture
async def vault(stores: Stores) -> AsyncIterator[Vault]:
    """The vault beside it."""
    opened = stores.vault("counters")
    yield opened
    await opened.close()


def asked(url: str, query: str) -> list[tuple[Any, ...]]:
    """What the database says."""
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


async def many(log: EventLog, vault: Vault, first: int, number: int) -> None:
    """Appends at once, each with a record, after reading the till."""
    await asyncio.gather(
        *(
            log.append(
                [write(f"counter-{n}", 0, n)],
                read={"till": 2, f"none-{n}": 0},
                records=deposit(vault, f"counter-{n}", "a word")[0],
            )
            for n in range(first, first + number)
        )
    )


@pytest.mark.parametrize("number", [1, 8, 32])
async def test_reads_records_and_events_take_one_round_trip(
    log: EventLog, vault: Vault, trips: RoundTrips, number: int
) -> None:
    """However many commands share it: streams are checked, records kept and events stored by one statement."""
    await many(log, vault, 0, 1)
    before = trips.count
    await many(log, vault, 1, number)
    assert trips.count - before == 1


async def test_records_are_stored_in_the_transaction_of_their_events(
    log: EventLog, vault: Vault, database_url: str
) -> None:
    """Rows of the log, of the vault and of its keys carry the mark of the same one."""
    await many(log, vault, 0, 8)
    rows = asked(
        database_url,
        "SELECT xmin::text FROM caserelay_counters.stored_events WHERE originator_id <> 'till'"
        " UNION SELECT xmin::text FROM caserelay_counters_vault.records"
        " UNION SELECT xmin::text FROM caserelay_counters_vault.keys",
    )
    assert len(rows) == 1


async def test_a_conflict_leaves_no_orphan(log: EventLog, vault: Vault, database_url: str) -> None:
    """Neither of a write that came too late nor of a stale read, also among others that are stored."""
    given = [deposit(vault, f"counter-{n}", "a word") for n in range(4)]
    results = await asyncio.gather(
        log.append([write("counter-0", 0, 1)], records=given[0][0]),
        log.append([write("till", 0, 1)], records=given[1][0]),
        log.append([write("counter-2", 0, 1)], read={"till": 1}, records=given[2][0]),
        log.append([write("counter-3", 0, 1)], read={"till": 2}, records=given[3][0]),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [int, Conflict, Conflict, int]
    refs = {ref for (ref,) in asked(database_url, "SELECT ref FROM caserelay_counters_vault.records")}
    assert refs == {given[0][1][0], given[3][1][0]}
    assert asked(database_url, "SELECT count(*) FROM caserelay_counters_vault.keys") == [(2,)]


async def test_what_was_stored_when_the_answer_was_lost_is_found_with_its_records(
    log: EventLog, vault: Vault, trips: RoundTrips, database_url: str
) -> None:
    """Sent again the batch finds its own events, though what they rest on has moved since, and keeps nothing twice."""
    # The statement is prepared from here on, and its answer the next.
    await many(log, vault, 9, 1)
    given = [deposit(vault, f"counter-{n}", "a word") for n in range(3)]
    trips.lose_next_answer(lambda: _moved(database_url))
    results = await asyncio.gather(
        log.append([write("counter-0", 0, 1)], read={"till": 2}, records=given[0][0]),
        log.append([write("counter-1", 0, 1)], records=given[1][0]),
        log.append([write("till", 0, 9)], records=given[2][0]),
        return_exceptions=True,
    )
    assert trips.lost == 1
    assert [*results[:2]] == [4, 5]
    assert isinstance(results[2], Conflict)
    assert [await vault.read(refs[0]) for _, refs in given] == [{"text": "a word"}, {"text": "a word"}, None]
    assert [await totals(log, f"counter-{n}") for n in range(2)] == [[1], [1]]
    assert asked(database_url, "SELECT count(*) FROM caserelay_counters_vault.keys") == [(3,)]


def _moved(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("SET search_path = caserelay_counters")
        connection.execute(
            "SELECT append_events('{1}', '{till}', '{3}', '{till.paid.v1}', ARRAY[''::bytea], '{0}', '{}', '{}', true)"
        )


async def test_a_vault_that_cannot_be_written_says_so_and_the_log_goes_on(
    log: EventLog, vault: Vault, stores: Stores, database_url: str
) -> None:
    """The store that fails is named, and a command without a record is no matter of the vault's."""
    with full(database_url, "caserelay_counters_vault.records"):
        results = await asyncio.gather(
            log.append([write("counter-0", 0, 1)], records=deposit(vault, "counter-0", "a word")[0]),
            log.append([write("counter-1", 0, 1)]),
            return_exceptions=True,
        )
        assert isinstance(results[0], Unavailable)
        assert (results[0].store, results[0].code, type(results[1])) == ("vault", "53100", int)
        assert {one.store: one.failing for one in stores.health} == {"log": None, "vault": "53100"}
    with full(database_url, "caserelay_counters.stored_events"):
        with pytest.raises(Unavailable) as refused:
            await log.append([write("counter-0", 0, 1)], records=deposit(vault, "counter-0", "a word")[0])
        assert refused.value.store == "log"
    records, (ref,) = deposit(vault, "counter-0", "a word")
    assert await log.append([write("counter-0", 0, 1)], records=records) > 3
    assert await vault.read(ref) == {"text": "a word"}
