"""Which events the bundle of a case holds of this service's log: the messages about it, for who reads all of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from contracts.codes import Role
from services.chassis.access.identity import Caller
from services.chassis.audit.bundle.writing import Choice, Source
from services.chassis.audit.transparency_log import TransparencyLog
from services.chassis.log.event_log import EventLog
from services.notifications.domain.inbox import inbox_stream

NOTHING: Final = Choice({})


async def choose_all(case_id: str, _: int) -> Choice:
    """The messages about a case, with who was to hear of each."""
    return Choice({inbox_stream(case_id): None})


class BundlePart:
    """What this service adds to the bundle of a case for a caller."""

    def __init__(self, log: EventLog, proven: TransparencyLog) -> None:
        self._log = log
        self._proven = proven

    def source(self, caller: Caller, case_id: str, _: Sequence[str]) -> Source:
        """Of a case; of whom else each message was for, auditors alone read."""
        choose = partial(choose_all if caller.role is Role.AUDITOR else _nothing, case_id)
        return Source(self._log, self._proven.store, self._proven.reader, choose)


async def _nothing(_: str, __: int) -> Choice:
    return NOTHING
