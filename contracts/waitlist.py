"""What is said of a wait for a place: by the organisation that puts a person on its list, and to the leads later."""

from __future__ import annotations

from datetime import date
from enum import StrEnum


class OfferedMeanwhile(StrEnum):
    """Whether somebody who waits for a place is offered anything else at the same time."""

    ANOTHER_OFFER = "ANOTHER_OFFER"
    NO_ALTERNATIVE = "NO_ALTERNATIVE"


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
