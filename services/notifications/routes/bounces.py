"""`POST /v1/subscriptions/bounces`: what mail servers return of letters, handed over by who runs the installation."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Depends, Request, Response
from pydantic import Field

from contracts.answers import Contract
from contracts.fields import Body
from services.chassis.deciding.handler import Call
from services.chassis.http.request.caller import Authenticated
from services.chassis.http.response import responses
from services.chassis.http.routing import Router
from services.chassis.operating.request_notes import notes_of
from services.notifications.access import ANY_ORGANISATION, POLICY, TAKE_BOUNCE
from services.notifications.bounces import Bounces

LONGEST: Final = 1_000_000
"""Characters of a message."""


class BounceBody(Body):
    """A message that came back."""

    message: Annotated[
        str, Field(max_length=LONGEST, description="The message as it came, headers and all. Nothing of it is kept.")
    ]


class BounceAnswer(Contract):
    """What the message says of a letter."""

    subscription: Annotated[str, Field(description="To which subscription the letter was sent.")]
    bounced: Annotated[bool, Field(description="Whether the message says that no letter reaches its address.")]


def routes(bounces: Bounces) -> Router:
    """The route."""
    router = Router(prefix="/v1/subscriptions", tags=["subscriptions"])

    async def may(caller: Authenticated) -> None:
        POLICY.require(caller, TAKE_BOUNCE, (ANY_ORGANISATION,))

    @router.post(
        "/bounces",
        response_model=BounceAnswer,
        summary="Hand over what a mail server returned of a letter.",
        dependencies=[Depends(may)],
    )
    async def take(request: Request, caller: Authenticated, body: BounceBody) -> Response:
        call = Call(actor=caller.actor(), traceparent=str(notes_of(request.scope).trace))
        taken = await bounces.take(body.message, call)
        return responses.resource({"subscription": taken.subscription, "bounced": taken.bounced})

    return router
