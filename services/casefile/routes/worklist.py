"""The HTTP route of the worklist."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from services.casefile.routes.responses import WorklistPage
from services.casefile.searches import Searches
from services.chassis.http.request.caller import Authenticated
from services.chassis.http.request.cursors import Paged
from services.chassis.http.request.parameters import Covered, Limit
from services.chassis.http.response import responses
from services.chassis.http.routing import Router


def routes(searches: Searches) -> Router:
    """`/v1/worklist`."""
    router = Router(prefix="/v1", tags=["cases"])

    @router.get("/worklist", response_model=WorklistPage, summary="What the caller must act on, most urgent first.")
    async def worklist(
        caller: Authenticated,
        _: Covered,
        pages: Paged,
        mine: Annotated[bool, Query(description="Only what waits for the caller by name.")] = False,  # noqa: FBT002
        limit: Limit = 50,
    ) -> Response:
        items, following = await searches.work(caller, pages, limit, mine=mine)
        return responses.page(items, following)

    return router
