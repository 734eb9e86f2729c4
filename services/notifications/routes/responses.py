"""What the feed answers: CloudEvents, each with the data of its type."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field, create_model

from contracts.message import CloudEvent, Message
from services.notifications.catalogue import MESSAGES


def _event_of(model: type[Message]) -> type[CloudEvent]:
    """The CloudEvent that carries a message: its type says which data it has, and names it."""
    words = model.TYPE.removeprefix("org.caserelay.").replace(".", "_").split("_")
    members: dict[str, Any] = {
        "type": (Literal[model.TYPE], ...),
        "dataschema": (Literal[f"urn:caserelay:schema:{model.TYPE}"], ...),
        "data": (model, ...),
    }
    made: type[CloudEvent] = create_model(
        "".join(map(str.capitalize, [*words, "event"])),
        __base__=CloudEvent,
        __doc__=f"A CloudEvent of the type `{model.TYPE}`. {(model.__doc__ or '').splitlines()[0]}",
        **members,
    )
    return made


EVENTS: Final = {kind: _event_of(model) for kind, model in MESSAGES.items()}
"""The CloudEvent of each type."""
AnyEvent: Any = Annotated[reduce(or_, EVENTS.values()), Field(discriminator="type")]
"""Any of them; `type` says which."""


class FeedPage(BaseModel):
    """A page of the feed, in the order in which the messages came."""

    items: Annotated[list[AnyEvent], Field(description="What you may see, including your own actions.")]
    next: Annotated[str, Field(description="Send it as `after`; always present, even if nothing new has arrived.")]
