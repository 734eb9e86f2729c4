"""Whether a message is for the person to whom an e-mail goes; an endpoint gets whatever its organisation may see."""

from __future__ import annotations

from services.chassis.deciding.streams import Streams
from services.notifications.domain.addressees import concerns
from services.notifications.domain.inbox import INBOX, MessageTaken, inbox_stream
from services.notifications.domain.subscription_events import Person


async def is_for(
    streams: Streams, person: Person | None, organisation: str, event: MessageTaken, mark: object = None
) -> bool:
    """Whether a message, as it was taken in, is for a person of an organisation; None: for all that read there.

    `mark` is the log's under which the inbox was folded at least up to the message.
    """
    if person is None:
        return True
    parties = None
    if event.case is not None:
        parties = (await streams.fold(inbox_stream(event.case), INBOX, mark)).state.parties
    return concerns(person, organisation, event.name, event.message["data"], parties)
