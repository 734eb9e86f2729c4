"""A deadline as events and views carry it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Deadline:
    """What is due, until when, and when the awaited party is reminded (80 % of the term); aware UTC.

    It is written into the event that starts the term and never computed again, so a calendar that changes later
    does not rewrite history.
    """

    name: str
    due_at: datetime
    remind_at: datetime
