"""The HTTP route of who has read a case."""

from __future__ import annotations

from datetime import datetime

from fastapi import Response

from contracts.answers import Contract
from contracts.codes import Role
from services.casefile.accesses import Accesses
from services.chassis.http.request.caller import Authenticated
from services.chassis.http.request.cursors import Paged
from services.chassis.http.request.parameters import Covered, Identifier, Limit
from services.chassis.http.response import responses
from services.chassis.http.routing import Router


class ReaderAnswer(Contract):
    """Who read."""

    sub: str
    role: Role
    org: str


class ReadingAnswer(Contract):
    """One reading: when, by whom, of which route, and what for, as the reader said it.

    `event` is its id in the log of readings, by which its proof is asked for.
    """

    event: str
    at: datetime
    by: ReaderAnswer
    route: str
    purpose: str | None


class ReadingPage(Contract):
    """A page of readings, the oldest first."""

    items: list[ReadingAnswer]
    next: str | None


def routes(accesses: Accesses) -> Router:
    """`GET /v1/cases/{case_id}/accesses`."""
    router = Router(prefix="/v1/cases", tags=["cases"])

    @router.get(
        "/{case_id}/accesses", response_model=ReadingPage, summary="The readings of the case that are on record."
    )
    async def find(caller: Authenticated, case_id: Identifier, _: Covered, pages: Paged, limit: Limit = 50) -> Response:
        items, following = await accesses.page(caller, case_id, await pages.number(), limit)
        # The place is one of the log of readings, and says nothing of the service's own.
        return responses.page(items, pages.next(following, recorded=0))

    return router
