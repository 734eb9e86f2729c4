"""Refusals that stand in the record: what is stored of a command that was not done, and what that leaves as it was."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from services.chassis.deciding.handler import Handler, PreconditionFailed
from services.chassis.deciding.idempotency import KeyReused
from services.chassis.deciding.streams import Streams
from services.chassis.engines.store_health import Unavailable
from services.chassis.log.event_log import NOTHING_READ, EventLog, Write
from services.chassis.modelling.decider import Because, Command, Refused, To
from services.chassis.vault.memory import MemoryVault, MemoryVaultContents
from services.chassis.vault.vault import Deposit
from tests.chassis.counters import (
    ANN,
    BOB,
    COUNTER,
    TILL,
    Close,
    Context,
    Contexts,
    Count,
    Counted,
    Counter,
    Look,
    LookedAt,
    call,
    count,
    decide,
    everything,
)
from tests.chassis.deciding.test_by_what_is_known import Far

A = "counter-a"


def noting(command: Command, context: Context) -> Sequence[Any]:
    """The counters' decisions, where a refused count is noted at the counter and at the till."""
    if isinstance(command, Count) and context.counter.closed:
        records = (LookedAt(), To(TILL, LookedAt()))
        raise Refused("COUNTER_CLOSED", "the counter is closed", because=Because.RIGHTS, records=records)
    return decide(command, context)


def moving(_command: Command, _context: Context) -> Sequence[Any]:
    """A refusal that would do something all the same."""
    raise Refused("COUNTER_CLOSED", "the counter is closed", records=(Counted(by=1),))


@pytest.fixture
def streams(log: EventLog) -> Streams:
    """The folded streams of an empty log."""
    return Streams(log)


@pytest.fixture
async def counting(streams: Streams) -> Handler[Command, Context]:
    """A handler that notes what it refuses, and a counter that is closed."""
    made = Handler(streams, Contexts(), noting)
    await made.handle(count(), A, COUNTER, call(), must_exist=False)
    await made.handle(Close(at=count().at, by=count().by), A, COUNTER, call())
    return made


async def names(log: EventLog) -> list[tuple[str, str]]:
    """What the log holds, by stream and kind."""
    return [(one.stream, type(one.event).__name__) for one in await everything(log)]


BEFORE = [(A, "Counted"), (A, "Closed")]
NOTED = [(A, "LookedAt"), (TILL, "LookedAt")]


async def noted(log: EventLog) -> list[tuple[str, str]]:
    """What was noted of refusals, but for that it was under a key."""
    return [one for one in (await names(log))[2:] if one[1] == "LookedAt"]


class Full(Far):
    """A log on this machine; once it is full, it can be read, and nothing more is written to it."""

    def __init__(self, log: EventLog) -> None:
        super().__init__(log)
        self.remote = self.full = False

    async def append(
        self, writes: Sequence[Write], *, read: Mapping[str, int] = NOTHING_READ, records: Deposit | None = None
    ) -> int:
        """Appends as long as there is room."""
        if self.full:
            raise Unavailable("log", "SQLITE_FULL")
        return await super().append(writes, read=read, records=records)


async def test_a_noted_refusal_stands_in_the_record_and_moves_no_etag(
    counting: Handler[Command, Context], log: EventLog, streams: Streams
) -> None:
    """The caller is refused, every stream has its note, and the version that callers decide on stays the same."""
    with pytest.raises(Refused, match="COUNTER_CLOSED"):
        await counting.handle(count(), A, COUNTER, call(if_match=2))
    assert sorted(await names(log)) == sorted(BEFORE + NOTED)
    folded = await streams.fold(A, COUNTER)
    assert (folded.state, folded.etag, folded.version) == (Counter(1, closed=True), 2, 3)


async def test_a_dry_run_of_a_noted_refusal_stores_nothing(counting: Handler[Command, Context], log: EventLog) -> None:
    """A question is no attempt, and is not refused."""
    with pytest.raises(Refused):
        await counting.handle(count(), A, COUNTER, call(dry_run=True))
    assert await names(log) == BEFORE


async def test_a_command_on_a_stale_version_is_no_refusal_to_note(
    counting: Handler[Command, Context], log: EventLog
) -> None:
    """It was not even decided."""
    with pytest.raises(PreconditionFailed):
        await counting.handle(count(), A, COUNTER, call(if_match=1))
    assert await names(log) == BEFORE


async def test_a_noted_refusal_answers_no_repeat_and_keeps_its_key_from_other_commands(
    counting: Handler[Command, Context], log: EventLog
) -> None:
    """The same key and the same message are refused again; another body needs a key of its own, and so elsewhere."""
    for _ in range(2):
        with pytest.raises(Refused):
            await counting.handle(count(), A, COUNTER, call(idempotency_key="k", fingerprint="f", causation_id="m"))
    assert {one.meta.idempotency_key for one in (await everything(log))[2:]} == {None}
    close = Close(at=count().at, by=count().by)
    for stream, fingerprint in ((A, "g"), (TILL, "f")):
        other = call(idempotency_key="k", fingerprint=fingerprint)
        with pytest.raises(KeyReused):
            await counting.handle(close, stream, COUNTER, other, must_exist=False)
    again = await counting.handle(close, A, COUNTER, call(idempotency_key="k", fingerprint="f"))
    assert not again.replayed
    assert (await counting.handle(close, A, COUNTER, call(idempotency_key="k", fingerprint="f"))).replayed


