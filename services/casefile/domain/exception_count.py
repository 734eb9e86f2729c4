"""How many exceptions the leads of a programme granted in a month: a stream for each programme and month."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, assert_never

from msgspec import Struct
from msgspec.structs import replace

from services.chassis.modelling.decider import Entity, Event


def exception_count_stream(programme: str, day: date) -> str:
    """The stream of the month that a day is in."""
    return f"exceptions-{programme}-{day:%Y-%m}"


class ExceptionCounted(Event, frozen=True, kw_only=True):
    """An exception was granted in a case; `signal`: with it the month has so many that it is a signal."""

    BYSTANDER: ClassVar[bool] = True
    case: str
    exception: str
    kind: str
    signal: bool = False


class ExceptionCount(Struct, frozen=True, kw_only=True):
    """What a month has had so far, and whether its signal was given."""

    stream: str = ""
    granted: int = 0
    signalled: bool = False


ExceptionCountEvent = ExceptionCounted


def evolve_count(count: ExceptionCount, event: ExceptionCountEvent) -> ExceptionCount:
    """The month after one more event."""
    match event:
        case ExceptionCounted():
            return replace(count, granted=count.granted + 1, signalled=count.signalled or event.signal)
        case _:
            assert_never(event)


EXCEPTION_COUNT: Entity[ExceptionCount] = Entity(ExceptionCount(), evolve_count)
