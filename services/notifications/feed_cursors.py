"""Cursors of the feed: a stream continues from a page's cursor, and a page from a stream's."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from services.chassis.access.identity import Caller
from services.chassis.http.request.cursors import Pages, Parameter, cursors_of
from services.chassis.service import Service

_START_OVER: Final = "to read from the first event; skip what you already have by its `id`"
AFTER: Final = Parameter(
    "after", "/query/after", "the `next` of a page or the `id` of an event", f"leave `after` out {_START_OVER}"
)
LAST_EVENT_ID: Final = Parameter(
    "Last-Event-ID", "/headers/Last-Event-ID", "the `id` of an event", f"leave Last-Event-ID out {_START_OVER}"
)


def feed_of(
    service: Service,
    caller: Caller,
    types: Collection[str] | None,
    sent: str | None = None,
    parameter: Parameter = AFTER,
) -> Pages:
    """The feed of a caller with these types (None: all), from where the cursor `sent` points.

    Subscribers keep its cursors for as long as they like: those of earlier versions are read as well.
    """
    filters = [("type", kind) for kind in types or ()]
    return cursors_of(service).of(caller, "feed", filters, sent, parameter, outlives_versions=True)
