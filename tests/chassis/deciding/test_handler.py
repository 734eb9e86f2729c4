"""Running commands: what a repeat, a stale read, a conflict and a dry run come to."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from services.chassis.deciding.folded import Folded
from services.chassis.deciding.handler import TRIES, Busy, Handler, NotFound, PreconditionFailed
from services.chassis.deciding.idempotency import KeyReused
from services.chassis.deciding.streams import Reads, Streams
from services.chassis.log.event_log import EventLog, Write
from services.chassis.modelling.decider import Command, Entity, Event, Refused
from services.chassis.vault.memory import MemoryVault, MemoryVaultContents
from services.chassis.vault.vault import Deposit
from tests.chassis.conftest import OpenLog
from tests.chassis.counters import (
    ANN,
    BOB,
    COUNTER,
    NOW,
    PAYMENTS,
    TILL,
    Close,
    Context,
    Contexts,
    Counted,
    Counter,
    Look,
    LookedAt,
    Paid,
    call,
    count,
    decide,
    handler,
    metadata,
)

A = "counter-a"


@pytest.fixture
def streams(log: EventLog) -> Streams:
    """The folded streams of an empty log."""
    return Streams(log)


@pytest.fixture
def counting(streams: Streams) -> Handler[Command, Context]:
    """The handler of the counters."""
    return handler(streams)


class Asides:
    """A vault, and a deposit in it for each command."""

    def __init__(self) -> None:
        self._contents = MemoryVaultContents()

    @property
    def times(self) -> int:
        """How many records were ever kept."""
        return len(self._contents.rows())

    def __call__(self) -> Deposit:
        """A deposit of one record."""
        deposit = Deposit(MemoryVault(self._contents), A)
        deposit.put("note", {"text": "a word"})
        return deposit


async def test_a_command_answers_with_the_state_it_led_to(counting: Handler[Command, Context], log: EventLog) -> None:
    """State, version and position are those of the command's last event, and the metadata say who, when and why."""
    await counting.handle(count(1, pays=True), A, COUNTER, call(), must_exist=False)
    outcome = await counting.handle(count(2), A, COUNTER, call(traceparent="t", causation_id="m-1"))
    assert (outcome.state, outcome.version, outcome.etag, outcome.position) == (Counter(3), 2, 2, 3)
    assert (outcome.events, outcome.replayed) == ([Counted(by=2)], False)
    first, second = await log.read(A)
    assert first.position == await log.head() - 1
    assert second.meta.correlation_id == first.meta.correlation_id
    assert (second.meta.causation_id, second.meta.traceparent, second.meta.actor) == ("m-1", "t", ANN)
    assert (second.meta.references["programme_version"], second.meta.recorded_at, second.meta.occurred_at) == (
        "counting/7",
        NOW,
        NOW,
    )
    assert second.meta.event_id != first.meta.event_id


async def test_a_command_on_nothing_is_not_found(counting: Handler[Command, Context]) -> None:
    """Where a stream must exist, one without events is none."""
    with pytest.raises(NotFound):
        await counting.handle(count(), A, COUNTER, call())


async def test_a_stale_if_match_is_refused_and_names_what_moved(
    counting: Handler[Command, Context], log: EventLog
) -> None:
    """The version of an older read fails the precondition; the one of the last read passes."""
    await counting.handle(count(), A, COUNTER, call(), must_exist=False)
    await counting.handle(count(), A, COUNTER, call(if_match=1))
    for stale in (1, 3):
        with pytest.raises(PreconditionFailed) as failed:
            await counting.handle(count(), A, COUNTER, call(if_match=stale))
        assert (failed.value.current, failed.value.moved_by) == (2, "Counted by COUNTER of north")
    assert await log.head() == 2


async def test_bystanders_do_not_move_the_etag(counting: Handler[Command, Context]) -> None:
    """An event that is a bystander raises the version and leaves If-Match valid."""
    await counting.handle(count(), A, COUNTER, call(), must_exist=False)
    looked = await counting.handle(Look(at=NOW, by=BOB), A, COUNTER, call(BOB, if_match=1))
    assert (looked.version, looked.etag) == (2, 1)
    assert (await counting.handle(count(), A, COUNTER, call(if_match=1))).etag == 3


