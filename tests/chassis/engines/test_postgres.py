"""What only PostgreSQL can be asked: who may use it, what is in its files, and what a lost connection comes to."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict

from services.chassis.engines.group_commit import MOST_AT_ONCE
from services.chassis.engines.migrations import index_of, log_of, migrate, missing, vault_of
from services.chassis.engines.postgres import Database, RefusedDatabase, prepare, refuse_database_functions
from services.chassis.engines.postgres_wakeup import PostgresWakeup
from services.chassis.index.postgres import PostgresIndex
from services.chassis.log.event_log import Conflict
from services.chassis.log.postgres import PostgresEventLog
from services.chassis.stores import Stores
from services.chassis.vault.postgres import PostgresVault
from services.chassis.vault.vault import AlreadyKept
from tests.chassis.counters import TYPES, everything
from tests.chassis.indexing import TABLES
from tests.chassis.log.test_event_log import totals, write
from tests.conftest import Template
from tests.support import postgres
from tests.support.losing_line import losing_answers


def open_log(url: str) -> PostgresEventLog:
    """The log of the counters."""
    return PostgresEventLog("counters", log_of(url, "counters"), TYPES)


def test_a_schema_that_lacks_a_migration_is_refused_and_the_command_named(
    postgres_template: Template, tmp_path: Path
) -> None:
    """Nothing is created behind an operator's back; migrating twice applies nothing the second time."""
    name = postgres.create(postgres_template.url)
    url = postgres.in_database(postgres_template.url, name)
    stores = Stores(tmp_path, url)
    with pytest.raises(RefusedDatabase, match="caserelay migrate"):
        stores.event_log("counters", TYPES)
    kept = [
        "/0001.event-log-and-consumers",
        "/0002.places-and-leader",
        "/0003.announced-positions",
        "/0004.log-epochs",
        "/0005.reads-checked",
        "/0006.shares",
        "/0007.transparency-log",
        "/0008.cosigned-checkpoints",
        "_vault/0001.vault",
        "_vault/0002.written-once",
    ]
    # With any service comes the log of who read what.
    assert migrate(url, ["counters"]) == [
        f"caserelay_{schema}{step}" for schema in ("counters", "access") for step in kept
    ]
    assert (migrate(url, ["counters"]), missing(url, "counters")) == ([], [])
    assert missing(url, "referral") != []
    postgres.drop(postgres_template.url, name)


def test_a_migration_that_was_cut_off_can_be_applied_again(database_url: str) -> None:
    """A migration and the mark that it was applied are there together or not at all, and no lock is left behind."""
    last = "caserelay_counters/0004.log-epochs"
    with psycopg.connect(log_of(database_url, "counters").conninfo) as another, ThreadPoolExecutor(1) as pool:
        another.execute("DROP TABLE log_epochs")
        another.execute("DELETE FROM _yoyo_migration WHERE migration_id = '0004.log-epochs'")
        another.commit()
        # The table may be read, and what is marked in it has to wait.
        another.execute("LOCK TABLE _yoyo_migration IN SHARE MODE")
        migrating = pool.submit(migrate, database_url, ["counters"])
        waits = "SELECT pid FROM pg_locks WHERE relation = '_yoyo_migration'::regclass AND NOT granted"
        while (found := another.execute(waits).fetchone()) is None:
            assert not migrating.done()
            time.sleep(0.02)
        another.execute("SELECT pg_terminate_backend(%s)", found)
        with pytest.raises(RefusedDatabase):
            migrating.result(20)
        another.rollback()
        assert another.execute("SELECT to_regclass('log_epochs')").fetchone() == (None,)
    assert missing(database_url, "counters") == [last]
    assert migrate(database_url, ["counters"]) == [last]
    assert missing(database_url, "counters") == []


def test_replicas_that_start_wait_for_another_one_that_creates_the_index(database_url: str) -> None:
    """On a busy machine that takes longer than anybody waits for a lock at other times."""
    place = index_of(database_url, "counters")
    creating = {f"{name}_v1" for name in ("progress", *(table.name for table in TABLES))}
    with psycopg.connect(place.conninfo) as another, ThreadPoolExecutor(3) as pool:
        another.execute("SELECT pg_advisory_xact_lock(hashtext('caserelay index ' || current_schema()))")
        starting = [pool.submit(PostgresIndex, place, TABLES, 1) for _ in range(3)]
        time.sleep(2.5)
        assert not any(one.done() for one in starting)
        another.rollback()
        for one in starting:
            one.result(20).close()
        tables = another.execute("SELECT relname FROM pg_stat_user_tables WHERE schemaname = current_schema()")
        assert {name for (name,) in tables} == creating


@pytest.mark.parametrize("value", ["y", "1", "true"])
def test_database_functions_of_the_library_are_refused(value: str) -> None:
    """With them positions are drawn without a lock, and readers lose events."""
    with pytest.raises(RefusedDatabase, match="POSTGRES_ENABLE_DB_FUNCTIONS"):
        refuse_database_functions({"POSTGRES_ENABLE_DB_FUNCTIONS": value})
    for harmless in ("", "n", "false"):
        refuse_database_functions({"POSTGRES_ENABLE_DB_FUNCTIONS": harmless})


