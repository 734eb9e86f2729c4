"""What an organisation sends of a wait, to begin or to correct it; its rule is in `waitlist.py`."""

from __future__ import annotations

from contracts.codes import WaitlistReason
from contracts.fields import Body, CalendarDate, Flag


class WaitlistBody(Body):
    """Why the referral waits, until when, and that the person agreed to wait."""

    reason: WaitlistReason
    expected_by: CalendarDate
    client_agreed: Flag
