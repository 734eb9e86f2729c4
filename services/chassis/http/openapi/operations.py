"""What a service says of its operations beyond what its routes say themselves: names, purposes, tags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation by the name that a generated client gives it; `purpose` says in sentences what it is for.

    `versioned`: what it answers has an ETag. `open`: it takes no token of the issuer.
    """

    id: str
    purpose: str
    summary: str | None = None
    versioned: bool = False
    open: bool = False


@dataclass(frozen=True, slots=True)
class ApiDescription:
    """All operations of an application by method and path, such as `GET /healthz`, and the tags that order them.

    `schemas` makes, by their names, those that no pydantic model describes.
    """

    purpose: str
    tags: Mapping[str, str] = field(default_factory=dict)
    operations: Mapping[str, Operation] = field(default_factory=dict)
    schemas: Callable[[], Mapping[str, dict[str, Any]]] = dict


NOT_DESCRIBED: Final = ApiDescription("")
"""An application of which nothing more is said."""


COMMON: Final = ApiDescription(
    purpose="",
    tags={"operation": "For operators: liveness, readiness, metrics."},
    operations={
        "GET /healthz": Operation(
            "health-read", "Answers while the process is alive. Needs no token and touches no store."
        ),
        "GET /readyz": Operation(
            "readiness-read",
            "Whether the process takes work. `behind` counts the events of each source still to be processed, "
            "`parked` the messages set aside, and `unavailable` names the stores that cannot be used. Lag does not "
            "make a service unready. Needs no token.",
        ),
        "GET /metrics": Operation(
            "metrics-read", "Metrics in Prometheus' text format. Needs no token; contains no personal data."
        ),
    },
)
"""What every application has."""
