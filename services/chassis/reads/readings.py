"""Finds the readings of one thing: an index over the log of who read what, which one service keeps and answers from."""

from __future__ import annotations

from typing import Any, Final, Self

from msgspec.json import Decoder, Encoder

from contracts.audited import ACCESS
from services.chassis.index.index import Changes, Index, Table
from services.chassis.index.projection import Projection
from services.chassis.log.metadata import Recorded
from services.chassis.reads.recorder import Recorder
from services.chassis.store_opener import StoreOpener

READINGS: Final = Table("readings", columns=("thing", "reading"), indexes=(("thing",),), wide=True)
"""A row for each thing of each reading; `reading` is what is shown of it, as JSON."""
VERSION: Final = 1
_ENCODER: Final = Encoder()
_DECODER: Final = Decoder(dict[str, Any])


class Readings:
    """Keeps the index abreast of the log, and reads it."""

    def __init__(self, recorder: Recorder, index: Index) -> None:
        self._recorder = recorder
        self._index = index
        self.projection = Projection(recorder.log, index, _project)

    @classmethod
    def of(cls, recorder: Recorder, stores: StoreOpener) -> Self:
        """Over the index of these stores."""
        return cls(recorder, stores.index(ACCESS, (READINGS,), VERSION))

    async def caught_up(self) -> None:
        """Returns once all that is in the log now can be found. The caller bounds the wait."""
        await self.projection.wait_through(await self._recorder.log.head())

    async def of_thing(self, thing: str, after: int, limit: int) -> tuple[list[dict[str, Any]], int | None]:
        """A page of the readings of one thing behind a position, oldest first, and behind which one the next begins.

        Each in its JSON shape: `event`, `at`, `by`, `route`, and `purpose` in the words of the reader, None without.
        """
        rows = await self._index.find(READINGS.name, {"thing": thing}, after=after, limit=limit + 1)
        items = [await self._shown(_DECODER.decode(str(row.columns["reading"]))) for row in rows[:limit]]
        return items, rows[limit - 1].seq if len(rows) > limit else None

    async def _shown(self, reading: dict[str, Any]) -> dict[str, Any]:
        ref = reading.pop("purpose")
        record = await self._recorder.vault.read(ref) if ref is not None else None
        return {**reading, "purpose": record["text"] if record is not None else None}

    def close(self) -> None:
        """Closes the index."""
        self._index.close()


def _project(recorded: Recorded, changes: Changes) -> None:
    event, meta = recorded.event, recorded.meta
    reading = {
        "event": meta.event_id,
        "at": meta.recorded_at,
        "by": {"sub": meta.actor.sub, "role": meta.actor.role, "org": meta.actor.org},
        "route": event.route,
        "purpose": event.purpose_ref,
    }
    written = _ENCODER.encode(reading).decode()
    for number, thing in enumerate(event.read):
        changes.put(READINGS.name, f"{recorded.position}.{number}", recorded.position, thing=thing, reading=written)
