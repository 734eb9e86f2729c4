"""The system under test: its processes, over the stores of a place, with the demo's scene set."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx
import psycopg

from deploy.bench import processes
from deploy.bench.engines import Place
from deploy.bench.issuer import LoopbackIssuer
from deploy.bench.process import Process
from services.chassis.engines.migrations import log_of
from services.cli import SERVICE_NAMES
from services.sandbox.client import Person, Refusal, SandboxClient
from services.sandbox.demo import set_the_scene

CASERELAY: Final = (sys.executable, "-c", "from services.cli import main; main()")
"""The command `caserelay`, by this interpreter."""
CATCH_UP_SECONDS: Final = 120.0


class System:
    """Servers over the data of a place, while it is entered.

    `commands` gives the command for each service; services with the same one run in one process. `scene`: whether
    programme and organisations are told. `settings` are environment variables beside those of the place, `directory`
    is where the commands run. `started_in` is how many seconds passed until all were ready.
    """

    def __init__(
        self,
        commands: Mapping[str, Sequence[str]],
        place: Place,
        issuer: LoopbackIssuer,
        *,
        scene: bool = True,
        settings: Mapping[str, str] | None = None,
        directory: Path | None = None,
    ) -> None:
        self.place = place
        self.started_in = 0.0
        self._issuer = issuer
        self._scene = scene
        # One organisation, on one machine, sends it all: its rate is counted as for anybody, and never reached.
        environment = {
            "CASERELAY_ISSUER": issuer.url,
            "CASERELAY_RATE_REQUESTS": "1000000000",
            "CASERELAY_CONNECTIONS_PER_ADDRESS": "0",
            **place.environment,
            **(settings or {}),
        }
        of_command = {
            tuple(command): Process(command, self.log, environment, directory) for command in commands.values()
        }
        self._processes = list(of_command.values())
        self.urls = {service: of_command[tuple(command)].url for service, command in commands.items()}

    @classmethod
    def of_command(
        cls,
        command: Sequence[str],
        place: Place,
        issuer: LoopbackIssuer,
        *,
        scene: bool = True,
        settings: Mapping[str, str] | None = None,
    ) -> Self:
        """A command that does everything there is."""
        return cls(dict.fromkeys(SERVICE_NAMES, command), place, issuer, scene=scene, settings=settings)

    @classmethod
    def whole(
        cls,
        place: Place,
        issuer: LoopbackIssuer,
        *,
        scene: bool = True,
        settings: Mapping[str, str] | None = None,
    ) -> Self:
        """All services: in one process, or with Kafka, as one would then, in a process each."""
        apart = {service: [*CASERELAY, "serve", service] for service in SERVICE_NAMES}
        if place.kafka is not None:
            return cls(apart, place, issuer, scene=scene, settings=settings)
        return cls.of_command([*CASERELAY, "serve", "all"], place, issuer, scene=scene, settings=settings)

    @property
    def url(self) -> str:
        """Where referrals are submitted."""
        return self.urls["referral"]

    @property
    def log(self) -> Path:
        """The file that its processes log to."""
        return self.place.data / "stderr.log"

    def pids(self) -> list[int]:
        """Its processes, with those that they have started."""
        return [pid for process in self._processes for pid in processes.tree(process.pid)]

    def __enter__(self) -> Self:
        """Starts it, waits until it is ready, and publishes the programme and the organisations."""
        try:
            since = time.monotonic()
            for process in self._processes:
                process.start()
            for process in self._processes:
                process.wait_until_ready()
            self.started_in = time.monotonic() - since
            if self._scene:
                self._set_the_scene()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops it."""
        self._stop()

    def _stop(self) -> None:
        for process in self._processes:
            process.stop()

    def _set_the_scene(self) -> None:
        def token(sub: str, org: str, role: str) -> str:
            return self.token(Person(sub, org, role))

        async def tell() -> None:
            async with SandboxClient(self.url, token) as client:
                # A revision from before the charter has no route for it, and asks for none.
                with suppress(Refusal):
                    await set_the_scene(client)

        asyncio.run(tell())

    def token(self, person: Person) -> str:
        """A bearer token of somebody."""
        return self._issuer.token(sub=person.sub, org=person.org, role=person.role)

    def behind(self) -> dict[str, int]:
        """How many positions each part of each service has not taken in yet."""
        found: dict[str, int] = {}
        for process in self._processes:
            services: dict[str, Any] = httpx.get(f"{process.url}/readyz", timeout=30).json()["services"]
            found |= {
                f"{name} {part}": n for name, service in services.items() for part, n in service["behind"].items()
            }
        return found

    def catch_up(self, every: float = 0.02) -> float:
        """Waits until every part is abreast; how long that took, in seconds. `every` so many it looks."""
        since, abreast = time.monotonic(), 0
        # Twice in a row: what one part takes in may be work for another.
        while abreast < 2:
            abreast = abreast + 1 if not any(self.behind().values()) else 0
            if (passed := time.monotonic() - since) > CATCH_UP_SECONDS:
                raise RuntimeError(f"not abreast after {passed:.0f} s: {self.behind()}")
            time.sleep(every)
        return time.monotonic() - since

    def processor_seconds(self) -> float:
        """Processor time that the servers have used."""
        return sum(process.processor_seconds() for process in self._processes)

    def resident_megabytes(self) -> float:
        """Memory of the servers that is in RAM."""
        return sum(process.resident_megabytes() for process in self._processes)

    def stored(self) -> int:
        """Referrals that the log holds as submitted."""
        count = "SELECT COUNT(*) FROM stored_events WHERE topic = 'referral.submitted.v1'"
        if self.place.database is not None:
            with psycopg.connect(log_of(self.place.database, "referral").conninfo) as connection:
                row = connection.execute(count).fetchone()
                return int(row[0]) if row is not None else 0
        with sqlite3.connect(f"file:{self.place.data / 'referral-log.db'}?mode=ro", uri=True) as db:
            return int(db.execute(count).fetchone()[0])
