"""What is known of a request while it is answered: its place in a trace, and what it failed by, for its log line."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any, Final

from services.chassis.engines.store_health import Unavailable
from services.chassis.operating.traceparent import Traceparent, follow

_KEY: Final = "caserelay.notes"


@dataclass(slots=True)
class RequestNotes:
    """`trace` goes with the answer, into the log line, and into what the request causes."""

    trace: Traceparent
    refusal: str | None = None
    """The code of the problem that was answered."""
    unexpected: Exception | None = None
    """What nobody had expected. Its message is never shown."""
    unavailable: Unavailable | None = None
    """The store that could not be used."""

    @property
    def header(self) -> tuple[bytes, bytes]:
        """What every answer carries."""
        return b"traceparent", str(self.trace).encode()

    def fields(self) -> dict[str, Any]:
        """What the request's log line says of it; only fields that are on the list."""
        fields: dict[str, Any] = {"trace_id": self.trace.trace_id}
        if self.refusal is not None:
            fields["refusal"] = self.refusal
        if self.unavailable is not None:
            fields |= {"store": self.unavailable.store, "code": self.unavailable.code}
        return fields


def notes_of(scope: MutableMapping[str, Any]) -> RequestNotes:
    """The notes of a request, made when somebody first asks: no matter who looks at it first, all find the same."""
    notes: RequestNotes | None = scope.get(_KEY)
    if notes is None:
        header = next((value for name, value in scope["headers"] if name == b"traceparent"), None)
        notes = scope[_KEY] = RequestNotes(follow(header.decode("latin-1") if header is not None else None))
    return notes
