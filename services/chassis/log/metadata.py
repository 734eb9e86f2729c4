"""What is known of every recorded event beside its payload."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, cast

from msgspec import NODEFAULT, Struct, defstruct
from msgspec.structs import FieldInfo, fields

from services.chassis.modelling.decider import Actor


class Metadata(Struct, frozen=True, kw_only=True, gc=False):
    """Who, when, under which rules, and why an event was recorded. No personal data, ever.

    `occurred_at` is when it happened, `recorded_at` the service's clock; `causation_id` is the id of the message
    or event that led to it, `causation_sequence` the position of a message in the log that it came from, and
    `correlation_id` the id of the first one in the chain.
    """

    event_id: str
    actor: Actor
    occurred_at: datetime
    recorded_at: datetime
    correlation_id: str
    causation_id: str | None = None
    idempotency_key: str | None = None
    fingerprint: str | None = None
    traceparent: str | None = None
    causation_sequence: int | None = None

    @property
    def references(self) -> Mapping[str, str | None]:
        """Under which rules: what the service refers to, by the names that it gave to EventTypes."""
        return {}


REFERENCES_FOLLOW = "causation_id"
"""The field that the references are stored behind."""


@cache
def metadata_with(references: tuple[str, ...]) -> type[Metadata]:
    """The metadata of a service whose events refer to something: Metadata with a field for each reference.

    Made once, since to build, write and read fields costs a fraction of what a mapping does. Its fields
    are those of Metadata in their order, so no subclass: a subclass would store its own fields last.
    """
    if not references:
        return Metadata
    listed: list[tuple[str, type, Any]] = []
    for known in fields(Metadata):
        listed.append((known.name, known.type, _default(known)))
        if known.name == REFERENCES_FOLLOW:
            listed += [(name, cast("type", str | None), None) for name in references]
    members = {
        "__doc__": Metadata.__doc__,
        "references": property(lambda meta: {name: getattr(meta, name) for name in references}),
    }
    made = defstruct("Metadata", listed, frozen=True, kw_only=True, gc=False, namespace=members, module=__name__)
    return cast("type[Metadata]", made)


def _default(known: FieldInfo) -> Any:
    return known.default if known.default is not NODEFAULT else NODEFAULT


class Recorded(Struct, frozen=True):
    """An event as the log holds it.

    `position` is its place in the whole log, `version` its place in its stream (the first is 1), `topic` its stable
    stored name, `state` the bytes as they are stored.
    """

    position: int
    stream: str
    version: int
    topic: str
    event: Any
    meta: Metadata
    state: bytes

    @property
    def digest(self) -> str:
        """The SHA-256 of the stored bytes in hexadecimal."""
        return hashlib.sha256(self.state).hexdigest()
