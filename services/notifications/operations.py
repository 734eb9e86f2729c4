"""What the notifications service's operations are for, as its OpenAPI document says it."""

from __future__ import annotations

from typing import Final

from services.chassis.http.openapi.described import Described, Operation
from services.notifications.routes.responses import schemas

DESCRIBED: Final = Described(
    purpose="Tells the parties of a case what happens, once and in order: to be fetched, or as it happens.",
    tags={"feed": "What has happened, as CloudEvents: page by page, or as a stream."},
    schemas=schemas,
    operations={
        "GET /v1/feed": Operation(
            "feed-read",
            "A page of what the caller may see, from the first event on. `next` is always there and goes into `after`, "
            "also when nothing more has come yet.",
        ),
        "GET /v1/stream": Operation(
            "stream-open",
            "The same as it happens, as server-sent events that are named by their CloudEvents type. It goes on until "
            "the token expires; a client that comes back with `Last-Event-ID` loses and repeats nothing.",
        ),
    },
)
