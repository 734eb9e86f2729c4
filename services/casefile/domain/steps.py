"""Who is responsible: exactly one owner for every open step.

An event that moves responsibility carries the steps it ends and the steps it begins, owners and deadlines included.
So who was responsible on a day is read from the record, and a rule that changes later does not change the past.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from contracts.codes import Step
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.decider import Event


class Party(Struct, frozen=True, kw_only=True):
    """A named person in a role for an organisation; `sub` is the organisation's own staff identifier."""

    role: str
    org: str
    sub: str


class Awaiting(Struct, frozen=True, kw_only=True):
    """Whom the owner of a step waits for: the organisation, the action, and until when. It changes no owner."""

    org: str
    action: str
    due_at: datetime | None = None


class OpenStep(Struct, frozen=True, kw_only=True):
    """A step (`contracts.codes.Step`), its one owner since when, and the deadlines that run in it."""

    step: str
    owner: Party
    since: datetime
    deadlines: tuple[Deadline, ...] = ()
    awaiting: Awaiting | None = None

    @property
    def due_at(self) -> datetime | None:
        """The nearest end of what runs here; for a step that only waits for another service, that one's."""
        if self.deadlines:
            return min(deadline.due_at for deadline in self.deadlines)
        return self.awaiting.due_at if self.awaiting is not None else None

    @property
    def actor(self) -> str:
        """The organisation that must act on the step now."""
        return self.awaiting.org if self.awaiting is not None else self.owner.org


Steps = tuple[OpenStep, ...]
LEFT_OVER = (Step.PROGRESS_REPORT.value, Step.ESCALATION.value)
"""Steps that outlast the match they were opened in: the report that is due, and what somebody sees to."""


class Moves(Event, frozen=True, kw_only=True):
    """What an event ends and begins. `renews` sets new deadlines and expectations for a step that is still open.

    A report may be recorded after what it reports on has ended, or has passed to somebody else: it must neither open
    a step again nor change its owner.
    """

    closes: tuple[str, ...] = ()
    opens: Steps = ()
    renews: Steps = ()


def moved(steps: Steps, move: Moves) -> Steps:
    """The open steps after a move; opening a step that is open replaces its owner, so that it never has two."""
    now = {step.step: step for step in steps if step.step not in move.closes}
    now |= {step.step: step for step in move.opens}
    for step in move.renews:
        if (held := now.get(step.step)) is not None:
            now[step.step] = replace(step, owner=held.owner, since=held.since)
    return tuple(now.values())


def handed_over(steps: Steps, giver: Party, receiver: Party, since: datetime) -> Steps:
    """The open steps after all of one person's have become another's."""
    return tuple(replace(step, owner=receiver, since=since) if step.owner == giver else step for step in steps)


def find(steps: Steps, name: str) -> OpenStep | None:
    """The open step of that name."""
    return next((step for step in steps if step.step == name), None)


def names(steps: Steps) -> tuple[str, ...]:
    """The names of the open steps."""
    return tuple(step.step for step in steps)


def names_but(steps: Steps, *stay: str) -> tuple[str, ...]:
    """The names of the open steps, without those that stay."""
    return tuple(step.step for step in steps if step.step not in stay)


def began(move: Moves) -> datetime | None:
    """When the first step that an event opens began; None where it opens none."""
    return next((step.since for step in move.opens), None)
