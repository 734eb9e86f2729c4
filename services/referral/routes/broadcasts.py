"""The routes under `/v1/broadcasts`."""

from __future__ import annotations

from fastapi import Depends, Request, Response
from pydantic_core import to_jsonable_python

from services.chassis.http.request.caller import Authenticated
from services.chassis.http.request.command import Changing, Creating
from services.chassis.http.request.national_numbers import check_text
from services.chassis.http.request.parameters import Covered, Identifier
from services.chassis.http.response import responses
from services.chassis.http.routing import Router
from services.referral.broadcasts import Broadcasts
from services.referral.commands import PERSONAL
from services.referral.routes.broadcast_shapes import BroadcastAnswer, BroadcastBody
from services.referral.routes.requests import WithdrawBody


def routes(broadcasts: Broadcasts) -> Router:
    """All of them."""
    router = Router(prefix="/v1/broadcasts", tags=["broadcasts"])

    @router.post(
        "", status_code=201, response_model=BroadcastAnswer, summary="Offer a person to several organisations at once."
    )
    async def create(request: Request, command: Creating, body: BroadcastBody, _: Covered) -> Response:
        check_text(await request.json(), PERSONAL, await request.body())
        return await broadcasts.create(command, body.wanted())

    @router.get("/{broadcast_id}", response_model=BroadcastAnswer, summary="A broadcast: who was asked, who answered.")
    async def read(caller: Authenticated, broadcast_id: Identifier, _: Covered) -> Response:
        return responses.resource(*await broadcasts.read(caller, broadcast_id))

    async def may(caller: Authenticated, broadcast_id: Identifier) -> None:
        await broadcasts.find(caller, broadcast_id, "withdraw-broadcast")

    @router.post(
        "/{broadcast_id}/withdraw",
        response_model=BroadcastAnswer,
        summary="Take all offers back that are still open.",
        dependencies=[Depends(may)],
    )
    async def withdraw(command: Changing, broadcast_id: Identifier, body: WithdrawBody, _: Covered) -> Response:
        check_text(to_jsonable_python(body, by_alias=True))
        return await broadcasts.withdraw(command, broadcast_id, body.reason, body.text)

    return router
