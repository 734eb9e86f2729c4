"""Safe appends per second under 64 commands at once, next to pgbench inserting the same rows with 64 clients.

An append returns once its events are on the disk. pgbench has no versions to compare and no order to keep.
"""

from __future__ import annotations

import asyncio
import subprocess
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import psycopg
import uvloop

from deploy.bench.bench import Bench
from deploy.bench.engines import STORES, NotToBeHad, Place
from deploy.bench.results import Result, against, median, p95
from deploy.bench.samples import Stored, events_of_a_referral
from services.chassis.engines.migrations import log_of
from services.chassis.log.event_log import EventLog, Write
from services.referral.events import EVENT_TYPES

AT_ONCE: Final = 64
ABOUT_SECONDS: Final = 12


def measure(bench: Bench) -> Iterator[Result]:
    """One event per command, and the four of a referral."""
    referral = events_of_a_referral(bench)
    yield from bench.on_each(STORES, lambda bench, engine: _on(bench, engine, referral))


def _on(bench: Bench, engine: str, referral: Sequence[Stored]) -> Iterator[Result]:
    for events, name in (([referral[1]], "1 event"), (referral, f"a referral's {len(referral)} events")):
        size = sum(len(event.state) for event in events)
        with bench.place(engine) as place:
            theirs = None
            if place.database is not None:
                try:
                    theirs = _pgbench(bench, place, place.database, events)
                    yield Result(
                        name=f"pgbench, {AT_ONCE} clients, {name} per transaction",
                        engine=engine,
                        median=median(theirs),
                        p95=p95(theirs),
                        rate=len(theirs) / bench.seconds,
                    )
                except NotToBeHad as missing:
                    bench.remark(str(missing))
            ours = uvloop.run(_append(bench, place, events))
            yield Result(
                name=f"appends, {AT_ONCE} commands at once, {name} each",
                engine=engine,
                median=median(ours),
                p95=p95(ours),
                rate=len(ours) / bench.seconds,
                compared=against("pgbench", len(ours), len(theirs)) if theirs is not None else (),
                notes=(f"{size} bytes each",),
            )


async def _append(bench: Bench, place: Place, events: Sequence[Stored]) -> list[float]:
    """How many milliseconds each append took."""
    log = place.stores().event_log("referral", EVENT_TYPES)
    until = time.perf_counter() + bench.seconds
    took: list[float] = []

    async def one_after_the_other() -> None:
        while (began := time.perf_counter()) < until:
            await log.append(writes(events))
            took.append(1000 * (time.perf_counter() - began))

    await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))
    await log.close()
    return took


def writes(events: Sequence[Stored]) -> list[Write]:
    """The events once more, for streams that are new."""
    streams = {event.recorded.stream: f"bench-{uuid.uuid4()}" for event in events}
    return [
        Write(new, 0, [(event.recorded.event, event.recorded.meta) for event in events if event.recorded.stream == old])
        for old, new in streams.items()
    ]


async def append_many(log: EventLog, events: Sequence[Stored], commands: int) -> None:
    """So many commands, 64 at once."""
    left = commands

    async def one_after_the_other() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            await log.append(writes(events))

    await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))


def _pgbench(bench: Bench, place: Place, url: str, events: Sequence[Stored]) -> list[float]:
    """How many milliseconds each transaction took."""
    program = bench.engines.pgbench()
    database = log_of(url, "referral")
    with psycopg.connect(database.conninfo, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS plain_events")
        connection.execute("CREATE TABLE plain_events (LIKE stored_events INCLUDING ALL)")
    streams = list(dict.fromkeys(event.recorded.stream for event in events))
    rows = ", ".join(
        f"(:run || '-{streams.index(event.recorded.stream)}-' || :client_id || '-' || :n,"
        f" {event.recorded.version}, :topic{n}, :state{n})"
        for n, event in enumerate(events)
    )
    script = place.data / "insert.sql"
    script.write_text(
        f"\\set n :n + 1\nINSERT INTO plain_events (originator_id, originator_version, topic, state) VALUES {rows};\n"
    )
    given = ["run=" + uuid.uuid4().hex, "n=0"]
    for n, event in enumerate(events):
        given += [f"topic{n}={event.topic}", f"state{n}=\\x{event.state.hex()}"]
    logs = place.data / "pgbench"
    logs.mkdir()
    command = [
        str(program),
        "--no-vacuum",
        "--protocol=prepared",
        f"--client={AT_ONCE}",
        "--jobs=2",
        f"--file={script}",
    ]
    command += [f"--time={bench.seconds}", "--log", f"--log-prefix={logs / 'took'}"]
    command += [f"--define={definition}" for definition in given]
    done = subprocess.run([*command, database.conninfo], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return [float(line.split()[2]) / 1000 for file in sorted(logs.iterdir()) for line in _lines(file)]


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="ascii").splitlines()
