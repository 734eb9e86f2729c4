"""The HTTP routes of reports: what there are, and one, as JSON or as CSV."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Query, Request, Response
from pydantic_core import to_json

from contracts.fields import CalendarDate
from services.casefile.reports.answers import Reports
from services.casefile.reports.catalogue import listed
from services.casefile.reports.report import Period
from services.casefile.reports.spreadsheet import as_csv
from services.casefile.routes.report_shapes import ReportAnswer, ReportList
from services.chassis.http.request.accept import accepted
from services.chassis.http.request.caller import Authenticated
from services.chassis.http.request.parameters import IDENTIFIER, Covered, Identifier
from services.chassis.http.response import responses
from services.chassis.http.routing import Router

CSV: Final = "text/csv"
EXAMPLE: Final = "case,agency,programme,organisation,times,hours\r\nC-1,vdab-gent,mtw-be-2026,brugwerk,2,54.0\r\n"


def routes(reports: Reports) -> Router:
    """The routes under `/v1/reports`."""
    router = Router(prefix="/v1/reports", tags=["reports"])

    @router.get("", response_model=ReportList, summary="What reports there are.")
    async def find(caller: Authenticated, _: Covered) -> Response:
        reports.check(caller)
        return responses.resource({"items": listed()})

    @router.get(
        "/{name}",
        response_model=ReportAnswer,
        summary="A report, as JSON or as CSV.",
        responses={200: {"content": {CSV: {"schema": {"type": "string"}, "example": EXAMPLE}}}},
    )
    async def read(
        http: Request,
        caller: Authenticated,
        name: Identifier,
        _: Covered,
        first: Annotated[CalendarDate | None, Query(alias="from", description="The first day.")] = None,
        last: Annotated[CalendarDate | None, Query(alias="to", description="The last day.")] = None,
        programme: Annotated[str | None, Query(pattern=IDENTIFIER, description="Only rows of it.")] = None,
        organisation: Annotated[str | None, Query(pattern=IDENTIFIER, description="Only rows of it.")] = None,
    ) -> Response:
        kind = accepted(http.headers, (responses.JSON, CSV))
        period = Period(first, last)
        report, rows = await reports.rows(caller, name, period, programme, organisation)
        # What a caller is answered depends on what it accepts.
        headers = {**responses.NOT_KEPT, "Vary": "Accept"}
        if kind == CSV:
            return Response(as_csv(report.columns, rows), 200, headers, f"{CSV}; charset=utf-8; header=present")
        return Response(to_json(report.document(period, rows)), 200, headers, responses.JSON)

    return router
