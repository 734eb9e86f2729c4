"""`python -m deploy.bench`: measures the system on the machine that it runs on, next to what one would use instead."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from deploy.bench.ab import command
from deploy.bench.ab.parts import PARTS as AB_PARTS
from deploy.bench.ab.parts import name_of
from deploy.bench.bench import Bench
from deploy.bench.engines import SQLITE, Engines, NotToBeHad
from deploy.bench.issuer import LoopbackIssuer
from deploy.bench.parts import PARTS
from deploy.bench.results import Ran, Record, Result
from deploy.bench.surroundings import durability_of_postgres, load_average, machine

OF_TESTS: Final = "CASERELAY_TEST_"
"""What the names begin with that say where the servers of tests are."""


def main() -> int:
    """Measures and prints; the exit status: 1 if a benchmark failed. One that lacks an engine says so, and has not."""
    parser = argparse.ArgumentParser(prog="python -m deploy.bench", description=__doc__)
    parser.add_argument("--only", help=f"some of: {','.join(PARTS)}")
    parser.add_argument("--seconds", type=int, default=8, help="length of each measurement (default 8)")
    parser.add_argument("--full", action="store_true", help="with 10^6 events, where the default is 10^5")
    parser.add_argument(
        "--referrals", type=int, help="how many one organisation has in one-organisation (10,000), and cases in reports"
    )
    parser.add_argument("--endpoints", type=int, help="how many there are in webhooks-at-scale (10,000)")
    parser.add_argument("--quick", action="store_true", help="a second and a few of everything: does it work?")
    parser.add_argument("--json", type=Path, help="a file to write the results to; what it holds of others stays")
    parser.add_argument("--data", type=Path, help="where the measured data go for a while (default: a temporary place)")
    command.add_options(parser)
    given = parser.parse_args()
    known: Collection[str] = AB_PARTS if given.ab else PARTS
    only = given.only.split(",") if given.only else list(known)
    if unknown := [name for name in only if name not in known]:
        parser.error(f"argument --only: {', '.join(unknown)}: there are {', '.join(known)}")
    for name in [name for name in os.environ if name.startswith("CASERELAY_")]:
        # Nothing that is set where the benchmark runs may change what is measured.
        if not given.quick or not name.startswith(OF_TESTS):
            del os.environ[name]
    with (
        tempfile.TemporaryDirectory(dir=given.data, prefix="caserelay-bench-", ignore_cleanup_errors=True) as name,
        LoopbackIssuer() as issuer,
        Engines(Path(name), own=not given.quick) as engines,
    ):
        bench = Bench(
            directory=Path(name),
            engines=engines,
            issuer=issuer,
            seconds=1 if given.quick else given.seconds,
            full=given.full,
            quick=given.quick,
            referrals=given.referrals,
            endpoints=given.endpoints,
            say=_say,
        )
        # Where nothing is measured on it, no database is started to ask it.
        surroundings = _surroundings(bench, database=not given.ab or given.stores != [SQLITE])
        found = command.run(bench, given, only, surroundings) if given.ab else _each(bench, only, surroundings)
        failed = []
        for part, ran in found:
            if ran.failure is not None:
                failed.append(part)
            if given.json is not None:
                record = Record.read(given.json)
                record.ran[name_of(part) if given.ab else part] = ran
                record.write(given.json)
    if failed:
        _say(f"\nfailed: {', '.join(failed)}")
    return 1 if failed else 0


def _each(bench: Bench, only: Sequence[str], surroundings: dict[str, str]) -> Iterator[tuple[str, Ran]]:
    total = sum(PARTS[name].seconds(bench) for name in only)
    _say(f"about {max(1, round(total / 60))} min for {', '.join(only)}")
    for number, name in enumerate(only, start=1):
        yield name, _run(bench, name, f"[{number}/{len(only)}]", surroundings)


def _surroundings(bench: Bench, *, database: bool) -> dict[str, str]:
    known = machine(bench.directory)
    if database:
        try:
            known["PostgreSQL"] = durability_of_postgres(bench.engines.postgres())
        except NotToBeHad as missing:
            known["PostgreSQL"] = str(missing)
    for name, value in known.items():
        _say(f"{name + ':':<16} {value}")
    return known


def _run(bench: Bench, name: str, place: str, surroundings: dict[str, str]) -> Ran:
    part = PARTS[name]
    began, since, before = datetime.now(UTC), time.monotonic(), load_average()
    _say(f"\n{place} {name}: {part.title} (about {part.seconds(bench):.0f} s; load average {before})")
    bench.remarks.clear()
    results: list[Result] = []
    failure = None
    try:
        for result in part.measure(bench):
            results.append(result)
            _say(result.line())
    except NotToBeHad as missing:
        bench.remark(str(missing))
    except Exception as error:  # noqa: BLE001 - the other benchmarks can still be had
        failure = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        _say("".join(traceback.format_exception(error)))
    seconds, after = time.monotonic() - since, load_average()
    _say(f"  {seconds:.0f} s, load average {before} before, {after} after")
    return Ran(
        title=part.title,
        began=began.isoformat(timespec="seconds"),
        seconds=round(seconds, 1),
        load_before=before,
        load_after=after,
        surroundings=surroundings,
        results=tuple(results),
        remarks=tuple(bench.remarks),
        failure=failure,
    )


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
