"""What notifications does when another service publishes something: it becomes a command and nothing else."""

from __future__ import annotations

from collections.abc import Mapping

from contracts.broadcast import OfferMessage
from contracts.message import CaseMessage, Envelope, Message, decode_data, envelope_as_json, plain_data
from services.chassis.modelling.delivery import Delivery
from services.notifications.domain.inbox import TakeMessage, inbox_stream, notices_stream


class UnknownMessage(LookupError):  # noqa: N818 - reads as what happened
    """A newer writer published a type that this version does not know; nor does it know who may see it.

    The message stays parked until a version runs that knows it.
    """


def when_something_is_published_take_it_in(
    event: Envelope, delivery: Delivery, known: Mapping[str, type[Message]]
) -> TakeMessage:
    """Every message of a `known` type goes into an inbox.

    Raises UnknownMessage for any other, and ValidationError for data of a wrong shape.
    """
    model = known.get(event.type)
    if model is None:
        raise UnknownMessage
    data = plain_data(event)
    message = decode_data(model, data)
    about = message if isinstance(message, CaseMessage | OfferMessage) else None
    return TakeMessage(
        at=delivery.at,
        by=delivery.by,
        source=event.source,
        sequence=delivery.source_position,
        type=event.type,
        name=model.NAME,
        case=_case_of(message),
        occurred_at=about.occurred_at if about is not None else event.time,
        recorded_at=about.recorded_at if about is not None else event.time,
        message=envelope_as_json(event, data),
    )


def _case_of(message: Message) -> str | None:
    """The case that a message is about, or the broadcast: parties of anonymous offers are parties of that alone."""
    if isinstance(message, OfferMessage):
        return message.broadcast
    return message.case if isinstance(message, CaseMessage) else None


def stream_of(event: Envelope, command: TakeMessage) -> str:
    """The stream that the command of a message belongs to."""
    return notices_stream(event.partitionkey) if command.case is None else inbox_stream(command.case)
