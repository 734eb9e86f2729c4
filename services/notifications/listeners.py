"""Which streams wait for messages, and which are woken: one task follows the index for all, and one watches the time.

An idle stream costs a comparison a second and a comment from time to time; messages for others cost it nothing. Being
woken grants nothing: a stream that is woken asks for a page, and the policy decides what is on it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection
from typing import Final

from services.chassis.service import Service
from services.notifications.lists import audience

LOOK_SECONDS: Final = 1.0
IDLE_SECONDS: Final = 60.0
MESSAGES_AT_ONCE: Final = 200
WOKEN_AT_ONCE: Final = 64
"""After waking this many it yields: streams must not hold up requests."""
TRY_AGAIN_SECONDS: Final = 1.0
PAUSE_SECONDS: Final = 0.05

log = logging.getLogger(__name__)


class Listener:
    """One stream: its readers and types, and the position after which it continues.

    `news`: there may be something behind `after`. `until` and `due` are times of the monotonic clock: when its token
    has to be verified, and when it has been silent for long enough.
    """

    __slots__ = ("after", "due", "gone", "news", "readers", "types", "until", "woken")

    def __init__(self, readers: tuple[str, ...], types: Collection[str] | None, after: int) -> None:
        self.readers = readers
        self.types = None if types is None else frozenset(types)
        self.after = after
        self.news = True
        self.gone = False
        self.until = self.due = float("inf")
        self.woken = asyncio.Event()

    def tell(self, known: int, types: Collection[str]) -> bool:
        """Notes messages of these types after `known`, up to which it had none; returns whether this wakes it."""
        if self.types is not None and self.types.isdisjoint(types):
            return False
        if not self.news:
            self.after = max(self.after, known)
            self.news = True
        self.woken.set()
        return True

    def looks(self) -> int:
        """It looks for messages now, after the position that this returns: what it is told from now on may be more."""
        self.news = False
        return self.after

    def has_seen(self, through: int, *, more: bool) -> None:
        """By that look it knows all up to `through`; with `more` there may be something behind it.

        Also while it looked it may have been told of something, which is then behind `through` as well.
        """
        self.after = through
        self.news |= more

    def leave(self) -> None:
        """Nobody listens any more."""
        self.gone = True
        self.woken.set()


class Listeners:
    """All streams of a service. No task runs while there are none."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._heartbeat = service.settings.heartbeat_seconds
        self._look_every = min(LOOK_SECONDS, self._heartbeat / 4)
        self._all: set[Listener] = set()
        self._by_reader: dict[str, set[Listener]] = {}
        self._known = 0
        self._work: list[asyncio.Task[None]] = []
        self.ending = False

    async def enter(self, listener: Listener) -> None:
        """From now on it is woken for what it may see."""
        known = 0 if self._work else await self._service.index.through()
        # Another one may have begun meanwhile. What both miss by that is on the page that each reads once it is in.
        if not self._work and not self.ending:
            self._known = known
            self._work = [asyncio.create_task(self._follow()), asyncio.create_task(self._watch_the_time())]
        self._all.add(listener)
        for reader in listener.readers:
            self._by_reader.setdefault(reader, set()).add(listener)

    def leave(self, listener: Listener) -> None:
        """From now on it is no longer woken."""
        self._all.discard(listener)
        for reader in listener.readers:
            of_reader = self._by_reader.get(reader, set())
            of_reader.discard(listener)
            if not of_reader:
                self._by_reader.pop(reader, None)
        if not self._all:
            self._rest()

    def end(self) -> None:
        """Wakes every stream for the last time."""
        self.ending = True
        self._rest()
        for listener in self._all:
            listener.woken.set()

    def _rest(self) -> None:
        for task in self._work:
            task.cancel()
        self._work = []

    def spoke(self, listener: Listener) -> None:
        """Something was sent on it: messages for others are no sign of life."""
        listener.due = time.monotonic() + self._heartbeat

    def is_due(self, listener: Listener) -> bool:
        """Whether something has to be sent on it now, since the next look would come too late."""
        return listener.due <= time.monotonic() + self._look_every

    async def _follow(self) -> None:
        service = self._service
        while True:
            try:
                await service.log.wait(self._known, IDLE_SECONDS)
                if await service.log.head() > self._known:
                    await service.projection.wait_through(self._known + 1)
                    await self._tell_of_the_next()
                else:
                    # It may have been woken for messages that are gone: a restored database must not make it spin.
                    await asyncio.sleep(PAUSE_SECONDS)
            except Exception as failure:  # noqa: BLE001 - the store may come back, and everybody depends on this
                log.error("following failed", extra={"failure": type(failure).__name__})  # noqa: TRY400 - see telemetry
                await asyncio.sleep(TRY_AGAIN_SECONDS)

    async def _tell_of_the_next(self) -> None:
        known = self._known
        types_by_reader, self._known = await audience(self._service.index, after=known, limit=MESSAGES_AT_ONCE)
        woken = 0
        for reader, types in types_by_reader.items():
            for listener in tuple(self._by_reader.get(reader, ())):
                woken += listener.tell(known, types)
                if woken >= WOKEN_AT_ONCE:
                    woken = 0
                    await asyncio.sleep(0)

    async def _watch_the_time(self) -> None:
        while True:
            await asyncio.sleep(self._look_every)
            woken = 0
            now = time.monotonic()
            for listener in tuple(self._all):
                if listener.due <= now + self._look_every or listener.until <= now:
                    listener.woken.set()
                    woken += 1
                    if woken >= WOKEN_AT_ONCE:
                        woken = 0
                        await asyncio.sleep(0)
