"""The highest rate of referrals at which every consumer keeps up: what is behind stays as it is for a minute.

Rates are tried out for a short while, between one that is kept and one that is not, and the best is held for a minute.
A rate is kept when everything was accepted, nothing waits at the end to be sent, what the services have yet to take in
has not grown, and is taken in within two seconds of the end.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from deploy.bench import open_loop
from deploy.bench.bench import Bench
from deploy.bench.engines import KAFKA, SET_UPS, SQLITE
from deploy.bench.open_loop import Offered, Orders
from deploy.bench.process import busy_seconds
from deploy.bench.results import Result, median
from deploy.bench.system import System
from deploy.bench.wrk import need_wrk, run
from services.sandbox.demo import INES

TRIED_SECONDS: Final = 15
HELD_SECONDS: Final = 60
LOOK_AGAIN_SECONDS: Final = 0.5
NEAR: Final = 1.06
"""Two rates that are so near to each other are not told apart."""
ABREAST_SECONDS: Final = 2.0
POSITIONS: Final = 40
"""What all parts of all services together take in for one referral, roughly."""
HOLDS: Final = 5


def about_seconds(bench: Bench) -> float:
    """How long it takes, roughly."""
    return len(set_ups(bench)) * _each(bench)


def _each(bench: Bench) -> float:
    return 20 + 6 * (bench.of(TRIED_SECONDS, 2) + 3) + 1.5 * bench.of(HELD_SECONDS, 4)


def set_ups(bench: Bench) -> Sequence[str]:
    """What it is measured on: the smallest and the largest, or all."""
    return SET_UPS if bench.full else (SQLITE, KAFKA)


def measure(bench: Bench) -> Iterator[Result]:
    """In one process, and on PostgreSQL and Kafka in one for each service."""
    need_wrk()
    yield from bench.on_each(set_ups(bench), _on)


def _on(bench: Bench, engine: str) -> Iterator[Result]:
    with bench.place(engine) as place, System.whole(place, bench.issuer) as system:
        name = "all services in one process" if engine != KAFKA else "a process for each service"
        yield from _search(bench, system, name)


@dataclass(slots=True)
class Try:
    """A rate, and what came of offering it. `behind` is what all parts together had not taken in, over time."""

    rate: float
    offered: Offered
    behind: list[tuple[float, float]]
    abreast_after: float
    server_cores: float
    machine_cores: float
    faults: list[str] = field(default_factory=list)

    @property
    def kept(self) -> bool:
        """Whether everybody kept up."""
        return not self.faults


def _search(bench: Bench, system: System, name: str) -> Iterator[Result]:
    run(system, open_loop.CONNECTIONS, bench.of(3, 1))
    system.catch_up()
    burst = run(system, open_loop.CONNECTIONS, bench.of(5, 1)).rate
    bench.say(f"  {system.place.engine}: {burst:.0f}/s as fast as {open_loop.CONNECTIONS} connections get answers")
    system.catch_up()
    held, failed = highest(bench, system, burst)
    said = "kept up with" if held.kept else "not kept up with"
    yield _result(f"{said} for {bench.of(HELD_SECONDS, 4)} s, {name}", system, held)
    if failed is not None:
        yield _result(f"too much, {name}", system, failed)


def highest(bench: Bench, system: System, burst: float) -> tuple[Try, Try | None]:
    """The highest rate that was held for a minute, and the lowest that was not kept; `burst` is an upper bound."""
    kept, failed = _nearer(bench, system, burst)
    held = _try(bench, system, kept, bench.of(HELD_SECONDS, 4))
    for _ in range(HOLDS):
        if held.kept or bench.quick:
            break
        failed, held = held, _try(bench, system, 0.92 * held.rate, HELD_SECONDS)
    return held, failed


def _nearer(bench: Bench, system: System, burst: float) -> tuple[float, Try | None]:
    """The highest rate that was kept for a short while, and the lowest that was not."""
    low, high, failed = 0.0, burst, None
    rate = 0.75 * burst
    while low == 0 or high / low > NEAR:
        attempt = _try(bench, system, rate, bench.of(TRIED_SECONDS, 2))
        if attempt.kept:
            low = rate
        else:
            high, failed = rate, attempt
        if bench.quick:
            return rate, failed
        # Half way between, or well below while nothing is known to be kept.
        rate = (low + high) / 2 if low else 0.6 * high
        if rate < 1:
            raise RuntimeError("no rate is kept")
    return low, failed


def _try(bench: Bench, system: System, rate: float, seconds: int) -> Try:
    over, behind = threading.Event(), list[tuple[float, float]]()
    began = time.monotonic()

    def look() -> None:
        while not over.wait(LOOK_AGAIN_SECONDS):
            positions = sum(system.behind().values())
            behind.append((round(time.monotonic() - began, 1), positions))

    orders = Orders(url=system.url, token=system.token(INES), rate=rate, seconds=seconds)
    used, busy = system.processor_seconds(), busy_seconds()
    looking = threading.Thread(target=look)
    looking.start()
    try:
        offered = open_loop.found(open_loop.start(orders), orders)
    finally:
        over.set()
        looking.join()
    passed = time.monotonic() - began
    used, busy = system.processor_seconds() - used, busy_seconds() - busy
    attempt = Try(rate, offered, behind, system.catch_up(), used / passed, busy / passed)
    attempt.faults = list(faults(attempt))
    verdict = "kept" if attempt.kept else f"not kept: {', '.join(attempt.faults)}"
    bench.say(f"  {rate:,.0f}/s for {seconds} s: {verdict}")
    return attempt


def faults(attempt: Try) -> Iterator[str]:
    """What says that a rate was too much."""
    second = POSITIONS * attempt.rate
    if attempt.offered.refused:
        yield f"{attempt.offered.refused} refused"
    if attempt.offered.waiting > attempt.rate / 2:
        yield f"{attempt.offered.waiting} were due and not sent"
    third = len(attempt.behind) // 3
    if (
        third
        and (grown := _middle(attempt.behind[2 * third :]) - _middle(attempt.behind[third : 2 * third])) > second / 2
    ):
        yield f"{grown:,.0f} positions further behind than before"
    if attempt.abreast_after > ABREAST_SECONDS:
        yield f"abreast only {attempt.abreast_after:.1f} s after the end"


def _middle(behind: list[tuple[float, float]]) -> float:
    return median([positions for _, positions in behind])


def _result(name: str, system: System, attempt: Try) -> Result:
    return Result(
        name=name,
        engine=system.place.engine,
        rate=attempt.rate,
        median=attempt.offered.p50,
        p95=attempt.offered.p95,
        notes=(
            *attempt.faults,
            f"at most {max((positions for _, positions in attempt.behind), default=0):,.0f} positions behind",
            f"abreast {attempt.abreast_after:.1f} s after the end",
            f"services {attempt.server_cores:.2f} cores, machine {attempt.machine_cores:.2f}",
        ),
        curve=tuple(attempt.behind),
    )
