"""`GET /v1/event-types`: what can be received, so that the types of a subscription can be chosen."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

from fastapi import Response
from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic_core import to_json

from contracts.answers import Contract
from services.chassis.http.request.caller import Authenticated
from services.chassis.http.response.responses import JSON, NOT_KEPT
from services.chassis.http.routing import Router
from services.notifications.access import ANY_ORGANISATION, POLICY, READ_EVENT_TYPES
from services.notifications.event_types import Audience, event_types


class EventTypeShown(Contract):
    """A type of event: what it tells, who can receive it, and what they are to do then."""

    # A field may be called as pydantic's own method is.
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, protected_namespaces=())

    type: Annotated[str, Field(description="The CloudEvents type, as `types` takes it.")]
    name: Annotated[str, Field(description="The event's name, as the timeline shows it.")]
    summary: str
    audience: Annotated[
        Audience,
        Field(
            description="Who can receive it. EVERYBODY: every organisation. AGENCY: the agency that leads the case. "
            "AGENCY_AND_NAMED: and the organisation that it names. PARTIES: and the one that has a part in the case "
            "then; of a referral, the one that it was sent to."
        ),
    ]
    receiver: Annotated[str, Field(description="What the receiver is to do.")]
    schema_: Annotated[dict[str, Any], Field(alias="schema", description="The JSON Schema of `data`.")]
    example: Annotated[dict[str, Any], Field(description="A CloudEvent of this type.")]


class EventTypes(Contract):
    """All types, in their order."""

    items: list[EventTypeShown]


def routes() -> Router:
    """The route of the catalogue."""
    router = Router(tags=["feed"])

    @router.get("/v1/event-types", response_model=EventTypes, summary="What can be received, and what to do then.")
    async def catalogue(caller: Authenticated) -> Response:
        POLICY.require(caller, READ_EVENT_TYPES, (ANY_ORGANISATION,))
        return Response(_written(), headers=NOT_KEPT, media_type=JSON)

    return router


@cache
def _written() -> bytes:
    """It is the same for everybody, and as long as the process runs."""
    return to_json({"items": event_types()})
