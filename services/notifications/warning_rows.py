"""Which warnings about endpoints are pending."""

from __future__ import annotations

from typing import Final

from services.chassis.index.index import Changes, Table
from services.chassis.log.metadata import Recorded
from services.chassis.mail.postbox import LETTERS
from services.chassis.time.scheduler import DEADLINES, Pending, set_pending, sortable
from services.notifications.domain.subscription_events import SubscriptionEvent, WarnedAboutSubscription

WARNING: Final = "WARNING"
"""The kind of what is pending: the mailboxes of an organisation, or its other endpoints, are to be warned."""
WARNINGS: Final = Table("warnings", DEADLINES.columns, orders=DEADLINES.orders)
"""A row for each endpoint of which others are to be told, as DEADLINES has them: no letter waits for an endpoint."""


def note_warning(recorded: Recorded, event: SubscriptionEvent, changes: Changes) -> None:
    """A warning is due as soon as it is decided on, by either channel."""
    if isinstance(event, WarnedAboutSubscription):
        at = sortable(recorded.meta.recorded_at)
        for table in (LETTERS, WARNINGS):
            set_pending(changes, recorded.stream, recorded, [Pending(at, "", WARNING, at)], table.name)
