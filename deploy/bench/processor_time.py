"""Where the processor time goes under load: a sample of what was being done.

Of the referral service by source file, and of all services in one process by part of the system, for that process is
bound by the one core that its interpreter can use.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from typing import Final

from deploy.bench.bench import Bench
from deploy.bench.engines import SQLITE, STORES
from deploy.bench.results import Result
from deploy.bench.system import System
from deploy.bench.wrk import need_wrk, run
from services.cli import SERVICE_NAMES

SHOWN: Final = 20
CONNECTIONS: Final = 64
ABOUT_SECONDS: Final = 18


def measure(bench: Bench) -> Iterator[Result]:
    """The referral service on every engine, all services on files; sampling costs a few per cent."""
    need_wrk()
    yield from bench.on_each(STORES, lambda bench, engine: _on(bench, engine, "the referral service", ["referral"]))
    yield from _on(bench, SQLITE, "all services in one process", SERVICE_NAMES)


def _on(bench: Bench, engine: str, name: str, services: Sequence[str]) -> Iterator[Result]:
    with bench.place(engine) as place:
        samples = place.data / "samples.json"
        command = [sys.executable, "-m", "deploy.bench.under_profile", str(samples), *services]
        with System.of_command(command, place, bench.issuer) as system:
            run(system, CONNECTIONS, bench.of(2, 1))
            measured = run(system, CONNECTIONS, bench.seconds)
        counts: dict[str, int] = json.loads(samples.read_text())
    shares = sorted(((count / sum(counts.values()), area) for area, count in counts.items()), reverse=True)
    yield Result(
        name=f"{name}, {CONNECTIONS} connections, sampled",
        engine=engine,
        rate=measured.rate,
        notes=tuple(f"{100 * share:.1f} % {area}" for share, area in shares[:SHOWN]),
    )
