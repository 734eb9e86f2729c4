"""The HTTP routes of cases: HTTP → command, view → HTTP. Ids and times are stamped here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response
from pydantic import AfterValidator, ValidationError
from pydantic_core import to_json, to_jsonable_python

from contracts.answers import RecordedPage, TextPage
from contracts.codes import CaseState
from contracts.fields import Body, calendar_date, identifier, instant
from services.casefile.casework import Casework
from services.casefile.commands import ACTIONS, Action
from services.casefile.lists import Lists, Wanted
from services.casefile.queries import Cases, Found, Moment
from services.casefile.routes.responses import CaseAnswer, CasePage, ResponsibilityAnswer, TimelineAnswer, WorklistPage
from services.chassis.access.policy import Hidden
from services.chassis.http.request.caller import Authenticated
from services.chassis.http.request.command import Changing, CommandRequest, read_key
from services.chassis.http.request.cursors import Paged
from services.chassis.http.request.national_numbers import check_text
from services.chassis.http.request.parameters import IDENTIFIER, Covered, Identifier, Limit
from services.chassis.http.request.positions import unreadable
from services.chassis.http.response import responses
from services.chassis.http.routing import Router

AsOf = Annotated[str | None, Query(alias="asOf", description="RFC 3339, or a date: the end of that day.")]
KnownAt = Annotated[str | None, Query(alias="knownAt", description="RFC 3339, or a date: the end of that day.")]


def routes(cases: Cases, casework: Casework, lists: Lists) -> Router:
    """All routes under `/v1/cases`, and the worklist."""
    router = Router(prefix="/v1", tags=["cases"])

    async def moment(found: Found, as_of: str | None, known_at: str | None) -> Moment:
        return Moment(
            await _when(cases, found, "asOf", as_of) if as_of is not None else None,
            await _when(cases, found, "knownAt", known_at) if known_at is not None else None,
        )

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
    ) -> Response:
        wanted = Wanted(tuple(sorted({one.value for one in state or ()})), organisation, overdue, client_ref)
        return responses.page(*await lists.cases(caller, wanted, pages, limit))

    @router.get("/worklist", response_model=WorklistPage, summary="What the caller must act on, most urgent first.")
    async def worklist(
        caller: Authenticated,
        _: Covered,
        pages: Paged,
        mine: Annotated[bool, Query(description="Only what waits for the caller by name.")] = False,  # noqa: FBT002
        limit: Limit = 50,
    ) -> Response:
        items, following = await lists.work(caller, pages, limit, mine=mine)
        return Response(to_json({"items": items, "next": following}), media_type="application/json")

    @router.get("/cases/{case_id}", response_model=CaseAnswer, summary="One case.")
    async def read(caller: Authenticated, case_id: Identifier, _: Covered) -> Response:
        found = await cases.find(caller, case_id, "read")
        return responses.resource(await cases.view(caller, found), found.folded.etag)

    @router.get("/cases/{case_id}/timeline", response_model=TimelineAnswer, summary="What happened, in one order.")
    async def timeline(
        caller: Authenticated,
        case_id: Identifier,
        _: Covered,
        pages: Paged,
        as_of: AsOf = None,
        known_at: KnownAt = None,
        limit: Limit = 200,
    ) -> Response:
        found = await cases.find(caller, case_id, "read-timeline")
        at = await moment(found, as_of, known_at)
        items, last = await cases.timeline(caller, found, at, await pages.number(), limit)
        return responses.resource({"items": items, "next": pages.behind(last)}, found.folded.etag)

    @router.get(
        "/cases/{case_id}/responsibility",
        response_model=ResponsibilityAnswer,
        summary="Who is, or was, responsible for what.",
    )
    async def responsibility(
        caller: Authenticated, case_id: Identifier, _: Covered, as_of: AsOf = None, known_at: KnownAt = None
    ) -> Response:
        found = await cases.find(caller, case_id, "read-responsibility")
        body = await cases.responsibility(caller, found, await moment(found, as_of, known_at))
        return responses.resource(body, found.folded.etag)

    @router.get("/cases/{case_id}/events", response_model=RecordedPage, summary="The raw record of a case.")
    async def events(
        caller: Authenticated, case_id: Identifier, _: Covered, pages: Paged, limit: Limit = 50
    ) -> Response:
        found = await cases.find(caller, case_id, "read-record")
        items, last = await cases.recorded(caller, found, await pages.number(), limit)
        return responses.page(items, pages.behind(last))

    @router.get("/cases/{case_id}/texts", response_model=TextPage, summary="What was written in words, from the vault.")
    async def texts(caller: Authenticated, case_id: Identifier, _: Covered) -> Response:
        found = await cases.find(caller, case_id, "read-corrections")
        return await casework.texts(caller, found)

    for name, action in ACTIONS.items():
        router.add_api_route(
            f"/cases/{{case_id}}/{name}",
            _endpoint(name, action, cases, casework),
            methods=["POST"],
            response_model=CaseAnswer,
            summary=action.summary,
            name=name,
            operation_id=f"case-{name}",
            dependencies=[Depends(_may(name, cases, casework))],
        )
    return router


def _may(name: str, cases: Cases, casework: Casework) -> Callable[..., Awaitable[None]]:
    """Looked at before the body is: anyone who may not do it at all is not told how it would be done.

    Who has done it under the same key may ask for the answer.
    """

    async def may(request: Request, caller: Authenticated, case_id: Identifier) -> None:
        try:
            await cases.find(caller, case_id, name)
        except Hidden:
            if not await casework.did(caller, case_id, read_key(request.headers.get("idempotency-key"))):
                raise

    return may


def _endpoint(name: str, action: Action, cases: Cases, casework: Casework) -> Callable[..., Awaitable[Response]]:
    async def endpoint(asked: CommandRequest, case_id: str, _: None, body: Body | None = None) -> Response:
        given = body if body is not None else action.body()
        check_text(to_jsonable_python(given, by_alias=True))
        try:
            found = await cases.find(asked.caller, case_id, name)
        except Hidden:
            if (answer := await casework.repeated(asked, case_id)) is not None:
                return answer
            raise
        return await casework.act(asked, found, name, action, given)

    # The body's type differs from action to action, and FastAPI reads it from the annotation.
    optional = _may_be_left_out(action.body)
    kind: Any = action.body | None if optional else action.body
    endpoint.__annotations__ = {
        "asked": Changing,
        "case_id": Identifier,
        "_": Covered,
        "body": kind,
        "return": Response,
    }
    if not optional:
        endpoint.__defaults__ = None
    return endpoint


def _may_be_left_out(body: type[Body]) -> bool:
    try:
        body()
    except ValidationError:
        return False
    return True


async def _when(cases: Cases, found: Found, parameter: str, text: str) -> datetime:
    expected = "an RFC 3339 time or an ISO 8601 date"
    # In a query an unescaped plus sign arrives as a blank.
    text = text.replace(" ", "+")
    try:
        return instant(text)
    except ValueError:
        pass
    try:
        day: date = calendar_date(text)
    except ValueError:
        raise unreadable(parameter, expected) from None
    try:
        return (await cases.end_of_day(found)).terms.end_of_day(day)
    except OverflowError:
        return datetime.combine(day, datetime.max.time(), UTC)
