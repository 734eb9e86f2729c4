"""What the notifications service's operations are for, as its OpenAPI document says it."""

from __future__ import annotations

from typing import Final

from services.chassis.http.openapi.operations import ApiDescription, Operation

DESCRIBED: Final = ApiDescription(
    purpose="Delivers what happens to the parties of a case, once and in order, as pages or as a stream.",
    tags={"feed": "Events as CloudEvents, as pages or as a stream."},
    operations={
        "GET /v1/feed": Operation(
            "feed-read",
            "A page of what the caller may see, starting with the first event. `next` is always present, "
            "and is sent as `after`, even if nothing new has arrived.",
        ),
        "GET /v1/stream": Operation(
            "stream-open",
            "The same, live, as server-sent events named by their CloudEvents type. It continues until "
            "the token expires; a client that reconnects with `Last-Event-ID` misses and repeats nothing.",
        ),
    },
)
