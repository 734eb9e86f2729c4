"""What this service does when another one publishes something."""

from __future__ import annotations

from datetime import datetime

from contracts.message import CaseMessage, CloudEvent, as_json, decode_data
from services.chassis.modelling.decider import Actor
from services.notifications.catalogue import MESSAGES
from services.notifications.domain.inbox import TakeMessage, inbox_stream, notices_stream

SYSTEM = Actor(sub="notifications", role="SYSTEM", org="caserelay")


class UnknownMessage(LookupError):  # noqa: N818 - reads as what happened
    """A newer writer published a type that this version does not know, so who may see it is not known either.

    The message waits aside until a version runs that knows it.
    """


def when_something_is_published_take_it_in(event: CloudEvent, at: datetime) -> tuple[str, TakeMessage]:
    """The stream to write to and the command. Raises UnknownMessage, and ValidationError for data of a wrong shape."""
    model = MESSAGES.get(event.type)
    if model is None:
        raise UnknownMessage
    message = decode_data(model, event.data)
    of_case = message if isinstance(message, CaseMessage) else None
    command = TakeMessage(
        at=at,
        by=SYSTEM,
        source=event.source,
        sequence=int(event.sequence),
        type=event.type,
        name=model.NAME,
        case=of_case.case if of_case is not None else None,
        occurred_at=of_case.occurred_at if of_case is not None else event.time,
        recorded_at=of_case.recorded_at if of_case is not None else event.time,
        message=as_json(event),
    )
    return (notices_stream(event.partitionkey) if of_case is None else inbox_stream(of_case.case)), command