async def test_a_repeated_key_answers_as_the_first_time(counting: Handler[Command, Context], log: EventLog) -> None:
    """The same key and body give the state and position of then, though the ETag is stale and more has happened."""
    await counting.handle(count(1), A, COUNTER, call(), must_exist=False)
    sent = call(if_match=1, idempotency_key="k", fingerprint="f")
    first = await counting.handle(count(2, pays=True), A, COUNTER, sent)
    await counting.handle(count(4), A, COUNTER, call())
    again = await counting.handle(count(2, pays=True), A, COUNTER, sent)
    assert again.replayed
    # Behind the first count, the payment and the use of the key.
    assert (first.state, first.version, first.etag, first.position) == (Counter(3), 2, 2, 4)
    assert (again.state, again.version, again.etag, again.position) == (Counter(3), 2, 2, 4)
    assert await log.head() == 5


async def test_a_repeated_key_is_found_after_a_restart(open_log: OpenLog) -> None:
    """The key stands in the log, so a process that has just started answers a repeat too."""
    sent = call(idempotency_key="k", fingerprint="f")
    first = await handler(Streams(open_log())).handle(count(2), A, COUNTER, sent, must_exist=False)
    again = await handler(Streams(open_log())).handle(count(2), A, COUNTER, sent, must_exist=False)
    assert (again.replayed, again.state, again.position) == (True, first.state, first.position)


async def test_a_key_with_another_body_is_refused(counting: Handler[Command, Context], log: EventLog) -> None:
    """A key stands for one body; with another one it is a mistake of the caller."""
    await counting.handle(count(), A, COUNTER, call(idempotency_key="k", fingerprint="f"), must_exist=False)
    with pytest.raises(KeyReused):
        await counting.handle(count(2), A, COUNTER, call(idempotency_key="k", fingerprint="g"))
    assert len(await log.read(A)) == 1


async def test_a_message_that_comes_again_changes_nothing(counting: Handler[Command, Context], log: EventLog) -> None:
    """A stream that holds the id of a message absorbs its repeat."""
    await counting.handle(count(5), A, COUNTER, call(causation_id="m-1"), must_exist=False)
    again = await counting.handle(count(5), A, COUNTER, call(causation_id="m-1"))
    assert (again.replayed, again.state, await log.head()) == (True, Counter(5), 1)


async def test_a_dry_run_says_what_would_happen_and_writes_nothing(
    counting: Handler[Command, Context], log: EventLog
) -> None:
    """State and events are those that the command would lead to; log and vault stay as they were."""
    await counting.handle(count(1), A, COUNTER, call(), must_exist=False)
    aside = Asides()
    sent = call(dry_run=True, if_match=1, idempotency_key="k", fingerprint="f")
    outcome = await counting.handle(count(2, pays=True), A, COUNTER, sent, records=aside())
    assert (outcome.state, outcome.version, outcome.position) == (Counter(3), 2, None)
    assert {type(event) for event in outcome.events} == {Counted, Paid}
    assert (await log.head(), aside.times) == (1, 0)
    real = await counting.handle(count(9), A, COUNTER, call(if_match=1, idempotency_key="k", fingerprint="g"))
    assert (real.replayed, real.state) == (False, Counter(10))


async def test_a_dry_run_is_refused_like_the_real_one(counting: Handler[Command, Context]) -> None:
    """Preconditions and rules hold for it as well."""
    await counting.handle(count(), A, COUNTER, call(), must_exist=False)
    await counting.handle(Close(at=NOW, by=ANN), A, COUNTER, call())
    with pytest.raises(PreconditionFailed):
        await counting.handle(count(), A, COUNTER, call(dry_run=True, if_match=1))
    with pytest.raises(Refused):
        await counting.handle(count(), A, COUNTER, call(dry_run=True, if_match=2))


