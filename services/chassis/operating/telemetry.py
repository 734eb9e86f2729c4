"""What operators see: one JSON line per request on stderr, and metrics for Prometheus.

Neither holds personal data. A line has a fixed text and fields of an allow-list; a request is known by its route's
template, since its path names a case; an exception is known by its class and where it arose, since its message may
repeat what somebody sent.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from traceback import walk_tb
from types import TracebackType
from typing import Any, Final

import msgspec
from fastapi import FastAPI
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.responses import Response

from services.chassis.operating.delivery_metrics import DeliveryMetrics
from services.chassis.operating.request_notes import RequestNotes
from services.chassis.operating.request_telemetry import RequestTelemetry
from services.chassis.operating.store_metrics import StoreMetrics
from services.chassis.operating.verification_metrics import VerificationMetrics
from services.chassis.operating.version import VERSION

FIELDS: Final = (
    "service",
    "method",
    "route",
    "status",
    "duration_ms",
    "topic",
    "position",
    "message_id",
    "tries",
    "work",
    "count",
    "failure",
    "where",
    "trace_id",
    "refusal",
    "store",
    "code",
    "broker",
    "version",
    "address",
    "services",
    "stores",
    "bus",
    "issuer",
    "signed",
)
"""The `extra` fields that a line shows; all others are dropped."""

_SERVER: Final = "uvicorn.error"
_OWN: Final = ("services.", _SERVER)
"""Loggers whose texts are constants. Those of other libraries may have data in them."""
PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""What machines ask every few seconds, and nobody wants to read of."""

_LONGEST_FIELD: Final = 200
_DEEPEST_STACK: Final = 20
_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_DURATIONS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_log = logging.getLogger(__name__)


def configure_logging(level: str, *, disclose: bool = False) -> None:
    """Sends every logger of the process to stderr, a JSON object per line; what was configured before is dropped.

    `disclose` adds texts with their arguments and exceptions' messages: for a process that holds invented people only.
    """
    lines = _Lines(sys.stderr)
    lines.setFormatter(_JsonLine(disclose=disclose))
    logging.basicConfig(handlers=[lines], level=level, force=True)
    # Nobody reads them, and every record would ask the system for them.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    # They log paths, query strings and headers.
    logging.getLogger("uvicorn.access").disabled = True
    for client in ("httpx", "httpcore"):
        logging.getLogger(client).setLevel(logging.WARNING)


