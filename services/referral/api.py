"""The HTTP routes of referrals: HTTP → command, view → HTTP. Ids and times are stamped here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Body, Depends, Query, Request, Response
from pydantic_core import to_jsonable_python

from contracts.answers import RecordedPage, TextPage
from contracts.codes import ReferralState
from contracts.fields import UUID
from contracts.fields import Body as RequestBody
from services.chassis.http.layers.fast_path import PlainRoute
from services.chassis.http.request.caller import Authenticated
from services.chassis.http.request.command import Changing, CommandRequest, Creating, plain_creation
from services.chassis.http.request.cursors import Paged
from services.chassis.http.request.national_numbers import check_text
from services.chassis.http.request.parameters import IDENTIFIER, Covered, Identifier, Limit
from services.chassis.http.request.strict_route import is_head
from services.chassis.http.response import responses
from services.chassis.http.routing import Router
from services.referral.commands import ACTIONS, Action
from services.referral.intake import PERSONAL, Intake
from services.referral.lists import Lists
from services.referral.queries import Referrals
from services.referral.routes import requests as bodies
from services.referral.routes.responses import DisclosurePage, PersonAnswer, ReferralAnswer, ReferralPage


def routes(referrals: Referrals, intake: Intake, lists: Lists) -> Router:
    """All routes under `/v1/referrals` but the bulk intake."""
    router = Router(prefix="/v1/referrals", tags=["referrals"])

    @router.post(
        "", status_code=201, response_model=ReferralAnswer, summary="Submit a referral, or keep it as a draft."
    )
    async def create(request: Request, asked: Creating, body: bodies.ReferralBody, _: Covered) -> Response:
        check_text(await request.json(), PERSONAL, await request.body())
        return await intake.create(asked, body)

    @router.get("", response_model=ReferralPage, summary="Referrals that the caller may see.")
    async def find(
        caller: Authenticated,
        _: Covered,
        pages: Paged,
        state: Annotated[list[ReferralState] | None, Query(description="Any of these; may be repeated.")] = None,
        case: Annotated[str | None, Query(pattern=UUID)] = None,
        organisation: Annotated[str | None, Query(pattern=IDENTIFIER)] = None,
        limit: Limit = 50,
    ) -> Response:
        wanted = {"case_id": case, "organisation": organisation}
        filters = {name: value for name, value in wanted.items() if value is not None}
        states = sorted({one.value for one in state or ()})
        items, more = await lists.referrals(caller, filters, await pages.number(), limit, states=states)
        return responses.page(items, pages.next(more))

    @router.get("/{referral_id}", response_model=ReferralAnswer, summary="One referral.")
    async def read(caller: Authenticated, referral_id: Identifier, _: Covered) -> Response:
        view, etag = await referrals.view(caller, referral_id)
        return responses.resource(view, etag)

    @router.patch("/{referral_id}", response_model=ReferralAnswer, summary="Edit a draft (JSON merge patch, RFC 7396).")
    async def edit(
        asked: Changing,
        referral_id: Identifier,
        _: Covered,
        patch: Annotated[dict[str, Any], Body(media_type="application/merge-patch+json")],
    ) -> Response:
        found = await referrals.find(asked.caller, referral_id, "edit")
        return await intake.edit(asked, found, patch)

    @router.get("/{referral_id}/events", response_model=RecordedPage, summary="The raw record of a referral.")
    async def events(
        caller: Authenticated, referral_id: Identifier, _: Covered, pages: Paged, limit: Limit = 50
    ) -> Response:
        items, last = await intake.recorded(caller, referral_id, await pages.number(), limit)
        return responses.page(items, pages.behind(last))

    @router.get(
        "/{referral_id}/disclosures",
        response_model=DisclosurePage,
        summary="To whom the person's data went, when, and on which legal basis.",
    )
    async def disclosures(
        caller: Authenticated, referral_id: Identifier, _: Covered, pages: Paged, limit: Limit = 50
    ) -> Response:
        items, more = await intake.disclosed(caller, referral_id, await pages.number(), limit)
        return responses.page(items, pages.next(more))

    @router.get("/{referral_id}/texts", response_model=TextPage, summary="What the parties wrote to each other.")
    async def texts(caller: Authenticated, referral_id: Identifier, _: Covered) -> Response:
        return await intake.texts(caller, referral_id)

    @router.get(
        "/{referral_id}/contact", response_model=PersonAnswer, summary="The person's data; reading is recorded."
    )
    async def contact(request: Request, caller: Authenticated, referral_id: Identifier, _: Covered) -> Response:
        trace = request.headers.get("traceparent")
        return await intake.contact(caller, referral_id, trace, head=is_head(request.scope))

    for name, action in ACTIONS.items():
        router.add_api_route(
            f"/{{referral_id}}/{name}",
            _endpoint(name, action, referrals, intake),
            methods=["POST"],
            response_model=ReferralAnswer,
            summary=action.summary,
            name=name,
            operation_id=f"referral-{name}",
            dependencies=[Depends(_may(name, referrals))],
        )
    return router


def plain_routes(intake: Intake) -> list[PlainRoute]:
    """Submitting, once more: the same as `create` for a request without query and with a sound body."""

    async def create(request: Request, written: bytes) -> Response | None:
        plain = await plain_creation(request, written, bodies.ReferralBody, PERSONAL)
        return await intake.create(*plain) if plain is not None else None

    return [PlainRoute("POST", "/v1/referrals", create)]


def _may(name: str, referrals: Referrals) -> Callable[..., Awaitable[None]]:
    """Looked at before the body is: whoever may not do it at all is not told how it would be done."""

    async def may(caller: Authenticated, referral_id: Identifier) -> None:
        await referrals.find(caller, referral_id, name)

    return may


def _endpoint(name: str, action: Action, referrals: Referrals, intake: Intake) -> Callable[..., Awaitable[Response]]:
    async def endpoint(asked: CommandRequest, referral_id: str, _: None, body: RequestBody | None = None) -> Response:
        given = body if body is not None else action.body()
        check_text(to_jsonable_python(given, by_alias=True))
        found = await referrals.find(asked.caller, referral_id, name)
        return await intake.act(asked, found, name, given)

    # The body's type differs from action to action, and FastAPI reads it from the annotation.
    optional = action.body is bodies.NothingBody
    endpoint.__annotations__ = {
        "asked": Changing,
        "referral_id": Identifier,
        "_": Covered,
        "body": action.body | None if optional else action.body,
        "return": Response,
    }
    if not optional:
        endpoint.__defaults__ = None
    return endpoint
