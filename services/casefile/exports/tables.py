"""The tables of an export, and what stands in their columns: the same in every format."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple


class Kind(StrEnum):
    """What the values of a column are. Times are aware and in UTC."""

    TEXT = "TEXT"
    TIME = "TIME"
    NUMBER = "NUMBER"


Value = str | int | datetime | None
"""None: there is nothing to say."""
Row = tuple[Value, ...]


class Column(NamedTuple):
    """A column by its name."""

    name: str
    kind: Kind


class Table(NamedTuple):
    """A table by its name, with what people call it and its columns."""

    name: str
    title: str
    columns: tuple[Column, ...]

    @property
    def header(self) -> tuple[str, ...]:
        """The names of its columns."""
        return tuple(column.name for column in self.columns)


def _table(name: str, title: str, columns: str) -> Table:
    """Of columns by their names; those of times and numbers say so behind a colon."""
    parts = [column.partition(":") for column in columns.split()]
    return Table(name, title, tuple(Column(named, Kind(kind.upper() or "TEXT")) for named, _, kind in parts))


TIMELINE: Final = "timeline"
STATES: Final = "states"
RESPONSIBILITIES: Final = "responsibilities"
DEADLINES: Final = "deadlines"
EVENTS: Final = "events"

TABLES: Final = {
    table.name: table
    for table in (
        _table(
            TIMELINE,
            "Timeline",
            "case position:number event type occurredAt:time recordedAt:time text actorSub actorRole actorOrganisation"
            " onBehalfOf substituteFor responsibleSub responsibleRole responsibleOrganisation step dueAt:time level"
            " count:number corrects correctedBy digest",
        ),
        _table(STATES, "States", "case state from:time until:time begunBy endedBy"),
        _table(
            RESPONSIBILITIES,
            "Responsibilities",
            "case step about sub role organisation from:time until:time begunBy endedBy",
        ),
        _table(
            DEADLINES,
            "Deadlines",
            "case step about deadline sub role organisation setAt:time dueAt:time endedAt:time missedAt:time begunBy"
            " endedBy",
        ),
        _table(
            EVENTS,
            "Events",
            "case version:number position:number event type topic occurredAt:time recordedAt:time actorSub actorRole"
            " actorOrganisation causationId digest",
        ),
    )
}
"""By their names. `position` on the timeline is the place in the case's stream, and with the events that in the log."""
