"""Puts services together in one process: the stores, the bus and the identity that they share, and each one's app."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from fastapi import FastAPI

from services.chassis.access.identity import Verifier
from services.chassis.delivery.bus import Bus
from services.chassis.engines.sqlite_checkpoints import SQLiteCheckpoints
from services.chassis.http.app import install_manners
from services.chassis.http.health import common_routes
from services.chassis.http.routing import application, prepare, take_routes
from services.chassis.operating.collector import spare_what_is_loaded
from services.chassis.operating.telemetry import Telemetry
from services.chassis.service import Service
from services.chassis.settings import Settings
from services.chassis.store_opener import StoreOpener
from services.chassis.stores import Stores, load_engines
from services.chassis.time.clock import Clock
from services.origin import Origin, describe, describe_whole
from services.worker_process import WorkerProcess

Build = Callable[[Settings, StoreOpener, Bus, Clock, Verifier, Telemetry], FastAPI]


def _referral() -> Build:
    from services.referral.app import build

    return build


def _casefile() -> Build:
    from services.casefile.app import build

    return build


def _notifications() -> Build:
    from services.notifications.app import build

    return build


SERVICES: Final[Mapping[str, Callable[[], Build]]] = {
    "referral": _referral,
    "casefile": _casefile,
    "notifications": _notifications,
}
"""What gives what builds each service. Only then is it imported: a process with one of them starts in half the time."""


def load(names: Iterable[str], settings: Settings) -> None:
    """Imports the named services and their engines before any is built: before a fork, it is in memory once."""
    load_engines(settings)
    for name in names:
        SERVICES[name]()


@dataclass(frozen=True)
class Assembly:
    """Services of one process; `apps` and `running` are keyed by the service's name."""

    settings: Settings
    telemetry: Telemetry
    bus: Bus
    apps: Mapping[str, FastAPI]
    checkpoints: SQLiteCheckpoints
    stores: StoreOpener
    worker: WorkerProcess | None = None
    """The process that does the background work, if it is not this one."""

    @property
    def running(self) -> Mapping[str, Service]:
        """The services behind the apps."""
        return {name: app.state.service for name, app in self.apps.items()}

    async def start(self, *, answers: bool = True) -> None:
        """Starts all background work, here or in the process that is there for it; `answers`: whether it listens."""
        if self.worker is None:
            self.checkpoints.start()
        else:
            await self.worker.start(self.running)
        if answers:
            for app in self.apps.values():
                prepare(app)
        for service in self.running.values():
            await service.start()
        spare_what_is_loaded()

    def end_streams(self) -> None:
        """Ends the answers that would otherwise go on for ever."""
        for app in self.apps.values():
            if (end := getattr(app.state, "end_streams", None)) is not None:
                end()

    async def stop(self) -> None:
        """Stops all background work and closes all stores, the shared bus last."""
        if self.worker is None:
            await asyncio.to_thread(self.checkpoints.stop)
        else:
            await self.worker.stop()
        for service in self.running.values():
            await service.stop()
        await self.bus.close()


def assemble(
    names: list[str],
    settings: Settings,
    clock: Clock,
    verifier: Verifier,
    stores: StoreOpener | None = None,
    worker: WorkerProcess | None = None,
) -> Assembly:
    """Builds the named services over one data directory, or over other stores; with a worker, it does what follows.

    Raises RefusedStart when one of the stores cannot be used.
    """
    telemetry = Telemetry()
    stores = stores or Stores.of(settings)
    bus = stores.bus()
    apps = {name: SERVICES[name]()(settings, stores, bus, clock, verifier, telemetry) for name in names}
    stores.require_writable()
    return Assembly(settings, telemetry, bus, apps, SQLiteCheckpoints(stores.checkpointed), stores, worker)


def production_app(assembly: Assembly) -> Origin:
    """The services behind one origin, without any of the sandbox's routes."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await assembly.start()
        try:
            yield
        finally:
            await assembly.stop()

    own = application(title="Caserelay", version="1", lifespan=lifespan)
    take_routes(own, common_routes(assembly.running, assembly.telemetry))
    install_manners(own, assembly.settings.body_limit, assembly.telemetry)
    if assembly.apps.keys() == SERVICES.keys():
        describe(own, assembly.apps)
    else:
        describe_whole(own)
    return Origin(own, assembly.apps)
