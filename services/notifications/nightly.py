"""Makes the digests of a night: by the domain's clock, once, however often it is tried."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from services.chassis.deciding.context import OwnState
from services.chassis.deciding.handler import Call, Handler
from services.chassis.deciding.streams import Streams
from services.chassis.index.index import IndexReader
from services.chassis.time.clock import Clock
from services.chassis.time.scheduler import Pending
from services.notifications.digests import hash_of_case, hash_over
from services.notifications.domain.nightly_digest import PAIR, MakeDigest, PairDigest, decide, pair_stream
from services.notifications.known_cases import KNOWN_CASES, rows_open
from services.notifications.night_rows import NIGHTS
from services.notifications.reactor import SYSTEM

Pair = tuple[str, str]
"""An agency and an organisation."""


class Nightly:
    """Makes the digests of all pairs."""

    def __init__(self, streams: Streams, index: IndexReader, clock: Clock) -> None:
        self._index = index
        self._clock = clock
        self._handler = Handler[MakeDigest, PairDigest](streams, OwnState(), decide)

    async def fire(self, _stream: str, _due: Pending) -> Sequence[Pending] | None:
        """Keeps the digest of each pair whose open cases are others than on the night before."""
        hashes: defaultdict[Pair, dict[str, str]] = defaultdict(dict)
        async for row in rows_open(self._index, KNOWN_CASES, {}):
            columns = row.columns
            pair = str(columns["agency"]), str(columns["organisation"])
            if pair[0] != pair[1]:
                case = str(columns["case_id"])
                hashes[pair][case] = hash_of_case(case, str(columns["state"]), str(columns["event"]))
        for agency, organisation in sorted({*hashes, *await self._before()}):
            await self._keep(agency, organisation, hashes.get((agency, organisation), {}))
        return None

    async def _before(self) -> list[Pair]:
        """The pairs that had a digest: the last of their cases may have been closed since."""
        return [
            (str(row.columns["agency"]), str(row.columns["organisation"]))
            async for row in rows_open(self._index, NIGHTS, {})
        ]

    async def _keep(self, agency: str, organisation: str, hashes: dict[str, str]) -> None:
        command = MakeDigest(
            at=self._clock.now(),
            by=SYSTEM,
            agency=agency,
            organisation=organisation,
            cases=len(hashes),
            digest=hash_over(hashes),
        )
        stream = pair_stream(agency, organisation)
        await self._handler.handle(command, stream, PAIR, Call(actor=SYSTEM), must_exist=False)
