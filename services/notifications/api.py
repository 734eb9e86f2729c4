"""The routes of the notifications service."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import Depends, Header, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic_core import to_json

from services.chassis.http.asked import Authenticated, Covered, Limit
from services.chassis.http.cursors import LONGEST
from services.chassis.http.problems import ProblemError
from services.chassis.http.routing import Router
from services.chassis.modelling.decider import Fault
from services.chassis.service import Service
from services.notifications.access import ANY_ORGANISATION, POLICY, READ_FEED, STREAM
from services.notifications.catalogue import MESSAGES
from services.notifications.cursors import AFTER, LAST_EVENT_ID, feed_of
from services.notifications.queries import messages_at
from services.notifications.routes.responses import FEED_PAGE
from services.notifications.stream import EventStream, LiveFeed, Subscriber
from services.notifications.views import page

JSON: Final = "application/json"


async def wanted_types(
    types: Annotated[
        list[str] | None,
        Query(
            description="Only these CloudEvents types, separated by commas or given several times; without it, all.",
            examples=[["org.caserelay.referral.submitted.v1"]],
        ),
    ] = None,
) -> tuple[str, ...] | None:
    """The CloudEvents types asked for. Raises ProblemError 422 for one that is not published here."""
    if types is None:
        return None
    wanted = tuple(dict.fromkeys(kind for several in types for kind in several.split(",")))
    if any(kind not in MESSAGES for kind in wanted):
        # What was asked for is not repeated: it may be anything that somebody typed.
        detail = f"the types are: {', '.join(MESSAGES)}"
        raise ProblemError(
            422, "UNKNOWN_TYPE", f"types: {detail}", errors=[Fault("/query/types", "UNKNOWN_TYPE", detail)]
        )
    return wanted


Types = Annotated[Sequence[str] | None, Depends(wanted_types)]
After = Annotated[
    str | None,
    Query(
        max_length=LONGEST,
        description="The `next` or `id` of an earlier answer to the same caller, for the same `types`; without it, from"
        " the first event.",
    ),
]
LastEventId = Annotated[
    str | None,
    Header(alias="Last-Event-ID", description="The last `id` received; goes before `after`. Empty, it means none."),
]


async def _abreast(service: Service) -> None:
    """Returns once the index knows all that the log holds: who has lost access must not profit from a rebuild."""
    try:
        async with asyncio.timeout(service.settings.wait_seconds):
            await service.caught_up()
    except TimeoutError:
        raise ProblemError(
            503, "CATCHING_UP", "the feed is being put together again; ask again", headers={"Retry-After": "1"}
        ) from None


def routes(service: Service, live: LiveFeed) -> Router:
    """`GET /v1/feed` and `GET /v1/stream`."""
    router = Router(tags=["feed"])

    @router.get(
        "/v1/feed",
        response_class=JSONResponse,
        responses={200: FEED_PAGE},
        summary="What has happened, as CloudEvents, page by page; ask again with `next` for what is new.",
    )
    async def feed(caller: Authenticated, _: Covered, types: Types, after: After = None, limit: Limit = 50) -> Response:
        POLICY.require(caller, READ_FEED, (ANY_ORGANISATION,))
        pages = feed_of(service, caller, types, after)
        start = await pages.number()
        await _abreast(service)
        found = page(service.index, caller, READ_FEED, after=start, limit=limit, types=types)
        body: dict[str, Any] = {
            "items": await messages_at(service.log, found.positions),
            "next": pages.next(found.next),
        }
        return Response(to_json(body), headers={"Cache-Control": "no-store"}, media_type=JSON)

    @router.get(
        "/v1/stream",
        response_class=EventStream,
        responses={
            200: {
                "description": "Server-sent events: `id` is a cursor, `event` the CloudEvents type, `data` the "
                "CloudEvent. `retry` says when to come back. At least every 15 seconds comes a comment; the "
                "stream ends when the token expires.",
                "content": {"text/event-stream": {"schema": {"type": "string"}}},
            }
        },
        summary="What happens, as it happens; a client that comes back with Last-Event-ID loses and repeats nothing.",
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
        await _abreast(service)
        return live.respond(Subscriber(caller, request.headers["Authorization"], types), start)

    return router
