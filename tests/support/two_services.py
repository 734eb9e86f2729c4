"""The referral service and casefile over stores in memory, joined by a bus that is told what to let go, and when."""

from __future__ import annotations

import asyncio
import atexit
import copy
import shutil
import tempfile
import uuid
from collections.abc import Awaitable
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar, cast

import httpx
from fastapi import FastAPI

from services.casefile.app import build as build_casefile
from services.chassis.access.identity import Verifier
from services.chassis.delivery.bus import Bus
from services.chassis.delivery.consumer import Consumer
from services.chassis.delivery.consumer_store import ConsumerStore
from services.chassis.log.metadata import Recorded
from services.chassis.memory_stores import MemoryStores
from services.chassis.operating.telemetry import Telemetry
from services.chassis.service import Service
from services.referral.app import build as build_referral
from services.sandbox.charter import CHARTER, VERSION
from services.sandbox.demo import LEADS, ORGANISATIONS, PROGRAMME, PROGRAMME_VERSION
from tests.support.delaying_bus import PARTITIONS, Crashed, CrashingConsumerStore, DelayingBus, Held, Line
from tests.support.people import KARIM, LOTTE, OPERATOR, Person
from tests.support.requests import MENTOR_PROFILE
from tests.support.running import Build, Running, running

T = TypeVar("T")
BUILDS: Final[dict[str, Build]] = {"referral": build_referral, "casefile": build_casefile}
OTHER: Final = {"referral": "casefile", "casefile": "referral"}
EVERYTHING: Final = 1_000_000


class Acknowledged(NamedTuple):
    """A command that a service said was done."""

    service: str
    person: Person
    path: str
    body: Any
    key: str
    answer: httpx.Response


class HeldStores(MemoryStores):
    """Stores in memory, with the bus and the consumers' places that are told when to fail."""

    def __init__(self) -> None:
        super().__init__()
        self.held = Held()

    def bus(self) -> Bus:
        """See `StoreOpener.bus`."""
        return DelayingBus(super().bus(), self.held)

    def consumer_store(self, service: str) -> ConsumerStore:
        """See `StoreOpener.consumer_store`."""
        return CrashingConsumerStore(super().consumer_store(service), self.held)


class Scene(NamedTuple):
    """What is kept of both services, for stories that begin alike."""

    stores: HeldStores
    directory: Path
    acknowledged: tuple[Acknowledged, ...]


@cache
def scene() -> Scene:
    """Programme, organisations, charter and mentors are known to both."""
    made = TwoServices()
    kept = made.kept()
    made.close()
    return kept


