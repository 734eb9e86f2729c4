"""What the transparency log costs a referral: all services at work with it, next to the same without.

Both are loaded at the same moment, each on a core of its own, with the cores swapped from round to round; the control
is the services without it next to themselves. Counted is the processor time of all that serves, from the first referral
until everything is taken in. The log may cost 1.05 times the processor time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from deploy.bench.ab.figures import Figure
from deploy.bench.ab.processor import ROUNDS, at_the_same_moment
from deploy.bench.ab.revisions import WORKING_TREE, check_out
from deploy.bench.ab.sides import Side, Trial
from deploy.bench.bench import Bench
from deploy.bench.engines import STORES
from deploy.bench.results import Result, against

WITHOUT: Final = "without the log"
ALL: Final = "processor, all processes"
MOST: Final = 1.05
SET_UP_SECONDS: Final = 30
CATCHING_UP: Final = 1.5
"""What it takes to load for a second, and to wait until everything is taken in."""


def about_seconds(bench: Bench) -> float:
    """How long it takes, roughly."""
    return len(STORES) * (SET_UP_SECONDS + 2 * bench.of(ROUNDS, 1) * CATCHING_UP * bench.seconds)


def measure(bench: Bench) -> Iterator[Result]:
    """On every engine the same."""
    yield from bench.on_each(STORES, _on)


def _on(bench: Bench, engine: str) -> Iterator[Result]:
    tree = check_out(WORKING_TREE, bench.directory / "trees")
    without = replace(tree, program="deploy.bench.no_audit")
    trial = Trial(bench=bench, a=Side(without, {}), b=Side(tree, {}), rounds=None, services="all")
    # All of them before the first is shown: how a side has worked is known once it has ended.
    for figure in list(at_the_same_moment(trial, engine)):
        yield result_of(figure)


def result_of(figure: Figure) -> Result:
    """A figure of the services with the log, B, next to A without it, and A next to itself."""
    found = figure.result()
    control = found.compared[-1]
    compared = against(WITHOUT, figure.ratio, 1, control.of)
    if figure.name == ALL:
        compared = (*compared, *against(f"{MOST} times as much", figure.ratio, MOST, control.of))
    return replace(found, compared=(*compared, replace(control, to=f"{WITHOUT}, once more")), notes=found.notes[:1])
