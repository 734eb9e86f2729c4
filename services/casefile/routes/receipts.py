"""The HTTP routes of receipts for handovers."""

from __future__ import annotations

from fastapi import Response

from services.casefile.queries import Queries
from services.casefile.receipts import HandoverReceipts
from services.casefile.routes.receipt_shapes import ReceiptAnswer, ReceiptPage
from services.chassis.http.request.caller import Authenticated
from services.chassis.http.request.cursors import Paged
from services.chassis.http.request.parameters import Covered, Identifier, Limit
from services.chassis.http.response import responses
from services.chassis.http.routing import Router


def routes(queries: Queries, receipts: HandoverReceipts) -> Router:
    """The routes under `/v1/cases/{case_id}/receipts`, for those who read the raw record."""
    router = Router(prefix="/v1", tags=["cases"])

    @router.get("/cases/{case_id}/receipts", response_model=ReceiptPage, summary="Receipts for the case's handovers.")
    async def find(caller: Authenticated, case_id: Identifier, _: Covered, pages: Paged, limit: Limit = 50) -> Response:
        found = await queries.find(caller, case_id, "read-record")
        items, last = await receipts.page(caller, found, await pages.number(), limit)
        return responses.page(items, pages.behind(last))

    @router.get(
        "/cases/{case_id}/receipts/{event}",
        response_model=ReceiptAnswer,
        summary="The receipt for one handover, to be kept.",
    )
    async def read(caller: Authenticated, case_id: Identifier, event: Identifier, _: Covered) -> Response:
        found = await queries.find(caller, case_id, "read-record")
        return responses.resource(await receipts.receipt(caller, found, event))

    return router
