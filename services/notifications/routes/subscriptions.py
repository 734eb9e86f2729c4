"""The routes under `/v1/subscriptions`: the resource itself, and one for each row of the actions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Depends, Request, Response
from pydantic import ValidationError
from pydantic_core import to_jsonable_python

from contracts.fields import Body
from services.chassis.http.request.caller import Authenticated
from services.chassis.http.request.command import Changing, CommandRequest, Creating, putting
from services.chassis.http.request.cursors import Paged
from services.chassis.http.request.if_match import read_if_match
from services.chassis.http.request.national_numbers import check_text
from services.chassis.http.request.parameters import Covered, DryRun, Identifier, IfMatchHeader, Limit
from services.chassis.http.response import responses
from services.chassis.http.routing import Router
from services.notifications.access import CREATE, OWN_ORGANISATION, POLICY
from services.notifications.actions import ACTIONS, Action
from services.notifications.commands import PERSONAL, Commands
from services.notifications.queries import OFFERED, Queries
from services.notifications.routes.requests import ChangeSubscriptionBody, SubscriptionBody
from services.notifications.routes.subscription_shapes import SubscriptionAnswer, SubscriptionPage
from services.notifications.views import PATH


def routes(queries: Queries, commands: Commands) -> Router:
    """All of them."""
    router = Router(prefix=f"/v1/{PATH}", tags=[PATH])

    async def may_create(caller: Authenticated) -> None:
        POLICY.require(caller, CREATE, (OWN_ORGANISATION,))

    @router.post(
        "",
        status_code=201,
        response_model=SubscriptionAnswer,
        summary="Be told by a webhook or by e-mail.",
        dependencies=[Depends(may_create)],
    )
    async def create(request: Request, command: Creating, body: SubscriptionBody, _: Covered) -> Response:
        _check_text(await request.json(), body)
        return await commands.create(command, body)

    @router.get("", response_model=SubscriptionPage, summary="The subscriptions of the caller's organisation.")
    async def find(caller: Authenticated, _: Covered, pages: Paged, limit: Limit = 50) -> Response:
        return responses.page(*await queries.page(caller, pages, limit))

    @router.get("/{subscription_id}", response_model=SubscriptionAnswer, summary="One subscription.")
    async def read(caller: Authenticated, subscription_id: Identifier, _: Covered) -> Response:
        return responses.resource(*await queries.read(caller, subscription_id))

    @router.put(
        "/{subscription_id}",
        response_model=SubscriptionAnswer,
        summary=ACTIONS["change"].summary,
        dependencies=[Depends(_may("change", queries))],
    )
    async def change(
        request: Request,
        caller: Authenticated,
        subscription_id: Identifier,
        body: ChangeSubscriptionBody,
        _if_match: IfMatchHeader = None,
        dry_run: DryRun = False,  # noqa: FBT002 - a query parameter
    ) -> Response:
        _check_text(await request.json(), body)
        command = putting(request, caller, read_if_match(request), dry_run=dry_run)
        return await commands.change(command, subscription_id, body)

    @router.delete(
        "/{subscription_id}",
        status_code=204,
        responses={200: {"model": SubscriptionAnswer, "description": "The result of a dry run; nothing was stored."}},
        summary=ACTIONS["delete"].summary,
    )
    async def delete(command: Changing, subscription_id: Identifier, _: Covered) -> Response:
        return await commands.delete(command, subscription_id)

    for action in OFFERED:
        router.add_api_route(
            f"/{{subscription_id}}/{action.name}",
            _endpoint(action, commands),
            methods=["POST"],
            response_model=SubscriptionAnswer,
            summary=action.summary,
            name=action.name,
            operation_id=f"subscription-{action.name}",
            dependencies=[Depends(_may(action.name, queries))],
        )
    return router


def _check_text(written: Any, body: SubscriptionBody) -> None:
    check_text(written, PERSONAL)
    if body.header is not None:
        # Its value alone is for the vault.
        check_text({"header": {"name": body.header.name}})


def _may(name: str, queries: Queries) -> Callable[..., Awaitable[None]]:
    """Looked at before the body is: a caller who may not do it at all does not learn how it would be done."""

    async def may(caller: Authenticated, subscription_id: Identifier) -> None:
        await queries.find(caller, subscription_id, name)

    return may


def _endpoint(action: Action[Any], commands: Commands) -> Callable[..., Awaitable[Response]]:
    async def endpoint(request: CommandRequest, subscription_id: str, _: None, body: Body | None = None) -> Response:
        given = body if body is not None else action.request()
        check_text(to_jsonable_python(given, by_alias=True))
        return await commands.act(request, subscription_id, action.name, given)

    # The body's type differs from action to action, and FastAPI reads it from the annotation.
    optional = _may_be_left_out(action.request)
    kind: Any = action.request | None if optional else action.request
    endpoint.__annotations__ = {
        "request": Changing,
        "subscription_id": Identifier,
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
