"""Processor time of two sides that work at the same moment, each on a core of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final

from deploy.bench.ab.figures import Figure
from deploy.bench.ab.sides import CONTROL, A, B, Running, Series, Trial, Used, together
from deploy.bench.closed_loop import Generator

CONNECTIONS: Final = 8
ROUNDS: Final = 6
CORES: Final = 2
UNITS: Final = {"processor": "ms", "accepted": "/s"}


def at_the_same_moment(trial: Trial, engine: str) -> Iterator[Figure]:
    """A and B, then A and A once more, are loaded at the same moment by 8 connections each.

    Each side, its load and its part of the database are held to one core; from round to round the cores are swapped.
    Counted is from the first referral until everything is taken in, of the processes that serve and of all that they
    have started. The rate is that of one core.
    """
    cores = sorted(os.sched_getaffinity(0))[:CORES]
    if len(cores) < CORES:
        raise RuntimeError("two sides at the same moment need two cores")
    series = Series()
    with trial.all_at_work(engine) as running:
        for number in range(trial.times(ROUNDS)):
            here, there = cores if number % 2 == 0 else reversed(cores)
            a, b = _both(trial, (running[A], here), (running[B], there))
            series.add(a, b)
            a, again = _both(trial, (running[A], here), (running[CONTROL], there))
            series.add_control(a, again)
    yield from series.figures(engine, UNITS)


def _both(trial: Trial, *sides: tuple[Running, int]) -> list[Mapping[str, float]]:
    for side, core in sides:
        side.pin(core)
    loads = [(side, side.generator(CONNECTIONS, trial.bench.seconds, core=core)) for side, core in sides]
    befores = [side.used() for side, _ in loads]
    begin = time.monotonic() + 0.1
    for _, load in loads:
        load.begin(begin)
    return together(*(partial(_one, side, load, before) for (side, load), before in zip(loads, befores, strict=True)))


def _one(side: Running, load: Generator, before: Used) -> Mapping[str, float]:
    answered = load.found()
    side.catch_up()
    return {**per_referral(before, side.used(), answered.accepted), "accepted, on one core": answered.rate}


def per_referral(before: Used, after: Used, accepted: int) -> dict[str, float]:
    """Milliseconds of processor for each accepted referral, by who used it."""
    ms = 1000 / accepted
    return {
        "processor, all processes": ms * (after.all - before.all),
        "processor, the process that answers": ms * (after.answering - before.answering),
        "processor, the other processes": ms * ((after.all - after.answering) - (before.all - before.answering)),
        "processor, the database for it": ms * (after.database - before.database),
    }
