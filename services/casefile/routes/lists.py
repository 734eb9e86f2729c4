"""The HTTP routes of the lists: cases, and the worklist."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response
from pydantic import AfterValidator

from contracts.codes import CaseState
from contracts.fields import identifier
from services.casefile.lists import Lists, Wanted
from services.casefile.routes.responses import CasePage
from services.casefile.routes.worklist_shapes import WorklistPage
from services.casefile.work_lists import WorkLists
from services.chassis.http.request.caller import Authenticated
from services.chassis.http.request.cursors import Paged
from services.chassis.http.request.parameters import IDENTIFIER, Covered, Expand, Limit
from services.chassis.http.response import responses
from services.chassis.http.routing import Router

Mine = Annotated[
    bool, Query(description="Only what waits by name for the caller, or for a colleague for whom the caller stands in.")
]


def routes(lists: Lists, work: WorkLists) -> Router:
    """`/v1/cases` and `/v1/worklist`."""
    router = Router(prefix="/v1", tags=["cases"])

    @router.get("/cases", response_model=CasePage, summary="Cases that the caller has a part in.")
    async def find(
        caller: Authenticated,
        _: Covered,
        pages: Paged,
        state: Annotated[list[CaseState] | None, Query(description="Any of these; may be repeated.")] = None,
        organisation: Annotated[str | None, Query(pattern=IDENTIFIER)] = None,
        overdue: Annotated[bool | None, Query(description="With it, cases come in the order of what is due.")] = None,
        client_ref: Annotated[
            str | None,
            Query(alias="clientRef", pattern=IDENTIFIER, description="The person's pseudonym, in upper or lower case."),
            AfterValidator(identifier),
        ] = None,
        limit: Limit = 50,
        expand: Expand = None,
    ) -> Response:
        states = tuple(sorted({code.value for code in state or ()}))
        wanted = Wanted(states, organisation, overdue, client_ref, full=expand is not None)
        return responses.page(*await lists.cases(caller, wanted, pages, limit))

    @router.get("/worklist", response_model=WorklistPage, summary="What the caller must act on, most urgent first.")
    async def worklist(
        caller: Authenticated,
        _: Covered,
        pages: Paged,
        mine: Mine = False,  # noqa: FBT002 - a query parameter
        limit: Limit = 50,
    ) -> Response:
        items, following = await work.work(caller, pages, limit, mine=mine)
        return responses.page(items, following)

    return router
