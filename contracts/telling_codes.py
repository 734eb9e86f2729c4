"""The closed code lists of telling: by which way an organisation was told, how far that came, and why it was not."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class ToldBy(StrEnum):
    """The ways by which an organisation is told of an event."""

    FEED = "FEED"
    STREAM = "STREAM"
    WEBHOOK = "WEBHOOK"
    EMAIL = "EMAIL"
    KAFKA = "KAFKA"
    LINK = "LINK"


class TellingState(StrEnum):
    """How far the telling came.

    SENT left us; DELIVERED was acknowledged by the receiver's system; READ was read there, as its next request shows;
    FAILED was given up.
    """

    SENT = "SENT"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"
    READ = "READ"


class NotToldReason(StrEnum):
    """Why an organisation could not be told, by the last of its ways that was tried."""

    DELIVERY_FAILED = "DELIVERY_FAILED"
    """Its endpoint or its mail server did not take it."""
    CHANNEL_STOPPED = "CHANNEL_STOPPED"
    """Its subscriptions are paused or disabled."""
    FEED_NOT_READ = "FEED_NOT_READ"
    """It used to read the feed, and has not read it since."""


REACHED: Final = frozenset({TellingState.SENT, TellingState.DELIVERED, TellingState.READ})
"""The states in which an organisation counts as told."""
