"""The answers of the casefile service about reports."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import Field

from contracts.answers import Contract


class ReportListed(Contract):
    """A report: what it says, in a sentence or two, and the names of the events that it is made of."""

    name: str
    definition: str
    sources: list[str]
    columns: list[str]
    statistic: bool


class ReportList(Contract):
    """All reports."""

    items: list[ReportListed]


class ReportAnswer(Contract):
    """A report over the days `from` to `to`, both included; null: without an end there.

    Each item has a value for each column of the report, in their order. In a statistic null is a count that is hidden,
    or a value that there is none of.
    """

    report: str
    definition: str
    from_: date | None = Field(alias="from")
    to: date | None
    items: list[dict[str, Any]]