def test_an_address_is_never_shown() -> None:
    """Neither by what holds it, nor by the refusal of one that cannot be used."""
    refused = []
    for url in ("postgresql://hildegard:s3cret@127.0.0.1:1/x", "s3cret"):
        assert "s3cret" not in repr(Database(url, "caserelay_counters"))
        with pytest.raises(RefusedDatabase) as refusal:
            missing(url, "counters")
        refused.append(f"{refusal.value}{refusal.value.__cause__}")
    assert not any("s3cret" in one or "hildegard" in one for one in refused)


async def test_the_library_reads_what_is_written_here(database_url: str) -> None:
    """The table is the one that its recorder knows."""
    log = open_log(database_url)
    await log.append([write("counter-a", 0, 1, 2), write("counter-b", 0, 3)])
    place = conninfo_to_dict(database_url)
    with PostgresDatastore(
        str(place["dbname"]),
        str(place["host"]),
        str(place.get("port", "5432")),
        str(place["user"]),
        str(place.get("password", "")),
        schema="caserelay_counters",
        originator_id_type="text",
    ) as datastore:
        recorder = PostgresApplicationRecorder(datastore)
        notifications = recorder.select_notifications(start=None, limit=10)
        assert [(int(n.id), n.originator_id, n.originator_version) for n in notifications] == [
            (1, "counter-a", 1),
            (2, "counter-a", 2),
            (3, "counter-b", 1),
        ]
        assert recorder.max_notification_id() == 3
    await log.close()


async def kill_connections(url: str) -> None:
    """Ends all other connections to the database, as an operator or a fail-over would."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


async def test_lost_connections_are_opened_again(database_url: str) -> None:
    """Reading, appending and waiting go on; nobody has to be told."""
    log = open_log(database_url)
    await log.append([write("counter-a", 0, 1)])
    waiting = asyncio.create_task(log.wait(2, 3600))
    for version in (1, 2):
        await kill_connections(database_url)
        assert await totals(log, "counter-a") == list(range(1, version + 1))
        await kill_connections(database_url)
        assert await log.append([write("counter-a", version, version + 1)]) == version + 1
    await asyncio.wait_for(waiting, 60)
    await log.close()


async def test_a_connection_is_closed_when_whoever_prepares_it_is_stopped(database_url: str) -> None:
    """As a pool's worker is, or a listener; nobody else holds the connection yet."""

    async def more(connection: AsyncConnection[Any]) -> None:
        await connection.execute("SELECT pg_sleep(30)")

    connection = await AsyncConnection.connect(database_url)
    preparing = asyncio.create_task(prepare(connection, more))
    await asyncio.sleep(0.2)
    preparing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await preparing
    assert connection.closed


async def test_a_record_whose_commit_lost_its_answer_is_our_own(database_url: str) -> None:
    """Sent again it finds itself and is kept; what somebody else keeps there remains refused."""
    async with losing_answers(database_url) as line:
        vault = await asyncio.to_thread(PostgresVault, vault_of(line.url, "counters"))
        await vault.keep("a", "s-1", {"n": 0})
        line.losing = True
        kept = await asyncio.gather(*(vault.keep(ref, "s-1", {"n": 1}) for ref in "abc"), return_exceptions=True)
        assert line.lost == 1
        assert [type(one) for one in kept] == [AlreadyKept, type(None), type(None)]
        assert [await vault.read(ref) for ref in "abc"] == [{"n": 0}, {"n": 1}, {"n": 1}]
        await vault.close()


async def test_a_commit_whose_answer_is_lost_is_stored_once_and_answered(database_url: str) -> None:
    """The second try finds its own events by their ids; somebody else's at the same place remain a conflict."""
    other = open_log(database_url)
    async with losing_answers(database_url) as line:
        log = await asyncio.to_thread(open_log, line.url)
        # The statement is prepared with the first: from now on a batch is one question.
        await log.append([write("counter-b", 0, 9)])
        line.losing = True
        results = await asyncio.gather(
            log.append([write("counter-a", 0, 1, 2)]),
            log.append([write("counter-b", 0, 3)]),
            log.append([write("counter-c", 0, 4)]),
            return_exceptions=True,
        )
        assert line.lost == 1
        assert [results[0], results[2]] == [3, 4]
        assert isinstance(results[1], Conflict)
        await log.close()
    assert [(one.position, one.stream) for one in await everything(other)] == [
        (1, "counter-b"),
        (2, "counter-a"),
        (3, "counter-a"),
        (4, "counter-c"),
    ]
    await other.close()


