"""Long streams are read page by page."""

from __future__ import annotations

from services.chassis.log.event_log import EventLog, Write
from services.chassis.log.pages import PAGE, mentions, pages
from tests.chassis.counters import Counted, metadata

LONG = 2 * PAGE + 3


async def test_the_pages_of_a_stream_are_the_stream(log: EventLog) -> None:
    """Each event once and in order, and never more than a page at a time."""
    await log.append([Write("counter-a", 0, [(Counted(by=n), metadata(f"e-{n}")) for n in range(LONG)])])
    found = [page async for page in pages(log, "counter-a")]
    assert [len(page) for page in found] == [PAGE, PAGE, 3]
    assert [one.event.by for page in found for one in page] == list(range(LONG))
    assert [page async for page in pages(log, "counter-none")] == []


async def test_a_record_is_referred_to_by_any_event_of_its_stream(log: EventLog) -> None:
    """By the first as by the last; and by no other stream's."""
    notes = {0: "ref-first", LONG - 1: "ref-last"}
    events = [(Counted(by=n, note=notes.get(n)), metadata(f"e-{n}")) for n in range(LONG)]
    await log.append([Write("counter-a", 0, events)])
    assert [await mentions(log, "counter-a", ref) for ref in ("ref-first", "ref-last", "ref-none")] == [1, 1, 0]
    assert not await mentions(log, "counter-b", "ref-first")
