"""Which warnings about endpoints are pending."""

from __future__ import annotations

from typing import Final

from services.chassis.index.index import Changes
from services.chassis.log.metadata import Recorded
from services.chassis.mail.postbox import LETTERS
from services.chassis.time.scheduler import Pending, set_pending, sortable
from services.notifications.domain.subscription_events import SubscriptionEvent, WarnedAboutSubscription

WARNING: Final = "WARNING"
"""The kind of what is pending: the mailboxes of an organisation are to be warned."""


def note_warning(recorded: Recorded, event: SubscriptionEvent, changes: Changes) -> None:
    """A warning is due as soon as it is decided on."""
    if isinstance(event, WarnedAboutSubscription):
        at = sortable(recorded.meta.recorded_at)
        set_pending(changes, recorded.stream, recorded, [Pending(at, "", WARNING, at)], LETTERS.name)
