"""How many reports are made at a time: the facts of all cases are in memory meanwhile."""

from __future__ import annotations

import asyncio
from typing import Any

from contracts.codes import Role
from services.casefile.reports.answers import Reports
from services.casefile.reports.catalogue import REPORTS
from services.casefile.reports.kept import KEPT, Kept
from services.casefile.reports.report import Findings, Period, Report
from services.chassis.access.identity import Caller
from services.chassis.deciding.streams import Streams
from services.chassis.index.memory import MemoryIndex, MemoryIndexContents
from tests.casefile.reports.test_kept_is_replayed import Written

AUDITOR = Caller("an.auditor", "audit-demo", Role.AUDITOR)


class CountingKept(Kept):
    """Notes how many read facts at the same time, each of them slowly."""

    now_reading = most_reading = 0

    async def findings(self, report: Report[Any]) -> list[Findings[Any]]:
        """See `Kept.findings`."""
        self.now_reading += 1
        self.most_reading = max(self.most_reading, self.now_reading)
        await asyncio.sleep(0.01)
        found = await super().findings(report)
        self.now_reading -= 1
        return found


async def test_reports_are_made_one_after_another_whoever_asks() -> None:
    """Twelve at once are all answered, and no two read facts at a time."""
    written = Written([20, 5])
    await written.write_all()
    kept = CountingKept(written.log, MemoryIndex(MemoryIndexContents([KEPT])))
    reports = Reports(kept, Streams(written.log), 5.0, b"k" * 32)
    made = await asyncio.gather(*(reports.rows(AUDITOR, name, Period(), None, None) for name in REPORTS))
    assert [report.name for report, _ in made] == list(REPORTS)
    assert any(rows for _, rows in made)
    assert kept.most_reading == 1
