"""The routes of deliveries: those of a subscription, one with its attempts, and asking for one again."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from services.chassis.http.request.caller import Authenticated
from services.chassis.http.request.command import Changing
from services.chassis.http.request.cursors import Paged
from services.chassis.http.request.parameters import Covered, Identifier, Limit
from services.chassis.http.response import responses
from services.chassis.http.routing import Router
from services.notifications.delivery_lists import DeliveryLists
from services.notifications.domain.lane import DeliveryState
from services.notifications.routes.delivery_shapes import DeliveryAnswer, DeliveryPage


def routes(lists: DeliveryLists) -> Router:
    """All of them."""
    router = Router(prefix="/v1", tags=["deliveries"])

    @router.get(
        "/subscriptions/{subscription_id}/deliveries",
        response_model=DeliveryPage,
        summary="What became of the deliveries of a subscription.",
    )
    async def find(
        caller: Authenticated,
        subscription_id: Identifier,
        _: Covered,
        pages: Paged,
        state: Annotated[list[DeliveryState] | None, Query(description="Any of these; may be repeated.")] = None,
        limit: Limit = 50,
    ) -> Response:
        return responses.page(*await lists.page(caller, subscription_id, state or (), pages, limit))

    @router.get("/deliveries/{delivery_id}", response_model=DeliveryAnswer, summary="One delivery, with its attempts.")
    async def read(caller: Authenticated, delivery_id: Identifier, _: Covered) -> Response:
        return responses.resource(*await lists.read(caller, delivery_id))

    @router.post("/deliveries/{delivery_id}/retry", response_model=DeliveryAnswer, summary="Send it again.")
    async def retry(command: Changing, delivery_id: Identifier, _: Covered) -> Response:
        return await lists.retry(command, delivery_id)

    return router
