"""Makes the digests of a night: by the domain's clock, once, however often it is tried."""

from __future__ import annotations

from collections.abc import Sequence

from services.chassis.deciding.context import OwnState
from services.chassis.deciding.handler import Call, Handler
from services.chassis.deciding.streams import Streams
from services.chassis.index.index import IndexReader, Row
from services.chassis.time.clock import Clock
from services.chassis.time.scheduler import Pending
from services.notifications.digests import hash_over
from services.notifications.domain.nightly_digest import PAIR, MakeDigest, PairDigest, decide, pair_stream
from services.notifications.known_cases import AT_ONCE, hash_of_row, open_cases
from services.notifications.night_rows import NIGHTS
from services.notifications.reactor import SYSTEM


class Nightly:
    """Makes the digests of all pairs."""

    def __init__(self, streams: Streams, index: IndexReader, clock: Clock) -> None:
        self._index = index
        self._clock = clock
        self._handler = Handler[MakeDigest, PairDigest](streams, OwnState(), decide)

    async def fire(self, _stream: str, _due: Pending) -> Sequence[Pending] | None:
        """Keeps the digest of each pair whose open cases are others than on the night before."""
        place = 0
        while rows := await self._index.find(NIGHTS.name, {}, after=place, limit=AT_ONCE):
            for row in rows:
                await self._keep(row)
            place = rows[-1].seq
        return None

    async def _keep(self, held: Row) -> None:
        agency, organisation = str(held.columns["agency"]), str(held.columns["organisation"])
        hashes = {
            str(row.columns["case_id"]): hash_of_row(row)
            async for row in open_cases(self._index, organisation)
            if row.columns["agency"] == agency
        }
        digest = hash_over(hashes)
        if digest == held.columns["digest"]:
            return
        command = MakeDigest(
            at=self._clock.now(),
            by=SYSTEM,
            agency=agency,
            organisation=organisation,
            cases=len(hashes),
            digest=digest,
        )
        stream = pair_stream(agency, organisation)
        await self._handler.handle(command, stream, PAIR, Call(actor=SYSTEM), must_exist=False)
