"""Cases that are longer than anybody makes them by hand: straight in the log."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec.structs import replace

from services.chassis.log.event_log import Write
from tests.casefile.cases import CaseContext

AT_ONCE: Final = 1_000


async def longer(context: CaseContext, case: str, events: int, recorded_at: datetime | None = None) -> None:
    """The case's last event, so many times more, each under an id of its own; recorded as it was, or at a time."""
    log = context.running.service("casefile").log
    last = (await log.read(f"case-{case}"))[-1]
    at = recorded_at or last.meta.recorded_at
    for first in range(0, events, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, events))
        metas = [replace(last.meta, event_id=f"again-{last.version + n}", recorded_at=at) for n in numbers]
        await log.append([Write(last.stream, last.version + first, [(last.event, meta) for meta in metas])])
