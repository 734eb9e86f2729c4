"""Which mailboxes of an organisation know that an endpoint of its own fails, or was disabled: each is told once."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from msgspec import Struct

from services.chassis.modelling.decider import Command, Entity, Event


class MailboxWarned(Event, frozen=True, kw_only=True):
    """A mailbox, by its subscription, was warned of one; what `warning` and `since` are is in its own stream."""

    BYSTANDER: ClassVar[bool] = True
    subscription: str
    mailbox: str
    warning: str
    since: datetime


class RecordWarned(Command, frozen=True, kw_only=True):
    """Note that a mailbox was warned."""

    subscription: str
    mailbox: str
    warning: str
    since: datetime


class Warned(Struct, frozen=True, kw_only=True):
    """The mailboxes that know of the newest warning about an endpoint."""

    warning: str = ""
    since: datetime | None = None
    mailboxes: tuple[str, ...] = ()

    def knows(self, mailbox: str, warning: str, since: datetime) -> bool:
        """Whether a mailbox was warned so already."""
        return (self.warning, self.since) == (warning, since) and mailbox in self.mailboxes


def decide(command: RecordWarned, warned: Warned) -> list[MailboxWarned]:
    """Notes it, once."""
    if warned.knows(command.mailbox, command.warning, command.since):
        return []
    return [
        MailboxWarned(
            subscription=command.subscription,
            mailbox=command.mailbox,
            warning=command.warning,
            since=command.since,
        )
    ]


def evolve(warned: Warned, event: MailboxWarned) -> Warned:
    """See `services.chassis.modelling.decider`."""
    same = (warned.warning, warned.since) == (event.warning, event.since)
    mailboxes = (*(warned.mailboxes if same else ()), event.mailbox)
    return Warned(warning=event.warning, since=event.since, mailboxes=mailboxes)


WARNED: Entity[Warned] = Entity(Warned(), evolve)


def warning_stream(subscription: str) -> str:
    """The stream of the warnings about one endpoint."""
    return f"warning-{subscription}"
