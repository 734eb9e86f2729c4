"""What stands in the record of what was refused: once for each command under a key, however often it is sent.

A refusal uses no key. That it was noted under one is in the key's own stream beside the use that may still come.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

from services.chassis.deciding.streams import Reads
from services.chassis.modelling.decider import Entity, Event, Refused, To
from services.chassis.modelling.growing import GrowingTuple

if TYPE_CHECKING:
    from services.chassis.deciding.handler import Call


class KeyRefused(Event, frozen=True, kw_only=True):
    """A command on `stream` was refused under a key, and that was noted; `fingerprint` tells its body from others."""

    BYSTANDER: ClassVar[bool] = True
    stream: str
    fingerprint: str | None


def _evolve(noted: GrowingTuple[KeyRefused], event: Any) -> GrowingTuple[KeyRefused]:
    return noted.plus(event) if isinstance(event, KeyRefused) else noted


NOTED: Final[Entity[GrowingTuple[KeyRefused]]] = Entity(GrowingTuple(), _evolve)
"""The refusals that were noted under a key."""


async def to_note(refusal: Refused, stream: str, call: Call, reads: Reads) -> Sequence[Event | To]:
    """The events that are to stand of a refusal on `stream`: none of a dry run, and none of what was noted before."""
    if call.dry_run or not refusal.records or call.key is None:
        return () if call.dry_run else refusal.records
    noted = await reads.state(call.key.stream, NOTED)
    if any(before.stream == stream and call.is_of(before.fingerprint) for before in noted):
        return ()
    return (*refusal.records, To(call.key.stream, KeyRefused(stream=stream, fingerprint=call.fingerprint)))
