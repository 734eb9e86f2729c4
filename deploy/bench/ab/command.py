"""What `--ab` asks for, and the run of it."""

from __future__ import annotations

import argparse
import re
import time
import traceback
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from deploy.bench.ab.parts import PARTS
from deploy.bench.ab.revisions import WORKING_TREE, NoRevision, check_out, resolve
from deploy.bench.ab.sides import Side, Trial
from deploy.bench.bench import Bench
from deploy.bench.engines import KAFKA, POSTGRESQL, SQLITE, NotToBeHad
from deploy.bench.results import Ran, Result
from deploy.bench.surroundings import load_average
from services.cli import SERVICE_NAMES

STORES: Final = {"sqlite": SQLITE, "postgres": POSTGRESQL, "postgres+kafka": KAFKA}
_SETTING: Final = re.compile(r"CASERELAY_[A-Z0-9_]+=.*", re.DOTALL)


def add_options(asked: argparse.ArgumentParser) -> None:
    """The options of the A/B mode."""
    about = (
        "Two revisions or two settings in one run, with a control beside them: A next to A. Printed is B/A, the median"
        " of the rounds. What can be is measured at the same moment, a core for each side; the rest in turn."
        f" With --ab, --only takes some of: {','.join(PARTS)}."
    )
    group = asked.add_argument_group("A next to B", about)
    group.add_argument(
        "--ab",
        nargs=2,
        type=_revision,
        metavar=("REV_A", "REV_B"),
        help=f"git revisions; {WORKING_TREE} is the working tree",
    )
    group.add_argument(
        "--settings-a",
        nargs="+",
        type=_setting,
        default=[],
        metavar="K=V",
        help="settings of A, such as CASERELAY_LOG_LEVEL=WARNING",
    )
    group.add_argument("--settings-b", nargs="+", type=_setting, default=[], metavar="K=V", help="settings of B")
    group.add_argument("--stores", type=_stores, default=[SQLITE], help=f"some of: {','.join(STORES)} (default sqlite)")
    group.add_argument(
        "--services", choices=["all", *SERVICE_NAMES], default="all", help="what is served (default all)"
    )
    group.add_argument("--rounds", type=_count, help="how often each side is measured (default: as each part needs it)")


def _revision(text: str) -> str:
    try:
        resolve(text)
    except NoRevision as unknown:
        raise argparse.ArgumentTypeError(str(unknown)) from None
    return text


def _setting(text: str) -> tuple[str, str]:
    if _SETTING.fullmatch(text) is None:
        raise argparse.ArgumentTypeError(f"{text}: a setting is CASERELAY_<NAME>=<value>")
    name, _, value = text.partition("=")
    return name, value


def _stores(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in STORES]:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: the stores are {', '.join(STORES)}")
    return [STORES[name] for name in names]


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text}: a whole number from 1 on")
    return int(text)


def run(
    bench: Bench, given: argparse.Namespace, only: Sequence[str], surroundings: dict[str, str]
) -> Iterator[tuple[str, Ran]]:
    """Measures part after part: each one's name, and what was found."""
    trees = bench.directory / "trees"
    a, b = (
        Side(check_out(revision, trees), dict(settings))
        for revision, settings in zip(given.ab, (given.settings_a, given.settings_b), strict=True)
    )
    trial = Trial(bench=bench, a=a, b=b, rounds=given.rounds, services=given.services)
    surroundings = {**surroundings, "A": _told(a), "B": _told(b), "services": given.services}
    bench.say(f"A: {surroundings['A']}\nB: {surroundings['B']}")
    for name in only:
        yield name, _one(trial, name, given.stores, surroundings)


def _told(side: Side) -> str:
    commit = resolve(side.revision.name)
    named = "the working tree" if commit == WORKING_TREE else commit[:12]
    return " ".join([named, *(f"{name}={value}" for name, value in side.settings.items())])


def _one(trial: Trial, name: str, engines: Sequence[str], surroundings: dict[str, str]) -> Ran:
    bench, part = trial.bench, PARTS[name]
    began, since, before = datetime.now(UTC), time.monotonic(), load_average()
    bench.say(f"\n{name}: {part.title.removeprefix('A/B: ')} (load average {before})")
    bench.remarks.clear()
    results: list[Result] = []
    failures: list[str] = []
    for engine in engines:
        try:
            # All of them before the first is printed: how a side has worked is known once it has ended.
            for figure in list(part.measure(trial, engine)):
                bench.say(figure.line())
                results.append(figure.result())
        except NotToBeHad as missing:
            bench.remark(str(missing))
        except Exception as error:  # noqa: BLE001 - the other figures can still be had
            failures.append(f"{engine}: {type(error).__name__}: {str(error).partition(chr(10))[0]}")
            bench.say("".join(traceback.format_exception(error)))
    seconds, after = time.monotonic() - since, load_average()
    bench.say(f"  {seconds:.0f} s, load average {before} before, {after} after")
    return Ran(
        title=part.title,
        began=began.isoformat(timespec="seconds"),
        seconds=round(seconds, 1),
        load_before=before,
        load_after=after,
        surroundings=surroundings,
        results=tuple(results),
        remarks=tuple(bench.remarks),
        failure="; ".join(failures) or None,
    )
