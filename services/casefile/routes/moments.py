"""The moments that a caller names in a query: what had happened by then, and what was known by then."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import Query

from contracts.fields import calendar_date, instant
from services.casefile.queries import Found, Moment, Queries
from services.casefile.time_machine import TimeMachine
from services.chassis.access.identity import Caller
from services.chassis.http.request.parameters import IDENTIFIER
from services.chassis.http.request.positions import unreadable

AsOf = Annotated[str | None, Query(alias="asOf", description="RFC 3339, or a date: the end of that day.")]
KnownAt = Annotated[str | None, Query(alias="knownAt", description="RFC 3339, or a date: the end of that day.")]

Viewer = Annotated[
    str | None, Query(pattern=IDENTIFIER, description="For auditors: as this organisation saw it at that moment.")
]


async def moment_of(queries: Queries, found: Found, as_of: str | None, known_at: str | None) -> Moment:
    """What a caller names, for a case. Raises ProblemError 422 for what is neither a time nor a date."""
    return Moment(
        await when(queries, found, "asOf", as_of) if as_of is not None else None,
        await when(queries, found, "knownAt", known_at) if known_at is not None else None,
    )


async def when(queries: Queries, found: Found, parameter: str, text: str) -> datetime:
    """An instant; a date is the end of that day in the time zone of the case's programme. Raises ProblemError 422."""
    # In a query an unescaped plus sign arrives as a blank.
    text = text.replace(" ", "+")
    try:
        return instant(text)
    except ValueError:
        pass
    try:
        day: date = calendar_date(text)
    except ValueError:
        raise unreadable(parameter, "an RFC 3339 time or an ISO 8601 date") from None
    try:
        return (await queries.end_of_day(found)).terms.end_of_day(day)
    except OverflowError:
        return datetime.combine(day, datetime.max.time(), UTC)


async def looked(
    queries: Queries,
    machine: TimeMachine,
    caller: Caller,
    found: Found,
    named: tuple[str | None, str | None, str | None],
) -> tuple[Caller, Found, Moment]:
    """Who looks, at what, and when, as a viewer, `asOf` and `knownAt` are `named`.

    With a viewer it is somebody of that organisation, who finds the case of then.
    """
    viewer, as_of, known_at = named
    at = await moment_of(queries, found, as_of, known_at)
    if viewer is None:
        return caller, found, at
    return *await machine.seen_as(found, viewer, at), at
