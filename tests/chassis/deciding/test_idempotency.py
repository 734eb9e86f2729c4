"""Whose an idempotency key is, what it stands for, and what comes of it when two have it at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.chassis.deciding.handler import Call, Handler, Outcome
from services.chassis.deciding.idempotency import Key, KeyReused, KeyRunning, KeyUsed
from services.chassis.deciding.streams import Reads, Streams
from services.chassis.log.event_log import EventLog, Write
from services.chassis.modelling.decider import Actor, Command
from tests.chassis.asking import count_up, create, problem
from tests.chassis.conftest import OpenLog
from tests.chassis.counters import (
    ANN,
    BOB,
    COUNTER,
    NOW,
    Close,
    Context,
    Contexts,
    Counted,
    Counter,
    call,
    count,
    decide,
    everything,
    handler,
    metadata,
)
from tests.chassis.counting import Running, running
from tests.support.repetitions import times

A, B = "counter-a", "counter-b"
SENT = call(idempotency_key="k", fingerprint="f")
CLOE = replace(ANN, sub="cloe")
TEXTS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=8)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Running]:
    """A service of counters."""
    async with running(tmp_path) as service:
        yield service


@pytest.fixture
def counting(log: EventLog) -> Handler[Command, Context]:
    """The handler of the counters, on an empty log."""
    return handler(Streams(log))


async def answered(counting: Handler[Command, Context], stream: str, sent: Call) -> Outcome[Counter]:
    """Sends a count until it is not told to come again."""
    while True:
        try:
            return await counting.handle(count(5), stream, COUNTER, sent, must_exist=False)
        except KeyRunning:
            await asyncio.sleep(0)


@pytest.mark.parametrize("other", [BOB, CLOE, replace(BOB, sub="ann")], ids=["neither", "a colleague", "a namesake"])
async def test_a_key_belongs_to_an_organisation_and_its_sub(counting: Handler[Command, Context], other: Actor) -> None:
    """Others may use the same key, on the same thing: they get neither its answer nor a refusal."""
    await counting.handle(count(1), A, COUNTER, SENT, must_exist=False)
    theirs = call(other, idempotency_key="k", fingerprint="g")
    first = await counting.handle(count(2, by=other), A, COUNTER, theirs)
    again = await counting.handle(count(2, by=other), A, COUNTER, theirs)
    assert (first.replayed, first.state, again.replayed, again.state) == (False, Counter(3), True, Counter(3))


@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=2, max_size=2, unique=True))
def test_two_keys_never_share_a_stream(keys: list[tuple[str, str, str]]) -> None:
    """Wherever organisation, sub and key are divided."""
    one, other = keys
    assert Key(*one).stream != Key(*other).stream
    assert Key("a", "bc", "d").stream != Key("ab", "c", "d").stream != Key("ab", "cd", "").stream


async def test_a_key_of_before_is_still_found(open_log: OpenLog) -> None:
    """Where it stands in the metadata of what was written under it and nowhere else; it is its sender's alone."""
    log = open_log()
    stored = Counted(by=2), metadata(idempotency_key="k", fingerprint="f")
    await log.append([Write(A, 0, [stored])])
    counting = handler(Streams(log))
    again = await counting.handle(count(2), A, COUNTER, SENT)
    assert (again.replayed, again.state, again.position, await log.head()) == (True, Counter(2), 1, 1)
    with pytest.raises(KeyReused):
        await counting.handle(count(3), A, COUNTER, call(idempotency_key="k", fingerprint="g"))
    colleague = await counting.handle(count(3, by=CLOE), A, COUNTER, call(CLOE, idempotency_key="k", fingerprint="g"))
    assert (colleague.replayed, colleague.state) == (False, Counter(5))


async def test_a_key_of_before_answers_no_other_thing(open_log: OpenLog) -> None:
    """It is not known there, so the command is done, and notes the key."""
    log = open_log()
    await log.append([Write(A, 0, [(Counted(by=2), metadata(idempotency_key="k", fingerprint="f"))])])
    counting = handler(Streams(log))
    assert not (await counting.handle(count(7), B, COUNTER, SENT, must_exist=False)).replayed
    assert (await counting.handle(count(2), A, COUNTER, SENT)).replayed
    assert (await counting.handle(count(7), B, COUNTER, SENT)).replayed


