"""What a command of this service rests on: the inbox that the message goes to."""

from __future__ import annotations

from dataclasses import dataclass

from services.chassis.metadata import References
from services.chassis.streams import Reads
from services.notifications.domain import INBOX, Inbox, TakeMessage


@dataclass(frozen=True, slots=True)
class Desk:
    """An inbox. Taking a message in discloses nothing to anybody, so it refers to no legal basis."""

    inbox: Inbox
    references: References = References()


async def desk_of(_: TakeMessage, stream: str, reads: Reads) -> Desk:
    """The desk for a stream."""
    return Desk(await reads.state(stream, INBOX))
