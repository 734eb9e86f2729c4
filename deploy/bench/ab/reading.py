"""One request after the other, to one side after the other: lists, ways to who reads; and what each side takes up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

import uvloop

from contracts.referral import TOPIC
from deploy.bench import event_stream, kafka_round_trip, processes, write_then_read
from deploy.bench.ab.figures import Figure
from deploy.bench.ab.sending import warm
from deploy.bench.ab.sides import Running, Trial
from deploy.bench.bench import WARM_UP
from deploy.bench.many_cases import LISTS, pages
from deploy.bench.results import median, p95

FILLED: Final = 1000
"""Referrals, each of which opens a case; pages of 50 cost the same among more."""
LOADED: Final = 500
SETTLE_SECONDS: Final = 2
UNITS: Final = {
    "processor": "ms",
    "page": "ms",
    "POST": "ms",
    "answer": "ms",
    "GET": "ms",
    "ready": "s",
    "resident": "MB",
    "proportional": "MB",
}


def lists(trial: Trial, engine: str) -> Iterator[Figure]:
    """Pages of 50 of every list, one after the other, in turn of each side, among as many referrals."""
    with trial.all_at_work(engine) as running:
        for side in running.values():
            warm(side, trial.bench.of(FILLED, 60))
        series = trial.in_turn(3, lambda label: _paged(trial, running[label]))
        yield from series.figures(engine, UNITS)


def _paged(trial: Trial, side: Running) -> dict[str, float]:
    found = {}
    for name, person, path in LISTS:
        before = side.used()
        took = uvloop.run(pages(trial.bench, side.system, person, path))
        used = side.used().all - before.all
        found[f"page of 50 {name}, median"] = median(took)
        found[f"page of 50 {name}, p95"] = p95(took)
        found[f"processor per page of {name}"] = 1000 * used / (len(took) + WARM_UP)
    return found


def latency(trial: Trial, engine: str) -> Iterator[Figure]:
    """One referral after the other, from the POST to those who read of it.

    To its answer, from the answer to the case's timeline (`?waitFor=`), from the POST to a subscriber of the event
    stream and, with Kafka, to a consumer of the referral service's topic.
    """
    with trial.all_at_work(engine) as running:
        series = trial.in_turn(3, lambda label: _one_by_one(trial, running[label]))
        yield from series.figures(engine, UNITS)


def _one_by_one(trial: Trial, side: Running) -> dict[str, float]:
    posted, waited, again = uvloop.run(write_then_read.one_after_the_other(trial.bench, side.system))
    side.catch_up()
    _, told = uvloop.run(event_stream.one_after_the_other(trial.bench, side.system))
    side.catch_up()
    ways = {
        "POST -> its answer": posted,
        "answer -> the timeline shows it": waited,
        "GET of a timeline known already": again,
        "POST -> subscriber": told,
    }
    place = side.system.place
    if place.kafka is not None:
        with kafka_round_trip.following(place.kafka, place.prefix + TOPIC) as follower:
            _, ways["POST -> Kafka consumer"] = uvloop.run(
                kafka_round_trip.one_after_the_other(trial.bench, side.system, follower)
            )
        side.catch_up()
    return {f"{name}, {of.__name__}": of(took) for name, took in ways.items() for of in (median, p95)}


def memory(trial: Trial, engine: str) -> Iterator[Figure]:
    """Each side is started on new data in turn: seconds until it is ready, memory at rest and after 500 referrals.

    `resident` counts what processes share for each of them, `proportional` divides it among them.
    """
    series = trial.in_turn(3, lambda label: _started(trial, label, engine))
    yield from series.figures(engine, UNITS)


def _started(trial: Trial, label: str, engine: str) -> dict[str, float]:
    with trial.at_work(label, engine) as side:
        time.sleep(trial.bench.of(SETTLE_SECONDS, 0))
        pids = side.system.pids()
        found = {
            "ready after": side.system.started_in,
            "resident at rest": processes.resident_megabytes(pids),
            "proportional at rest": processes.proportional_megabytes(pids),
        }
        warm(side, trial.bench.of(LOADED, 50))
        pids = side.system.pids()
        return found | {
            "resident under way": processes.resident_megabytes(pids),
            "proportional under way": processes.proportional_megabytes(pids),
        }