async def test_a_command_that_changed_nothing_keeps_its_key(open_log: OpenLog) -> None:
    """Its repeat is answered as the first time, whatever has become of the thing, and in a process just begun."""
    log = open_log()
    counting = handler(Streams(log))
    await counting.handle(count(2), A, COUNTER, call(), must_exist=False)
    await counting.handle(Close(at=NOW, by=ANN), A, COUNTER, call())
    sent = replace(SENT, if_match=frozenset({2}))
    closed = Counter(2, closed=True)
    first = await counting.handle(Close(at=NOW, by=ANN), A, COUNTER, sent)
    assert (first.events, first.replayed, first.state, first.version, first.etag) == ([], False, closed, 2, 2)
    await log.append([Write(A, 2, [(Counted(by=5), metadata("e-3"))])])
    for repeating in (counting, handler(Streams(open_log()))):
        again = await repeating.handle(Close(at=NOW, by=ANN), A, COUNTER, sent)
        assert (again.replayed, again.state, again.etag, again.position) == (True, closed, 2, first.position)
        with pytest.raises(KeyReused):
            await repeating.handle(Close(at=NOW, by=ANN), A, COUNTER, replace(sent, fingerprint="g"))
    assert [type(one.event) for one in await everything(log)].count(KeyUsed) == 1


async def test_a_refused_command_and_a_dry_run_use_no_key(counting: Handler[Command, Context], log: EventLog) -> None:
    """What was not done may be sent again, corrected, under the same key."""
    await counting.handle(count(2), A, COUNTER, replace(SENT, dry_run=True), must_exist=False)
    await counting.handle(count(1), A, COUNTER, call(), must_exist=False)
    with pytest.raises(Exception, match="has changed"):
        await counting.handle(count(2), A, COUNTER, replace(SENT, if_match=frozenset({7})))
    assert await log.head() == 1
    corrected = replace(SENT, if_match=frozenset({1}), fingerprint="g")
    assert (await counting.handle(count(3), A, COUNTER, corrected)).state == Counter(4)


@pytest.mark.parametrize("first", [count(2), Close(at=NOW, by=ANN)], ids=["changes something", "changes nothing"])
async def test_one_key_for_two_things_is_refused(open_log: OpenLog, first: Command) -> None:
    """Also where its first use changed nothing, in another process, and with the same mark; nothing is done."""
    log = open_log()
    counting = handler(Streams(log))
    for name in (A, B):
        await counting.handle(count(1), name, COUNTER, call(), must_exist=False)
        await counting.handle(Close(at=NOW, by=ANN), name, COUNTER, call()) if isinstance(first, Close) else None
    await counting.handle(first, A, COUNTER, SENT)
    head = await log.head()
    for refusing in (counting, handler(Streams(open_log()))):
        for name in (B, "counter-new"):
            with pytest.raises(KeyReused):
                await refusing.handle(count(1), name, COUNTER, SENT, must_exist=False)
        assert (await refusing.handle(first, A, COUNTER, SENT)).replayed
    assert await log.head() == head


async def test_a_key_whose_first_command_runs_is_told_to_come_again(log: EventLog) -> None:
    """While the first is under way the second is refused, and answered as it was once the first is done."""
    streams, begun, go_on = Streams(log), asyncio.Event(), asyncio.Event()

    async def slowly(_: Reads) -> None:
        begun.set()
        await go_on.wait()

    counting = Handler(streams, Contexts(slowly), decide)
    first = asyncio.create_task(counting.handle(count(2), A, COUNTER, SENT, must_exist=False))
    await begun.wait()
    # Another handler of the service, another thing, another body: it is the key that is taken.
    for stream, sent in ((A, SENT), (B, SENT), (A, replace(SENT, fingerprint="g"))):
        with pytest.raises(KeyRunning):
            await handler(streams).handle(count(2), stream, COUNTER, sent, must_exist=False)
    theirs = await handler(streams).handle(count(1, by=CLOE), B, COUNTER, replace(SENT, actor=CLOE), must_exist=False)
    assert theirs.state == Counter(1)
    go_on.set()
    assert not (await first).replayed
    assert (await counting.handle(count(2), A, COUNTER, SENT)).replayed


@pytest.mark.parametrize("end", ["refused", "cancelled"])
async def test_a_command_that_ended_without_effect_holds_its_key_no_longer(log: EventLog, end: str) -> None:
    """Refused, broken off or failed: the next one under the key is the first."""
    streams, begun = Streams(log), asyncio.Event()

    async def ending(_: Reads) -> None:
        begun.set()
        if end == "cancelled":
            await asyncio.Event().wait()
        raise LookupError

    first = asyncio.create_task(
        Handler(streams, Contexts(ending), decide).handle(count(2), A, COUNTER, SENT, must_exist=False)
    )
    await begun.wait()
    if end == "cancelled":
        first.cancel()
    with pytest.raises((LookupError, asyncio.CancelledError)):
        await first
    assert not (await handler(streams).handle(count(2), A, COUNTER, SENT, must_exist=False)).replayed


