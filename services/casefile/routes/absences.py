"""The HTTP routes of absences: who of an organisation's staff is away when, and who stands in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Header, Query, Request, Response

from contracts.codes import Role
from services.casefile.access import POLICY, relations_to_absence
from services.casefile.beside_views import absence_view
from services.casefile.domain.absence import STAFF, NameSubstitute, Naming, ReleaseSubstitute, absence_stream
from services.casefile.known_filters import check_filters
from services.casefile.projection import ABSENCES
from services.casefile.routes.absence_shapes import AbsenceAnswer, AbsenceBody, AbsencePage
from services.chassis.access.policy import Hidden
from services.chassis.deciding.handler import Handler
from services.chassis.deciding.streams import Streams
from services.chassis.http.request.caller import Authenticated
from services.chassis.http.request.command import Changing, putting, replacing
from services.chassis.http.request.cursors import Paged
from services.chassis.http.request.national_numbers import check_text
from services.chassis.http.request.parameters import IDENTIFIER, Covered, DryRun, Identifier, Limit
from services.chassis.http.request.read_only import check_read_only
from services.chassis.http.response import responses
from services.chassis.http.routing import Router
from services.chassis.index.index import IndexReader
from services.chassis.time.clock import Clock

LOG = "casefile"
IfMatch = Annotated[str | None, Header(alias="If-Match", description="Required where there is something already.")]
Whose = Annotated[
    str | None, Query(pattern=IDENTIFIER, description="For auditors: the organisation; others see their own.")
]


def routes(
    streams: Streams,
    handler: Handler[Any, Naming],
    index: IndexReader,
    caught_up: Callable[[], Awaitable[None]],
    clock: Clock,
) -> Router:
    """The routes under `/v1/absences`."""
    router = Router(prefix="/v1/absences", tags=["absences"])

    @router.get("", response_model=AbsencePage, summary="Who of the caller's organisation is away, and who stands in.")
    async def find(
        caller: Authenticated, _: Covered, pages: Paged, organisation: Whose = None, limit: Limit = 50
    ) -> Response:
        whose = organisation or caller.org
        POLICY.require(caller, "read-absence", relations_to_absence(caller, whose))
        after = await pages.number()
        await check_filters(streams, organisation=organisation)
        await caught_up()
        everybody = caller.role is Role.AUDITOR and organisation is None
        where = {} if everybody else {"organisation": whose}
        rows = await index.find(ABSENCES.name, where, after=after, limit=limit + 1)
        folds = await asyncio.gather(*(streams.fold(row.key, STAFF) for row in rows[:limit]))
        items = [absence_view(folded.state) for folded in folds]
        return responses.page(items, pages.next(rows[limit - 1].seq if len(rows) > limit else None))

    @router.get("/{sub}", response_model=AbsenceAnswer, summary="When somebody is away, and who stands in.")
    async def read(caller: Authenticated, sub: Identifier, _: Covered, organisation: Whose = None) -> Response:
        whose = organisation or caller.org
        POLICY.require(caller, "read-absence", relations_to_absence(caller, whose, sub))
        folded = await streams.fold(absence_stream(whose, sub), STAFF)
        if folded.state.absence is None:
            raise Hidden
        return responses.resource(absence_view(folded.state), folded.etag)

    @router.put("/{sub}", response_model=AbsenceAnswer, summary="Name who stands in for somebody for a time.")
    async def name(
        request: Request,
        caller: Authenticated,
        sub: Identifier,
        body: AbsenceBody,
        _if_match: IfMatch = None,
        dry_run: DryRun = False,  # noqa: FBT002 - a query parameter
    ) -> Response:
        check_text(await request.json())
        POLICY.require(caller, "name-substitute", relations_to_absence(caller, caller.org, sub))
        stream = absence_stream(caller.org, sub)
        folded = await streams.fold(stream, STAFF)
        there = folded.state.absence is not None
        if not there:
            check_read_only(body, {"sub": sub, "organisation": caller.org})
        change = putting(request, caller, replacing(request, exists=there), dry_run=dry_run)
        if there and folded.etag in (change.if_match or ()):
            check_read_only(body, absence_view(folded.state))
        command = NameSubstitute(
            at=clock.now(),
            by=change.actor,
            organisation=caller.org,
            absent=sub,
            substitute=body.substitute,
            begins=body.begins,
            ends=body.ends,
            as_released=body.released_at is not None,
        )
        outcome = await handler.handle(command, stream, STAFF, change.call(), must_exist=False)
        return responses.command_result(change, outcome, absence_view(outcome.state), LOG)

    @router.post("/{sub}/release", response_model=AbsenceAnswer, summary="Somebody is back, or does not leave.")
    async def release(change: Changing, sub: Identifier, _: Covered) -> Response:
        caller = change.caller
        POLICY.require(caller, "name-substitute", relations_to_absence(caller, caller.org, sub))
        stream = absence_stream(caller.org, sub)
        if (await streams.fold(stream, STAFF)).state.absence is None:
            raise Hidden
        command = ReleaseSubstitute(at=clock.now(), by=change.actor, organisation=caller.org, absent=sub)
        outcome = await handler.handle(command, stream, STAFF, change.call())
        return responses.command_result(change, outcome, absence_view(outcome.state), LOG)

    return router
