"""`GET /v1/feed`: what has happened, page by page."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import Query, Response
from fastapi.responses import JSONResponse
from pydantic_core import to_json

from contracts.telling_codes import TellingState, ToldBy
from services.chassis.http.problems.problem import ProblemError
from services.chassis.http.request.caller import Authenticated
from services.chassis.http.request.cursors import LONGEST
from services.chassis.http.request.parameters import Covered, Limit
from services.chassis.http.response.responses import JSON, NOT_KEPT
from services.chassis.http.routing import Router
from services.chassis.service import Service
from services.notifications.access import ANY_ORGANISATION, POLICY, READ_FEED
from services.notifications.feed_cursors import feed_of
from services.notifications.lists import messages_at, page
from services.notifications.read_receipts import ReadReceipts
from services.notifications.routes.event_types import Types
from services.notifications.routes.responses import FEED_PAGE

After = Annotated[
    str | None,
    Query(
        max_length=LONGEST,
        description="The `next` or `id` of an earlier answer to the same caller for the same `types`. Default: from"
        " the first event.",
    ),
]


async def index_caught_up(service: Service) -> None:
    """Returns once the index covers the whole log: a reader who has lost access must not profit from a rebuild."""
    try:
        async with asyncio.timeout(service.settings.wait_seconds):
            await service.caught_up()
    except TimeoutError:
        raise ProblemError(
            503, "CATCHING_UP", "the feed is being rebuilt; try again", headers={"Retry-After": "1"}
        ) from None


def routes(service: Service, receipts: ReadReceipts) -> Router:
    """The route of the feed."""
    router = Router(tags=["feed"])

    @router.get(
        "/v1/feed",
        response_class=JSONResponse,
        responses={200: FEED_PAGE},
        summary="Read the feed as pages of CloudEvents; `next` continues it.",
    )
    async def feed(caller: Authenticated, _: Covered, types: Types, after: After = None, limit: Limit = 50) -> Response:
        POLICY.require(caller, READ_FEED, (ANY_ORGANISATION,))
        pages = feed_of(service, caller, types, after)
        start = await pages.number()
        await index_caught_up(service)
        receipts.note(caller, ToldBy.FEED, TellingState.READ, types, start)
        found = await page(service.index, caller, READ_FEED, after=start, limit=limit, types=types)
        body: dict[str, Any] = {
            "items": await messages_at(service.log, found.positions),
            "next": pages.next(found.next),
        }
        return Response(to_json(body), headers=NOT_KEPT, media_type=JSON)

    return router
