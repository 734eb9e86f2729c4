"""What a service says of its operations beyond what its routes say themselves: names, purposes, tags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation by the name that a generated client gives it; `purpose` says in sentences what it is for.

    `versioned`: what it answers has an ETag.
    """

    id: str
    purpose: str
    summary: str | None = None
    versioned: bool = False


@dataclass(frozen=True, slots=True)
class Described:
    """All operations of an application by method and path, such as `GET /v1/cases`, and the tags that order them.

    `schemas` makes, by their names, those that no pydantic model describes.
    """

    purpose: str
    tags: Mapping[str, str] = field(default_factory=dict)
    operations: Mapping[str, Operation] = field(default_factory=dict)
    schemas: Callable[[], Mapping[str, dict[str, Any]]] = dict


NOT_DESCRIBED: Final = Described("")
"""An application of which nothing more is said."""


class HealthAnswer(BaseModel):
    """The process is alive."""

    status: Literal["ok"]


class StandingAnswer(BaseModel):
    """How far a service is behind each of its sources, what waits aside of each, and what fails again and again."""

    behind: dict[str, int]
    parked: dict[str, int]
    failing: dict[str, str]


class ReadinessAnswer(BaseModel):
    """Whether the process takes work; `unavailable` names the stores of a service that cannot be used, and why."""

    ready: bool
    services: dict[str, StandingAnswer]
    unavailable: dict[str, dict[str, str]] = {}


COMMON: Final = Described(
    purpose="",
    tags={"operation": "For those who operate the system: is it alive, can it work, what does it measure?"},
    operations={
        "GET /healthz": Operation(
            "health-read", "Answers as long as the process is alive. Needs no token, and asks no store."
        ),
        "GET /readyz": Operation(
            "readiness-read",
            "Whether the process takes work. `behind` says for each source how many events are still to be followed, "
            "`parked` how many messages wait aside, and `unavailable` which store cannot be used. Lag does not make a "
            "service unready. Needs no token.",
        ),
        "GET /metrics": Operation(
            "metrics-read", "What Prometheus scrapes, in its text format. Needs no token; holds no personal data."
        ),
    },
)
"""What every application has."""
