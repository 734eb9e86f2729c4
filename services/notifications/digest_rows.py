"""What is pending of digests: when each mailbox that wants one gets the next, and the letters that wait."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from contracts.subscription_codes import Channel, Digest
from services.chassis.index.index import Changes
from services.chassis.log.metadata import Recorded
from services.chassis.mail.postbox import LETTERS
from services.chassis.time.scheduler import DEADLINES, Pending, set_pending, sortable
from services.notifications.domain.digest import AnyDigestEvent, DigestBegun, DigestSent, digest_stream
from services.notifications.domain.subscription import subscription_stream
from services.notifications.domain.subscription_events import (
    Choices,
    SubscriptionChanged,
    SubscriptionCreated,
    SubscriptionDeleted,
    SubscriptionEvent,
)
from services.notifications.email.quiet_hours import next_morning

DIGEST_DUE: Final = "DIGEST"
"""The kind of what is pending: the letter of a day is to be written."""
DIGEST_WAITS: Final = "DIGEST_LETTER"
"""The kind of what is pending: such a letter waits to be posted."""


def wants_digest(choices: Choices) -> bool:
    """Whether a subscription of these choices is told once a day."""
    return choices.channel == Channel.EMAIL.value and choices.digest == Digest.DAILY.value


def pending_digest(at: datetime) -> Pending:
    """That a digest is due at an instant."""
    return Pending(sortable(at), DIGEST_DUE, DIGEST_DUE, sortable(at))


def note_digest(recorded: Recorded, event: SubscriptionEvent, changes: Changes) -> None:
    """What one event of a subscription means for its digests."""
    stream = digest_stream(recorded.stream.removeprefix(subscription_stream("")))
    match event:
        case SubscriptionCreated(choices=choices) | SubscriptionChanged(choices=choices):
            if wants_digest(choices):
                due = pending_digest(next_morning(recorded.meta.recorded_at, choices.time_zone))
                set_pending(changes, stream, recorded, [due])
            elif isinstance(event, SubscriptionChanged):
                changes.delete(DEADLINES.name, stream)
        case SubscriptionDeleted():
            changes.delete(DEADLINES.name, stream)
        case _:
            pass


def note_digest_letter(recorded: Recorded, event: AnyDigestEvent, changes: Changes) -> None:
    """A letter waits from when it was fixed until the mail server has it."""
    match event:
        case DigestBegun():
            at = sortable(recorded.meta.recorded_at)
            set_pending(changes, recorded.stream, recorded, [Pending(at, "", DIGEST_WAITS, at)], LETTERS.name)
        case DigestSent():
            set_pending(changes, recorded.stream, recorded, [], LETTERS.name)
        case _:
            pass
