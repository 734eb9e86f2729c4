"""What a row of the casefile service's events says, and rows whose type is the union of the events that have one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, Never, TypeVar

from contracts.message import CaseMessage
from services.casefile.message_parts import About

if TYPE_CHECKING:
    from typing_extensions import TypeIs

E = TypeVar("E")
F = TypeVar("F")


@dataclass(frozen=True, slots=True)
class EventRow(Generic[E]):
    """An event of a case: its class, its stored name, its sentence on the timeline, the message that others get of it.

    The sentence names fields of the event, or is a function of it in `sentences.py`. The message is made field by
    field, so that mypy names one that was renamed; NOT_PUBLISHED: nobody outside needs it, or others have it already.
    """

    event: type[E]
    stored: str
    sentence: str | Callable[[E], str]
    message: Callable[[E, About], CaseMessage] | None


@dataclass(frozen=True, slots=True)
class OtherRow:
    """An event that is on no timeline: its class and its stored name. Few are told, to the other services alone."""

    event: type
    stored: str


class CaseRows(Generic[E]):
    """Rows of events of a case, whose type is the union of the events that have one."""

    def __init__(self, *rows: EventRow[Any]) -> None:
        self._rows = {row.event: row for row in rows}

    def __or__(self, row: EventRow[F]) -> CaseRows[E | F]:
        return CaseRows(*self, row)

    def __iter__(self) -> Iterator[EventRow[Any]]:
        return iter(self._rows.values())

    def have(self, event: object) -> TypeIs[E]:
        """Whether the event has a row."""
        return type(event) in self._rows

    def row_of(self, event: E) -> EventRow[Any]:
        """The row of an event that has one."""
        return self._rows[type(event)]


NO_ROWS: Final[CaseRows[Never]] = CaseRows()
NOT_PUBLISHED: Final = None
