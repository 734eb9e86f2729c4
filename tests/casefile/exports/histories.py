"""Cases for the tests of exports, and what is exported of them."""

from __future__ import annotations

from io import BytesIO
from typing import Any, Final

from msgspec.structs import replace

from services.casefile.domain.mentoring import RecordMeeting
from services.casefile.exports.contents import Basis, Contents, contents_of
from services.casefile.exports.formats import FORMATS
from services.casefile.exports.pulse import steady
from services.casefile.exports.tables import TABLES
from services.chassis.log.metadata import Recorded
from services.chassis.modelling.decider import Actor
from tests.casefile.casebook import Casebook
from tests.casefile.messages import CASE_ID
from tests.support.dates import on

CHECKPOINT: Final = (
    "caserelay.invalid/Wb3kq0Zt/casefile\n412\nq2EJcDjSkFY8nYpKkbV5nB9Y3Bpl2f1sWm0lqGZr0nA=\n\n"
    "— caserelay.invalid/Wb3kq0Zt/casefile 3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fICEiIyQlJicoKSorLC0uLzAx"
    "MjM0NTY3ODk6Ozw9Pg==\n"
)
"""A note in the form that the log signs."""
FORMULAS: Final = ("=1+2", "+32", "-1+1", '@SUM(A1) "x", y')
NAMES: Final = ("Zoë Strauß-Łódź", "ağri.ș")
"""What an organisation may call its staff."""


def contents(book: Casebook, *, seen_by: str | None = None, stopped: bool = False, **moments: Any) -> Contents:
    """What is exported of the case of a book, on 6 August 2026."""
    basis = Basis(book.history[-1].position, on(6, 8), CHECKPOINT, **moments)
    return contents_of(CASE_ID, book.history, basis, seen_by=seen_by, stopped=stopped)


def written(of: Contents, kind: str, table: str = "timeline") -> bytes:
    """A file of it."""
    file = BytesIO()
    FORMATS[kind].write(of, TABLES[table], file, steady)
    return file.getvalue()


def oddly_named(book: Casebook) -> Casebook:
    """Meetings that were recorded by staff whose identifiers begin like formulas, or are not ASCII."""
    book.mentoring()
    for index, sub in enumerate((*FORMULAS, *NAMES)):
        at = on(2 + index, 3)
        book.act(RecordMeeting(at=at, by=Actor(sub=sub, role="NGO_COORDINATOR", org="brugwerk"), minutes=60))
    return book


def much_longer(book: Casebook, many: int) -> list[Recorded]:
    """The case of a book whose last event happens so many times more."""
    history = book.history
    last = history[-1]
    more = (
        Recorded(
            last.position + number,
            last.stream,
            last.version + number,
            last.topic,
            last.event,
            replace(last.meta, event_id=f"more-{number}"),
            last.state,
        )
        for number in range(1, many + 1)
    )
    return [*history, *more]
