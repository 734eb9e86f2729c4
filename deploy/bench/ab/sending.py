"""Referrals sent to one side after the other, with all cores for each: as fast as it goes, and at given rates."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from deploy.bench import open_loop
from deploy.bench.ab.figures import Figure
from deploy.bench.ab.processor import per_referral
from deploy.bench.ab.sides import WARM_UP_CONNECTIONS, Running, Trial
from deploy.bench.open_loop import Orders, Subscriber
from deploy.bench.sustained import highest
from services.sandbox.demo import INES, LOTTE

CONNECTIONS: Final = (10, 64)
STEADY_RATE: Final = 40.0
UNITS: Final = {
    "accepted": "/s",
    "kept": "/s",
    "cores": "cores",
    "processor": "ms",
    "POST": "ms",
}


def rate(trial: Trial, engine: str) -> Iterator[Figure]:
    """A, B and A once more are loaded in turn, in short rounds, by 10 and by 64 connections.

    A connection sends the next referral as soon as it has an answer. Each side takes everything in before the next one
    begins. `cores` is what the side's processes keep busy while referrals are accepted.
    """
    with trial.all_at_work(engine) as running:
        for connections in CONNECTIONS:
            series = trial.in_turn(4, lambda label, n=connections: _loaded(trial, running[label], n))  # type: ignore[misc]
            yield from series.figures(engine, UNITS)


def _loaded(trial: Trial, side: Running, connections: int) -> dict[str, float]:
    before, began = side.used(), time.monotonic()
    answered = side.load(connections, trial.bench.seconds)
    while_sent, passed = side.used(), time.monotonic() - began
    side.catch_up()
    after, at = side.used(), f"{connections} connections"
    return {
        f"accepted, {at}": answered.rate,
        f"POST -> its answer, {at}, median": answered.p50,
        f"POST -> its answer, {at}, p95": answered.p95,
        f"cores busy, {at}": (while_sent.all - before.all) / passed,
        f"processor, all processes, {at}": per_referral(before, after, answered.accepted)["processor, all processes"],
    }


def steady(trial: Trial, engine: str) -> Iterator[Figure]:
    """40 referrals per second are due, whatever the answers do, and a subscriber listens to the event stream.

    Delays count from when a referral was due.
    """
    with trial.all_at_work(engine) as running:
        series = trial.in_turn(3, lambda label: _steadily(trial, running[label]))
        yield from series.figures(engine, UNITS)


def _steadily(trial: Trial, side: Running) -> dict[str, float]:
    system = side.system
    orders = Orders(
        url=system.url,
        token=system.token(INES),
        rate=STEADY_RATE,
        seconds=trial.bench.seconds,
        subscriber=Subscriber(url=system.urls["notifications"], token=system.token(LOTTE)),
    )
    before = side.used()
    offered = open_loop.found(open_loop.start(orders), orders)
    side.catch_up()
    if offered.refused or offered.waiting > STEADY_RATE / 2:
        raise RuntimeError(f"{offered.refused} refused, {offered.waiting} not sent in time")
    return {
        **per_referral(before, side.used(), offered.accepted),
        "POST -> its answer, median": offered.p50,
        "POST -> its answer, p95": offered.p95,
        "POST -> subscriber, median": offered.told_p50 or 0.0,
        "POST -> subscriber, p95": offered.told_p95 or 0.0,
    }


def sustained(trial: Trial, engine: str) -> Iterator[Figure]:
    """For each side the highest rate is looked for that is held for a minute.

    Meanwhile what the services have yet to take in does not grow, and it is taken in within two seconds of the end.
    """
    with trial.all_at_work(engine) as running:
        series = trial.in_turn(1, lambda label: _held(trial, label, running[label]))
        yield from series.figures(engine, UNITS)


def _held(trial: Trial, label: str, side: Running) -> dict[str, float]:
    trial.bench.say(f"  {label}:")
    burst = side.load(open_loop.CONNECTIONS, trial.bench.of(5, 1)).rate
    side.catch_up()
    held, _ = highest(trial.bench, side.system, burst)
    side.catch_up()
    return {
        "kept up with": held.rate if held.kept or trial.bench.quick else 0.0,
        "POST -> its answer, p95": held.offered.p95,
        "cores busy": held.server_cores,
    }


def warm(side: Running, referrals: int) -> None:
    """So many referrals, and everything that follows of them."""
    side.load(WARM_UP_CONNECTIONS, 600, most=referrals)
    side.catch_up()