class TwoServices:
    """Both of them, their people, and what the stories do to the bus. Nothing happens by itself."""

    def __init__(self, scene: Scene | None = None) -> None:
        """With a `scene` from a copy of what it has; without one from nothing."""
        self.runner = asyncio.Runner()
        self.directory = tempfile.TemporaryDirectory(prefix="two-services-")
        directory = Path(self.directory.name)
        self.stores = copy.deepcopy(scene.stores) if scene is not None else HeldStores()
        if scene is not None:
            shutil.copytree(scene.directory, directory, dirs_exist_ok=True)
        self._opened = running(directory, BUILDS, stores=self.stores, at_work=False)
        self.both: Running = self.do(self._opened.__aenter__())
        self.acknowledged = [*scene.acknowledged] if scene is not None else list[Acknowledged]()
        if scene is None:
            self.do(self._set_the_scene())

    def do(self, what: Awaitable[T]) -> T:
        """What comes of it, for a caller that has no loop."""

        async def waited() -> T:
            return await what

        return self.runner.run(waited())

    def kept(self) -> Scene:
        """A copy of what both have now."""
        directory = Path(tempfile.mkdtemp(prefix="two-services-scene-"))
        atexit.register(shutil.rmtree, directory, ignore_errors=True)
        shutil.copytree(self.directory.name, directory, dirs_exist_ok=True)
        sources = {key: line.source for key, line in self.stores.held.lines.items()}
        for line in self.stores.held.lines.values():
            # Of a process, and no part of what it keeps.
            line.source = None
        stores = copy.deepcopy(self.stores)
        for key, line in self.stores.held.lines.items():
            line.source = sources[key]
        return Scene(stores, directory, tuple(self.acknowledged))

    def close(self) -> None:
        """Closes all that is open."""
        self.do(self._opened.__aexit__(None, None, None))
        self.runner.close()
        self.directory.cleanup()

    def service(self, name: str) -> Service:
        """One of them, as it runs now."""
        return self.both.service(name)

    def consumer(self, name: str) -> Consumer:
        """By which one of them hears of the other."""
        return self.service(name).sources[OTHER[name]]

    def line(self, name: str) -> Line:
        """What is on its way to it from the other one."""
        group = f"caserelay.{name}.{self.consumer(name).topic}"
        (found,) = [line for (member, _), line in self.stores.held.lines.items() if member == group]
        return found

    async def _set_the_scene(self) -> None:
        put = [(f"/v1/programmes/{PROGRAMME}/versions/1", PROGRAMME_VERSION)]
        put += [(f"/v1/organisations/{name}", described) for name, described in ORGANISATIONS.items()]
        put += [(f"/v1/charters/{VERSION}", CHARTER)]
        for path, body in put:
            answer = await self.both.send(OPERATOR, "PUT", path, body)
            assert answer.status_code == 200, answer.text
        await self.settle()
        for lead in LEADS:
            await self.both.done(lead, f"/v1/charters/{VERSION}", "sign")
        for person in (LOTTE, KARIM):
            answer = await self.both.send(person, "PUT", "/v1/mentors/M-41", {**MENTOR_PROFILE, "capacity": 9})
            assert answer.status_code == 200, answer.text

    # --- what people do -----------------------------------------------------------------------------------------------

    async def create(self, person: Person, path: str, body: Any) -> httpx.Response:
        """A POST that makes something new, under a key of its own."""
        key = self._key(path)
        return self._noted(person, path, body, key, await self.both.create(person, path, body, key=key))

    async def act(self, person: Person, resource: str, action: str, body: Any = None) -> httpx.Response:
        """A command on what the person has read there last, or reads now."""
        key = self._key(resource, action)
        answer = await self.both.command(person, resource, action, body, key=key)
        return self._noted(person, f"{resource}/{action}", {} if body is None else body, key, answer)

    def _key(self, *about: str) -> str:
        return f"key-{len(self.acknowledged)}-{uuid.uuid4()}-{about[-1]}"

    def _noted(self, person: Person, path: str, body: Any, key: str, answer: httpx.Response) -> httpx.Response:
        assert answer.status_code < 500, answer.text
        if answer.is_success:
            service = "casefile" if path.startswith("/v1/cases") else "referral"
            self.acknowledged.append(Acknowledged(service, person, path, body, key, answer))
        return answer

    async def repeat(self, done: Acknowledged) -> httpx.Response:
        """The same request once more."""
        return await self.both.send(done.person, "POST", done.path, done.body, key=done.key, etag='"1"')

    # --- what the bus and the processes do ----------------------------------------------------------------------------

    async def publish(self, name: str) -> None:
        """What a service has recorded goes to the bus, which holds it."""
        service = self.service(name)
        assert service.publisher is not None
        while await service.publisher.behind():
            await service.publisher.round()

    async def deliver(self, name: str, partition: int, most: int, *, again: int = 0, crash: str | None = None) -> None:
        """Some of what a partition holds comes to a service, after some of what came before; which may end there."""
        line, held = self.line(name), self.stores.held
        await line.fetch()
        line.again[partition] = again
        line.let_go[partition] = min(line.let_go[partition] + most, len(line.messages[partition]))
        held.crash_before_saving, held.crash_after_saving = crash == "before saving", crash == "after saving"
        try:
            await self._round(name)
        except Crashed:
            self.restart(name)
        finally:
            held.crash_before_saving = held.crash_after_saving = False
        assert await self.consumer(name).parked() == 0, "a message could not be taken in"

    async def _round(self, name: str) -> None:
        # What follows from a message may rest on the index, which is filled meanwhile.
        handled = asyncio.create_task(self.consumer(name).round())
        while not handled.done():
            await self.service(name).projection.catch_up()
            await asyncio.sleep(0)
        await handled

    def restart(self, name: str) -> None:
        """The process of a service is gone, and another one opens what it kept."""
        verifier = Verifier(self.both.issuer, self.both.settings.audience)
        parts = (self.both.settings, self.stores, self.stores.bus(), self.both.clock, verifier, Telemetry())
        cast("dict[str, FastAPI]", self.both.apps)[name] = BUILDS[name](*parts)

    async def pass_time(self, days: int) -> None:
        """The clock goes on, and each service does what has fallen due."""
        clock = self.both.clock
        clock.move(clock.now() + timedelta(days=days), frozen=True)
        for name in BUILDS:
            await self.fire(name)

    async def fire(self, name: str) -> None:
        """What has fallen due at one of them."""
        scheduler = self.service(name).scheduler
        assert scheduler is not None
        await scheduler.fire_due()

    async def settle(self) -> None:
        """All that was recorded is delivered, and all that follows from it."""
        while True:
            for name in BUILDS:
                await self.publish(name)
                await self.line(name).fetch()
            if not any([await self.consumer(name).behind() for name in BUILDS]):
                return
            for name in BUILDS:
                for partition in range(PARTITIONS):
                    await self.deliver(name, partition, EVERYTHING)
                await self.service(name).projection.catch_up()

    async def log(self, name: str) -> list[Recorded]:
        """All that a service has recorded."""
        return list(await self.service(name).log.read_all(0, EVERYTHING))
