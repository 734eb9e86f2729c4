"""The HTTP routes of a case's history: what happened, who was responsible, and what changed between two moments."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from services.casefile.queries import Moment, Queries
from services.casefile.routes.moments import AsOf, KnownAt, Viewer, looked, when
from services.casefile.routes.responses import DifferenceAnswer, ResponsibilityAnswer, TimelineAnswer
from services.casefile.time_machine import READ_AS, READ_AT, TimeMachine
from services.chassis.http.request.caller import Authenticated
from services.chassis.http.request.cursors import Paged
from services.chassis.http.request.parameters import Covered, Identifier, Limit
from services.chassis.http.response import responses
from services.chassis.http.routing import Router
from services.chassis.modelling.days import FIRST


def routes(queries: Queries, machine: TimeMachine) -> Router:
    """The routes of the history under `/v1/cases/{case_id}`."""
    router = Router(prefix="/v1", tags=["cases"])

    @router.get("/cases/{case_id}/timeline", response_model=TimelineAnswer, summary="What happened, in one order.")
    async def timeline(
        caller: Authenticated,
        case_id: Identifier,
        _: Covered,
        pages: Paged,
        as_of: AsOf = None,
        known_at: KnownAt = None,
        viewer: Viewer = None,
        limit: Limit = 200,
    ) -> Response:
        found = await queries.find(caller, case_id, "read-timeline" if viewer is None else READ_AS)
        reader, seen, at = await looked(queries, machine, caller, found, (viewer, as_of, known_at))
        items, last = await queries.timeline(reader, seen, at, await pages.number(), limit)
        return responses.resource({"items": items, "next": pages.behind(last)}, await queries.etag(caller, found))

    @router.get(
        "/cases/{case_id}/responsibility",
        response_model=ResponsibilityAnswer,
        summary="Who is, or was, responsible for what.",
    )
    async def responsibility(
        caller: Authenticated,
        case_id: Identifier,
        _: Covered,
        as_of: AsOf = None,
        known_at: KnownAt = None,
        viewer: Viewer = None,
    ) -> Response:
        found = await queries.find(caller, case_id, "read-responsibility" if viewer is None else READ_AS)
        body = await queries.responsibility(*await looked(queries, machine, caller, found, (viewer, as_of, known_at)))
        return responses.resource(body, await queries.etag(caller, found))

    @router.get(
        "/cases/{case_id}/diff",
        response_model=DifferenceAnswer,
        summary="What changed between two moments, in words.",
    )
    async def diff(
        caller: Authenticated,
        case_id: Identifier,
        _: Covered,
        first: Annotated[
            str | None, Query(alias="from", description="RFC 3339, or a date. Without: the beginning.")
        ] = None,
        last: Annotated[str | None, Query(alias="to", description="RFC 3339, or a date. Without: now.")] = None,
    ) -> Response:
        found = await queries.find(caller, case_id, READ_AT)
        begin = await when(queries, found, "from", first) if first is not None else None
        end = await when(queries, found, "to", last) if last is not None else None
        body = {"case": case_id, "from": begin, "to": end}
        changed = await machine.difference(caller, found, Moment(begin or FIRST), Moment(end))
        return responses.resource({**body, **changed}, await queries.etag(caller, found))

    return router
