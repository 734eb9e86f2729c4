"""The two sides, and each as it runs: known by its commands, its settings and what it answers over HTTP, and no more.

A side may be one process, one for each service, or a process that supervises others.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from socket import create_connection
from typing import Final
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict

from deploy.bench import closed_loop, processes
from deploy.bench.ab.figures import Figure
from deploy.bench.ab.revisions import Revision
from deploy.bench.bench import Bench
from deploy.bench.engines import READERS, Place
from deploy.bench.system import System
from services.cli import SERVICE_NAMES
from services.sandbox.demo import INES

A: Final = "A"
B: Final = "B"
CONTROL: Final = "A'"
"""A once more, as another system."""
WARM_UP_SECONDS: Final = 3
WARM_UP_CONNECTIONS: Final = 16
LOOK_EVERY_SECONDS: Final = 0.25
"""Looking whether everything is taken in costs the system something too."""
_KNOCKS: Final = 8
_UNKNOWN: Final = "unknown settings are ignored"
_FAILED: Final = ("a store cannot be used", "background work failed", "a message failed", "too many clients")
"""What a side logs that worked with less than it needs: its figures would be those of something else."""


class UnknownSetting(RuntimeError):  # noqa: N818 - reads as what happened
    """A setting was given that the revision does not know: both sides would be the same, and nobody would notice."""


class Impaired(RuntimeError):  # noqa: N818 - reads as what happened
    """A side lost a store or a connection while it was measured."""


def check_log(label: str, log: Path) -> None:
    """Raises Impaired where a system has logged that something failed it: nothing is to be claimed of it."""
    lines = log.read_text(errors="replace").splitlines()
    if failed := [line for line in lines if any(word in line for word in _FAILED)]:
        raise Impaired(f"{label} logged {len(failed)} failures; the first: {failed[0][:300]}")


@dataclass(frozen=True, slots=True)
class Side:
    """A revision with settings, which are environment variables."""

    revision: Revision
    settings: Mapping[str, str]

    def __str__(self) -> str:
        told = " ".join(f"{name}={value}" for name, value in self.settings.items())
        return f"{self.revision.name} {told}".strip()


@dataclass(frozen=True, slots=True)
class Used:
    """Processor seconds: of all processes, of the one that answers, of the database's that work for them."""

    all: float
    answering: float
    database: float