async def test_a_command_that_is_sent_again_under_its_key_is_noted_once(
    counting: Handler[Command, Context], log: EventLog
) -> None:
    """Whichever process it comes to; another key and somebody else's same key are other attempts."""
    again = Handler(Streams(log), Contexts(), noting)
    for handler in (counting, again, again):
        with pytest.raises(Refused):
            await handler.handle(count(), A, COUNTER, call(idempotency_key="k", fingerprint="f"))
    assert sorted(await noted(log)) == sorted(NOTED)
    for other in (
        call(idempotency_key="l", fingerprint="f"),
        call(BOB, idempotency_key="k", fingerprint="f"),
    ):
        with pytest.raises(Refused):
            await counting.handle(count(), A, COUNTER, other)
    assert sorted(await noted(log)) == sorted(NOTED * 3)


async def test_what_is_refused_before_it_is_decided_on_is_noted_the_same_way(
    counting: Handler[Command, Context], log: EventLog
) -> None:
    """Once for each key, never in a dry run, and without the answer that the key had before."""
    await counting.handle(Look(at=count().at, by=ANN), A, COUNTER, call(idempotency_key="k", fingerprint="f"))
    before = len(await noted(log))
    refusal = Refused("COUNTER_CLOSED", "the counter is closed", records=(LookedAt(), To(TILL, LookedAt())))
    for terms in ({"dry_run": True}, {}, {"if_match": 1}):
        with pytest.raises(Refused, match="COUNTER_CLOSED"):
            await counting.refuse(refusal, count(), A, COUNTER, call(idempotency_key="k", fingerprint="f", **terms))
    assert len(await noted(log)) == before + len(NOTED)
    plain = Refused("COUNTER_CLOSED", "the counter is closed")
    with pytest.raises(Refused):
        await counting.refuse(plain, count(), A, COUNTER, call())
    assert len(await noted(log)) == before + len(NOTED)


async def test_what_cannot_be_noted_is_refused_all_the_same(log: EventLog, caplog: pytest.LogCaptureFixture) -> None:
    """A full disk opens nothing: the caller gets the same refusal, and the service's own log says that it lacks one."""
    full = Full(log)
    counting = Handler(Streams(full), Contexts(), noting)
    await counting.handle(count(), A, COUNTER, call(), must_exist=False)
    await counting.handle(Close(at=count().at, by=count().by), A, COUNTER, call())
    full.full = True
    refusal = Refused("COUNTER_CLOSED", "the counter is closed", records=(LookedAt(),))
    with pytest.raises(Refused, match="COUNTER_CLOSED"):
        await counting.handle(count(), A, COUNTER, call(idempotency_key="k", fingerprint="f"))
    with pytest.raises(Refused, match="COUNTER_CLOSED"):
        await counting.refuse(refusal, count(), A, COUNTER, call())
    assert [line.getMessage() for line in caplog.records] == ["a refusal was not noted"] * 2
    full.full = False
    assert await names(log) == BEFORE
    with pytest.raises(Refused):
        await counting.handle(count(), A, COUNTER, call(idempotency_key="k", fingerprint="f"))
    assert sorted(await noted(log)) == sorted(NOTED)


async def test_nothing_that_moves_an_etag_is_stored_with_a_refusal(streams: Streams, log: EventLog) -> None:
    """An event that says that something was done is a fault of the program."""
    with pytest.raises(TypeError, match="Counted"):
        await Handler(streams, Contexts(), moving).handle(count(), A, COUNTER, call(), must_exist=False)
    assert await names(log) == []


async def test_a_refused_command_leaves_no_text_in_the_vault(counting: Handler[Command, Context]) -> None:
    """What it said has no event to belong to."""
    contents = MemoryVaultContents()
    deposit = Deposit(MemoryVault(contents), A)
    deposit.put("note", {"text": "a word"})
    with pytest.raises(Refused):
        await counting.handle(count(), A, COUNTER, call(), records=deposit)
    assert len(contents.rows()) == 0


async def test_of_many_refused_at_once_each_is_noted_once(
    counting: Handler[Command, Context], log: EventLog, streams: Streams
) -> None:
    """One that meets a conflict while it is noted is decided again, and noted then."""
    refusals = await asyncio.gather(
        *(counting.handle(count(), A, COUNTER, call()) for _ in range(8)), return_exceptions=True
    )
    assert [type(refusal) for refusal in refusals] == [Refused] * 8
    assert sorted(await names(log)) == sorted(BEFORE + NOTED * 8)
    assert (await streams.fold(A, COUNTER)).etag == 2


async def test_what_is_refused_by_what_is_only_known_is_noted_once(log: EventLog) -> None:
    """Where reading is a round trip, a refusal is a doubt first, and is noted when it is certain."""
    far = Handler(Streams(Far(log)), Contexts(), noting)
    await far.handle(count(), A, COUNTER, call(), must_exist=False)
    await far.handle(Close(at=count().at, by=count().by), A, COUNTER, call())
    with pytest.raises(Refused):
        await far.handle(count(), A, COUNTER, call())
    assert sorted(await names(log)) == sorted(BEFORE + NOTED)
