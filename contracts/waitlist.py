"""The waiting list, for the two services that take what an organisation says of a wait: the body, and its one rule."""

from __future__ import annotations

from datetime import date

from contracts.codes import WaitlistReason
from contracts.fields import Body, CalendarDate, Flag


class WaitlistBody(Body):
    """Why the referral waits, until when, and that the person agreed to wait."""

    reason: WaitlistReason
    expected_by: CalendarDate
    client_agreed: Flag


def wrong_of_a_wait(expected_by: date, *, client_agreed: bool, today: date) -> list[tuple[str, str, str]]:
    """What is wrong with it: a JSON Pointer into the body, a code and a sentence each; [] where nothing is.

    `today` is the day, in the programme's time zone, on which the referral was put on the list.
    """
    wrong = []
    if not client_agreed:
        wrong.append(("/clientAgreed", "CLIENT_MUST_AGREE", "nobody waits without having agreed to it"))
    if expected_by < today:
        wrong.append(("/expectedBy", "IN_THE_PAST", "the expected date lies ahead"))
    return wrong
