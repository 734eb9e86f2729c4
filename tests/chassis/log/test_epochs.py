"""The epochs of a log in its store: begun once, the same for all who open it, and another one where it was restored."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from services.chassis.engines.migrations import log_of
from services.chassis.engines.sqlite_connection import open_store
from services.chassis.engines.store_health import StoreHealth
from services.chassis.log.epochs import Epochs
from services.chassis.log.epochs_postgres import epochs_in_database
from services.chassis.log.epochs_sqlite import begin_in_restored_file, epochs_in_file
from services.chassis.log.event_log import EventLog, Write
from services.chassis.store_opener import StoreOpener
from services.chassis.stores import Stores
from tests.chassis.conftest import address_in, needs_processes
from tests.chassis.counters import TYPES, Counted, metadata
from tests.support import postgres


async def append(log: EventLog, stream: str) -> int:
    """One event in a stream of its own."""
    return await log.append([Write(stream, 0, [(Counted(by=1), metadata(stream))])])


def forget(engine: str, directory: Path) -> None:
    """As the log is of a version that had no epochs."""
    if engine == "sqlite":
        with closing(open_store(directory / "counters-log.db", StoreHealth("log"))) as db:
            db.execute("DROP TABLE log_epochs")
    else:
        with psycopg.connect(log_of(address_in(directory), "counters").conninfo, autocommit=True) as connection:
            connection.execute("DELETE FROM log_epochs")


async def test_the_first_epoch_begins_with_the_log_and_is_everybodys(stores: StoreOpener) -> None:
    """A restart and another replica read it as it is, however long the log is by then."""
    log = stores.event_log("counters", TYPES)
    first = stores.epochs("counters")
    assert [epoch.begins for epoch in first.known] == [0]
    assert first.before_the_first is None
    await append(log, "counter-a")
    assert stores.epochs("counters") == first
    await log.close()


@needs_processes
async def test_a_log_that_is_older_than_epochs_knows_it(engine: str, stores: StoreOpener, tmp_path: Path) -> None:
    """What was given out before counts as of the first epoch, and only there."""
    log = stores.event_log("counters", TYPES)
    stores.epochs("counters")
    for n in range(3):
        await append(log, f"counter-{n}")
    forget(engine, tmp_path)
    epochs = stores.epochs("counters")
    assert [epoch.begins for epoch in epochs.known] == [3]
    assert epochs.before_the_first == epochs.current
    await log.close()


@needs_processes
async def test_of_processes_that_begin_at_once_one_begins_the_epoch(
    engine: str, stores: StoreOpener, tmp_path: Path
) -> None:
    """All of them seal with the same key."""
    log = stores.event_log("counters", TYPES)
    found: list[Epochs] = []
    together = threading.Barrier(6)

    def open_epochs() -> None:
        others = Stores(tmp_path, address_in(tmp_path) if engine == "postgres" else None)
        together.wait()
        found.append(others.epochs("counters"))

    threads = [threading.Thread(target=open_epochs) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert [one == found[0] for one in found] == [True] * 6
    await log.close()


async def test_a_file_that_was_restored_begins_another_epoch_where_it_ends(tmp_path: Path) -> None:
    """Once for each time that it was restored; the key stays, so that what was given out can be told apart."""
    log, path = Stores(tmp_path).event_log("counters", TYPES), tmp_path / "counters-log.db"
    first = epochs_in_file(path)
    await append(log, "counter-a")
    await log.close()
    begin_in_restored_file(path)
    second = epochs_in_file(path)
    assert (second.key, second.known[0], second.current.begins) == (first.key, first.current, 1)
    assert epochs_in_file(path) == second
    begin_in_restored_file(path)
    assert len({epoch.name for epoch in epochs_in_file(path).known}) == 3


async def test_of_a_restored_file_without_epochs_the_end_of_its_first_is_known(tmp_path: Path) -> None:
    """The backup is one of an earlier version: what its cursors stood at behind its end is lost."""
    log, path = Stores(tmp_path).event_log("counters", TYPES), tmp_path / "counters-log.db"
    for n in range(3):
        await append(log, f"counter-{n}")
    await log.close()
    begin_in_restored_file(path)
    epochs = epochs_in_file(path)
    before = epochs.before_the_first
    assert before is not None
    assert (len(epochs.known), epochs.end_of(before.name), epochs.end_of(epochs.current.name)) == (2, 3, None)


def test_a_file_that_nothing_can_be_written_to_is_read(tmp_path: Path) -> None:
    """Epochs that are there are no reason not to start."""
    path = tmp_path / "counters-log.db"
    with closing(open_store(path, StoreHealth("log"))) as db:
        db.execute("CREATE TABLE stored_events (position INTEGER PRIMARY KEY)")
        first = epochs_in_file(path)
        db.execute("BEGIN IMMEDIATE")
        assert epochs_in_file(path) == first


async def test_a_database_that_was_copied_or_put_back_begins_another_epoch(database_url: str, tmp_path: Path) -> None:
    """It is another database, or its operator has said so; a mere restart is neither."""
    stores = Stores(tmp_path, database_url)
    log = stores.event_log("counters", TYPES)
    first = stores.epochs("counters")
    await append(log, "counter-a")
    await log.close()
    name = postgres.create(database_url, str(conninfo_to_dict(database_url)["dbname"]))
    copied = log_of(postgres.in_database(database_url, name), "counters")
    second = epochs_in_database(copied)
    assert (second.key, second.known[0], second.current.begins) == (first.key, first.current, 1)
    assert epochs_in_database(copied) == second
    with psycopg.connect(copied.conninfo, autocommit=True) as connection:
        connection.execute("UPDATE log_epochs SET place = ''")
    third = epochs_in_database(copied)
    assert third.known[:-1] == second.known
    assert epochs_in_database(copied) == third
    assert stores.epochs("counters") == first
    postgres.drop(database_url, name)


def test_no_epoch_is_any_other(tmp_path: Path) -> None:
    """The end of one that the log does not have is not guessed."""
    with closing(open_store(tmp_path / "log.db", StoreHealth("log"))) as db:
        db.execute("CREATE TABLE stored_events (position INTEGER PRIMARY KEY)")
    with pytest.raises(KeyError):
        epochs_in_file(tmp_path / "log.db").end_of("another")
