"""Reports for a caller: the kept facts, brought up to date, as the rows that this caller may read."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from msgspec.structs import replace

from contracts.codes import Role
from services.casefile.access import ANY_ORGANISATION, POLICY, standings_in_reports
from services.casefile.known_filters import check_filters
from services.casefile.reports.catalogue import REPORTS
from services.casefile.reports.kept import Kept
from services.casefile.reports.report import Period, Report, Row, Wanted
from services.chassis.access.identity import Caller
from services.chassis.access.policy import Hidden
from services.chassis.deciding.streams import Streams
from services.chassis.http.request.positions import unknown_filter
from services.chassis.service import CatchingUp

READ: Final = "read-report"
ACROSS: Final = "read-report-across"


class Reports:
    """Answers reports. Raises Forbidden for callers without a part in them."""

    def __init__(self, kept: Kept, streams: Streams, wait_seconds: float, key: bytes) -> None:
        """Facts that are far behind are waited for so long; the next question finds them further on."""
        self._kept = kept
        self._streams = streams
        self._wait_seconds = wait_seconds
        self._key = key
        self._turn = asyncio.Lock()

    @staticmethod
    def check(caller: Caller) -> None:
        """Refuses callers who read no report at all."""
        POLICY.require(caller, READ, (ANY_ORGANISATION,))

    async def rows(
        self, caller: Caller, name: str, period: Period, programme: str | None, organisation: str | None
    ) -> tuple[Report[Any], list[Row]]:
        """A report, and those of its rows that the caller reads.

        Raises Hidden for one that there is not, ProblemError 422 for a filter that nothing can have, and CatchingUp.
        """
        self.check(caller)
        report = REPORTS.get(name)
        if report is None:
            raise Hidden
        await self._check(period, programme, organisation)
        if report.across and not POLICY.permits(caller, ACROSS, (ANY_ORGANISATION,)):
            return report, []
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._kept.projection.catch_up()
        except TimeoutError:
            raise CatchingUp from None
        wanted = Wanted(
            programme,
            organisation,
            of_agency=caller.org if caller.role is Role.AGENCY_TEAM_LEAD else None,
            of_organisation=caller.org if caller.role is Role.NGO_LEAD else None,
            standings=standings_in_reports(caller),
        )
        # The facts of all cases are in memory meanwhile: of so many no more than one answer holds at a time.
        async with self._turn:
            period = replace(period, now=await self._kept.now(), key=self._key)
            findings = await self._kept.findings(report)
            # Over many cases it takes a while, in which requests for something else go on.
            return report, await asyncio.to_thread(report.answer, findings, period, wanted)

    async def _check(self, period: Period, programme: str | None, organisation: str | None) -> None:
        if period.first is not None and period.last is not None and period.last < period.first:
            raise unknown_filter("to", "a day that is not before `from`")
        await check_filters(self._streams, programme=programme, organisation=organisation)