async def test_a_batch_is_one_transaction_and_one_announcement(database_url: str) -> None:
    """Appends that are asked at once carry the mark of one transaction, and listeners are told once."""
    log = open_log(database_url)
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as listener:
        await listener.execute("LISTEN caserelay_counters")
        await asyncio.gather(*(log.append([write(f"c-{n}", 0, n)]) for n in range(MOST_AT_ONCE)))
        told = [notice async for notice in listener.notifies(timeout=0.3)]
        rows = await listener.execute("SELECT DISTINCT xmin FROM caserelay_counters.stored_events")
        assert (len(await rows.fetchall()), len(told)) == (1, 1)
    await log.close()


async def test_vacuum_does_not_hold_up_appends(database_url: str) -> None:
    """Nobody locks the table, so maintenance and appends go on side by side."""
    log = open_log(database_url)
    await log.append([write("counter-a", 0, 1)])
    async with await psycopg.AsyncConnection.connect(database_url) as maintenance:
        await maintenance.execute("LOCK TABLE caserelay_counters.stored_events IN SHARE UPDATE EXCLUSIVE MODE")
        assert await asyncio.wait_for(log.append([write("counter-a", 1, 2)]), 60) == 2
    await log.close()


async def test_forgotten_keys_are_in_no_file_of_their_table(postgres_server: postgres.Server) -> None:
    """Rewriting takes along what deleted and replaced rows leave behind; the other keys are whole."""
    migrate(postgres_server.url, ["counters"])
    vault = PostgresVault(vault_of(postgres_server.url, "counters"))
    assert "vault" in vault_of(postgres_server.url, "counters").schema
    await asyncio.gather(*(vault.keep(f"r-{n}", f"referral-{n % 3}", {"n": n}) for n in range(300)))
    async with await psycopg.AsyncConnection.connect(postgres_server.url, autocommit=True) as asking:
        await asking.execute("SET search_path = caserelay_counters_vault")
        rows = await (await asking.execute("SELECT stream, key FROM records JOIN keys USING (slot)")).fetchall()
        assert await vault.forget("referral-1") == 100
        await asking.execute("CHECKPOINT")
        found = await asking.execute("SELECT pg_read_binary_file(pg_relation_filepath('keys'))")
        ((file,),) = await found.fetchall()
    assert {stream for stream, key in rows if key in file} == {"referral-0", "referral-2"}
    assert sum(key in file for _, key in rows) == 200
    await vault.close()


@pytest.mark.fault
@pytest.mark.timeout(120)
async def test_every_acknowledged_append_is_there_once_after_the_server_was_killed(
    postgres_server: postgres.Server,
) -> None:
    """The server dies and comes back again and again under load; what was answered is stored, once, in order."""
    migrate(postgres_server.url, ["counters"])
    log = open_log(postgres_server.url)
    acknowledged: dict[str, list[int]] = {}
    running = True

    async def load(stream: str) -> None:
        mine = acknowledged.setdefault(stream, [])
        while running:
            mine.append(await log.append([write(stream, len(mine), len(mine))]))

    met: list[int] = []

    async def follow() -> None:
        while running:
            met.extend(one.position for one in await log.read_all(met[-1] if met else 0, 500))
            await log.wait(met[-1] if met else 0, 0.05)

    work = [asyncio.create_task(load(f"counter-{n}")) for n in range(20)]
    following = asyncio.create_task(follow())
    for _ in range(3):
        before = sum(map(len, acknowledged.values()))
        await asyncio.sleep(0.7)
        await asyncio.to_thread(postgres_server.kill)
        await asyncio.to_thread(postgres_server.start)
        while sum(map(len, acknowledged.values())) < before + 100:  # noqa: ASYNC110 - bounded by the test's timeout
            await asyncio.sleep(0.02)
    running = False
    await asyncio.gather(*work, following)
    everything = await log.read_all(0, 1_000_000)
    assert sum(map(len, acknowledged.values())) == len(everything)
    for stream, positions in acknowledged.items():
        events = [one for one in everything if one.stream == stream]
        assert [one.position for one in events] == positions
        assert [one.event.by for one in events] == list(range(len(positions)))
    assert met == [one.position for one in everything][: len(met)]
    await log.close()


async def test_everybody_who_waits_is_woken_by_the_look_of_one(database_url: str) -> None:
    """Two readers wait when the listener comes back: one asks how far the log has come, and both know."""
    log, other = open_log(database_url), open_log(database_url)
    await log.append([write("counter-a", 0, 1)])
    waiting = asyncio.gather(*(other.wait(1, 3600) for _ in range(2)))
    await asyncio.sleep(0.2)
    await kill_connections(database_url)
    await log.append([write("counter-a", 1, 2)])
    assert await asyncio.wait_for(waiting, 60) == [True, True]
    asked = 0

    async def failing() -> int:
        nonlocal asked
        asked += 1
        raise psycopg.OperationalError

    wakeup = PostgresWakeup(log_of(database_url, "counters"), failing)
    for _ in range(2):
        # A look that fails makes no later one superfluous.
        with pytest.raises(psycopg.OperationalError):
            await wakeup.wait(0, 5)
    assert asked == 2
    for one in (log, other, wakeup):
        await one.close()
