"""Bundles of cases for callers: everything for those who read all of a case, and for a party what it sees."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from services.casefile.bundle_part import LOG, choose, referrals_of
from services.casefile.domain.state import case_stream
from services.casefile.queries import Found, Queries
from services.chassis.access.identity import Caller
from services.chassis.audit.bundle.manifest import view_of
from services.chassis.audit.bundle.writing import Source, Subject
from services.chassis.audit.transparency_log import TransparencyLog
from services.chassis.http.bundle import Part

READ_BUNDLE: Final = "read-bundle"


class Bundles:
    """Finds what a bundle is made of. `others` are the services of the same process, which add their own logs to it."""

    def __init__(self, queries: Queries, proven: TransparencyLog) -> None:
        self._queries = queries
        self._proven = proven
        self.others: Sequence[Part] = ()

    async def find(self, caller: Caller, case_id: str) -> Found:
        """The case, if the caller may take a bundle of it away. Raises Hidden, Forbidden, or Refused."""
        return await self._queries.find(caller, case_id, READ_BUNDLE)

    async def of(self, caller: Caller, found: Found) -> tuple[Subject, list[Source]]:
        """What the bundle of a case is about for a caller, and the logs that it is made of."""
        log, case_id = self._queries.streams.log, found.case_id
        seer = self._queries.seen_by(caller, found)
        versions = None
        if seer is not None:
            versions = frozenset(recorded.version for recorded in await self._queries.visible(caller, found))
        own = Source(log, self._proven.store, self._proven.reader, partial(choose, log, case_id, versions))
        referrals = await referrals_of(log, case_id)
        others = [part(caller, case_id, referrals) for part in self.others]
        return Subject(LOG, case_stream(case_id), view_of(seer)), [own, *others]
