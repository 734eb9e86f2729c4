"""Idempotency keys: whose they are, what a command was that came under one, and whether it still runs.

A key belongs to an organisation, a `sub` of it, and one command: one resource, one route, one body. That no other
command takes it is the log's to see to, in every process that shares it: the use of a key is an event in a stream of
its own, stored in the transaction of what the command did, and alone where it changed nothing. Keys of before stand
only in the metadata of the events that were written under them, where those of today stand too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any, ClassVar, Final, NamedTuple

from msgspec import Struct

from services.chassis.modelling.decider import Actor, Entity, Event
from services.chassis.modelling.growing import GrowingTuple


class Key(NamedTuple):
    """An idempotency key with whose it is."""

    org: str
    sub: str
    text: str

    @classmethod
    def of(cls, actor: Actor, text: str) -> Key:
        """The key as it belongs to anyone who sends it."""
        return cls(actor.org, actor.sub, text)

    @property
    def stream(self) -> str:
        """The stream that notes its use."""
        # Lengths first, so that no two keys read the same; a digest, since a key is anybody's text.
        parts = "".join(f"{len(part)}:{part}" for part in self)
        return f"idempotency-key-{sha256(parts.encode()).hexdigest()}"


class KeyUsed(Event, frozen=True, kw_only=True):
    """A command was done under a key, which the metadata name: on `stream`, leaving it at `version`."""

    stream: str
    version: int


class KeyRefused(Event, frozen=True, kw_only=True):
    """A command on `stream` was refused under a key, and that was noted; `fingerprint` tells its body from others."""

    BYSTANDER: ClassVar[bool] = True
    stream: str
    fingerprint: str | None


class KeyReused(Exception):  # noqa: N818 - reads as what happened
    """The idempotency key was used before, for another command."""


class Use(Struct, frozen=True):
    """What a key was used for, if it was, and the commands under it whose refusals were noted."""

    done: KeyUsed | None = None
    refused: GrowingTuple[KeyRefused] = GrowingTuple()

    def of(self, stream: str, is_of: Callable[[str | None], bool]) -> KeyUsed | None:
        """What a command on a stream did under the key, if it did. Raises KeyReused where the key is another one's."""
        if self.done is not None and self.done.stream != stream:
            raise KeyReused
        if self.done is None and self.refused and not self.was_refused(stream, is_of):
            raise KeyReused
        return self.done

    def was_refused(self, stream: str, is_of: Callable[[str | None], bool]) -> bool:
        """Whether the refusal of a command on a stream was noted; `is_of` tells its fingerprint from another's."""
        return any(noted.stream == stream and is_of(noted.fingerprint) for noted in self.refused)


def _evolve(use: Use, event: Any) -> Use:
    match event:
        case KeyUsed():
            return Use(event, use.refused)
        case KeyRefused():
            return Use(use.done, use.refused.plus(event))
        case _:
            return use


USE: Final[Entity[Use]] = Entity(Use(), _evolve)


class KeyRunning(Exception):  # noqa: N818 - reads as what happened
    """The first command under the idempotency key still runs in this process; nothing is known of it yet."""


class Running:
    """The keys whose commands this process runs at the moment.

    Another process does not know of them: both decide, and the log lets one through.
    """

    def __init__(self) -> None:
        self._keys: set[Key] = set()

    @contextmanager
    def alone(self, key: Key | None) -> Iterator[None]:
        """Holds a key while its command runs; without one it holds nothing. Raises KeyRunning."""
        if key is None:
            yield
            return
        if key in self._keys:
            raise KeyRunning
        self._keys.add(key)
        try:
            yield
        finally:
            self._keys.discard(key)
