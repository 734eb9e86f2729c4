"""The one rule about what an organisation says of a wait, whether it puts a referral on its list or corrects that."""

from __future__ import annotations

from datetime import date


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
