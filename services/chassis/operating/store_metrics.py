"""What Prometheus is told of stores: errors by the code of their engine, and which cannot be used."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from services.chassis.engines.store_health import StoreHealth


class StoreMetrics(Collector):
    """The stores of a process as they stand when somebody asks."""

    def __init__(self) -> None:
        self._followed: dict[int, StoreHealth] = {}

    def follow(self, stores: Iterable[StoreHealth]) -> None:
        """Shows these, too. A store that services share is shown once, also where each of them has opened it."""
        self._followed |= {id(store): store for store in stores}

    def collect(self) -> Iterator[Metric]:
        """See the library."""
        errors = CounterMetricFamily(
            "caserelay_store_errors",
            "Errors of a store, by the code of its engine.",
            labels=("service", "store", "code"),
        )
        unavailable = GaugeMetricFamily(
            "caserelay_store_unavailable", "1 while a store cannot be used.", labels=("service", "store")
        )
        opened: dict[tuple[str, str], list[StoreHealth]] = defaultdict(list)
        for health in self._followed.values():
            opened[health.service or "shared", health.store].append(health)
        for where, each in opened.items():
            unavailable.add_metric(where, any((health.failing or health.failing_there) is not None for health in each))
            counts = sum((health.errors + health.errors_there for health in each), Counter[str]())
            for code, count in counts.items():
                errors.add_metric((*where, code), count)
        yield errors
        yield unavailable