async def test_repeats_at_the_same_time_are_stored_once(open_log: OpenLog) -> None:
    """However many are sent, in two processes: one does it, and all are told the same in the end."""
    for n in range(times(50)):
        ours, theirs = (handler(Streams(open_log())) for _ in range(2))
        name = f"counter-{n}"
        sent = replace(SENT, idempotency_key=f"k{n}")
        outcomes = await asyncio.gather(*(answered(one, name, sent) for one in (ours, theirs) * 8))
        assert sorted(outcome.replayed for outcome in outcomes) == [False] + [True] * 15
        assert len({(outcome.state, outcome.position) for outcome in outcomes}) == 1
        assert len(await open_log().read(name)) == 1


async def test_of_two_things_at_once_under_one_key_one_is_done(open_log: OpenLog) -> None:
    """In two processes, which know nothing of each other: the log lets one through, and the other is told."""
    logs = open_log(), open_log()
    first, second = (handler(Streams(log)) for log in logs)
    for n in range(times(50)):
        sent = replace(SENT, idempotency_key=f"k{n}")
        outcomes = await asyncio.gather(
            *(
                counting.handle(count(1), f"{name}-{n}", COUNTER, sent, must_exist=False)
                for counting, name in ((first, A), (second, B))
            ),
            return_exceptions=True,
        )
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["KeyReused", "Outcome"]
        assert len(await logs[0].read(f"{A}-{n}")) + len(await logs[0].read(f"{B}-{n}")) == 1


async def test_over_http_a_key_is_used_once_in_all(here: Running) -> None:
    """422 for another thing, naming the header; nothing is counted there."""
    await create(here, "k1")
    await create(here, "k2")
    await count_up(here, "counter-north-k1", '"1"', key="k3")
    refused = problem(await count_up(here, "counter-north-k2", '"1"', key="k3"), 422, "IDEMPOTENCY_KEY_REUSED")
    assert [fault.pointer for fault in refused.errors or ()] == ["/headers/Idempotency-Key"]
    problem(await create(here, "k3"), 422, "IDEMPOTENCY_KEY_REUSED")
    assert (await here.client.get("/v1/counters/counter-north-k2")).json()["total"] == 1


async def test_over_http_a_key_in_use_is_told_when_to_come_again(here: Running) -> None:
    """409 with Retry-After, and the answer of the first one to who comes then."""
    with here.service.streams.running.alone(Key("north", "ann", "k1")):
        refused = await create(here, "k1")
        problem(refused, 409, "IDEMPOTENCY_KEY_IN_USE")
        assert int(refused.headers["retry-after"]) >= 1
        assert await here.service.log.head() == 0
    assert (await create(here, "k1")).status_code == 201


@pytest.mark.parametrize("noted", [True, False], ids=["its use noted", "in the metadata alone"])
async def test_a_repeat_across_versions_of_fingerprints_is_known(here: Running, *, noted: bool) -> None:
    """The same body is answered as the first time and another is refused, whichever computation the first one had."""
    body: dict[str, Any] = {"by": 1, "answers": {"Z\u00e9": True, "A": False}}
    # As the body was written down before: sorted, escaped and without spaces, under the same secret.
    canonical = rb'["POST /v1/counters",{"answers":{"A":false,"Z\u00e9":true},"by":1}]'
    assert here.service.vault is not None
    meta = metadata(idempotency_key="k1", fingerprint=here.service.vault.fingerprint(canonical))
    key = Key("north", "ann", "k1")
    used = [Write(key.stream, 0, [(KeyUsed(stream="counter-north-k1", version=1), meta)])] if noted else []
    await here.service.log.append([*used, Write("counter-north-k1", 0, [(Counted(by=1), meta)])])
    head = await here.service.log.head()
    again = await create(here, "k1", **body)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
    problem(await create(here, "k1", by=2), 422, "IDEMPOTENCY_KEY_REUSED")
    assert await here.service.log.head() == head


async def test_a_fingerprint_says_how_it_was_made(here: Running) -> None:
    """So that it is compared with none that was made otherwise; written in another order, the body has the same one."""
    await create(here, "k1", answers={"A": True, "B": False})
    again = await create(here, "k1", answers={"B": False, "A": True})
    assert again.headers["Idempotency-Replayed"] == "true"
    marks = {recorded.meta.fingerprint for recorded in await everything(here.service.log)}
    assert [mark is not None and mark[:2] for mark in marks] == ["2:"]
