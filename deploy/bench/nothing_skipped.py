"""Whether a reader that tails a log ever passes over an event: eight processes write, one reads at their heels.

Next to it the same rows inserted without the log's lock, where a position can become visible after a later one.
"""

from __future__ import annotations

import multiprocessing
import time
import uuid
from collections.abc import Iterator, Sequence
from multiprocessing.synchronize import Barrier
from typing import Final, Literal

import psycopg
import uvloop

from deploy.bench.appends import AT_ONCE, append_many
from deploy.bench.bench import Bench
from deploy.bench.engines import POSTGRESQL, Place
from deploy.bench.results import Result
from deploy.bench.samples import Stored, events_of_a_referral
from services.chassis.engines.migrations import log_of
from services.referral.events import EVENT_TYPES

WRITERS: Final = 8
READ_AT_ONCE: Final = 500
_TAIL: Final = "SELECT notification_id FROM stored_events WHERE notification_id > %s ORDER BY notification_id LIMIT %s"
How = Literal["appended", "inserted"]


def about_seconds(bench: Bench) -> float:
    """How long it takes, roughly."""
    return 10 + _events(bench) / 5000


def _events(bench: Bench) -> int:
    return bench.of(100_000, 4_000, 1_000_000)


def measure(bench: Bench) -> Iterator[Result]:
    """First without the lock, to see that the reader would notice."""
    event = events_of_a_referral(bench)[1]
    yield _run(bench, "inserted", min(_events(bench), 100_000), event)
    yield _run(bench, "appended", _events(bench), event)


def _run(bench: Bench, how: How, events: int, event: Stored) -> Result:
    with bench.place(POSTGRESQL) as place:
        each = events // WRITERS
        spawn = multiprocessing.get_context("spawn")
        together = spawn.Barrier(WRITERS + 1)
        writers = [spawn.Process(target=_write, args=(place, how, each, event, together)) for _ in range(WRITERS)]
        for writer in writers:
            writer.start()
        together.wait(60)
        since = time.monotonic()
        seen = _tail(place, writers)
        seconds = time.monotonic() - since
        if any(writer.exitcode for writer in writers):
            raise RuntimeError(f"writers ended with {[writer.exitcode for writer in writers]}")
        there = _all(place)
    name = "the log" if how == "appended" else "plain INSERTs without its lock"
    skipped = len(there - seen)
    return Result(
        name=f"{name}, {WRITERS} writers",
        engine=POSTGRESQL,
        rate=len(there) / seconds,
        notes=(f"{skipped} positions skipped over {len(there):,} events",),
    )


def _tail(place: Place, writers: Sequence[multiprocessing.process.BaseProcess]) -> set[int]:
    """The positions that a reader saw which always goes on behind the last one."""
    seen: set[int] = set()
    after = 0
    with psycopg.connect(log_of(str(place.database), "referral").conninfo, autocommit=True) as connection:
        while True:
            # Asked before reading: what was written until then is there to be read.
            over = not any(writer.is_alive() for writer in writers)
            rows = connection.execute(_TAIL, (after, READ_AT_ONCE)).fetchall()
            if rows:
                seen.update(row[0] for row in rows)
                after = rows[-1][0]
            elif over:
                return seen


def _all(place: Place) -> set[int]:
    with psycopg.connect(log_of(str(place.database), "referral").conninfo) as connection:
        return {row[0] for row in connection.execute("SELECT notification_id FROM stored_events")}


def _write(place: Place, how: How, events: int, event: Stored, together: Barrier) -> None:
    if how == "appended":
        uvloop.run(_append(place, events, event, together))
    else:
        _insert(place, events, event, together)


async def _append(place: Place, events: int, event: Stored, together: Barrier) -> None:
    log = place.stores().event_log("referral", EVENT_TYPES)
    # So that it is connected when all begin.
    await log.head()
    together.wait(60)
    await append_many(log, [event], events)
    await log.close()


def _insert(place: Place, events: int, event: Stored, together: Barrier) -> None:
    insert = "INSERT INTO stored_events (originator_id, originator_version, topic, state) VALUES (%s, 1, %s, %s)"
    with psycopg.connect(log_of(str(place.database), "referral").conninfo, autocommit=True) as connection:
        together.wait(60)
        for begin in range(0, events, AT_ONCE):
            rows = [(f"bench-{uuid.uuid4()}", event.topic, event.state) for _ in range(min(AT_ONCE, events - begin))]
            with connection.transaction():
                connection.cursor().executemany(insert, rows)
