"""Codes of tasks and of exceptions from the charter. What tasks there are the charter says, which is data."""

from __future__ import annotations

from enum import StrEnum


class ExceptionRule(StrEnum):
    """The rules, beside the charter's, that the lead of an organisation may make a one-off exception from."""

    MENTOR_KIND = "MENTOR_KIND"
    """A volunteer where the referral recommends a professional mentor."""


class ExceptionState(StrEnum):
    """Where a request for an exception stands."""

    REQUESTED = "REQUESTED"
    GRANTED = "GRANTED"
    DENIED = "DENIED"
    USED = "USED"


class SignalScope(StrEnum):
    """Where so many exceptions were granted that they are a signal of substitution."""

    CASE = "CASE"
    """Of one kind, in one case."""
    PROGRAMME_AND_MONTH = "PROGRAMME_AND_MONTH"
