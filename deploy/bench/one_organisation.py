"""Growth: referrals per second, and how long each takes, once one organisation has had 10^4, 10^5, 10^6 of them.

What is there is a referral that was lived through, told again under other ids: every event is appended by the log
itself, its record kept by the vault and its rows made by the projection, so that all are as full as they would be. Of
the earlier referrals each took a place at the organisation and gave it back. Next to it, in turns and under the same
load, is a system where the organisation has had a thousand. The control is that system's last turn next to its first.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Final, NamedTuple

import uvloop
from msgspec.structs import replace

from contracts import casefile, notifications, referral
from deploy.bench.audit import take_in
from deploy.bench.bench import Bench
from deploy.bench.cases import Story
from deploy.bench.closed_loop import Answered, Generator, Orders
from deploy.bench.engines import STORES, Place
from deploy.bench.filling import Ids, Text
from deploy.bench.http_client import Connection
from deploy.bench.reports import find_facts
from deploy.bench.requests import REFERRAL
from deploy.bench.results import Result, against, median
from deploy.bench.system import System
from services.assembly import Assembly, assemble
from services.chassis.access.identity import Verifier
from services.chassis.audit.builder import LogBuilder
from services.chassis.log.event_log import Write
from services.chassis.service import Service
from services.chassis.time.clock import SystemClock
from services.cli import SERVICE_NAMES
from services.referral.domain.organisation import (
    ORGANISATION,
    CapacityReleased,
    CapacityTaken,
    organisation_stream,
)
from services.sandbox.demo import INES, LOTTE

THOUSAND: Final = 1_000
AT_ONCE: Final = 400
"""Copies in an append."""
UNDER_WAY: Final = 200
"""Referrals that have a place at the organisation at a time."""
CONNECTIONS: Final = 10
BESIDE: Final = f"{THOUSAND:,} of them"
TOPICS: Final = {"referral": referral.TOPIC, "casefile": casefile.TOPIC, "notifications": notifications.TOPIC}
_OF_A_REFERRAL: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-|^idempotency-key-")


def about_seconds(bench: Bench) -> float:
    """How long it takes, roughly."""
    return 2 * (30 + _sizes(bench)[-1] / 500 + len(_sizes(bench)) * (10 + 9 * bench.seconds))


def _sizes(bench: Bench) -> Sequence[int]:
    most = bench.referrals or bench.of(10_000, 200, 1_000_000)
    return [size for size in (10_000, 100_000, 1_000_000) if size < most] + [most]


def measure(bench: Bench) -> Iterator[Result]:
    """On every engine the same."""
    yield from bench.on_each(STORES, _on)


def _on(bench: Bench, engine: str) -> Iterator[Result]:
    with ExitStack() as places:
        few, many = (Filled(places.enter_context(bench.place(engine))) for _ in range(2))
        for filled in (few, many):
            with System.whole(filled.place, bench.issuer) as system:
                uvloop.run(refer(system))
        uvloop.run(few.fill(min(THOUSAND, _sizes(bench)[0])))
        for size in _sizes(bench):
            since = time.monotonic()
            uvloop.run(many.fill(size))
            bench.say(f"  {size:,} referrals of one organisation in {time.monotonic() - since:.0f} s")
            with (
                System.whole(few.place, bench.issuer, scene=False) as short,
                System.whole(many.place, bench.issuer, scene=False) as long,
            ):
                yield _result(engine, size, _raced(bench, short, long), short, long)


class _Load(NamedTuple):
    answered: Answered
    processor_ms: float
    """Of all processes of the system, for each accepted referral, until all have taken it in."""


def _raced(bench: Bench, short: System, long: System) -> tuple[list[_Load], list[_Load]]:
    for system in (short, long):
        _load(system, 1)
    found: tuple[list[_Load], list[_Load]] = ([], [])
    # Forth and back: what else the machine does in the meantime, it does to both.
    for which in (0, 1, 1, 0) * bench.of(2, 1):
        found[which].append(_load((short, long)[which], bench.seconds))
    return found


def _load(system: System, seconds: float) -> _Load:
    used = system.processor_seconds()
    generator = Generator(Orders(url=system.url, token=system.token(INES), connections=CONNECTIONS, seconds=seconds))
    generator.begin()
    answered = generator.found()
    # Nothing of it may be left for the next one's turn.
    system.catch_up()
    return _Load(answered, 1000 * (system.processor_seconds() - used) / answered.accepted)


def _result(engine: str, size: int, raced: tuple[list[_Load], list[_Load]], short: System, long: System) -> Result:
    few, many = (
        {
            "rate": median([one.answered.rate for one in found]),
            "median": median([one.answered.p50 for one in found]),
            "p95": median([one.answered.p95 for one in found]),
            "processor": median([one.processor_ms for one in found]),
        }
        for found in raced
    )
    control = raced[0][-1].processor_ms / raced[0][0].processor_ms
    processor = f"{many['processor']:.2f} ms of processor each, {many['processor'] / few['processor']:.2f} x {BESIDE}"
    return Result(
        name=f"{CONNECTIONS} connections, {size:,} referrals of one organisation",
        engine=engine,
        rate=many["rate"],
        median=many["median"],
        p95=many["p95"],
        compared=(
            *against(BESIDE, many["rate"], few["rate"]),
            *against(BESIDE, many["p95"], few["p95"], "p95"),
        ),
        notes=(
            f"{processor} (control {control:.2f})",
            f"{long.resident_megabytes():.0f} MB, with {BESIDE} {short.resident_megabytes():.0f}",
            f"ready after {long.started_in:.1f} s, with {BESIDE} {short.started_in:.1f}",
        ),
        at=size,
    )


async def refer(system: System) -> None:
    """The one referral that is told again and again; nothing else is there."""
    connection = await Connection.open(system.url)
    await Story(system, connection).refer()
    await asyncio.to_thread(system.catch_up)
    connection.close()


class _Event(NamedTuple):
    stream: Text
    version: int
    topic: str
    state: Text

    def name(self, copy: int, ids: Ids) -> str:
        """Its stream in a copy."""
        name = self.stream.copied(ids)
        if not name.startswith("idempotency-key-"):
            return name
        return f"idempotency-key-{hashlib.sha256(f'{copy} {name}'.encode()).hexdigest()}"


class Filled:
    """A place where one organisation has had so many referrals."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._copies = 0
        self._template: dict[str, list[_Event]] = {}

    async def fill(self, until: int) -> None:
        """Adds referrals until there are so many."""
        settings = self.place.settings()
        assembly = assemble(list(SERVICE_NAMES), settings, SystemClock(), Verifier(_NobodyCalls(), settings.audience))
        services = assembly.running
        if not self._template:
            self._template = {name: await _lived(service) for name, service in services.items()}
        while self._copies < until:
            numbers = range(self._copies + 1, min(self._copies + AT_ONCE, until) + 1)
            for name, service in services.items():
                await self._append(service, self._template[name], numbers)
            await self._take_places(services["referral"], numbers)
            for service in services.values():
                await service.projection.catch_up()
            self._copies = numbers[-1]
        await self._tell(assembly)
        await self._sign(services)
        # As it is from time to time, while referrals come one by one.
        await services["referral"].streams.fold(organisation_stream(LOTTE.org), ORGANISATION)
        await services["referral"].streams.written()
        # Else the service goes through all histories for its reports while it is measured,
        await find_facts(self.place)
        # and through what the vault was given more than an hour ago.
        for service in services.values():
            if service.vault is not None and service.refers is not None:
                await service.vault.sweep(service.refers)
        await assembly.stop()

    async def _append(self, service: Service, events: Sequence[_Event], numbers: Sequence[int]) -> None:
        writes, records, types = list[Write](), dict[str, str](), service.log.types
        for number in numbers:
            ids, streams = Ids(number), dict[str, list[Any]]()
            for event in events:
                name = event.name(number, ids)
                told = types.decode(event.topic, event.state.copied(ids).encode())
                streams.setdefault(name, []).append(told)
                if (packet := getattr(told[0], "packet", None)) is not None:
                    records[packet.contact_ref] = name
            writes += (Write(name, 0, told) for name, told in streams.items())
        if service.vault is not None:
            contact = REFERRAL["contact"]
            await asyncio.gather(*(service.vault.keep(ref, stream, contact) for ref, stream in records.items()))
        await service.log.append(writes)

    async def _take_places(self, service: Service, numbers: Sequence[int]) -> None:
        stream, organisation = organisation_stream(LOTTE.org), LOTTE.org
        known = await service.streams.fold(stream, ORGANISATION)
        (first,) = await service.log.read(stream, most=1)
        events: list[Any] = []
        for number in numbers:
            events.append(CapacityTaken(organisation=organisation, referral_id=f"referral-{number}"))
            if number > UNDER_WAY:
                gone = f"referral-{number - UNDER_WAY}"
                events.append(CapacityReleased(organisation=organisation, referral_id=gone))
        told = [
            (event, replace(first.meta, event_id=f"{numbers[0]}-{place}", causation_id=f"{numbers[0]}-{place}"))
            for place, event in enumerate(events)
        ]
        await service.log.append([Write(stream, known.version, told)])

    async def _tell(self, assembly: Assembly) -> None:
        # Everybody has it already: the others' logs were filled as well.
        for name, topic in TOPICS.items():
            await assembly.bus.publish(topic, [], await assembly.running[name].log.head())

    async def _sign(self, services: Mapping[str, Service]) -> None:
        # What the transparency logs have yet to take in would weigh on what is measured.
        stores = self.place.stores()
        for name, service in services.items():
            store = stores.audit(name)
            await take_in(LogBuilder(service.log, stores.epochs(name).current.name, store), store, service.log)
            await store.close()


async def _lived(service: Service) -> list[_Event]:
    return [
        _Event(Text.of(one.stream), one.version, one.topic, Text.of(one.state.decode()))
        for one in await service.log.read_all(0, 1000)
        if _OF_A_REFERRAL.search(one.stream)
    ]


class _NobodyCalls:
    """In a process that listens nowhere."""

    issuer = ""

    async def key(self, *_: object) -> None:
        """None: no token is verified here."""
