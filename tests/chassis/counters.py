"""A tiny domain for the chassis' tests: counters that go up, a till that many counters pay into, a lid that closes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, ClassVar

from contracts.message import Message
from services.chassis.deciding.context import Needed
from services.chassis.deciding.handler import Call, Handler
from services.chassis.deciding.idempotency import KeyRefused, KeyUsed
from services.chassis.deciding.streams import Reads, Streams
from services.chassis.log.event_log import EventLog
from services.chassis.log.event_types import EventTypes
from services.chassis.log.metadata import Metadata, Recorded
from services.chassis.modelling.decider import Actor, Command, Entity, Event, Refused, To

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ANN = Actor(sub="ann", role="COUNTER", org="north")
BOB = Actor(sub="bob", role="COUNTER", org="south")
TILL = "till-1"


class Counted(Event, frozen=True, kw_only=True):
    """A counter went up."""

    by: int
    note: str | None = None


class Closed(Event, frozen=True, kw_only=True):
    """A counter takes no more."""


class LookedAt(Event, frozen=True, kw_only=True):
    """Somebody looked at a counter, which changes nothing about it."""

    BYSTANDER: ClassVar[bool] = True


class Paid(Event, frozen=True, kw_only=True):
    """A counter paid into the till."""

    counter: str


TOPICS: dict[str, type] = {
    "counter.counted.v1": Counted,
    "counter.closed.v1": Closed,
    "counter.looked_at.v1": LookedAt,
    "till.paid.v1": Paid,
    "idempotency_key.used.v1": KeyUsed,
    "idempotency_key.refused.v1": KeyRefused,
}
REFERENCES = ("legal_basis_id", "charter_version", "programme_version")
TYPES = EventTypes(TOPICS, references=REFERENCES)


@dataclass(frozen=True, slots=True)
class Counter:
    """How far a counter has come."""

    total: int = 0
    closed: bool = False


def evolve(state: Counter, event: Any) -> Counter:
    """What one event makes of a counter."""
    match event:
        case Counted():
            return replace(state, total=state.total + event.by)
        case Closed():
            return replace(state, closed=True)
        case _:
            return state


COUNTER: Entity[Counter] = Entity(Counter(), evolve)
PAYMENTS: Entity[int] = Entity(0, lambda paid, event: paid + isinstance(event, Paid))


class Count(Command, frozen=True, kw_only=True):
    """Count up; `pays` also appends to the till's stream."""

    by_how_much: int = 1
    pays: bool = False


class Close(Command, frozen=True, kw_only=True):
    """Close the counter; one that is closed already stays as it is."""


class Look(Command, frozen=True, kw_only=True):
    """Look at the counter."""


@dataclass(frozen=True, slots=True)
class Context:
    """A counter by its name."""

    name: str
    counter: Counter


class Contexts:
    """The contexts of counters; `first` runs before each is made."""

    def __init__(self, first: Callable[[Reads], Awaitable[None]] | None = None) -> None:
        self._first = first

    def needs(self, _command: Command, _own: Counter, /) -> Mapping[str, Needed]:
        """Nothing else."""
        return {}

    async def make(
        self, _command: Command, stream: str, own: Counter, _found: Mapping[str, Any], reads: Reads, /
    ) -> Context:
        """The counter by its name."""
        if self._first is not None:
            await self._first(reads)
        return Context(stream, own)

    def references(self, _command: Command, _context: Context, /) -> Mapping[str, str | None]:
        """Every counter is counted under the same programme."""
        return {"programme_version": "counting/7"}


def decide(command: Command, context: Context) -> Sequence[Any]:
    """A closed counter takes nothing more."""
    match command:
        case Look():
            return [LookedAt()]
        case Close():
            return [] if context.counter.closed else [Closed()]
        case Count() if context.counter.closed:
            raise Refused("COUNTER_CLOSED", "the counter is closed; count on another one")
        case Count() if command.pays:
            return [Counted(by=command.by_how_much), To(TILL, Paid(counter=context.name))]
        case Count():
            return [Counted(by=command.by_how_much)]
        case _:
            raise TypeError(type(command).__name__)


def handler(streams: Streams) -> Handler[Command, Context]:
    """A handler of this domain's commands."""
    return Handler(streams, Contexts(), decide)


def count(by_how_much: int = 1, *, pays: bool = False, by: Actor = ANN) -> Count:
    """A command to count up."""
    return Count(at=NOW, by=by, by_how_much=by_how_much, pays=pays)


def call(actor: Actor = ANN, *, if_match: int | None = None, **terms: Any) -> Call:
    """The terms on which a command is sent."""
    return Call(actor=actor, if_match=None if if_match is None else frozenset({if_match}), **terms)


def metadata(event_id: str = "e-1", **more: Any) -> Metadata:
    """What is known of an event beside its payload."""
    known: dict[str, Any] = {"actor": ANN, "occurred_at": NOW, "recorded_at": NOW, "correlation_id": "c-1", **more}
    return TYPES.metadata(event_id=event_id, **known)


class CounterMoved(Message, frozen=True, kw_only=True):
    """The public message of this domain."""

    TYPE: ClassVar[str] = "org.caserelay.test.counter_moved.v1"
    NAME: ClassVar[str] = "CounterMoved"
    counter: str
    by: int
    note: str | None


def translate(recorded: Recorded) -> tuple[str, Message] | None:
    """Only counting is of public interest."""
    if not isinstance(recorded.event, Counted):
        return None
    return recorded.stream, CounterMoved(counter=recorded.stream, by=recorded.event.by, note=recorded.event.note)


async def everything(log: EventLog, after: int = 0) -> list[Recorded]:
    """All events of a log after a position, by any writer."""
    found: list[Recorded] = []
    while more := await log.read_all(found[-1].position if found else after, 10_000):
        found += more
    return found