@dataclass(slots=True)
class Running:
    """A side at work on a place of its own."""

    system: System
    answering: list[int] = field(default_factory=list)

    def find_who_answers(self) -> None:
        """Knocks at the port and looks who opened: of a supervisor and its children, the one that takes connections."""
        where = urlsplit(self.system.url)
        knocks = [create_connection((str(where.hostname), where.port or 80)) for _ in range(_KNOCKS)]
        time.sleep(0.2)
        self.answering = processes.answering(self.system.pids(), where.port or 80)
        for knock in knocks:
            knock.close()
        if not self.answering:
            raise RuntimeError("nobody of this side was found to answer")

    def databases(self) -> list[int]:
        """The database's processes that serve this side: each is titled with the database's name."""
        if (url := self.system.place.database) is None:
            return []
        return processes.named(["postgres:", str(conninfo_to_dict(url)["dbname"])])

    def used(self) -> Used:
        """What it has used since it was started."""
        return Used(
            processes.processor_seconds(self.system.pids()),
            processes.processor_seconds(self.answering),
            processes.processor_seconds(self.databases()),
        )

    def pin(self, core: int) -> None:
        """Holds all its processes, and the database's for it, to a core."""
        processes.pin([*self.system.pids(), *self.databases()], {core})

    def generator(
        self, connections: int, seconds: float, most: int = 10**9, core: int | None = None
    ) -> closed_loop.Generator:
        """A load that is about to begin."""
        return closed_loop.Generator(
            closed_loop.Orders(
                url=self.system.url,
                token=self.system.token(INES),
                connections=connections,
                seconds=seconds,
                most=most,
                core=core,
            )
        )

    def load(self, connections: int, seconds: float, most: int = 10**9) -> closed_loop.Answered:
        """What came of a load."""
        generator = self.generator(connections, seconds, most)
        generator.begin()
        return generator.found()

    def catch_up(self) -> None:
        """Waits until everything is taken in."""
        self.system.catch_up(LOOK_EVERY_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What is asked: two sides, how often each is measured (None: as the part has it), and which services run."""

    bench: Bench
    a: Side
    b: Side
    rounds: int | None
    services: str

    def times(self, usual: int) -> int:
        """How many rounds."""
        return self.rounds or self.bench.of(usual, 1)

    def sides(self) -> dict[str, Side]:
        """By label."""
        return {A: self.a, B: self.b, CONTROL: self.a}

    @contextmanager
    def at_work(self, label: str, engine: str) -> Iterator[Running]:
        """One side, started on a new place, with its scene set."""
        side = self.sides()[label]
        with self.bench.place(engine, prepared=False) as place:
            _prepare(side, place)
            with self._system(side, place) as system:
                if _UNKNOWN in system.log.read_text(errors="replace"):
                    raise UnknownSetting(f"{label} does not know all of its settings: {side}")
                yield Running(system)
                check_log(label, system.log)

    def _system(self, side: Side, place: Place) -> System:
        command = side.revision.command
        if self.services != "all":
            commands = dict.fromkeys(SERVICE_NAMES, (*command, "serve", self.services))
        elif place.kafka is not None:
            commands = {service: (*command, "serve", service) for service in SERVICE_NAMES}
        else:
            commands = dict.fromkeys(SERVICE_NAMES, (*command, "serve", "all"))
        tree = side.revision.tree
        return System(commands, place, self.bench.issuer, settings=_told(side), directory=tree)

    @contextmanager
    def all_at_work(self, engine: str) -> Iterator[dict[str, Running]]:
        """A, B and the control, warm and abreast."""
        with ExitStack() as stack:
            running = {label: stack.enter_context(self.at_work(label, engine)) for label in self.sides()}
            for one in running.values():
                one.load(WARM_UP_CONNECTIONS, self.bench.of(WARM_UP_SECONDS, 1))
                one.catch_up()
                one.find_who_answers()
            yield running

    def in_turn(self, usual: int, measure: Callable[[str], Mapping[str, float]]) -> Series:
        """Measures one side after the other in short rounds: A B A', then A' B A, so that no side is always first."""
        series = Series()
        for number in range(self.times(usual)):
            order = list(self.sides())
            found = {label: measure(label) for label in (order if number % 2 == 0 else reversed(order))}
            series.add(found[A], found[B])
            series.add_control(found[A], found[CONTROL])
        return series


class Series:
    """What was measured, by name, round by round."""

    def __init__(self) -> None:
        self._pairs = dict[str, list[tuple[float, float]]]()
        self._controls = dict[str, list[tuple[float, float]]]()

    def add(self, a: Mapping[str, float], b: Mapping[str, float]) -> None:
        """A round of A and B."""
        _add(self._pairs, a, b)

    def add_control(self, a: Mapping[str, float], again: Mapping[str, float]) -> None:
        """A round of A and A once more."""
        _add(self._controls, a, again)

    def figures(self, engine: str, units: Mapping[str, str]) -> Iterator[Figure]:
        """One for each name; `units` is by the beginning of a name, the longest first that fits."""
        for name, pairs in self._pairs.items():
            unit = next(unit for start, unit in units.items() if name.startswith(start))
            if any(a or b for a, b in pairs):
                yield Figure(name=name, engine=engine, unit=unit, pairs=pairs, controls=self._controls.get(name, ()))


def _add(to: dict[str, list[tuple[float, float]]], first: Mapping[str, float], second: Mapping[str, float]) -> None:
    for name in {**first, **second}:
        to.setdefault(name, []).append((first.get(name, 0.0), second.get(name, 0.0)))


def together(*work: Callable[[], Mapping[str, float]]) -> list[Mapping[str, float]]:
    """The results of what is done at the same time."""
    with ThreadPoolExecutor(len(work)) as pool:
        return list(pool.map(lambda one: one(), work))


def _told(side: Side) -> dict[str, str]:
    # Processes that it starts find the same files, whatever is installed.
    return {"PYTHONPATH": str(side.revision.tree), **side.settings}


def _prepare(side: Side, place: Place) -> None:
    """Schemas and topics, as the revision itself makes them."""
    if place.database is not None:
        _run(side, place, "migrate")
    if place.kafka is not None:
        _run(side, place, "bus", "topics", *(word for reader in READERS for word in ("--organisation", reader)))


def _run(side: Side, place: Place, *arguments: str) -> None:
    done = subprocess.run(
        [*side.revision.command, *arguments],
        env={**os.environ, **place.environment, **_told(side)},
        cwd=Path(side.revision.tree),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{side}: {' '.join(arguments)}: {done.stderr.strip()[-1000:]}")
