"""Request bodies that more than one service takes."""

from __future__ import annotations

from contracts.codes import WaitlistReason
from contracts.fields import Body, CalendarDate, Flag


class NothingBody(Body):
    """An empty object: the command needs no more."""


class WaitlistBody(Body):
    """Why the referral waits, until when, and that the person agreed to wait."""

    reason: WaitlistReason
    expected_by: CalendarDate
    client_agreed: Flag
