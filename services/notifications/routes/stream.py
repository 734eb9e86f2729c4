"""`GET /v1/stream`: what happens, as it happens."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header, Request

from contracts.telling_codes import TellingState, ToldBy
from services.chassis.http.request.caller import Authenticated
from services.chassis.http.request.parameters import Covered
from services.chassis.http.request.readings import recording
from services.chassis.http.routing import Router
from services.chassis.service import Service
from services.notifications.access import ANY_ORGANISATION, POLICY, STREAM
from services.notifications.feed_cursors import AFTER, LAST_EVENT_ID, feed_of
from services.notifications.live_feed import EventStream, LiveFeed, Subscriber
from services.notifications.read_receipts import ReadReceipts
from services.notifications.routes.event_types import Types
from services.notifications.routes.feed import After, index_caught_up

LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        description="The last `id` received; takes precedence over `after`. An empty value means none.",
    ),
]


def routes(service: Service, live: LiveFeed, receipts: ReadReceipts) -> Router:
    """The route of the event stream."""
    router = Router(tags=["feed"])

    @router.get(
        "/v1/stream",
        response_class=EventStream,
        responses={
            200: {
                "description": "Server-sent events: `id` is a cursor, `event` the CloudEvents type, `data` the "
                "CloudEvent. `retry` says when to reconnect. A comment is sent at least every 15 seconds; the "
                "stream ends when the token expires.",
                "content": {"text/event-stream": {"schema": {"type": "string"}}},
            }
        },
        summary="Follow the feed live; a client that reconnects with Last-Event-ID misses and repeats nothing.",
    )
    async def stream(
        request: Request,
        caller: Authenticated,
        _: Covered,
        types: Types,
        after: After = None,
        last_event_id: LastEventId = None,
    ) -> EventStream:
        POLICY.require(caller, STREAM, (ANY_ORGANISATION,))
        # A client that has had nothing yet may send an empty one (WHATWG HTML, 9.2: the last event ID is then none).
        sent, parameter = (last_event_id, LAST_EVENT_ID) if last_event_id else (after, AFTER)
        start = await feed_of(service, caller, types, sent, parameter).number()
        await index_caught_up(service)
        receipts.note(caller, ToldBy.STREAM, TellingState.READ, types, start)
        subscriber = Subscriber(caller, request.headers["Authorization"], types, recording(request))
        return live.respond(subscriber, start)

    return router
