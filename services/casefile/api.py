"""The HTTP routes of cases: HTTP → command, view → HTTP. Ids and times are stamped here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import ValidationError
from pydantic_core import to_json, to_jsonable_python

from contracts.answers import RecordedPage, TextPage
from contracts.codes import CaseState
from contracts.fields import Body, calendar_date, instant
from services.casefile.answers import CaseAnswer, CasePage, ResponsibilityAnswer, TimelineAnswer, WorklistPage
from services.casefile.casework import Casework
from services.casefile.commands import ACTIONS, Action
from services.casefile.lists import Lists, Wanted
from services.casefile.reading import Cases, Found, Moment
from services.chassis.http import answers
from services.chassis.http.all_faults import WithAllFaults
from services.chassis.http.asked import (
    IDENTIFIER,
    Asked,
    Authenticated,
    Changing,
    Covered,
    Cursor,
    Identifier,
    Limit,
    check_text,
)
from services.chassis.http.positions import read_cursor, unreadable

CLIENT_REF = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
AsOf = Annotated[str | None, Query(alias="asOf", description="RFC 3339, or a date: the end of that day.")]
KnownAt = Annotated[str | None, Query(alias="knownAt", description="RFC 3339, or a date: the end of that day.")]


def routes(cases: Cases, casework: Casework, lists: Lists) -> APIRouter:
    """All routes under `/v1/cases`, and the worklist."""
    router = APIRouter(prefix="/v1", tags=["cases"], route_class=WithAllFaults)

    async def moment(found: Found, as_of: str | None, known_at: str | None) -> Moment:
        return Moment(
            await _when(cases, found, "asOf", as_of) if as_of is not None else None,
            await _when(cases, found, "knownAt", known_at) if known_at is not None else None,
        )

    @router.get("/cases", response_model=CasePage, summary="Cases that the caller has a part in.")
    async def find(
        caller: Authenticated,
        _: Covered,
        state: Annotated[CaseState | None, Query()] = None,
        organisation: Annotated[str | None, Query(pattern=IDENTIFIER)] = None,
        overdue: Annotated[bool | None, Query(description="With it, cases come in the order of what is due.")] = None,
        client_ref: Annotated[
            str | None, Query(alias="clientRef", pattern=CLIENT_REF, description="The person's pseudonym, as it is.")
        ] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Response:
        wanted = Wanted(state.value if state is not None else None, organisation, overdue, client_ref)
        items, more = await lists.cases(caller, wanted, cursor, limit)
        return answers.page(items, more)

    @router.get("/worklist", response_model=WorklistPage, summary="What the caller must act on, most urgent first.")
    async def worklist(
        caller: Authenticated,
        _: Covered,
        mine: Annotated[bool, Query(description="Only what waits for the caller by name.")] = False,  # noqa: FBT002
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Response:
        items, following = await lists.work(caller, cursor, limit, mine=mine)
        return Response(to_json({"items": items, "next": following}), media_type="application/json")

    @router.get("/cases/{case_id}", response_model=CaseAnswer, summary="One case.")
    async def read(caller: Authenticated, case_id: Identifier, _: Covered) -> Response:
        found = await cases.find(caller, case_id, "read")
        return answers.read(await cases.view(caller, found), found.folded.etag)

    @router.get("/cases/{case_id}/timeline", response_model=TimelineAnswer, summary="What happened, in one order.")
    async def timeline(
        caller: Authenticated, case_id: Identifier, _: Covered, as_of: AsOf = None, known_at: KnownAt = None
    ) -> Response:
        found = await cases.find(caller, case_id, "read-timeline")
        items = await cases.timeline(caller, found, await moment(found, as_of, known_at))
        return answers.read({"items": items}, found.folded.etag)

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
        return answers.read(body, found.folded.etag)

    @router.get("/cases/{case_id}/events", response_model=RecordedPage, summary="The raw record of a case.")
    async def events(
        caller: Authenticated, case_id: Identifier, _: Covered, limit: Limit = 50, cursor: Cursor = None
    ) -> Response:
        found = await cases.find(caller, case_id, "read-record")
        items, more = await cases.recorded(caller, found, read_cursor(cursor), limit)
        return answers.page(items, more)

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
            dependencies=[Depends(_may(name, cases))],
        )
    return router


def _may(name: str, cases: Cases) -> Callable[..., Awaitable[None]]:
    """Looked at before the body is: whoever may not do it at all is not told how it would be done."""

    async def may(caller: Authenticated, case_id: Identifier) -> None:
        await cases.find(caller, case_id, name)

    return may


def _endpoint(name: str, action: Action, cases: Cases, casework: Casework) -> Callable[..., Awaitable[Response]]:
    async def endpoint(asked: Asked, case_id: str, _: None, body: Body | None = None) -> Response:
        given = body if body is not None else action.body()
        check_text(to_jsonable_python(given, by_alias=True))
        found = await cases.find(asked.caller, case_id, name)
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
