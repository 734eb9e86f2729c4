"""What is known of an action on a case that tests give: from which state, by whom, with which body and faults."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from tests.casefile.stories import Body
from tests.support.people import Person


@dataclass(frozen=True)
class Act:
    """An action that is possible in `state` (see `CaseContext.brought_to`) and leads to `then`.

    `faulty` maps the pointer of the fault to a body that has it; `elsewhere` is a state that does not allow the
    action, and `writes` the event that the action is known by. `tried` are the bodies that the rows of docs/domain.md
    tell apart, none a repeat of what a story holds already; without any, it is the body.
    """

    state: str
    by: Person
    writes: str
    then: str
    body: Body = field(default_factory=dict)
    faulty: tuple[tuple[str, Body], ...] = ()
    elsewhere: str = "OPENED"
    tried: tuple[Body, ...] = ()


UNKNOWN_FIELD: Final[tuple[str, Body]] = ("/nationality", {"nationality": "SY"})
LATER: Final = "2126-01-01T00:00:00Z"
NAIVE: Final = "2026-01-12T09:00:00"
