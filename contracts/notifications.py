"""What the notifications service tells others. Topic `caserelay.notifications.v1`, source `/services/notifications`.

It tells whether an organisation was told of what happened in a case. It names no address, no endpoint and no person,
and goes into nobody's feed: that an event was read must not be an event that is to be read.
"""

from __future__ import annotations

from typing import ClassVar, Final

from contracts.coded import NotToldCode, TellingStateCode, ToldByCode
from contracts.message import Instant, Message

SOURCE: Final = "/services/notifications"
TOPIC: Final = "caserelay.notifications.v1"
_T: Final = "org.caserelay.notifications."


class OrganisationTold(Message, frozen=True, kw_only=True):
    """An organisation was told of these events of a case by a channel; a later message says how it stands now."""

    TYPE: ClassVar[str] = _T + "told.v1"
    NAME: ClassVar[str] = "OrganisationTold"
    case: str
    events: list[str]
    """The ids of their messages: several, where they were read or handed over together."""
    organisation: str
    channel: ToldByCode
    state: TellingStateCode
    at: Instant


class OrganisationNotTold(Message, frozen=True, kw_only=True):
    """An organisation could not be told for 24 hours, by any channel that it set up, of an event that waits for it.

    `event` is the first of them and `since` when that one came.
    """

    TYPE: ClassVar[str] = _T + "not_told.v1"
    NAME: ClassVar[str] = "OrganisationNotTold"
    case: str
    event: str
    organisation: str
    since: Instant
    reason: NotToldCode
    at: Instant
