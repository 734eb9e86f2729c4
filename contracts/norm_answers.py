"""What a case answers of the contact norm of its pair."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from contracts.answers import Contract


class MonthMetAnswer(Contract):
    """A month of the agreement: how often the pair agreed to meet in it, and how often it did."""

    first: date
    last: date
    norm: int
    meetings: int
    met: bool | None = Field(description="False: it is over, and there were fewer. Null: it still runs.")
