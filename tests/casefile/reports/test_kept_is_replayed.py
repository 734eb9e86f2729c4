"""What is kept is what a replay finds: whatever was recorded in whatever order, and whenever somebody looked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.casefile.events import EVENT_TYPES
from services.casefile.reports.catalogue import REPORTS
from services.casefile.reports.kept import KEPT, REPORTS_VERSION, Kept, newest
from services.casefile.reports.replayed import findings_in
from services.casefile.reports.report import Period, Wanted
from services.chassis.index.index import Index
from services.chassis.index.memory import MemoryIndex, MemoryIndexContents
from services.chassis.index.sqlite import SQLiteIndex
from services.chassis.log.event_log import Write
from services.chassis.log.memory import MemoryEventLog, MemoryLogContents
from services.chassis.log.metadata import Recorded
from tests.casefile.reports.test_responsibility_gaps import STORIES
from tests.casefile.reports.test_unowned_time import twice_nobodys
from tests.support.repetitions import times


@cache
@cache
def recorded(story: int) -> dict[str, Sequence[Recorded]]:
    """All streams of a story; the first one is a case that was nobody's for a while."""
    if story == 0:
        return {"case-C": twice_nobodys().records}
    return {stream: records for stream, records in tuple(STORIES.values())[story - 1]().book.records.items() if records}


class Written:
    """A log into which stories are written, a few events of one at a time."""

    def __init__(self, stories: Sequence[int], log: MemoryEventLog | None = None) -> None:
        self.log = log or MemoryEventLog("casefile", MemoryLogContents(), EVENT_TYPES)
        self._left = {
            f"{stream}-{number}": list(records)
            for number, story in enumerate(stories)
            for stream, records in recorded(story).items()
        }
        self._versions: defaultdict[str, int] = defaultdict(int)

    async def write(self, which: int, many: int) -> None:
        """The next so many events of a stream, if there are any left."""
        streams = [stream for stream, records in self._left.items() if records]
        if streams:
            await self._append(streams[which % len(streams)], many)

    async def write_all(self) -> None:
        """All that is left."""
        for stream in self._left:
            await self._append(stream, len(self._left[stream]))

    async def _append(self, stream: str, many: int) -> None:
        some, self._left[stream] = self._left[stream][:many], self._left[stream][many:]
        if some:
            events = [(each.event, each.meta) for each in some]
            await self.log.append([Write(stream, self._versions[stream], events)])
            self._versions[stream] += len(some)


async def check(written: Written, kept: Kept) -> None:
    """Every report says the same of what is kept and of what is replayed."""
    await kept.projection.catch_up()
    period = Period(now=await newest(written.log))
    assert await kept.now() == period.now
    for report in REPORTS.values():
        by_replay = report.answer(await findings_in(written.log, report), period, Wanted())
        assert report.answer(await kept.findings(report), period, Wanted()) == by_replay, report.name


STEPS = st.lists(st.tuples(st.integers(0, 20), st.integers(1, 12), st.sampled_from([0, 0, 0, 1, 2])), max_size=25)


@settings(max_examples=times(500), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(0, len(STORIES)), min_size=1, max_size=5), STEPS)
async def test_what_is_kept_is_what_a_replay_finds(stories: list[int], steps: list[tuple[int, int, int]]) -> None:
    """Two processes take turns in bringing one index up to date, or neither does for a while."""
    written, contents = Written(stories), MemoryIndexContents([KEPT])
    both = [Kept(written.log, MemoryIndex(contents)) for _ in range(2)]
    for which, many, looks in steps:
        await written.write(which, many)
        for kept in both[:looks]:
            await kept.projection.catch_up()
    await check(written, both[0])
    await written.write_all()
    await check(written, both[1])
    await check(written, Kept(written.log, MemoryIndex(MemoryIndexContents([KEPT]))))


async def test_every_report_says_something_of_the_stories(tmp_path: Path) -> None:
    """An equality of nothing with nothing would prove nothing; and an index in a file keeps the same."""
    written = Written(range(len(STORIES) + 1))
    await written.write_all()
    index: Index = SQLiteIndex(tmp_path / "reports.db", [KEPT], REPORTS_VERSION)
    kept = Kept(written.log, index)
    await check(written, kept)
    for report in REPORTS.values():
        assert await kept.findings(report), report.name
    index.close()


class CountingLog(MemoryEventLog):
    """Remembers which histories were read."""

    def __init__(self) -> None:
        super().__init__("casefile", MemoryLogContents(), EVENT_TYPES)
        self.histories: list[str] = []

    async def read_tails(self, tails: Sequence[tuple[str, int]], *, most: int | None = None) -> list[list[Recorded]]:
        """See `EventLog.read_tails`."""
        self.histories += [stream for stream, _ in tails]
        return await super().read_tails(tails, most=most)


async def test_a_history_is_read_once_however_often_it_moved() -> None:
    """Seventy events of three cases and a mentor, taken in three at a time, cost each history once."""
    log = CountingLog()
    written = Written([20, 5, 7], log)
    await written.write_all()
    kept = Kept(log, MemoryIndex(MemoryIndexContents([KEPT])), at_once=3)
    await kept.projection.catch_up()
    assert len(log.histories) == len(set(log.histories)) > 3
    await kept.projection.catch_up()
    assert len(log.histories) == len(set(log.histories))
