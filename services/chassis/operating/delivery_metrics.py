"""What Prometheus is told of what is delivered to others: what came of each attempt, and how much waits."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class Tally(Struct):
    """What came of work that is done for others since the process began, by outcome, and how much waits that it knows.

    `behind`: how many positions of the log the one of them is behind that is furthest behind. `receivers` are those for
    whom this process does it, `failing` how many of them refuse it again and again, and `away_seconds` how long the one
    has taken nothing that has done so the longest.
    """

    outcomes: dict[str, int] = {}
    waiting: int = 0
    behind: int = 0
    receivers: int = 0
    failing: int = 0
    away_seconds: float = 0.0


class DeliveryMetrics(Collector):
    """The deliveries of a process, as its services told them last."""

    def __init__(self) -> None:
        self._tallies: dict[str, Tally] = {}

    def follow(self, service: str, tally: Tally | None) -> None:
        """Shows these from now on; None: nobody can say."""
        if tally is None:
            self._tallies.pop(service, None)
        else:
            self._tallies[service] = tally

    def collect(self) -> Iterator[Metric]:
        """See the library."""
        attempts = CounterMetricFamily(
            "caserelay_delivery_attempts",
            "Attempts to deliver to endpoints, by what came of them.",
            labels=("service", "outcome"),
        )
        waiting = GaugeMetricFamily(
            "caserelay_deliveries_waiting", "Cases of endpoints that are under way or next.", labels=("service",)
        )
        behind = GaugeMetricFamily(
            "caserelay_deliveries_behind_positions",
            "Positions that the endpoint lacks that is furthest behind.",
            labels=("service",),
        )
        receivers = GaugeMetricFamily(
            "caserelay_endpoints",
            "Endpoints and mailboxes that this process delivers to; to the failing ones nothing arrives.",
            labels=("service", "state"),
        )
        away = GaugeMetricFamily(
            "caserelay_endpoint_away_seconds",
            "How long the endpoint has taken nothing that has done so the longest.",
            labels=("service",),
        )
        for service, tally in self._tallies.items():
            for outcome, count in tally.outcomes.items():
                attempts.add_metric((service, outcome), count)
            waiting.add_metric((service,), tally.waiting)
            behind.add_metric((service,), tally.behind)
            receivers.add_metric((service, "well"), tally.receivers - tally.failing)
            receivers.add_metric((service, "failing"), tally.failing)
            away.add_metric((service,), tally.away_seconds)
        yield attempts
        yield waiting
        yield behind
        yield receivers
        yield away
