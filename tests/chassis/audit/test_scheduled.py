"""A log is held against what was signed of it again and again, by itself, and what is found is told."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from services.chassis.audit.beginning import begin_next
from services.chassis.audit.builder import LogBuilder
from services.chassis.audit.mismatches import What
from services.chassis.audit.pacing import REST_EVERY, Pace, Slices
from services.chassis.audit.scheduled import MOST_NAMED, ScheduledVerification
from services.chassis.audit.verifying import verify, verify_settled
from services.chassis.audit.witnesses import Witnesses
from services.chassis.operating.verification_metrics import VerificationMetrics
from services.chassis.transparency.tiles import WIDTH
from tests.chassis.audit.auditing import EPOCH, ORIGIN, Auditing
from tests.chassis.audit.tampering import tamper
from tests.chassis.audit.witnessed import other_history, witnessed
from tests.chassis.audit.witnessing import away, policy_of, witness_of
from tests.chassis.conftest import needs_processes

HOUR = 3600.0


def scheduled(auditing: Auditing, every: float = HOUR) -> ScheduledVerification:
    """Of the log, with a pause of so many seconds between."""
    return ScheduledVerification(auditing.log, auditing.store, auditing.remembered, every)


def counts(**found: int) -> dict[str, int]:
    """So many of some kinds, and none of all others."""
    return {what.value: found.get(what.value, 0) for what in What}


async def recorded(auditing: Auditing, events: int = 7) -> None:
    """So many events, taken in and signed."""
    await auditing.count("counter-a", *range(events))
    await auditing.builder().grow()


async def test_a_run_says_when_it_was_and_how_many_events_there_were(auditing: Auditing) -> None:
    """Kinds of which there are none are told as none."""
    await recorded(auditing)
    verification, before = scheduled(auditing), time.time()
    found = await verification.run()
    assert verification.last == found
    assert before <= found.at <= time.time()
    assert (found.checked, found.first) == (7, [])
    assert found.mismatches == counts()


async def test_before_the_first_run_it_is_told_since_when_one_is_due(auditing: Auditing) -> None:
    """A log that never is verified has no other time to go by: the first round of the one that leads counts."""
    await recorded(auditing)
    verification = scheduled(auditing)
    nobody_began, before = verification.known, time.time()
    assert nobody_began is None
    for _ in range(2):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await verification.round()
    due = verification.known
    assert due is not None
    assert (due.done, before <= due.at <= before + 0.1) == (False, True)
    metrics = VerificationMetrics()
    metrics.follow("counters", {"counters": due})
    shown = {sample.name: sample.value for metric in metrics.collect() for sample in metric.samples}
    assert shown == {"caserelay_verified_timestamp_seconds": due.at}
    found = await verification.run()
    assert verification.known == found
    assert found.done


async def test_it_comes_again_and_again_with_a_pause_between(auditing: Auditing) -> None:
    """By itself."""
    await recorded(auditing)
    verification, ends = scheduled(auditing, every=0.05), list[float]()
    async with asyncio.timeout(20):
        while len(ends) < 3:
            await verification.round()
            if verification.last is not None and verification.last.at not in ends:
                ends.append(verification.last.at)
    assert all(later - earlier > 0.045 for earlier, later in itertools.pairwise(ends))


async def test_nothing_is_read_while_nothing_is_due(auditing: Auditing) -> None:
    """A round rests, and a process that has just started is left alone first."""
    await recorded(auditing)
    verification = scheduled(auditing)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await verification.round()
    assert verification.last is None
    await verification.run()
    found = verification.last
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await verification.round()
    assert verification.last is found


async def test_another_process_begins_without_what_this_one_knew(auditing: Auditing) -> None:
    """Nothing that could be tampered with remembers it: after a restart it is not known until it was done."""
    await recorded(auditing)
    await scheduled(auditing).run()
    assert scheduled(auditing).last is None


@needs_processes
async def test_tampering_is_found_by_itself_and_told(
    auditing: Auditing, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """In a line of the log for each kind, without data; put back, the next run finds nothing."""
    await recorded(auditing)
    (event,) = await auditing.log.read("counter-a", after=2, through=3)
    tamper(tmp_path, [("UPDATE {events} SET state = ? WHERE {position} = 3", (event.state + b" ",))])
    verification = scheduled(auditing)
    with caplog.at_level(logging.ERROR, logger="services.chassis.audit.scheduled"):
        found = await verification.run()
    assert found.mismatches == counts(CHANGED=1)
    assert [(place.position, place.what) for place in found.first] == [(3, "CHANGED")]
    (line,) = caplog.records
    assert line.getMessage() == "the log is not what was signed"
    fields = line.__dict__
    assert (fields["service"], fields["code"], fields["position"], fields["count"]) == ("counters", "CHANGED", 3, 1)
    tamper(tmp_path, [("UPDATE {events} SET state = ? WHERE {position} = 3", (event.state,))])
    assert not any((await verification.run()).mismatches.values())


@needs_processes
async def test_of_many_mismatches_all_are_counted_and_some_are_named(auditing: Auditing, tmp_path: Path) -> None:
    """A log that was exchanged as a whole does not fill the memory of a service."""
    await recorded(auditing, MOST_NAMED + 15)
    tamper(tmp_path, [("DELETE FROM {events} WHERE {position} > 5 AND {position} <= ?", (MOST_NAMED + 12,))])
    found = await scheduled(auditing).run()
    assert found.mismatches == counts(MISSING=MOST_NAMED + 7)
    assert [place.position for place in found.first] == list(range(6, 6 + MOST_NAMED))


@pytest.mark.parametrize("engine", ["memory"], indirect=True)
async def test_what_the_witnesses_show_is_held_against_the_log(
    auditing: Auditing, vkey: str, tmp_path: Path, servers: ExitStack
) -> None:
    """Rows, hashes and checkpoint were exchanged together: nothing else tells. One that is away tells nothing."""
    witness = servers.enter_context(witness_of("w1", tmp_path, vkey))
    policy = policy_of("any", away("w2"), witness)
    async with witnessed(auditing, policy) as process:
        await process.grow(7, 8, 9)
        await process.cosigning.round()
        await process.grow(10)
    witnesses = Witnesses(policy)
    right = ScheduledVerification(auditing.log, auditing.store, None, HOUR, witnesses=witnesses)
    assert not any((await right.run()).mismatches.values())
    other = await other_history(auditing, 1, 2, 3, 4)
    await LogBuilder(other.log, EPOCH, other.store, origin=ORIGIN).grow()
    verification = ScheduledVerification(other.log, other.store, None, HOUR, witnesses=witnesses)
    assert (await verification.run()).mismatches == counts(REPLACED=1)
    await witnesses.close()


@needs_processes
async def test_what_fails_leaves_what_was_known_and_is_tried_again(auditing: Auditing, tmp_path: Path) -> None:
    """A store that cannot be read says nothing of the log."""
    await recorded(auditing)
    verification = scheduled(auditing)
    found = await verification.run()
    tamper(tmp_path, [("ALTER TABLE {audit}tiles RENAME TO {audit}tiles_away", ())])
    with pytest.raises(Exception, match="tiles"):
        await verification.run()
    assert verification.last is found
    tamper(tmp_path, [("ALTER TABLE {audit}tiles_away RENAME TO {audit}tiles", ())])
    assert (await verification.run()).checked == 7
    assert verification.last is not found


async def test_an_epoch_that_begins_on_the_way_is_no_mismatch(auditing: Auditing) -> None:
    """What was read of both epochs is read once more; going through it only once finds what is not there."""
    for settled in (False, True):
        await recorded(auditing)
        begun = False

        async def begin() -> None:
            nonlocal begun
            if not begun:
                begun = True
                await begin_next(auditing.store, await auditing.standing(), "counters", EPOCH, ORIGIN, "again")
                await auditing.builder().grow()

        pace = Pace(WIDTH, begin)
        if settled:
            assert (await verify_settled(auditing.log, auditing.store, lambda: b"", pace=pace)).ok
        else:
            assert not (await verify(auditing.log, auditing.store, pace=pace)).ok


async def test_others_have_their_turns_on_the_way(auditing: Auditing) -> None:
    """A rest follows every few events, of which others make use."""
    events = 10 * REST_EVERY
    await auditing.count("counter-a", *range(events))
    builder = auditing.builder()
    while (standing := await auditing.store.standing()) is None or standing.size < events:
        await builder.grow()
    turns = 0

    async def rest() -> None:
        nonlocal turns
        turns += 1

    assert (await verify(auditing.log, auditing.store, pace=Pace(WIDTH, rest))).checked == events
    assert turns >= events / REST_EVERY


async def test_work_takes_its_share_of_the_time_alone() -> None:
    """After ten milliseconds of work a twentieth of the time is nineteen times as much rest."""
    slices, since = Slices(share=0.05), time.monotonic()
    while time.monotonic() - since < 0.01:
        pass
    worked_until = time.monotonic()
    await slices.rest()
    assert time.monotonic() - worked_until >= 0.18
