"""The routes under `/v1/referrals`, but for the bulk intake."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Body, Depends, Query, Request, Response
from pydantic_core import to_jsonable_python

from contracts.answers import RecordedPage, TextPage
from contracts.codes import ReferralState
from contracts.fields import UUID, NothingBody
from contracts.fields import Body as RequestBody
from services.chassis.http.layers.fast_path import PlainRoute
from services.chassis.http.request.caller import Authenticated
from services.chassis.http.request.command import Changing, CommandRequest, Creating, plain_creation
from services.chassis.http.request.cursors import Paged
from services.chassis.http.request.national_numbers import check_text
from services.chassis.http.request.parameters import IDENTIFIER, Covered, Expand, Identifier, Limit
from services.chassis.http.request.strict_route import is_head
from services.chassis.http.response import responses
from services.chassis.http.routing import Router
from services.referral.actions import ACTIONS, Action
from services.referral.commands import PERSONAL, Commands
from services.referral.lists import Lists
from services.referral.queries import Queries
from services.referral.routes import requests
from services.referral.routes.disclosure_shapes import DisclosurePage
from services.referral.routes.responses import PersonAnswer, ReferralAnswer, ReferralPage


def routes(commands: Commands, queries: Queries, lists: Lists) -> Router:
    """All of them."""
    router = Router(prefix="/v1/referrals", tags=["referrals"])

    @router.post(
        "", status_code=201, response_model=ReferralAnswer, summary="Submit a referral, or keep it as a draft."
    )
    async def create(request: Request, command: Creating, body: requests.ReferralBody, _: Covered) -> Response:
        check_text(await request.json(), PERSONAL, await request.body())
        return await commands.create(command, body)

    @router.get("", response_model=ReferralPage, summary="Referrals that the caller may see.")
    async def find(
        caller: Authenticated,
        _: Covered,
        pages: Paged,
        state: Annotated[list[ReferralState] | None, Query(description="Any of these; may be repeated.")] = None,
        case: Annotated[str | None, Query(pattern=UUID)] = None,
        organisation: Annotated[str | None, Query(pattern=IDENTIFIER)] = None,
        limit: Limit = 50,
        expand: Expand = None,
    ) -> Response:
        wanted = {"case_id": case, "organisation": organisation}
        filters = {name: value for name, value in wanted.items() if value is not None}
        states = sorted({chosen.value for chosen in state or ()})
        after, full = await pages.number(), expand is not None
        items, following = await lists.referrals(caller, filters, after, limit, states=states, full=full)
        return responses.page(items, pages.next(following))

    @router.get("/{referral_id}", response_model=ReferralAnswer, summary="One referral.")
    async def read(caller: Authenticated, referral_id: Identifier, _: Covered) -> Response:
        view, etag = await queries.referral(caller, referral_id)
        return responses.resource(view, etag)

    @router.patch("/{referral_id}", response_model=ReferralAnswer, summary=ACTIONS["edit"].summary)
    async def edit(
        command: Changing,
        referral_id: Identifier,
        _: Covered,
        patch: Annotated[dict[str, Any], Body(media_type="application/merge-patch+json")],
    ) -> Response:
        found = await queries.find(command.caller, referral_id, "edit")
        return await commands.edit(command, found, patch)

    @router.get("/{referral_id}/events", response_model=RecordedPage, summary="The raw record of a referral.")
    async def events(
        caller: Authenticated, referral_id: Identifier, _: Covered, pages: Paged, limit: Limit = 50
    ) -> Response:
        items, last = await queries.recorded(caller, referral_id, await pages.number(), limit)
        return responses.page(items, pages.behind(last))

    @router.get(
        "/{referral_id}/disclosures",
        response_model=DisclosurePage,
        summary="To whom the person's data were disclosed, when, and on which legal basis.",
    )
    async def disclosures(
        caller: Authenticated,
        referral_id: Identifier,
        _: Covered,
        pages: Paged,
        refused: Annotated[bool, Query(description="True: what was refused, in place of what was disclosed.")] = False,  # noqa: FBT002
        limit: Limit = 50,
    ) -> Response:
        look = queries.refusals if refused else queries.disclosures
        items, following = await look(caller, referral_id, await pages.number(), limit)
        return responses.page(items, pages.next(following))

    @router.get("/{referral_id}/texts", response_model=TextPage, summary="The free texts of the parties.")
    async def texts(caller: Authenticated, referral_id: Identifier, _: Covered) -> Response:
        return responses.page(await queries.texts(caller, referral_id), None)

    @router.get(
        "/{referral_id}/contact", response_model=PersonAnswer, summary="The person's data; reading is recorded."
    )
    async def contact(request: Request, caller: Authenticated, referral_id: Identifier, _: Covered) -> Response:
        trace = request.headers.get("traceparent")
        return await commands.read_contact(caller, referral_id, trace, head=is_head(request.scope))

    for action in (action for action in ACTIONS.values() if action.method == "POST"):
        router.add_api_route(
            f"/{{referral_id}}/{action.name}",
            _endpoint(action, commands, queries),
            methods=["POST"],
            response_model=ReferralAnswer,
            summary=action.summary,
            name=action.name,
            operation_id=f"referral-{action.name}",
            dependencies=[Depends(_may(action.name, queries))],
        )
    return router


def plain_routes(commands: Commands) -> list[PlainRoute]:
    """The same as `create`, for requests without a query and with a valid body."""

    async def create(request: Request, written: bytes) -> Response | None:
        plain = await plain_creation(request, written, requests.ReferralBody, PERSONAL)
        return await commands.create(*plain) if plain is not None else None

    return [PlainRoute("POST", "/v1/referrals", create)]


def _may(name: str, queries: Queries) -> Callable[..., Awaitable[None]]:
    """Checked before the body: a caller who may not do it at all does not learn how it would be done."""

    async def may(caller: Authenticated, referral_id: Identifier) -> None:
        await queries.find(caller, referral_id, name)

    return may


def _endpoint(action: Action[Any, Any], commands: Commands, queries: Queries) -> Callable[..., Awaitable[Response]]:
    async def endpoint(command: CommandRequest, referral_id: str, _: None, body: RequestBody | None = None) -> Response:
        given = body if body is not None else action.request()
        check_text(to_jsonable_python(given, by_alias=True))
        found = await queries.find(command.caller, referral_id, action.name)
        return await commands.act(command, found, action.name, given)

    # The body's type differs from action to action, and FastAPI reads it from the annotation.
    optional = action.request is NothingBody
    endpoint.__annotations__ = {
        "command": Changing,
        "referral_id": Identifier,
        "_": Covered,
        "body": action.request | None if optional else action.request,
        "return": Response,
    }
    if not optional:
        endpoint.__defaults__ = None
    return endpoint
