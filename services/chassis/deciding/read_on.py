"""What is told of streams event by event, each read on from where it was read the last time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Generic, Protocol, TypeVar

from services.chassis.deciding.streams import READ_AT_ONCE
from services.chassis.log.event_log import EventLog
from services.chassis.log.metadata import Recorded

KEPT: Final = 256


class Taking(Protocol):
    """What becomes of a stream, and needs more of an event than a fold gets: its position, and who did it."""

    def take(self, recorded: Recorded) -> None:
        """One more event of the stream. Each comes once, in their order."""


T = TypeVar("T", bound=Taking)


class _Read(Generic[T]):
    def __init__(self, of: T) -> None:
        self.of = of
        self.version = 0


class ReadOn(Generic[T]):
    """Keeps what became of the streams that were asked for last: of these only what has come since is read."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._kept: OrderedDict[tuple[str, str], _Read[T]] = OrderedDict()

    async def through(self, stream: str, begin: Callable[[], T], about: str = "") -> T:
        """What becomes of a stream up to its last event, kept for who asks `about` the same; `begin` makes it."""
        key = stream, about
        if (known := self._kept.get(key)) is None:
            known = self._kept[key] = _Read(begin())
        self._kept.move_to_end(key)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        while tail := await self._log.read(stream, after=known.version, most=READ_AT_ONCE):
            for recorded in tail:
                # Two callers may read the same tail at once: each event is taken once.
                if recorded.version == known.version + 1:
                    known.version = recorded.version
                    known.of.take(recorded)
            if len(tail) < READ_AT_ONCE:
                break
        return known.of
