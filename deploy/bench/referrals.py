"""Accepted referrals per second over REST, next to the same route without storage, and to a naive save per request.

An accepted referral went through authentication, validation, the vault, the decision and the event log, and its 201
came after both were on disk; indexing and publishing run beside it in the same process.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from deploy.bench.bench import Bench
from deploy.bench.engines import STORES
from deploy.bench.results import Result, against
from deploy.bench.system import CASERELAY, System
from deploy.bench.wrk import Run, need_wrk, run

WITHOUT: Final = "the same route without storage"
NAIVE: Final = "a naive save per request"
WARM_UP_SECONDS: Final = 2
ABOUT_SECONDS: Final = 45
"""Beside the measurements: starts and warm-ups."""


def measure(bench: Bench) -> Iterator[Result]:
    """At 1, 10 and 64 connections; without storage first, as the others are held against it."""
    need_wrk()
    without = {}
    with bench.place() as place:
        command = [sys.executable, "-m", "deploy.bench.no_storage"]
        with System.of_command(command, place, bench.issuer) as system:
            for connections, measured in _runs(bench, system):
                without[connections] = measured
                yield _result(WITHOUT, "none", connections, measured)
    yield from bench.on_each(STORES, lambda bench, engine: _on(bench, engine, without))


def _on(bench: Bench, engine: str, without: dict[int, Run]) -> Iterator[Result]:
    naive = {}
    with bench.place(engine) as place:
        command = [sys.executable, "-m", "deploy.bench.naive"]
        with System.of_command(command, place, bench.issuer, scene=False) as system:
            for connections, measured in _runs(bench, system):
                naive[connections] = measured
                yield _result(NAIVE, engine, connections, measured)
    with (
        bench.place(engine) as place,
        System.of_command([*CASERELAY, "serve", "referral"], place, bench.issuer) as system,
    ):
        for connections, measured in _runs(bench, system, watch=True):
            compared = (
                *against(WITHOUT, measured.rate, without[connections].rate),
                *against(NAIVE, measured.rate, naive[connections].rate),
            )
            yield replace(_result("the referral service", engine, connections, measured), compared=compared)
        system.catch_up()
        bench.say(f"  {'':58} {engine:<18} in the log, with the warm-up: {system.stored()} referrals")
    with bench.place(engine) as place, System.whole(place, bench.issuer) as system:
        connections = max(_connections(bench))
        measured = run(system, connections, bench.seconds, watch=True)
        furthest = max(measured.furthest_behind.values(), default=0)
        behind = f"{furthest} positions behind at the most, abreast {system.catch_up():.1f} s after the load"
        found = _result("all three services in one process", engine, connections, measured)
        yield replace(found, notes=(*found.notes, behind))


def _connections(bench: Bench) -> Sequence[int]:
    return (1, 16) if bench.quick else (1, 10, 64)


def _runs(bench: Bench, system: System, *, watch: bool = False) -> Iterator[tuple[int, Run]]:
    run(system, max(_connections(bench)), bench.of(WARM_UP_SECONDS, 1))
    for connections in _connections(bench):
        yield connections, run(system, connections, bench.seconds, watch=watch)


def _result(name: str, engine: str, connections: int, measured: Run) -> Result:
    notes = [f"{measured.processor_ms:.2f} ms of processor each"]
    if measured.refused or measured.failed:
        notes.append(f"{measured.refused} refused, {measured.failed} failed")
    return Result(
        name=f"{name}, {connections} connection{'s' if connections > 1 else ''}",
        engine=engine,
        median=measured.p50,
        p95=measured.p95,
        rate=measured.rate,
        notes=tuple(notes),
        at=connections,
    )
