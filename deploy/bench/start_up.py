"""Start-up, from the command to the first 200 of `/readyz`, and memory; next to the naive server's."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Final

from deploy.bench.bench import Bench
from deploy.bench.engines import SQLITE, STORES
from deploy.bench.results import Result, against, median, p95
from deploy.bench.system import CASERELAY, System
from deploy.bench.wrk import need_wrk, run

STARTS: Final = 6
LOADED_SECONDS: Final = 5
NAIVE: Final = "the naive server"
ABOUT_SECONDS: Final = 75


def measure(bench: Bench) -> Iterator[Result]:
    """Several starts on new data each; the first one is left out, as it fills the system's caches."""
    naive = _started(bench, SQLITE, [sys.executable, "-m", "deploy.bench.naive"], scene=False)
    yield from _results(NAIVE, SQLITE, naive)
    sandbox = _started(bench, SQLITE, [*CASERELAY, "sandbox", "--empty"], scene=False)
    yield from _results("sandbox --empty", SQLITE, sandbox, naive)
    yield from bench.on_each(STORES, lambda bench, engine: _served(bench, engine, naive))


Found = tuple[list[float], list[float]]


def _served(bench: Bench, engine: str, naive: Found) -> Iterator[Result]:
    command = [*CASERELAY, "serve", "all"]
    yield from _results("serve all", engine, _started(bench, engine, command, scene=False), naive)
    need_wrk()
    with bench.place(engine) as place, System.of_command(command, place, bench.issuer) as system:
        load = run(system, 16, bench.of(LOADED_SECONDS, 1))
        system.catch_up()
        memory = system.resident_megabytes()
        notes = (f"after {load.accepted:,} referrals",)
        yield Result(name="serve all, resident under way", engine=engine, unit="MB", median=memory, notes=notes)


def _started(bench: Bench, engine: str, command: Sequence[str], *, scene: bool) -> Found:
    """Seconds and megabytes of each start."""
    seconds, megabytes = list[float](), list[float]()
    for number in range(bench.of(STARTS, 2)):
        with bench.place(engine) as place, System.of_command(command, place, bench.issuer, scene=scene) as system:
            if number:
                seconds.append(system.started_in)
                megabytes.append(system.resident_megabytes())
    return seconds, megabytes


def _results(name: str, engine: str, found: Found, next_to: Found | None = None) -> Iterator[Result]:
    for kind, unit, ours, theirs in (
        ("ready after", "s", found[0], next_to[0] if next_to is not None else None),
        ("resident at rest", "MB", found[1], next_to[1] if next_to is not None else None),
    ):
        yield Result(
            name=f"{name}, {kind}",
            engine=engine,
            unit=unit,
            median=median(ours),
            p95=p95(ours),
            compared=against(NAIVE, median(ours), median(theirs), "median") if theirs is not None else (),
            notes=(f"{len(ours)} starts",),
        )
