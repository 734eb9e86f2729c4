"""The HTTP routes of a case: reading them, and one route for each row of the actions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import Depends, Request, Response
from pydantic import ValidationError
from pydantic_core import to_jsonable_python

from contracts.answers import TextPage
from contracts.fields import Body
from services.casefile.access import FORMER_MENTOR
from services.casefile.action_rows import Action
from services.casefile.actions import ACTIONS
from services.casefile.commands import Commands, Done
from services.casefile.queries import Queries
from services.casefile.routes.moments import AsOf, KnownAt, Viewer, looked
from services.casefile.routes.record_shapes import ChainedPage
from services.casefile.routes.responses import CaseAnswer
from services.casefile.time_machine import READ_AS, READ_AT, TimeMachine
from services.chassis.access.policy import Hidden
from services.chassis.http.request.caller import Authenticated
from services.chassis.http.request.command import Changing, CommandRequest
from services.chassis.http.request.cursors import Paged
from services.chassis.http.request.idempotency_key import read_key
from services.chassis.http.request.national_numbers import check_text
from services.chassis.http.request.parameters import Covered, Identifier, Limit
from services.chassis.http.response import responses
from services.chassis.http.response.free_texts import texts_of
from services.chassis.http.routing import Router
from services.chassis.vault.vault import Vault

LOG: Final = "casefile"


def routes(queries: Queries, commands: Commands, vault: Vault, machine: TimeMachine) -> Router:
    """All routes under `/v1/cases/{case_id}`."""
    router = Router(prefix="/v1", tags=["cases"])

    @router.get("/cases/{case_id}", response_model=CaseAnswer, summary="One case.")
    async def read(
        caller: Authenticated,
        case_id: Identifier,
        _: Covered,
        as_of: AsOf = None,
        known_at: KnownAt = None,
        viewer: Viewer = None,
    ) -> Response:
        if (as_of, known_at, viewer) != (None, None, None):
            then = await queries.find(caller, case_id, READ_AT if viewer is None else READ_AS)
            body = await machine.case(*await looked(queries, machine, caller, then, (viewer, as_of, known_at)))
            return responses.resource(body, await queries.etag(caller, then))
        found = await queries.find(caller, case_id, "read")
        shown = await queries.view(caller, found)
        # Who reads an ended match does not learn how often the case has moved since.
        etag = shown["version"] if FORMER_MENTOR in found.relations else await queries.etag(caller, found)
        return responses.resource(shown, etag)

    @router.get("/cases/{case_id}/events", response_model=ChainedPage, summary="The raw record of a case.")
    async def events(
        caller: Authenticated, case_id: Identifier, _: Covered, pages: Paged, limit: Limit = 50
    ) -> Response:
        found = await queries.find(caller, case_id, "read-record")
        items, last = await queries.recorded(caller, found, await pages.number(), limit)
        return responses.page(items, pages.behind(last))

    @router.get("/cases/{case_id}/texts", response_model=TextPage, summary="The free texts of a case, from the vault.")
    async def texts(caller: Authenticated, case_id: Identifier, _: Covered) -> Response:
        found = await queries.find(caller, case_id, "read-corrections")
        records = await queries.with_texts(caller, found)
        return responses.page(await texts_of(records, vault), None)

    for action in ACTIONS.values():
        router.add_api_route(
            f"/cases/{{case_id}}/{action.name}",
            _endpoint(action, queries, commands),
            methods=["POST"],
            response_model=CaseAnswer,
            summary=action.summary,
            name=action.name,
            operation_id=f"case-{action.name}",
            dependencies=[Depends(_may(action.name, queries, commands))],
        )
    return router


def _may(name: str, queries: Queries, commands: Commands) -> Callable[..., Awaitable[None]]:
    """Looked at before the body is: a caller who may not do it at all does not learn how it would be done.

    A caller who has done it under the same key may ask for the answer.
    """

    async def may(request: Request, caller: Authenticated, case_id: Identifier) -> None:
        try:
            await queries.find(caller, case_id, name)
        except Hidden:
            if not await commands.did(caller, case_id, read_key(request.headers.get("idempotency-key"))):
                raise

    return may


def _endpoint(action: Action[Any, Any], queries: Queries, commands: Commands) -> Callable[..., Awaitable[Response]]:
    async def endpoint(request: CommandRequest, case_id: str, _: None, body: Body | None = None) -> Response:
        given = body if body is not None else action.request()
        check_text(to_jsonable_python(given, by_alias=True))
        try:
            found = await queries.find(request.caller, case_id, action.name)
        except Hidden:
            if (earlier := await commands.earlier(request, case_id)) is not None:
                return _result(request, earlier)
            raise
        return _result(request, await commands.run(request, found, action, given))

    # The body's type differs from action to action, and FastAPI reads it from the annotation.
    optional = _may_be_left_out(action.request)
    kind: Any = action.request | None if optional else action.request
    endpoint.__annotations__ = {
        "request": Changing,
        "case_id": Identifier,
        "_": Covered,
        "body": kind,
        "return": Response,
    }
    if not optional:
        endpoint.__defaults__ = None
    return endpoint


def _result(request: CommandRequest, done: Done) -> Response:
    return responses.command_result(request, done.outcome, done.view, LOG)


def _may_be_left_out(body: type[Body]) -> bool:
    try:
        body()
    except ValidationError:
        return False
    return True
