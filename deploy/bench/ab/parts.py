"""What is measured of two sides, by name, in the order in which it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from deploy.bench.ab import processor, reading, sending, stages
from deploy.bench.ab.figures import Figure
from deploy.bench.ab.sides import Trial


@dataclass(frozen=True, slots=True)
class Part:
    """A measurement: its title, what it says of itself, how it is made."""

    title: str
    text: str
    measure: Callable[[Trial, str], Iterator[Figure]]


def _part(title: str, measure: Callable[[Trial, str], Iterator[Figure]]) -> Part:
    return Part(f"A/B: {title}", " ".join((measure.__doc__ or "").split()), measure)


PARTS: Final[Mapping[str, Part]] = {
    "cpu": _part("processor time per accepted referral", processor.at_the_same_moment),
    "profile": _part("where the processor's time goes, by stage", stages.by_stage),
    "rate": _part("accepted referrals per second", sending.rate),
    "steady": _part("at 40 referrals per second", sending.steady),
    "sustained": _part("the highest rate at which every consumer keeps up", sending.sustained),
    "lists": _part("pages of 50", reading.lists),
    "latency": _part("one referral after the other", reading.latency),
    "memory": _part("start-up and memory", reading.memory),
}


def name_of(part: str) -> str:
    """What a part is called in the record, beside the benchmarks that look at one revision."""
    return f"ab-{part}"
