"""To whom a person's data went by a referral, as those who ask read it."""

from __future__ import annotations

import asyncio
from bisect import bisect_right

from services.chassis.deciding.read_on import ReadOn
from services.chassis.http.response.rendering import Json
from services.chassis.log.event_log import EventLog
from services.chassis.log.metadata import Recorded
from services.referral.domain.disclosure import disclosures_stream
from services.referral.domain.legal_basis import legal_basis_stream
from services.referral.views import disclosure_view


class _Disclosed:
    """The disclosures by one referral that stand in one stream, each with its position."""

    def __init__(self, referral_id: str) -> None:
        self._referral_id = referral_id
        self._positions: list[int] = []
        self._views: list[Json] = []

    def take(self, recorded: Recorded) -> None:
        """One more event of the stream."""
        if (view := disclosure_view(recorded, self._referral_id)) is not None:
            self._positions.append(recorded.position)
            self._views.append(view)

    def behind(self, position: int, most: int) -> list[tuple[int, Json]]:
        """The first `most` behind a position."""
        first = bisect_right(self._positions, position)
        end = first + most
        return list(zip(self._positions[first:end], self._views[first:end], strict=True))


class Disclosures:
    """Reads what was disclosed by referrals, page by page; of one that was read before, only what has come since."""

    def __init__(self, log: EventLog) -> None:
        self._read: ReadOn[_Disclosed] = ReadOn(log)

    async def page(
        self, referral_id: str, legal_basis_id: str | None, after: int, limit: int
    ) -> tuple[list[Json], int | None]:
        """The disclosures behind position `after` of the log, the oldest first, and where the next page begins."""
        names = [disclosures_stream(referral_id)]
        if legal_basis_id is not None:
            names.append(legal_basis_stream(legal_basis_id))
        begin = lambda: _Disclosed(referral_id)  # noqa: E731 - as every page of it begins
        read = await asyncio.gather(*(self._read.through(name, begin, referral_id) for name in names))
        found = sorted((entry for part in read for entry in part.behind(after, limit + 1)), key=_by_position)
        following = found[limit - 1][0] if len(found) > limit else None
        return [view for _, view in found[:limit]], following


def _by_position(entry: tuple[int, Json]) -> int:
    return entry[0]
