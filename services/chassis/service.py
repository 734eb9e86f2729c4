"""One running service: its log, what tails it, whom it listens to, and how far each of them has come."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Protocol

from msgspec import Struct

from services.chassis.access.identity import Verifier
from services.chassis.deciding.streams import Streams
from services.chassis.delivery.bus import Bus
from services.chassis.delivery.consumer import Consumer
from services.chassis.delivery.publisher import Publisher
from services.chassis.engines.store_health import StoreHealth, Unavailable
from services.chassis.index.index import Index
from services.chassis.index.projection import Projection
from services.chassis.leading.leadership import Leadership
from services.chassis.log.coverage import Coverage
from services.chassis.log.epochs import Epochs
from services.chassis.log.event_log import EventLog
from services.chassis.log.position import Position
from services.chassis.mail.postman import Postman
from services.chassis.operating.delivery_metrics import Tally
from services.chassis.operating.supervision import FIRST_PAUSE, Supervised
from services.chassis.operating.verification_metrics import Verified
from services.chassis.settings import Settings
from services.chassis.time.clock import Clock
from services.chassis.time.scheduler import Scheduler
from services.chassis.vault.vault import Vault

SWEEP_EVERY_SECONDS = 600.0
LOOK_SECONDS = 0.5
"""How often a store that failed is asked whether it can be written again."""
TELL_SECONDS = 0.5
"""How long what is asked of others may hold up the word of how the work stands."""


class Report(Struct):
    """How the background work of a service stands in the process that does it.

    `work`: each piece, with the class of its failure while it fails. `stores`: each store's failing code, and its
    errors by code. `behind` and `more_behind` are as `Service` tells them there; none is told where a store does not
    answer. `verified`: what came of the last verification of each log.
    """

    leading: bool = False
    work: dict[str, str | None] = {}
    stores: dict[str, tuple[str | None, dict[str, int]]] = {}
    behind: dict[str, int] = {}
    more_behind: dict[str, int] = {}
    tally: Tally | None = None
    verified: dict[str, Verified] = {}


class Elsewhere(Protocol):
    """The process that does the background work, as the one that answers knows it."""

    @property
    def began(self) -> bool:
        """Whether it has ever taken up its work."""

    async def report(self, service: str) -> Report:
        """How a service stands there, soon; if nobody can say, a report that names the process itself as failing."""

    async def through(self, service: str, source: str) -> int | None:
        """Which position of a source's log is covered, as that process knows it; None if it does not say."""


class UnknownLog(Exception):  # noqa: N818 - reads as what happened
    """A position of a log that this service does not follow."""


class NotCoveredYet(Exception):  # noqa: N818 - reads as what happened
    """What follows from a position did not reach this service in time."""


class CatchingUp(Exception):  # noqa: N818 - reads as what happens
    """The index did not take in the log in time."""


