"""The closed code lists of letters to people without an account, and of what they are asked."""

from __future__ import annotations

from enum import StrEnum


class Ask(StrEnum):
    """What somebody without an account is asked by a letter."""

    CONFIRM_MATCH = "CONFIRM_MATCH"
    PULSE = "PULSE"


class LetterResult(StrEnum):
    """What became of a letter."""

    SENT = "SENT"
    """A mail server has it."""
    REFUSED = "REFUSED"
    """No mail server takes it for this address."""
    DEFERRED = "DEFERRED"
    """It could not be sent now, and was not tried again: a code lives for minutes only."""
    EXPIRED = "EXPIRED"
    """No mail server took it as long as its link would have worked."""
    NO_ADDRESS = "NO_ADDRESS"
    """No e-mail address is known of the person."""
    CONSENT_WITHDRAWN = "CONSENT_WITHDRAWN"
    """The person has withdrawn the consent: nobody is written to any more."""
    MATCH_OVER = "MATCH_OVER"
    """The match that it is about is over, or the organisation's part in the case."""
