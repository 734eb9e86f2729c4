"""The stable stored names of this service's events. A line is never edited; a new shape gets a new line."""

from __future__ import annotations

from typing import Final

from services.notifications.domain.inbox import MessageTaken

TOPICS: Final[dict[str, type]] = {
    "notifications.message_taken.v1": MessageTaken,
}