@dataclass(kw_only=True)
class Service:
    """The parts of one service. `sources` maps the name of another service's log to the consumer that follows it."""

    name: str
    settings: Settings
    clock: Clock
    verifier: Verifier
    log: EventLog
    epochs: Epochs
    streams: Streams
    vault: Vault | None = None
    index: Index
    projection: Projection
    bus: Bus
    leadership: Leadership
    stores: Sequence[StoreHealth]
    """How each store stands that the service works with."""
    not_for_all: Sequence[StoreHealth] = ()
    """The same of stores without which most callers are answered as ever: told of, and no reason not to be ready."""
    publisher: Publisher | None = None
    scheduler: Scheduler | None = None
    postman: Postman | None = None
    sources: Mapping[str, Consumer] = field(default_factory=dict)
    refers: Callable[[str, str], Awaitable[bool]] | None = None
    """Whether a stream refers to a vault record: `refers(stream, ref)`; None where nothing is swept."""
    more_led: Mapping[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)
    """Further rounds of background work that one process of the service does for all."""
    answering: Mapping[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)
    """Rounds of background work that belongs to answering: in every process that answers, leading or not."""
    more_work: Mapping[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)
    """Rounds of background work that every process of the service does its own part of."""
    finishers: Sequence[Callable[[], Awaitable[None]]] = ()
    """What ends such work, before the stores are closed that it needs."""
    more_behind: Callable[[], Awaitable[Mapping[str, int]]] | None = None
    """How far such work is behind, by what it fills for others; asked in the process that does it."""
    tallied: Callable[[], Tally] | None = None
    """What came of the work for others until now; asked in the process that does it."""
    verified: Callable[[], Mapping[str, Verified]] = dict
    """What came of the last verification of each log; asked in the process that does them."""
    closers: list[Callable[[], Awaitable[None] | None]] = field(default_factory=list)
    first_pause: float = FIRST_PAUSE
    """Seconds that background work rests after its first failure."""
    elsewhere: Elsewhere | None = None
    """Set before the start where another process does the background work; then this one answers, and does none."""
    _report: Report = field(default_factory=Report)
    _work: list[Supervised] = field(default_factory=list)
    _started: bool = False
    _lacked: set[str] = field(default_factory=set)

    async def start(self) -> None:
        """Starts the background work; where that is done elsewhere, only the look at what this process needs itself."""
        if self.elsewhere is None:
            rounds = await self._background()
        else:
            self.projection.elsewhere = True
            if self.bus.follows_to_know:
                for source, consumer in self.sources.items():
                    consumer.ask = partial(self.elsewhere.through, self.name, source)
            rounds = {"stores": self._look_at_stores, **self.answering}
        self._work = [Supervised(f"{self.name} {name}", work, self.first_pause) for name, work in rounds.items()]
        for work in self._work:
            work.start()
        self._started = True

    async def _background(self) -> dict[str, Callable[[], Awaitable[None]]]:
        rounds: dict[str, Callable[[], Awaitable[None]]] = {"leadership": self.leadership.round}
        led: dict[str, Callable[[], Awaitable[None]]] = {"projection": self.projection.round}
        if self.publisher is not None:
            self.leadership.gained.append(self.publisher.forget)
            led["publisher"] = self.publisher.round
        for name, part in (("scheduler", self.scheduler), ("letters", self.postman)):
            if part is not None:
                led[name] = part.round
        for source, consumer in self.sources.items():
            rounds[f"consumer of {source}"] = consumer.round
            led[f"retries of {source}"] = consumer.retry_round
        if self.refers is not None:
            led["vault sweep"] = self._sweep
        led |= self.more_led
        rounds |= {"stores": self._look_at_stores, **self.answering, **self.more_work}
        rounds |= {name: self.leadership.led(work) for name, work in led.items()}
        # Supervised, it is asked again and again; asked at once, a service that is alone loses no time.
        with contextlib.suppress(Exception):
            await self.leadership.seek()
        return rounds

    @property
    def coverages(self) -> list[Coverage]:
        """What callers may wait for that background work moves."""
        return [self.projection.coverage, *(consumer.coverage for consumer in self.sources.values())]

    async def _look_at_stores(self) -> None:
        await asyncio.sleep(LOOK_SECONDS)
        # A shared store may be found well by another service: kept from one look to the next, nobody overlooks it.
        lacked = self._lacked | self._failing_here()
        if not lacked and all(store.failing is None for store in self.not_for_all):
            return
        # Side by side: one that does not answer holds up no other.
        await asyncio.gather(*(store.look() for store in (*self.stores, *self.not_for_all)))
        self._lacked = self._failing_here()
        if lacked - self._lacked:
            # Ready, it has to lead too: after a long outage the pauses of what failed are long.
            for work in self._work:
                work.hurry()

    def _failing_here(self) -> set[str]:
        return {store.store for store in self.stores if store.failing is not None}

    async def _sweep(self) -> None:
        if self.refers is not None and self.vault is not None:
            await self.vault.sweep(self.refers)
        await asyncio.sleep(SWEEP_EVERY_SECONDS)

    async def stop(self) -> None:
        """Stops the background work and closes every store; what is under way is finished or safely repeated later."""
        self._started = False
        await asyncio.gather(*(work.stop() for work in self._work))
        for finish in [*self.finishers, *([self.postman.finish] if self.postman is not None else [])]:
            await finish()
        await asyncio.gather(*(consumer.close() for consumer in self.sources.values()), return_exceptions=True)
        await self.leadership.close()
        await self.streams.close()
        await self.log.close()
        if self.vault is not None:
            await self.vault.close()
        self.index.close()
        for close in self.closers:
            if (closed := close()) is not None:
                await closed

    async def behind(self) -> dict[str, int]:
        """How many positions each part has not taken in yet."""
        if self._report.behind:
            return dict(self._report.behind)
        behind = {"projection": await self.projection.behind()}
        if self.publisher is not None:
            behind["publisher"] = await self.publisher.behind()
        for source, consumer in self.sources.items():
            behind[f"consumer of {source}"] = await consumer.behind()
        return behind

    async def all_behind(self) -> dict[str, int]:
        """The same, and what only others wait for."""
        behind = await self.behind()
        if self.more_behind is not None and self.leadership.leading:
            behind |= await self.more_behind()
        return behind | self._report.more_behind

    async def parked(self) -> dict[str, int]:
        """How many messages of each source are parked."""
        return {source: await consumer.parked() for source, consumer in self.sources.items()}

    def failing(self) -> dict[str, str]:
        """What fails at the moment: background work, by the class of its failure, and `not_for_all`, by the code."""
        stores = {f"{store.service} {store.store}": store.failing for store in self.not_for_all}
        return {name: failure for name, failure in (self._all_work() | stores).items() if failure is not None}

    def work(self) -> dict[str, bool]:
        """All background work by name, and whether it fails at the moment."""
        return {name: failure is not None for name, failure in self._all_work().items()}

    def _all_work(self) -> dict[str, str | None]:
        return {work.name: work.failing for work in self._work} | self._report.work

    @property
    def leading(self) -> bool:
        """Whether this process leads, or the one that works for it."""
        return self.leadership.leading or self._report.leading

    @property
    def tally(self) -> Tally | None:
        """What came of the work for others, here or where it is done; None where there is none."""
        if self.tallied is None or self.elsewhere is not None:
            return self._report.tally
        return self.tallied()

    @property
    def verifications(self) -> dict[str, Verified]:
        """What came of the last verification of each log, here or where they are done; empty where others lead."""
        if self.elsewhere is not None:
            return self._report.verified
        # One that led before knows only how it was then.
        return dict(self.verified()) if self.leadership.leading else {}

    async def report(self) -> Report:
        """How the background work stands in this process."""
        report = Report(self.leadership.leading, {work.name: work.failing for work in self._work})
        report.tally, report.verified = self.tally, self.verifications
        report.stores = {store.store: (store.failing, dict(store.errors)) for store in self.stores}
        with contextlib.suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(TELL_SECONDS):
                if self.bus.follows_to_know:
                    report.behind = await self.behind()
                if self.more_behind is not None and report.leading:
                    report.more_behind = dict(await self.more_behind())
        return report

    async def learn(self) -> None:
        """Asks how the background work stands that is done elsewhere, for what is told of it next."""
        if self.elsewhere is None:
            return
        self._report = await self.elsewhere.report(self.name)
        for store in self.stores:
            store.failing_there, errors = self._report.stores.get(store.store, (None, {}))
            store.errors_there = Counter(errors)

    def unavailable(self) -> dict[str, str]:
        """The stores that cannot be used at the moment, with the code of their engine."""
        lacks = {store.store: store.failing or store.failing_there for store in self.stores}
        return {store: code for store, code in lacks.items() if code is not None}

    @property
    def ready(self) -> bool:
        """Whether the service has started. Lag does not make it unready: commands need only the log."""
        return self._started and (self.elsewhere is None or self.elsewhere.began)

    async def settled(self) -> bool:
        """Whether everything recorded so far is published, taken in and indexed here, but for what was given up."""
        await self.learn()
        if any((await self.behind()).values()):
            return False
        return not any([await source.retrying() for source in self.sources.values()])

    async def cover(self, position: Position) -> None:
        """Returns once all that follows from the position is in this service's log, as one of its own is already.

        Who asks the index waits for `caught_up` besides, whose position it may be; what answers from streams has no
        need of it, and does not wait for the process that leads.
        Raises UnknownLog for the log of a service that this one does not follow, NotCoveredYet when it takes too long.
        """
        try:
            async with asyncio.timeout(self.settings.wait_seconds):
                if position.log != self.log.name:
                    if (consumer := self.sources.get(position.log)) is None:
                        raise UnknownLog
                    await consumer.wait_through(position.number)
                else:
                    # A log that was restored may have lost it, and have it again.
                    while await self.log.head() < position.number:  # noqa: ASYNC110 - and nobody tells when
                        await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError:
            raise NotCoveredYet from None

    async def caught_up(self) -> None:
        """Returns once the index covers all that is in the service's log now, so that lists show one's own writes.

        Raises CatchingUp when it takes too long: a list must not hang because its index cannot be written.
        """
        head = await self.log.head()
        if await self.index.through() >= head:
            return
        try:
            async with asyncio.timeout(self.settings.wait_seconds):
                await self.projection.wait_through(head)
        except TimeoutError:
            raise CatchingUp from None

    async def next_due(self) -> datetime | None:
        """When the service's next deadline falls due."""
        return await self.scheduler.next_due() if self.scheduler is not None else None