class _Lines(logging.StreamHandler[Any]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """The standard one prints the text's arguments, and a full disk would not get better by it."""


class _JsonLine(logging.Formatter):
    def __init__(self, *, disclose: bool) -> None:
        super().__init__()
        self._disclose = disclose

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _time(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": self._text(record),
        }
        known = record.__dict__
        for field in FIELDS:
            if field in known:
                line[field] = _plain(known[field])
        if record.exc_info is not None:
            _, error, trace = record.exc_info
            if error is not None:
                line["failure"] = type(error).__name__
                line["stack"] = _stack(trace)
                if self._disclose:
                    line["detail"] = str(error)
        return msgspec.json.encode(line).decode()

    def _text(self, record: logging.LogRecord) -> str:
        if self._disclose:
            return record.getMessage()
        if record.name.startswith(_OWN) and isinstance(record.msg, str):
            # A number of the server's own, such as its process, is no datum; whatever else varies may be one.
            counted = isinstance(record.args, tuple) and all(type(argument) is int for argument in record.args)
            return record.getMessage() if counted and record.name == _SERVER else record.msg
        return f"said by {record.module}.{record.funcName}, line {record.lineno}"


def _time(seconds: float) -> str:
    whole, of_second = divmod(int(seconds * 1000), 1000)
    return f"{_whole_second(whole)}.{of_second:03}+00:00"


@lru_cache(maxsize=4)
def _whole_second(seconds: int) -> str:
    # Many lines are of the same second.
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _plain(value: object) -> object:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return value[:_LONGEST_FIELD] if isinstance(value, str) else type(value).__name__


def _stack(trace: TracebackType | None) -> list[str]:
    frames = [
        f"{'/'.join(Path(frame.f_code.co_filename).parts[-3:])}:{line} {frame.f_code.co_name}"
        for frame, line in walk_tb(trace)
    ]
    return frames[-_DEEPEST_STACK:]


# When a counter was made says nothing here, and doubles the series.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library left its types out


class Limit(StrEnum):
    """The limits of the server on connections, as the metrics name them. Other refusals are counted by their code."""

    HEADER_BYTES = "header_bytes"
    HEADERS = "headers"
    HEADER_SECONDS = "header_seconds"
    BODY_SECONDS = "body_seconds"
    IDLE_SECONDS = "idle_seconds"
    ANSWER_SECONDS = "answer_seconds"
    MALFORMED = "malformed"
    PIPELINED = "pipelined"
    CONNECTIONS = "connections"
    CONNECTIONS_PER_ADDRESS = "connections_per_address"
    MADE_ROOM = "made_room"


class Telemetry:
    """The metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "caserelay_requests", "Requests answered.", ("route", "method", "status"), registry=self.registry
        )
        self._durations = Histogram(
            "caserelay_request_seconds",
            "From a request's arrival to the end of its answer.",
            ("route", "method"),
            buckets=_DURATIONS,
            registry=self.registry,
        )
        self._heads = Gauge(
            "caserelay_log_head_position",
            "Position of the last event in a service's log.",
            ("service",),
            registry=self.registry,
        )
        self._behind = Gauge(
            "caserelay_behind_positions",
            "Positions that a part of a service has not taken in yet.",
            ("service", "part"),
            registry=self.registry,
        )
        self._parked = Gauge(
            "caserelay_parked_messages",
            "Messages of a source that were put aside after failing.",
            ("service", "source"),
            registry=self.registry,
        )
        self._refusals = Counter(
            "caserelay_refusals", "Problems answered, by their code.", ("code",), registry=self.registry
        )
        self._failing = Gauge(
            "caserelay_failing",
            "1 while a piece of background work fails.",
            ("service", "work"),
            registry=self.registry,
        )
        self._leader = Gauge(
            "caserelay_leader", "1 in the process that leads its service.", ("service",), registry=self.registry
        )
        self._build = Gauge("caserelay_build_info", "Always 1.", ("version",), registry=self.registry)
        self._build.labels(VERSION).set(1)
        self.stores = StoreMetrics()
        self.registry.register(self.stores)
        self.deliveries = DeliveryMetrics()
        self.registry.register(self.deliveries)
        self.verifications = VerificationMetrics()
        self.registry.register(self.verifications)
        limits_met = Counter(
            "caserelay_connection_limits",
            "Connections that a limit of the server ended or refused, answered or not.",
            ("limit",),
            registry=self.registry,
        )
        self._open = Gauge(
            "caserelay_open", "Connections and event streams that are open now.", ("what",), registry=self.registry
        )
        # A limit that was never met is a zero, and not a series that is missing.
        self._by_limit = {limit: limits_met.labels(limit.value) for limit in Limit}
        self._parts: dict[str, set[str]] = {}
        self._sources: dict[str, set[str]] = {}
        ProcessCollector(registry=self.registry)
        # Looking a child up by its labels costs more than counting with it.
        self._by_request: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def install(self, app: FastAPI) -> None:
        """Count, time and log every request of an application, as the outermost of its middlewares so far."""
        app.add_middleware(RequestTelemetry, telemetry=self)

    def request(self, method: str, route: str, status: int, seconds: float, notes: RequestNotes | None = None) -> None:
        """A request was answered; `route` is the template, never the path."""
        method = method if method in _METHODS else "OTHER"
        key = (route, method, status)
        children = self._by_request.get(key)
        if children is None:
            children = self._requests.labels(route, method, str(status)), self._durations.labels(route, method)
            self._by_request[key] = children
        count, duration = children
        count.inc()
        duration.observe(seconds)
        if notes is not None and notes.refusal is not None:
            self.refusal(notes.refusal)
        level = _level(route, status, notes)
        if _log.isEnabledFor(level):
            fields: dict[str, Any] = {
                "method": method,
                "route": route,
                "status": status,
                "duration_ms": round(seconds * 1000, 3),
            }
            if notes is not None:
                fields |= notes.fields()
                if (error := notes.unexpected) is not None:
                    # Not the exception itself: others who listen to the log would write its message.
                    fields |= {
                        "failure": type(error).__name__,
                        "where": " < ".join(_stack(error.__traceback__)[:-4:-1]),
                    }
            # What `log` does, without its search for the caller's line, which costs a quarter of it all.
            _log.handle(_log.makeRecord(_log.name, level, __file__, 0, "request", (), None, extra=fields))

    def limit_met(self, limit: Limit) -> None:
        """A connection met a limit. By whom is not counted: an address is personal data, and a label is for ever."""
        self._by_limit[limit].inc()

    def refusal(self, code: str) -> None:
        """A problem was answered: of a request, or of a line of one that many are in."""
        self._refusals.labels(code).inc()

    def turned_away(self, status: int, code: str, notes: RequestNotes) -> None:
        """A limit of the server was answered with a problem, before any application could; as a line, like others."""
        self.refusal(code)
        level = logging.WARNING if status >= 500 else logging.INFO
        _log.log(level, "turned away", extra={"status": status, **notes.fields(), "refusal": code})

    def watch(self, what: str, count: Callable[[], int]) -> None:
        """Asks how many are open whenever somebody asks for the metrics."""
        self._open.labels(what).set_function(count)

    def observe(self, service: str, head: int, behind: Mapping[str, int], parked: Mapping[str, int]) -> None:
        """How a service stands now: its log's last position, what each part lacks, what each source has put aside."""
        self._heads.labels(service).set(head)
        for part in self._parts.get(service, set()) - behind.keys():
            # Another process does it now, or nobody any more.
            self._behind.remove(service, part)
        self._parts[service], self._sources[service] = set(behind), set(parked)
        for part, positions in behind.items():
            self._behind.labels(service, part).set(positions)
        for source, messages in parked.items():
            self._parked.labels(service, source).set(messages)

    def unobserved(self, service: str) -> None:
        """Nobody can say how a service stands now: better no number than an old one."""
        if service not in self._parts:
            return
        self._heads.remove(service)
        for part in self._parts.pop(service):
            self._behind.remove(service, part)
        for source in self._sources.pop(service):
            self._parked.remove(service, source)

    def standing(self, service: str, *, leads: bool, failing: Mapping[str, bool]) -> None:
        """Whether the process leads the service, and which of its background work fails."""
        self._leader.labels(service).set(leads)
        for work, fails in failing.items():
            self._failing.labels(service, work).set(fails)

    def exposition(self) -> Response:
        """The answer of `/metrics`, in Prometheus' text format."""
        return Response(generate_latest(self.registry), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})


def _level(route: str, status: int, notes: RequestNotes | None) -> int:
    if notes is not None and notes.unexpected is not None:
        return logging.ERROR
    if route in PROBES:
        return logging.DEBUG
    return logging.WARNING if status >= 500 or (notes is not None and notes.unavailable) else logging.INFO
