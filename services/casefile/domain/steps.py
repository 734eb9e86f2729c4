"""Who is responsible: exactly one owner for every open step.

An event that moves responsibility carries the steps it ends and the steps it begins, owners and deadlines included.
So who was responsible on a day is read from the record, and a rule that changes later does not change the past.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from contracts.casefile_codes import AcknowledgingSide
from contracts.codes import Step
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.decider import Act, Actor, Event
from services.chassis.modelling.growing import GrowingMap


class Party(Struct, frozen=True, kw_only=True):
    """A named person in a role for an organisation; `sub` is the organisation's own staff identifier."""

    role: str
    org: str
    sub: str


class Sent(Struct, frozen=True, kw_only=True):
    """Who sent something, and when."""

    by: Party
    at: datetime

    @property
    def act(self) -> Act:
        """The same, as the act of an event that goes on record later."""
        return Act(Actor(sub=self.by.sub, role=self.by.role, org=self.by.org), self.at)


class Awaiting(Struct, frozen=True, kw_only=True):
    """Whom the owner of a step waits for: the organisation, the action, and until when. It changes no owner."""

    org: str
    action: str
    due_at: datetime | None = None


class OpenStep(Struct, frozen=True, kw_only=True):
    """A step (`contracts.codes.Step`), its one owner since when, and the deadlines that run in it.

    Several steps of one name are open at once where each is `about` something of its own, an escalation or a gap.
    """

    step: str
    owner: Party
    since: datetime
    deadlines: tuple[Deadline, ...] = ()
    awaiting: Awaiting | None = None
    about: str | UnsetType = UNSET

    @property
    def key(self) -> str:
        """What tells it from the other open steps of the case."""
        return key_of(self.step, self.about)

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
StepsBeside = GrowingMap[str, OpenStep]
"""The steps that are about something, by their keys: a case may have as many as there are gaps to answer."""
LEFT_OVER = (
    Step.PROGRESS_REPORT.value,
    Step.ESCALATION.value,
    f"{Step.CHARTER_ACKNOWLEDGEMENT.value}:{AcknowledgingSide.COORDINATOR.value}",
)
"""Steps that outlast the match they were opened in: the report that is due, what somebody sees to, and which charter
the coordinator goes by."""
_OWN_END = frozenset({Step.ESCALATION.value, Step.SERVICE_GAP_ANSWER.value})
BESIDE = _OWN_END | {Step.CHARTER_ACKNOWLEDGEMENT.value}
"""Steps that run beside the way of the case: what they wait for neither begins it nor ends it."""


def key_of(step: str, about: str | UnsetType = UNSET) -> str:
    """The key of a step, by its name and by what it is about."""
    return step if about is UNSET else f"{step}:{about}"


def step_of(key: str) -> str:
    """The name of the step with that key."""
    return key.partition(":")[0]


class Moves(Event, frozen=True, kw_only=True):
    """What an event ends (by the keys of the steps) and begins. `renews` sets other deadlines for a step that is open.

    A report may be recorded after what it reports on has ended, or has passed to somebody else: it must neither open
    a step again nor change its owner.
    """

    closes: tuple[str, ...] = ()
    opens: Steps = ()
    renews: Steps = ()


def moved(steps: Steps, move: Moves) -> Steps:
    """The steps on the way after a move; opening a step that is open replaces its owner, so that it never has two."""
    now = {step.key: step for step in steps if step.key not in move.closes}
    now |= {step.key: step for step in move.opens if step.about is UNSET}
    for step in move.renews:
        if (held := now.get(step.key)) is not None:
            now[step.key] = replace(step, owner=held.owner, since=held.since)
    return tuple(now.values())


def moved_beside(steps: StepsBeside, move: Moves) -> StepsBeside:
    """The steps about something after a move, as `moved`."""
    for key in move.closes:
        if ":" in key:
            steps = steps.without(key)
    for step in move.opens:
        if step.about is not UNSET:
            steps = steps.insert(step.key, step)
    for step in move.renews:
        if (held := steps.get(step.key)) is not None:
            steps = steps.insert(step.key, replace(step, owner=held.owner, since=held.since))
    return steps


def find(steps: Steps, name: str, about: str | UnsetType = UNSET) -> OpenStep | None:
    """The open step of that name, about what is given; about nothing in particular without it."""
    key = key_of(name, about)
    return next((step for step in steps if step.key == key), None)


def ended_by(steps: Steps, *stay: str) -> tuple[str, ...]:
    """The keys of the open steps that end with what a case is about: all but those named, and what has its own end.

    What stays is named by its name or by its key.

    What the agency owes to a report of a gap outlasts the match, the organisation's part and the case's closing, and
    so does an escalation of its own, until it is resolved.
    """
    ends = (step for step in steps if step.step not in stay and step.key not in stay)
    return tuple(step.key for step in ends if not (step.about and step.step in _OWN_END))


def began(move: Moves) -> datetime | None:
    """When the first step that an event opens began; None where it opens none."""
    return next((step.since for step in move.opens), None)
