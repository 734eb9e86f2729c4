"""What a command of this service rests on: the inbox that the message goes to."""

from __future__ import annotations

from dataclasses import dataclass

from services.chassis.deciding.streams import Reads
from services.chassis.log.metadata import References
from services.notifications.domain.inbox import INBOX, Inbox, TakeMessage


@dataclass(frozen=True, slots=True)
class Context:
    """An inbox. Taking a message in discloses nothing to anybody, so it refers to no legal basis."""

    inbox: Inbox
    references: References = References()


async def context_of(_: TakeMessage, stream: str, reads: Reads) -> Context:
    """The context for a stream."""
    return Context(await reads.state(stream, INBOX))
