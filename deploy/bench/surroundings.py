"""On what a benchmark ran: machine, versions, and what has to be on the disk before something counts as stored."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from typing import Final

import psycopg

from services.chassis.log.event_types import EventTypes
from services.chassis.stores import Stores
from tests.support.kafka_jars import VERSION as KAFKA_VERSION

LIBRARIES: Final = (
    "eventsourcing",
    "fastapi",
    "httptools",
    "kafka-python",
    "psycopg",
    "pydantic",
    "uvicorn",
    "uvloop",
)
_LEVELS: Final = {0: "OFF", 1: "NORMAL", 2: "FULL", 3: "EXTRA"}
_OF_POSTGRES: Final = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "wal_sync_method")


def load_average() -> float:
    """Of the last minute."""
    return round(os.getloadavg()[0], 2)


def machine(directory: Path) -> dict[str, str]:
    """The machine, the code and the libraries, and how fast the disk under `directory` syncs."""
    return {
        "revision": _revision(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "disk alone": f"{_syncs_per_second(directory):,.0f} appends of 4 kB with fsync per second, one after the other",
        "Python": platform.python_version(),
        "SQLite": f"{sqlite3.sqlite_version}; {durability_of_files(directory / 'asked')}",
        "libraries": ", ".join(f"{name} {version(name)}" for name in LIBRARIES),
        "Kafka": f"{KAFKA_VERSION}; one broker, replication 1, acks all, no flush per record",
        "load generator": _output_of("wrk", "-v").split(" [")[0] or "no wrk",
    }


def _revision() -> str:
    where = str(Path(__file__).parent)
    revision = _output_of("git", "-C", where, "rev-parse", "--short", "HEAD").strip()
    changed = _output_of(
        "git", "-C", where, "status", "--porcelain", "--untracked-files=no", "--", "..", "../../services"
    )
    return f"{revision or 'unknown'}{' with changes' if changed.strip() else ''}"


def _output_of(*command: str) -> str:
    if shutil.which(command[0]) is None:
        return ""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _syncs_per_second(directory: Path) -> float:
    with (directory / "fsync").open("wb", buffering=0) as file:
        since, done = time.monotonic(), 0
        while (passed := time.monotonic() - since) < 1:
            file.write(b"\0" * 4096)
            os.fsync(file.fileno())
            done += 1
    return done / passed


def durability_of_files(data: Path) -> str:
    """How the files of a service are synced."""
    # The pragma belongs to a connection, so it is asked of connections that the service's own code has opened.
    stores = Stores(data)
    log, vault, bus = stores.event_log("referral", EventTypes({})), stores.vault("referral"), stores.bus()
    index = stores.index("referral", (), 1)
    databases = {"log": log._datastore, "vault": vault._db, "index": index._db, "bus": bus._db}  # type: ignore[attr-defined]  # noqa: SLF001 - see above
    levels = []
    for name, opened in databases.items():
        if isinstance(opened, sqlite3.Connection):
            level = opened.execute("PRAGMA synchronous").fetchone()[0]
        else:
            with opened.get_connection(commit=True) as connection:
                cursor = connection.cursor()
                cursor.execute("PRAGMA synchronous")
                level = cursor.fetchone()[0]
        levels.append(f"{name} synchronous {_LEVELS[level]}")
    return f"journal_mode WAL, {', '.join(levels)}"


def durability_of_postgres(url: str) -> str:
    """The server's version and what its commits wait for, as a service's connection would be told."""
    with psycopg.connect(url) as connection:
        found = {name: connection.execute(f"SHOW {name}").fetchone() for name in _OF_POSTGRES}
    settings = {name: row[0] for name, row in found.items() if row is not None}
    settings["version"] = settings.pop("server_version")
    return f"{settings.pop('version')}; {', '.join(f'{name} {value}' for name, value in settings.items())}"
