"""`python -m deploy.bench`: accepted referrals per second, with and without storage, alone and with all services.

An accepted referral went through authentication, validation, the vault, the decision and the event log, and its 201
came after both were on disk; indexing and publishing run beside it in the same process.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from deploy.bench.issuer import LoopbackIssuer
from deploy.bench.measure import Measured, measure
from deploy.bench.system import System
from services.chassis.event_types import EventTypes
from services.chassis.stores import Stores

CONNECTIONS = (1, 10, 64)
WARM_UP_SECONDS = 2
CATCH_UP_SECONDS = 60.0
AREAS_SHOWN = 25


def main() -> int:
    """Measures and prints; the exit status."""
    asked = argparse.ArgumentParser(prog="python -m deploy.bench", description=__doc__)
    asked.add_argument("--seconds", type=int, default=8, help="length of each measurement (default 8)")
    asked.add_argument("--connections", type=int, nargs="+", default=CONNECTIONS, help="default 1 10 64")
    asked.add_argument("--data", type=Path, help="where the measured data go for a while (default: a temporary place)")
    asked.add_argument("--quick", action="store_true", help="only the service alone and without storage")
    given = asked.parse_args()
    if shutil.which("wrk") is None:
        print("The load comes from wrk, which is not installed. On Debian and Ubuntu: apt install wrk", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(dir=given.data) as directory, LoopbackIssuer() as issuer:
        _bench(Path(directory), issuer, given.connections, given.seconds, quick=given.quick)
    return 0


def _bench(directory: Path, issuer: LoopbackIssuer, connections: list[int], seconds: int, *, quick: bool) -> None:
    _say_where(directory)
    caserelay = [sys.executable, "-c", "from services.cli import main; main()", "serve"]
    alone = _measured(
        "referral service alone", [*caserelay, "referral"], directory / "alone", issuer, connections, seconds
    )
    _say_how_durable(directory / "alone")
    without = _measured(
        "the same route, storage switched off",
        [sys.executable, "-m", "deploy.bench.no_storage"],
        directory / "without",
        issuer,
        connections,
        seconds,
    )
    print("\nratio of the rates, with storage to without")
    for ours, theirs in zip(alone, without, strict=True):
        print(f"  {ours.connections:>3} connections  {ours.rate / theirs.rate:5.2f}")
    if quick:
        return
    _measured(
        "all services in one process", [*caserelay, "all"], directory / "all", issuer, [max(connections)], seconds
    )
    _profile(directory / "profile", issuer, max(connections), seconds)


def _measured(
    title: str, command: list[str], data: Path, issuer: LoopbackIssuer, connections: list[int], seconds: int
) -> list[Measured]:
    print(f"\n{title}")
    print("  connections  accepted/s   p50 ms   p95 ms   p99 ms  processor ms/request  refused  failed  load average")
    found = []
    with System(command, data, issuer) as system:
        accepted = measure(system, issuer, max(connections), WARM_UP_SECONDS).accepted
        for number in connections:
            one = measure(system, issuer, number, seconds, watch=True)
            accepted += one.accepted
            found.append(one)
            print(
                f"  {number:>11}  {one.rate:>10.0f}  {one.p50:>7.1f}  {one.p95:>7.1f}  {one.p99:>7.1f}"
                f"  {one.processor_ms:>20.3f}  {one.refused:>7}  {one.failed:>6}  {one.load_average:>12.2f}"
            )
            _say_how_far_behind(system, one)
        if (data / "referral-log.db").exists():
            print(f"  {accepted} answered with 201, {system.stored()} found in the log's file")
    return found


def _say_how_far_behind(system: System, one: Measured) -> None:
    behind = {part: positions for part, positions in one.furthest_behind.items() if positions}
    if not behind:
        return
    since = time.monotonic()
    while any(system.behind().values()) and time.monotonic() - since < CATCH_UP_SECONDS:
        time.sleep(0.05)
    told = ", ".join(f"{part} {positions}" for part, positions in sorted(behind.items()))
    print(
        f"               furthest behind, in positions: {told}; abreast {time.monotonic() - since:.1f} s after the load"
    )


def _profile(data: Path, issuer: LoopbackIssuer, connections: int, seconds: int) -> None:
    samples = data.with_suffix(".json")
    with System([sys.executable, "-m", "deploy.bench.under_profile", str(samples)], data, issuer) as system:
        measure(system, issuer, connections, WARM_UP_SECONDS)
        one = measure(system, issuer, connections, seconds)
    counts: dict[str, int] = json.loads(samples.read_text())
    total = sum(counts.values())
    print(f"\nwhere the processor's time goes (service alone, {connections} connections, sampled: {one.rate:.0f}/s)")
    for area, count in sorted(counts.items(), key=lambda item: -item[1])[:AREAS_SHOWN]:
        print(f"  {100 * count / total:5.1f} %  {area}")


def _say_where(directory: Path) -> None:
    wrk = subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False).stdout.split(" [")[0]  # noqa: S607 - found on the PATH
    libraries = ", ".join(
        f"{name} {version(name)}" for name in ("fastapi", "uvicorn", "uvloop", "httptools", "pydantic")
    )
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {libraries}, {wrk}")
    print(f"{os.cpu_count()} processors, {platform.machine()}, load average before: {os.getloadavg()[0]:.2f}")
    print(f"data in {directory}")
    sync = _fsyncs_per_second(directory)
    print(f"the disk alone: {sync:.0f} appends of 4 kB with fsync per second, one after the other")


def _fsyncs_per_second(directory: Path) -> float:
    with (directory / "fsync").open("wb", buffering=0) as file:
        since, done = time.monotonic(), 0
        while (passed := time.monotonic() - since) < 1:
            file.write(b"\0" * 4096)
            os.fsync(file.fileno())
            done += 1
    return done / passed


def _say_how_durable(data: Path) -> None:
    # The pragma belongs to a connection, so it is asked of connections that the service's own code has opened.
    stores = Stores(data)
    log, vault = stores.event_log("referral", EventTypes({})), stores.vault("referral")
    told = {"referral-log.db": log._datastore, "referral-vault.db": vault._db}  # type: ignore[attr-defined]  # noqa: SLF001 - see above
    levels = {0: "OFF", 1: "NORMAL", 2: "FULL", 3: "EXTRA"}
    for name, opened in told.items():
        if isinstance(opened, sqlite3.Connection):
            level = opened.execute("PRAGMA synchronous").fetchone()[0]
        else:
            with opened.get_connection(commit=True) as connection:
                cursor = connection.cursor()
                cursor.execute("PRAGMA synchronous")
                level = cursor.fetchone()[0]
        with sqlite3.connect(data / name) as db:
            mode = db.execute("PRAGMA journal_mode").fetchone()[0]
        print(f"  {name}: journal_mode {mode}, synchronous {levels[level]}")


if __name__ == "__main__":
    sys.exit(main())
