"""Where the referral service's processor time goes under load, by source file: a sample of what it was doing."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Final

from deploy.bench.bench import Bench
from deploy.bench.engines import STORES
from deploy.bench.results import Result
from deploy.bench.system import System
from deploy.bench.wrk import need_wrk, run

SHOWN: Final = 20
CONNECTIONS: Final = 64
ABOUT_SECONDS: Final = 12


def measure(bench: Bench) -> Iterator[Result]:
    """On every engine the same; sampling costs a few per cent."""
    need_wrk()
    yield from bench.on_each(STORES, _on)


def _on(bench: Bench, engine: str) -> Iterator[Result]:
    with bench.place(engine) as place:
        samples = place.data / "samples.json"
        command = [sys.executable, "-m", "deploy.bench.under_profile", str(samples)]
        with System.of_one(command, place, bench.issuer) as system:
            run(system, CONNECTIONS, bench.of(2, 1))
            one = run(system, CONNECTIONS, bench.seconds)
        counts: dict[str, int] = json.loads(samples.read_text())
    shares = sorted(((count / sum(counts.values()), area) for area, count in counts.items()), reverse=True)
    yield Result(
        name=f"the referral service, {CONNECTIONS} connections, sampled",
        engine=engine,
        rate=one.rate,
        notes=tuple(f"{100 * share:.1f} % {area}" for share, area in shares[:SHOWN]),
    )