async def test_only_what_is_going_to_be_stored_fills_the_vault(counting: Handler[Command, Context]) -> None:
    """Refusals, replays, stale reads and commands that change nothing leave no record behind."""
    aside = Asides()
    sent = call(idempotency_key="k", fingerprint="f")
    await counting.handle(count(), A, COUNTER, sent, must_exist=False, records=aside())
    assert aside.times == 1
    await counting.handle(count(), A, COUNTER, sent, records=aside())
    with pytest.raises(PreconditionFailed):
        await counting.handle(count(), A, COUNTER, call(if_match=7), records=aside())
    await counting.handle(Close(at=NOW, by=ANN), A, COUNTER, call())
    await counting.handle(Close(at=NOW, by=ANN), A, COUNTER, call(), records=aside())
    with pytest.raises(Refused):
        await counting.handle(count(), A, COUNTER, call(), records=aside())
    assert aside.times == 1


async def test_of_many_with_the_same_if_match_one_wins(counting: Handler[Command, Context], log: EventLog) -> None:
    """The others are told that the resource has changed, and nothing of theirs is stored."""
    await counting.handle(count(), A, COUNTER, call(), must_exist=False)
    outcomes = await asyncio.gather(
        *(counting.handle(count(), A, COUNTER, call(if_match=1)) for _ in range(50)), return_exceptions=True
    )
    assert sum(isinstance(outcome, PreconditionFailed) for outcome in outcomes) == 49
    assert await log.head() == 2


async def test_a_conflict_elsewhere_is_settled_silently(open_log: OpenLog) -> None:
    """Somebody else's append to a stream that If-Match did not name is taken in, and the command decided again."""
    ours, theirs = open_log(), open_log()
    streams = Streams(ours)
    meddled: list[int] = []

    async def meddling(reads: Reads) -> None:
        await reads.state(TILL, PAYMENTS)
        if not meddled:
            meddled.append(await theirs.append([Write(TILL, 0, [(Paid(counter="z"), metadata())])]))

    counting = Handler(streams, Contexts(meddling), decide)
    outcome = await counting.handle(count(pays=True), A, COUNTER, call(), must_exist=False)
    assert (outcome.state, meddled) == (Counter(1), [1])
    assert [one.event.counter for one in await ours.read(TILL)] == ["z", A]


async def test_a_decision_that_saw_a_stream_twice_rests_on_the_older_sight(open_log: OpenLog) -> None:
    """What moved between two looks of one decision is a conflict, and the command is decided again."""
    ours, theirs = open_log(), open_log()
    sights: list[tuple[int, int]] = []

    async def looking_twice(reads: Reads) -> None:
        before = await reads.state(TILL, PAYMENTS)
        if not sights:
            await theirs.append([Write(TILL, 0, [(Paid(counter="z"), metadata())])])
        sights.append((before, (await reads.fold(TILL, COUNTER)).version))

    await Handler(Streams(ours), Contexts(looking_twice), decide).handle(
        count(pays=True), A, COUNTER, call(), must_exist=False
    )
    assert sights == [(0, 1), (1, 1)]


async def test_two_hundred_commands_on_one_shared_stream_all_succeed(streams: Streams, log: EventLog) -> None:
    """Commands that all append to one stream wait for their turns; none is refused, none is stored twice."""
    counting = handler(streams)
    started = time.monotonic()
    outcomes = await asyncio.gather(
        *(counting.handle(count(pays=True), f"counter-{n}", COUNTER, call(), must_exist=False) for n in range(200))
    )
    assert time.monotonic() - started < 20
    assert {outcome.state for outcome in outcomes} == {Counter(1)}
    assert len({one.event.counter for one in await log.read(TILL)}) == 200
    assert await log.head() == 400


