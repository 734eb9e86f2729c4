"""The HTTP routes of gaps in services: the commands are those of their case."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from contracts.gap_codes import GapState
from services.casefile.gap_lists import GapLists
from services.casefile.routes.gap_shapes import GapPage, GapRead
from services.chassis.http.request.caller import Authenticated
from services.chassis.http.request.cursors import Paged
from services.chassis.http.request.parameters import IDENTIFIER, Covered, Identifier, Limit
from services.chassis.http.response import responses
from services.chassis.http.routing import Router


def routes(lists: GapLists) -> Router:
    """`/v1/gaps` and `/v1/gaps/{gap_id}`."""
    router = Router(prefix="/v1/gaps", tags=["gaps"])

    @router.get("", response_model=GapPage, summary="Gaps in services that the caller reads.")
    async def find(
        caller: Authenticated,
        _: Covered,
        pages: Paged,
        state: Annotated[list[GapState] | None, Query(description="Any of these; may be repeated.")] = None,
        agency: Annotated[str | None, Query(pattern=IDENTIFIER, description="The agency that answers.")] = None,
        limit: Limit = 50,
    ) -> Response:
        states = tuple(sorted({code.value for code in state or ()}))
        return responses.page(*await lists.page(caller, states, agency, pages, limit))

    @router.get("/{gap_id}", response_model=GapRead, summary="One gap in services.")
    async def read(caller: Authenticated, gap_id: Identifier, _: Covered) -> Response:
        return responses.resource(*await lists.one(caller, gap_id))

    return router
