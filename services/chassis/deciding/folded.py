"""A stream as far as it has been read."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from msgspec import Struct

from services.chassis.deciding.idempotency import Key
from services.chassis.log.metadata import Metadata, Recorded
from services.chassis.modelling.decider import Entity
from services.chassis.modelling.growing import GrowingMap, GrowingSet

S = TypeVar("S")


class Folded(Struct, Generic[S]):
    """A stream as far as it has been read: its state and what the handler itself needs to know of it.

    `etag` is the version of the last event that is no bystander, and `moved_by` says which it was; `keys` maps
    each idempotency key to the body's fingerprint and the last version and position written under it. `position` and
    `event_id` are those of the last event.
    """

    state: S
    version: int = 0
    etag: int = 0
    moved_by: str = "nobody"
    correlation_id: str | None = None
    keys: GrowingMap[Key, tuple[str | None, int, int]] = GrowingMap()
    causes: GrowingSet[str] = GrowingSet()
    position: int = 0
    event_id: str = ""

    def snapshot(self) -> Folded[S]:
        """A copy that stays as it is while the kept fold moves on under the next reader."""
        return Folded(
            self.state,
            self.version,
            self.etag,
            self.moved_by,
            self.correlation_id,
            self.keys,
            self.causes,
            self.position,
            self.event_id,
        )

    def take(self, entity: Entity[S], recorded: Recorded) -> None:
        """Folds one more event."""
        self.advance(entity, recorded.event, recorded.meta, recorded.position)

    def advance(self, entity: Entity[S], event: Any, meta: Metadata, position: int) -> None:
        """Folds one more event, given without its record."""
        self.state = entity.evolve(self.state, event)
        self.version += 1
        self.position, self.event_id = position, meta.event_id
        if not event.BYSTANDER:
            self.etag = self.version
            self.moved_by = f"{type(event).__name__} by {meta.actor.role} of {meta.actor.org}"
        self.correlation_id = self.correlation_id or meta.correlation_id
        if meta.idempotency_key is not None:
            key = Key.of(meta.actor, meta.idempotency_key)
            self.keys = self.keys.insert(key, (meta.fingerprint, self.version, position))
        if meta.causation_id is not None and not event.BESIDE and meta.causation_id not in self.causes:
            self.causes |= (meta.causation_id,)


class Kept(Struct):
    """A fold that is kept between commands, as of which mark of the log."""

    entity: Entity[Any]
    folded: Folded[Any]
    mark: object = None
