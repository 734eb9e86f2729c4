"""The transparency log: how fast rows are held against it, and what a proof costs in a log of 10^3 and 10^6 events.

Verification is next to a bare loop over the same file or database that reads the same rows and hashes each twice, once
for the bytes and once for the leaf, in turns. A proof is what a caller waits for: leaf, tiles and hashes, of events
drawn from all over the log. What the log costs a referral is measured by `audit_cost`.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from hashlib import sha256
from typing import Any, Final

import uvloop

from deploy.bench.bench import Bench
from deploy.bench.engines import STORES, Place
from deploy.bench.folds import AT_ONCE, one_place
from deploy.bench.results import Result, against, median, p95
from services.chassis.audit.builder import LogBuilder
from services.chassis.audit.pacing import PAGE
from services.chassis.audit.reader import AuditReader
from services.chassis.audit.store import AuditStore
from services.chassis.audit.verifying import verify
from services.chassis.log.event_log import EventLog, Write
from services.referral.events import EVENT_TYPES

SERVICE: Final = "referral"
STREAM_EVENTS: Final = 10
SEED: Final = 17
WANTED_PER_SECOND: Final = 100_000
BARE: Final = "reading the rows and hashing each twice"


def about_seconds(bench: Bench) -> float:
    """How long it takes, roughly."""
    return 2 * (5 + _sizes(bench)[-1] / 6_000)


def _sizes(bench: Bench) -> tuple[int, int]:
    return bench.of(1_000, 100), bench.of(100_000, 400, 1_000_000)


def measure(bench: Bench) -> Iterator[Result]:
    """On every engine the same."""
    yield from bench.on_each(STORES, _on)


def _on(bench: Bench, engine: str) -> Iterator[Result]:
    fewest, most = _sizes(bench)
    short: list[float] = []
    for size in (fewest, most):
        with bench.place(engine) as place:
            took = uvloop.run(_built(place, size))
            yield Result(name=f"log built, {size:,} events", engine=engine, rate=size / took, at=size)
            proofs = uvloop.run(_proofs(place, size, bench.of(1_000, 20)))
            yield Result(
                name=f"inclusion proof, {size:,} events",
                engine=engine,
                median=median(proofs),
                p95=p95(proofs),
                compared=against(f"{fewest:,} events", median(proofs), median(short), "median") if short else (),
                at=size,
            )
            short = short or proofs
            if size == most:
                yield _verified(place, engine, size, bench.of(3, 1))


def _verified(place: Place, engine: str, size: int, times: int) -> Result:
    ours, bare = list[float](), list[float]()
    # What was built is else still being written while it is read.
    os.sync()
    for _ in range(times):
        bare.append(uvloop.run(_timed(place, size, _bare)))
        ours.append(uvloop.run(_timed(place, size, _verify)))
    bare.append(uvloop.run(_timed(place, size, _bare)))
    return Result(
        name=f"verified, {size:,} events",
        engine=engine,
        rate=median(ours),
        compared=(
            *against(BARE, median(ours), median(bare)),
            *against(f"{WANTED_PER_SECOND:,}/s", median(ours), WANTED_PER_SECOND),
        ),
        notes=(f"control {bare[-1] / bare[0]:.2f}",),
        at=size,
    )


async def take_in(builder: LogBuilder, store: AuditStore, log: EventLog) -> None:
    """Builds and signs until the whole log is taken in."""
    while (standing := await store.standing()) is None or standing.through < await log.head():
        await builder.grow()


async def _built(place: Place, size: int) -> float:
    stores = place.stores()
    log, store = stores.event_log(SERVICE, EVENT_TYPES), stores.audit(SERVICE)
    for first in range(0, size, AT_ONCE):
        await log.append(_writes(range(first, min(first + AT_ONCE, size))))
    builder = LogBuilder(log, stores.epochs(SERVICE).current.name, store)
    began = time.perf_counter()
    await take_in(builder, store, log)
    took = time.perf_counter() - began
    await store.close()
    await log.close()
    return took


def _writes(numbers: Sequence[int]) -> list[Write]:
    events = [one_place(number) for number in numbers]
    return [
        Write(f"organisation-{numbers[first]}", 0, events[first : first + STREAM_EVENTS])
        for first in range(0, len(numbers), STREAM_EVENTS)
    ]


async def _proofs(place: Place, size: int, times: int) -> list[float]:
    """Milliseconds each."""
    stores = place.stores()
    log, store = stores.event_log(SERVICE, EVENT_TYPES), stores.audit(SERVICE)
    reader, drawn, took = AuditReader(log, store), random.Random(SEED), list[float]()  # noqa: S311 - the same every time
    for _ in range(times):
        event = f"event-{drawn.randrange(size)}"
        began = time.perf_counter()
        assert await reader.proof(event) is not None  # noqa: S101 - otherwise the figure says nothing
        took.append(1000 * (time.perf_counter() - began))
    await store.close()
    await log.close()
    return took


async def _timed(place: Place, size: int, work: Callable[[EventLog, AuditStore], Coroutine[Any, Any, int]]) -> float:
    """Events a second, of a process that has just opened the stores."""
    stores = place.stores()
    log, store = stores.event_log(SERVICE, EVENT_TYPES), stores.audit(SERVICE)
    began = time.perf_counter()
    done = await work(log, store)
    took = time.perf_counter() - began
    assert done == size  # noqa: S101 - otherwise the figure says nothing
    await store.close()
    await log.close()
    return size / took


async def _verify(log: EventLog, store: AuditStore) -> int:
    result = await verify(log, store)
    return result.checked if result.ok else 0


async def _bare(log: EventLog, _: AuditStore) -> int:
    first, count = 1, 0
    while page := await log.stored(first, PAGE):
        for row in page:
            sha256(b"\0" + sha256(row[4]).digest()).digest()
        count += len(page)
        first = page[-1][0] + 1
    return count
