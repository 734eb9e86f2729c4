"""What stands in the record of what was refused: once for each command under a key, however often it is sent.

A refusal uses no key: the same command may come again and be done. That it was noted under one is in the key's own
stream beside the use that may still come, so another command finds the key taken (`idempotency.py`). What comes
without a key, such as a read, is noted a few times an hour: who asks again and again does not fill the log.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from services.chassis.deciding.idempotency import USE, KeyRefused
from services.chassis.deciding.streams import Reads
from services.chassis.modelling.decider import Command, Event, Refused, To

if TYPE_CHECKING:
    from services.chassis.deciding.handler import Call


MOST_NOTED: Final = 10
"""How often the same refusal of one person is noted within an hour from the first, by one process."""
_WITHIN: Final = timedelta(hours=1)
_REMEMBERED: Final = 4096


class Lately:
    """What was noted lately: of what comes without a key, how often the same of one person within the hour."""

    def __init__(self) -> None:
        self._noted: OrderedDict[Hashable, tuple[datetime, tuple[Command, ...]]] = OrderedDict()

    async def to_note(
        self, refusal: Refused, stream: str, call: Call, reads: Reads, command: Command
    ) -> Sequence[Event | To]:
        """What is to stand of a refusal of a command on `stream`: none of a dry run, and none of what was noted before.

        A command that met a conflict may be asked about again.
        """
        if call.dry_run or not refusal.records:
            return ()
        if call.key is None:
            return () if self._is_enough(refusal, stream, call, command) else refusal.records
        if (await reads.state(call.key.stream, USE)).was_refused(stream, call.is_of):
            return ()
        return (*refusal.records, To(call.key.stream, KeyRefused(stream=stream, fingerprint=call.fingerprint)))

    def _is_enough(self, refusal: Refused, stream: str, call: Call, command: Command) -> bool:
        what = stream, call.actor, refusal.code, tuple(map(_but_when, refusal.records))
        since, noted = self._noted.get(what, (command.at, ()))
        if command.at - since >= _WITHIN:
            since, noted = command.at, ()
        if any(before is command for before in noted):
            return False
        if len(noted) >= MOST_NOTED:
            return True
        self._noted[what] = since, (*noted, command)
        self._noted.move_to_end(what)
        if len(self._noted) > _REMEMBERED:
            self._noted.popitem(last=False)
        return False


def _but_when(record: Event | To) -> Hashable:
    event = record.event if isinstance(record, To) else record
    return type(event), tuple(getattr(event, name) for name in event.__struct_fields__ if name != "at")
