"""The HTTP routes of mentor profiles: an organisation's own, and nobody else's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Header, Query, Request, Response

from contracts.codes import Role
from services.casefile.access import POLICY, relations_to_mentors
from services.casefile.context import working_day
from services.casefile.domain.mentor import MENTOR, DescribeMentor, Mentor, Profile, mentor_stream
from services.casefile.known_filters import check_filters
from services.casefile.projection import MENTORS
from services.casefile.routes import requests
from services.casefile.routes.mentor_shapes import MentorAnswer, MentorPage
from services.casefile.views import mentor_view
from services.chassis.access.policy import Hidden
from services.chassis.deciding.handler import Handler
from services.chassis.deciding.streams import Streams
from services.chassis.http.request.caller import Authenticated
from services.chassis.http.request.command import putting, replacing
from services.chassis.http.request.cursors import Paged
from services.chassis.http.request.national_numbers import check_text
from services.chassis.http.request.parameters import IDENTIFIER, Covered, DryRun, Identifier, Limit
from services.chassis.http.request.read_only import check_read_only
from services.chassis.http.response import responses
from services.chassis.http.routing import Router
from services.chassis.index.index import IndexReader
from services.chassis.modelling.callers_clock import SKEW
from services.chassis.time.clock import Clock

LOG = "casefile"
IfMatch = Annotated[str | None, Header(alias="If-Match", description="Required where there is a profile already.")]
Whose = Annotated[
    str | None, Query(pattern=IDENTIFIER, description="For auditors: the organisation; others see their own.")
]


def routes(
    streams: Streams,
    handler: Handler[Any, Mentor],
    index: IndexReader,
    caught_up: Callable[[], Awaitable[None]],
    clock: Clock,
) -> Router:
    """The routes under `/v1/mentors`."""
    router = Router(prefix="/v1/mentors", tags=["mentors"])

    @router.get("", response_model=MentorPage, summary="The mentors of the caller's organisation.")
    async def find(
        caller: Authenticated, _: Covered, pages: Paged, organisation: Whose = None, limit: Limit = 50
    ) -> Response:
        whose = organisation or caller.org
        POLICY.require(caller, "read-mentor", relations_to_mentors(caller, whose))
        after = await pages.number()
        await check_filters(streams, organisation=organisation)
        await caught_up()
        everybody = caller.role is Role.AUDITOR and organisation is None
        where = {} if everybody else {"organisation": whose}
        rows = await index.find(MENTORS.name, where, after=after, limit=limit + 1)
        shown = rows[:limit]
        items = [
            mentor_view(str(row.columns["organisation"]), str(row.columns["mentor"]), folded.state, folded.etag)
            for row, folded in zip(
                shown, await asyncio.gather(*(streams.fold(row.key, MENTOR) for row in shown)), strict=True
            )
        ]
        return responses.page(items, pages.next(rows[limit - 1].seq if len(rows) > limit else None))

    @router.get("/{ref}", response_model=MentorAnswer, summary="One mentor.")
    async def read(caller: Authenticated, ref: Identifier, _: Covered, organisation: Whose = None) -> Response:
        whose = organisation or caller.org
        POLICY.require(caller, "read-mentor", relations_to_mentors(caller, whose))
        folded = await streams.fold(mentor_stream(whose, ref), MENTOR)
        if folded.state.profile is None:
            raise Hidden
        return responses.resource(mentor_view(whose, ref, folded.state, folded.etag), folded.etag)

    @router.put("/{ref}", response_model=MentorAnswer, summary="Describe a mentor, or replace the description.")
    async def describe(
        request: Request,
        caller: Authenticated,
        ref: Identifier,
        body: requests.MentorBody,
        _if_match: IfMatch = None,
        dry_run: DryRun = False,  # noqa: FBT002 - a query parameter
    ) -> Response:
        check_text(await request.json())
        POLICY.require(caller, "describe-mentor", relations_to_mentors(caller, caller.org))
        stream = mentor_stream(caller.org, ref)
        folded = await streams.fold(stream, MENTOR)
        change = putting(request, caller, replacing(request, exists=folded.version > 0), dry_run=dry_run)
        if folded.etag in (change.if_match or ()):
            check_read_only(body, mentor_view(caller.org, ref, folded.state, folded.etag))
        now = clock.now()
        command = DescribeMentor(
            at=now,
            by=change.actor,
            organisation=caller.org,
            mentor=ref,
            profile=_profile(body),
            today=await working_day(caller.org, now + SKEW, streams),
        )
        outcome = await handler.handle(command, stream, MENTOR, change.call(), must_exist=False)
        return responses.command_result(change, outcome, mentor_view(caller.org, ref, outcome.state, outcome.etag), LOG)

    return router


def _profile(body: requests.MentorBody) -> Profile:
    return Profile(
        kind=body.kind.value,
        screened_on=body.screened_on,
        trained_on=body.trained_on,
        insurance_note_on=body.insurance_note_on,
        charter_version=body.charter_version,
        charter_acknowledged_on=body.charter_acknowledged_on,
        confidentiality_on=body.confidentiality_on,
        languages=tuple(body.languages),
        sectors=tuple(body.sectors),
        capacity=body.capacity,
        confidentiality_version=body.confidentiality_version,
    )
