"""Who knows that an endpoint of an organisation fails: its mailboxes and other endpoints, each once."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, assert_never

from msgspec import Struct

from contracts.subscription_codes import Channel, WarningCode
from services.chassis.modelling.decider import Command, Entity, Event


class MailboxWarned(Event, frozen=True, kw_only=True):
    """A mailbox, by its subscription, was warned of one; what `warning` and `since` are is in its own stream."""

    BYSTANDER: ClassVar[bool] = True
    subscription: str
    mailbox: str
    warning: str
    since: datetime


class EndpointWarned(Event, frozen=True, kw_only=True):
    """The same of another endpoint, by its subscription."""

    BYSTANDER: ClassVar[bool] = True
    subscription: str
    endpoint: str
    warning: str
    since: datetime


WarningEvent = MailboxWarned | EndpointWarned


class RecordWarned(Command, frozen=True, kw_only=True):
    """Note that a reader was warned: another subscription of the organisation, by its channel."""

    subscription: str
    reader: str
    channel: Channel
    warning: str
    since: datetime


class Warned(Struct, frozen=True, kw_only=True):
    """The subscriptions whose readers know of the newest warning about an endpoint."""

    warning: str = ""
    since: datetime | None = None
    readers: tuple[str, ...] = ()

    def knows(self, reader: str, warning: str, since: datetime) -> bool:
        """Whether a reader was warned so already."""
        return (self.warning, self.since) == (warning, since) and reader in self.readers

    def is_newer(self, warning: str, since: datetime) -> bool:
        """Whether there is a later warning than that one, which was on its way meanwhile."""
        if self.since is None or since != self.since:
            return self.since is not None and since < self.since
        return (self.warning, warning) == (WarningCode.DISABLED, WarningCode.FAILING)


def decide(command: RecordWarned, warned: Warned) -> list[WarningEvent]:
    """Notes it, once; what was overtaken on its way is not noted."""
    subscription, reader, warning, since = command.subscription, command.reader, command.warning, command.since
    if warned.knows(reader, warning, since) or warned.is_newer(warning, since):
        return []
    match command.channel:
        case Channel.EMAIL:
            return [MailboxWarned(subscription=subscription, mailbox=reader, warning=warning, since=since)]
        case Channel.WEBHOOK:
            return [EndpointWarned(subscription=subscription, endpoint=reader, warning=warning, since=since)]
        case _:
            assert_never(command.channel)


def evolve(warned: Warned, event: WarningEvent) -> Warned:
    """See `services.chassis.modelling.decider`."""
    same = (warned.warning, warned.since) == (event.warning, event.since)
    reader = event.mailbox if isinstance(event, MailboxWarned) else event.endpoint
    readers = (*(warned.readers if same else ()), reader)
    return Warned(warning=event.warning, since=event.since, readers=readers)


WARNED: Entity[Warned] = Entity(Warned(), evolve)


def warning_stream(subscription: str) -> str:
    """The stream of the warnings about one endpoint."""
    return f"warning-{subscription}"
