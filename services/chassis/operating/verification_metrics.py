"""What Prometheus is told of verifications: when a log was last held against what was signed, and what differed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class Place(Struct, frozen=True):
    """Where a log differs from what was signed, and how; position 0 is the log as a whole."""

    position: int
    what: str


class Verified(Struct, frozen=True):
    """What came of going through a log the last time.

    `at` is when that ended, in seconds of Unix time, and `seconds` how long it took. `mismatches` counts every kind
    that there is, also where there are none; `first` names the first of them. Before the first time `at` is since when
    it has been due, `done` is False, and nothing else says anything.
    """

    at: float
    seconds: float
    checked: int
    mismatches: dict[str, int]
    first: list[Place]
    done: bool = True


class VerificationMetrics(Collector):
    """The verifications of a process, as its services told them last."""

    def __init__(self) -> None:
        self._by_service: dict[str, Mapping[str, Verified]] = {}

    def follow(self, service: str, by_log: Mapping[str, Verified]) -> None:
        """Shows these from now on; empty: nobody can say."""
        self._by_service[service] = by_log

    def collect(self) -> Iterator[Metric]:
        """See the library."""
        at = GaugeMetricFamily(
            "caserelay_verified_timestamp_seconds",
            "When the whole of a log was last held against what was signed of it; before that, since when it is due.",
            labels=("log",),
        )
        seconds = GaugeMetricFamily("caserelay_verification_seconds", "How long that took.", labels=("log",))
        events = GaugeMetricFamily("caserelay_verified_events", "How many events there were.", labels=("log",))
        mismatches = GaugeMetricFamily(
            "caserelay_mismatches", "Places at which a log is not what was signed, by kind.", labels=("log", "what")
        )
        for log, verified in (each for by_log in self._by_service.values() for each in by_log.items()):
            at.add_metric((log,), verified.at)
            if not verified.done:
                continue
            seconds.add_metric((log,), verified.seconds)
            events.add_metric((log,), verified.checked)
            for what, count in verified.mismatches.items():
                mismatches.add_metric((log, what), count)
        yield at
        yield seconds
        yield events
        yield mismatches