async def test_whoever_waits_for_a_turn_is_not_overtaken_for_ever(streams: Streams) -> None:
    """Under steady load on one stream every sender gets on, not only those that ask again fastest."""
    counting = handler(streams)
    done = [0] * 16

    async def send(sender: int) -> None:
        for n in range(20):
            await counting.handle(count(pays=True), f"counter-{sender}-{n}", COUNTER, call(), must_exist=False)
            done[sender] += 1
            if min(done) < max(done) - 4:
                raise AssertionError(done)

    await asyncio.gather(*(send(sender) for sender in range(16)))
    assert done == [20] * 16


async def test_a_command_that_meets_conflicts_without_end_gives_up(open_log: OpenLog) -> None:
    """After a number of tries nothing is stored, and the caller may send it again."""
    ours, theirs = open_log(), open_log()
    looks: list[int] = []

    async def always_late(reads: Reads) -> None:
        version = await reads.version(TILL)
        looks.append(await theirs.append([Write(TILL, version, [(Paid(counter="z"), metadata())])]))

    counting = Handler(Streams(ours), Contexts(always_late), decide)
    with pytest.raises(Busy):
        await counting.handle(count(pays=True), A, COUNTER, call(), must_exist=False)
    assert len(looks) == TRIES
    assert await ours.read(A) == []
    looks.clear()
    quiet = await handler(Streams(ours)).handle(count(pays=True), A, COUNTER, call(), must_exist=False)
    assert quiet.state == Counter(1)


async def test_folds_are_kept_per_kind_of_entity(streams: Streams, counting: Handler[Command, Context]) -> None:
    """One stream may be folded into several kinds of state; entities that come and go are never mixed up."""
    await counting.handle(count(5), A, COUNTER, call(), must_exist=False)
    await counting.handle(Look(at=NOW, by=ANN), A, COUNTER, call())

    @dataclass(frozen=True, slots=True)
    class Folding:
        factor: int

        def __call__(self, state: int, event: Any) -> int:
            return state + self.factor * (isinstance(event, Counted) + 2 * isinstance(event, LookedAt))

    for factor in range(50):
        passing: Entity[int] = Entity(0, Folding(factor))
        assert (await streams.fold(A, passing)).state == factor * 3
    assert (await streams.fold(A, COUNTER)).state == Counter(5)


async def test_a_snapshot_stays_as_it_was_seen(streams: Streams, counting: Handler[Command, Context]) -> None:
    """What a decision holds does not move under it while others go on, nor do the keys and causes that it has seen."""
    await counting.handle(count(5), A, COUNTER, call(), must_exist=False)
    before = await streams.fold(A, COUNTER)
    await counting.handle(count(6), A, COUNTER, call(idempotency_key="k", causation_id="m-1"))
    after = await streams.fold(A, COUNTER)
    assert [(len(seen.keys), len(seen.causes)) for seen in (before, after)] == [(0, 0), (1, 1)]
    assert (before.state, before.version) == (Counter(5), 1)
    assert (await streams.fold(A, COUNTER)).state == Counter(11)
    assert (await streams.fold_through(A, COUNTER, 1)).state == Counter(5)


class Rang(Event, frozen=True, kw_only=True):
    """Somebody's counting rang a bell."""

    BESIDE: ClassVar[bool] = True


async def test_what_happens_beside_a_command_is_refused_in_the_commands_own_stream(log: EventLog) -> None:
    """There a repeat of the command would not be known by it: nothing is stored."""
    ringing = Handler(Streams(log), Contexts(), lambda _command, _context: [Rang()])
    with pytest.raises(TypeError, match="Rang"):
        await ringing.handle(count(), A, COUNTER, call(causation_id="m-1"), must_exist=False)
    assert await log.head() == 0


def test_a_fold_does_not_remember_the_messages_that_something_beside_followed_from() -> None:
    """Otherwise the stream of an organisation would remember every one that ever freed a place."""
    folded = Folded(COUNTER.initial)
    folded.advance(COUNTER, Rang(), metadata(causation_id="m-1"), 1)
    folded.advance(COUNTER, Counted(by=1), metadata(causation_id="m-2"), 2)
    assert set(folded.causes) == {"m-2"}
