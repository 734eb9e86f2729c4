"""What stands in the record of what was refused: once for each command under a key, however often it is sent.

A refusal uses no key: the same command may come again and be done. That it was noted under one is in the key's own
stream beside the use that may still come, so another command finds the key taken (`idempotency.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from services.chassis.deciding.idempotency import USE, KeyRefused
from services.chassis.deciding.streams import Reads
from services.chassis.modelling.decider import Event, Refused, To

if TYPE_CHECKING:
    from services.chassis.deciding.handler import Call


async def to_note(refusal: Refused, stream: str, call: Call, reads: Reads) -> Sequence[Event | To]:
    """The events that are to stand of a refusal on `stream`: none of a dry run, and none of what was noted before."""
    if call.dry_run or not refusal.records or call.key is None:
        return () if call.dry_run else refusal.records
    use = await reads.state(call.key.stream, USE)
    if use.was_refused(stream, call.is_of):
        return ()
    return (*refusal.records, To(call.key.stream, KeyRefused(stream=stream, fingerprint=call.fingerprint)))
