"""Whether a log of a million events is slower than one of ten thousand: read a stream, append to it, find a list.

Asked of the stores themselves, without HTTP: what a request costs otherwise would hide what grows.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from typing import Final

import uvloop

from deploy.bench.bench import Bench, rounds
from deploy.bench.cases import Story
from deploy.bench.engines import STORES, Place
from deploy.bench.filling import Ids, Template, heads
from deploy.bench.http_client import Connection
from deploy.bench.results import Result, against, median, p95
from deploy.bench.system import System
from services.casefile.domain.state import case_stream
from services.casefile.events import EVENT_TYPES
from services.casefile.projection import CASES, INDEX_VERSION, STEPS, TABLES
from services.chassis.index.index import Index
from services.chassis.log.event_log import EventLog, Write
from services.sandbox.demo import INES, LOTTE

SERVICE: Final = "casefile"
SECONDS: Final = 2.0


def about_seconds(bench: Bench) -> float:
    """How long it takes, roughly."""
    return 20 + sum(_sizes(bench)) / 3000 + 2 * 4 * SECONDS * len(_sizes(bench))


def _sizes(bench: Bench) -> tuple[int, ...]:
    if bench.quick:
        return (500, 1000)
    return (10_000, 100_000, 1_000_000) if bench.full else (10_000, 100_000)


def measure(bench: Bench) -> Iterator[Result]:
    """On every engine the same."""
    yield from bench.on_each(STORES, _on)


def _on(bench: Bench, engine: str) -> Iterator[Result]:
    with ExitStack() as places:
        place = places.enter_context(bench.place(engine))
        with System.whole(place, bench.issuer) as system:
            before, case = uvloop.run(_refer(system))
        template = Template(place, {SERVICE: before[SERVICE]})
        filled = {size: places.enter_context(bench.place(engine)) for size in _sizes(bench)}
        found = uvloop.run(_fill_and_measure(bench, filled, template, case))
        for name, sizes in found.items():
            smallest = next(iter(sizes))
            for size, took in sizes.items():
                against_smallest = against(f"{smallest:,} events", median(took), median(sizes[smallest]), "median")
                yield Result(
                    name=f"{name}, {size:,} events",
                    engine=engine,
                    median=median(took),
                    p95=p95(took),
                    compared=against_smallest,
                    at=size,
                )


async def _refer(system: System) -> tuple[dict[str, int], str]:
    connection = await Connection.open(system.url)
    await asyncio.to_thread(system.catch_up)
    before = heads(system.place)
    _, case = await Story(system, connection).refer()
    await asyncio.to_thread(system.catch_up)
    connection.close()
    return before, case


async def _fill_and_measure(
    bench: Bench, places: dict[int, Place], template: Template, case: str
) -> dict[str, dict[int, list[float]]]:
    """Milliseconds, by question and by size."""
    by_size: dict[int, _Copies] = {}
    for size, place in places.items():
        stores = place.stores()
        # Opened first: that makes the tables.
        log, index = stores.event_log(SERVICE, EVENT_TYPES), stores.index(SERVICE, TABLES, INDEX_VERSION)
        copies = size // template.events(SERVICE)
        await template.copy(copies, place)
        by_size[size] = _Copies(log, index, case, copies)
    found = {name: await _ask(bench, by_size, name) for name in ("read", "append", "list", "worklist")}
    for filled in by_size.values():
        await filled.close()
    return {_NAMES[name]: sizes for name, sizes in found.items()}


async def _ask(bench: Bench, by_size: dict[int, _Copies], name: str) -> dict[int, list[float]]:
    took: dict[int, list[float]] = {size: [] for size in by_size}
    for counts in rounds(0.1 if bench.quick else SECONDS * len(by_size)):
        # In turns: whatever else the machine and its disk do meanwhile, they do to every size.
        for size, filled in by_size.items():
            question = await getattr(filled, name)()
            began = time.perf_counter()
            await question()
            if counts:
                took[size].append(1000 * (time.perf_counter() - began))
    return took


_NAMES: Final = {
    "read": "read a stream",
    "append": "append to a stream",
    "list": "find a list of 50",
    "worklist": "find a worklist of 50",
}
Question = Callable[[], Awaitable[object]]


class _Copies:
    """Questions about a case, or from a place in the log, chosen by chance. What comes back is what is timed."""

    def __init__(self, log: EventLog, index: Index, case: str, copies: int) -> None:
        self._log = log
        self._index = index
        self._case = case
        self._copies = copies

    async def close(self) -> None:
        """Lets go of the stores."""
        await self._log.close()
        self._index.close()

    def _stream(self) -> str:
        return case_stream(Ids(random.randint(1, self._copies)).of(self._case))  # noqa: S311 - no secret

    async def read(self) -> Question:
        """All events of a case."""
        stream = self._stream()
        return lambda: self._log.read(stream)

    async def append(self) -> Question:
        """One event behind the last one of a case."""
        stream = self._stream()
        last = (await self._log.read(stream))[-1]
        return lambda: self._log.append([Write(stream, last.version, [(last.event, last.meta)])])

    async def list(self) -> Question:
        """A page of the agency's cases."""
        after = random.randint(0, await self._log.head() // 2)  # noqa: S311 - as above

        async def find() -> object:
            return self._index.find(CASES.name, {"agency": INES.org}, after=after, limit=50)

        return find

    async def worklist(self) -> Question:
        """A page of the organisation's steps, the most urgent first."""

        async def find() -> object:
            return self._index.first(STEPS.name, "due", where={"actor": LOTTE.org}, limit=51)

        return find
