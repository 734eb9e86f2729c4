"""The benchmarks by name, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Final

from deploy.bench import (
    appends,
    audit,
    audit_cost,
    event_stream,
    folds,
    growth,
    idle_streams,
    kafka_round_trip,
    many_cases,
    nothing_skipped,
    one_organisation,
    processor_time,
    referrals,
    reports,
    start_up,
    sustained,
    webhooks,
    webhooks_at_scale,
    write_then_read,
)
from deploy.bench.bench import Bench
from deploy.bench.results import Result


@dataclass(frozen=True, slots=True)
class Part:
    """A benchmark: its title, what it says of itself, how it is measured, and about how many seconds that takes."""

    title: str
    text: str
    measure: Callable[[Bench], Iterator[Result]]
    seconds: Callable[[Bench], float]


def _text_of(module: ModuleType) -> str:
    return " ".join((module.__doc__ or "").split())


PARTS: Final[Mapping[str, Part]] = {
    "referrals": Part(
        "Accepted referrals per second over REST",
        _text_of(referrals),
        referrals.measure,
        lambda bench: referrals.ABOUT_SECONDS + 17 * bench.seconds,
    ),
    "appends": Part(
        "Safe appends per second under 64 commands at once",
        _text_of(appends),
        appends.measure,
        lambda bench: appends.ABOUT_SECONDS + 6 * bench.seconds,
    ),
    "nothing-skipped": Part(
        "Positions that a reader skips while eight processes write",
        _text_of(nothing_skipped),
        nothing_skipped.measure,
        nothing_skipped.about_seconds,
    ),
    "kafka-round-trip": Part(
        "POST to a Kafka consumer",
        _text_of(kafka_round_trip),
        kafka_round_trip.measure,
        lambda bench: kafka_round_trip.ABOUT_SECONDS + 3 * bench.seconds,
    ),
    "event-stream": Part(
        "POST to a subscriber of the event stream",
        _text_of(event_stream),
        event_stream.measure,
        lambda bench: event_stream.ABOUT_SECONDS + 3 * bench.seconds,
    ),
    "webhooks": Part(
        "POST to an endpoint of a webhook, over 50 organisations",
        _text_of(webhooks),
        webhooks.measure,
        webhooks.about_seconds,
    ),
    "webhooks-at-scale": Part(
        "The feed beside 10,000 endpoints with a million deliveries that wait",
        _text_of(webhooks_at_scale),
        webhooks_at_scale.measure,
        webhooks_at_scale.about_seconds,
    ),
    "idle-streams": Part(
        "What idle event streams cost",
        _text_of(idle_streams),
        idle_streams.measure,
        idle_streams.about_seconds,
    ),
    "write-then-read": Part(
        "Write, then read on the timeline with waitFor",
        _text_of(write_then_read),
        write_then_read.measure,
        lambda bench: write_then_read.ABOUT_SECONDS + 3 * bench.seconds,
    ),
    "many-cases": Part(
        "Timeline and lists among 100,000 cases",
        _text_of(many_cases),
        many_cases.measure,
        many_cases.about_seconds,
    ),
    "growth": Part(
        "Growth: read, append and list in a log of 10^4, 10^5, 10^6 events",
        _text_of(growth),
        growth.measure,
        growth.about_seconds,
    ),
    "one-organisation": Part(
        "Growth: referrals of an organisation that has had 10^4, 10^5, 10^6",
        _text_of(one_organisation),
        one_organisation.measure,
        one_organisation.about_seconds,
    ),
    "folds": Part(
        "Growth: folding a stream of 10^4 and 10^5 events",
        _text_of(folds),
        folds.measure,
        folds.about_seconds,
    ),
    "reports": Part(
        "Reports over many cases",
        _text_of(reports),
        reports.measure,
        reports.about_seconds,
    ),
    "audit": Part(
        "Proofs and verification of the transparency log",
        _text_of(audit),
        audit.measure,
        audit.about_seconds,
    ),
    "audit-cost": Part(
        "What the transparency log costs a referral",
        _text_of(audit_cost),
        audit_cost.measure,
        audit_cost.about_seconds,
    ),
    "start-up": Part(
        "Start-up and memory",
        _text_of(start_up),
        start_up.measure,
        lambda _: start_up.ABOUT_SECONDS,
    ),
    "sustained": Part(
        "The highest rate at which every consumer keeps up",
        _text_of(sustained),
        sustained.measure,
        sustained.about_seconds,
    ),
    "processor-time": Part(
        "Where the processor's time goes",
        _text_of(processor_time),
        processor_time.measure,
        lambda bench: processor_time.ABOUT_SECONDS + 3 * bench.seconds,
    ),
}
