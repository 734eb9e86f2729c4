"""The messages of a batch together: the same as one by one, in one append; what fails is left to come alone."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence

import pytest

from contracts.message import Envelope, plain_data
from services.chassis.deciding.folded import Folded
from services.chassis.deciding.row import Row
from services.chassis.deciding.streams import Streams
from services.chassis.delivery.bus import BusMessage
from services.chassis.delivery.consumer import Consumer
from services.chassis.delivery.together import Together
from services.chassis.log.event_log import EventLog
from services.chassis.memory_stores import MemoryStores
from services.chassis.modelling.decider import Command
from tests.chassis.counters import COUNTER, NOW, TILL, TYPES, Close, call, count, everything, handler
from tests.chassis.delivery.consuming import message

TOPIC = "caserelay.test.v1"
Sent = tuple[str, str, str]
"""The id of a message, its key, and what it says."""


class Counting:
    """Counts, pays and closes as messages say."""

    def __init__(self, log: EventLog) -> None:
        self.streams = Streams(log)
        self._handler = handler(self.streams)
        self.alone: list[str] = []

    def _command(self, event: Envelope) -> Command:
        match plain_data(event)["what"]:
            case "count":
                return count(2)
            case "pay":
                return count(3, pays=True)
            case "close":
                return Close(at=NOW, by=count().by)
            case _:
                raise ValueError

    async def react(self, event: Envelope) -> None:
        """One message alone."""
        self.alone.append(event.id)
        terms = call(causation_id=event.id)
        await self._handler.handle(self._command(event), event.subject, COUNTER, terms, must_exist=False)

    async def add(self, row: Row, event: Envelope) -> None:
        """One message of several."""
        terms = call(causation_id=event.id)
        await self._handler.add(row, self._command(event), event.subject, COUNTER, terms, must_exist=False)


def messages(sent: Sequence[Sent]) -> list[BusMessage]:
    """The same on the bus."""
    return [message(position, key, ref, what=what) for position, (ref, key, what) in enumerate(sent, start=1)]


async def consume(stores: MemoryStores, log: EventLog, sent: Sequence[Sent], *, together: bool) -> Counting:
    """Publishes messages and follows them to the end."""
    bus, counting = stores.bus(), Counting(log)
    await bus.publish(TOPIC, messages(sent), len(sent))
    all_at_once = Together(counting.streams, counting.add) if together else None
    consumer = Consumer("counters", TOPIC, bus, stores.consumer_store("counters"), counting.react, together=all_at_once)
    while await consumer.behind():
        await consumer.round()
    return counting


async def by_stream(log: EventLog) -> Mapping[str, list[tuple[str, str | None]]]:
    """What each stream says, and because of what; the till is told by several keys, whose order is free."""
    found: dict[str, list[tuple[str, str | None]]] = defaultdict(list)
    for one in await everything(log):
        found[one.stream].append((repr(one.event), one.meta.causation_id))
    return {stream: sorted(told, key=repr) if stream == TILL else told for stream, told in found.items()}


async def test_a_batch_is_stored_in_the_order_of_its_messages_and_none_comes_alone(log: EventLog) -> None:
    """On every engine, with several messages of a key and a stream that all keys write to."""
    sent = [("m1", "a", "count"), ("m2", "b", "pay"), ("m3", "a", "pay"), ("m4", "a", "count"), ("m5", "b", "pay")]
    counting = await consume(MemoryStores(), log, sent, together=True)
    assert counting.alone == []
    causes = [one.meta.causation_id for one in await everything(log)]
    assert causes == ["m1", "m2", "m2", "m3", "m3", "m4", "m5", "m5"]
    folded = await counting.streams.fold("a", COUNTER)
    assert (folded.state.total, folded.version) == (7, 3)


async def test_what_a_batch_has_decided_is_not_folded_once_more(log: EventLog) -> None:
    """The folds that it leaves are kept, and one that is kept is overtaken by no older one."""
    counting = await consume(
        MemoryStores(), log, [("m1", "a", "count"), ("m2", "b", "pay"), ("m3", "a", "pay")], together=True
    )
    left = counting.streams.kept("a", COUNTER)
    assert left is not None
    assert (left.state.total, left.version, sorted(left.causes)) == (5, 2, ["m1", "m3"])
    older = Folded(COUNTER.initial)
    older.version = 1
    counting.streams.decided("a", COUNTER, older, 1)
    await handler(Streams(log)).handle(count(40), "a", COUNTER, call())
    folded = await counting.streams.fold("a", COUNTER)
    assert (folded.state.total, folded.version) == (45, 3)


async def test_a_poison_message_parks_alone_and_the_others_of_its_batch_are_stored(log: EventLog) -> None:
    """What is before it in its key is stored, what is behind it queues up; other keys go on."""
    stores = MemoryStores()
    sent = [("m1", "a", "count"), ("m2", "a", "poison"), ("m3", "b", "count"), ("m4", "a", "count"), ("m5", "b", "pay")]
    counting = await consume(stores, log, sent, together=True)
    assert counting.alone == ["m2"]
    parked = await stores.consumer_store("counters").parked(TOPIC)
    assert [(one.message.id, one.failure, one.tries) for one in parked] == [
        ("m2", "ValueError", 1),
        ("m4", "BehindAnother", 0),
    ]
    assert [one.meta.causation_id for one in await everything(log)] == ["m1", "m3", "m5", "m5"]


async def test_a_crash_between_the_events_and_the_places_repeats_and_changes_nothing(log: EventLog) -> None:
    """The places of a batch are lost: all its messages come again, and are found to be there."""
    sent = [("m1", "a", "count"), ("m2", "b", "pay"), ("m3", "a", "close"), ("m4", "b", "count")]
    await consume(MemoryStores(), log, sent, together=True)
    before = await everything(log)
    again = MemoryStores()
    await consume(again, log, sent, together=True)
    assert await everything(log) == before
    assert await again.consumer_store("counters").count_parked(TOPIC) == 0


async def test_a_message_twice_in_one_batch_counts_once(log: EventLog) -> None:
    """The second finds the first, although nothing is stored yet."""
    await consume(MemoryStores(), log, [("m1", "a", "count"), ("m1", "a", "count"), ("m2", "a", "pay")], together=True)
    assert [one.meta.causation_id for one in await log.read("a")] == ["m1", "m2"]


async def test_another_writer_in_between_sends_all_of_the_batch_alone(log: EventLog) -> None:
    """A conflict stores nothing of the batch, and every message is then decided on what is there."""
    counting = Counting(log)
    meddled: list[bool] = []

    async def add_and_meddle(row: Row, event: Envelope) -> None:
        await counting.add(row, event)
        if not meddled:
            meddled.append(True)
            await handler(Streams(log)).handle(count(40), event.subject, COUNTER, call(), must_exist=False)

    stores = MemoryStores()
    bus = stores.bus()
    sent = [("m1", "a", "count"), ("m2", "b", "count")]
    await bus.publish(TOPIC, messages(sent), 2)
    together = Together(counting.streams, add_and_meddle)
    consumer = Consumer("counters", TOPIC, bus, stores.consumer_store("counters"), counting.react, together=together)
    while await consumer.behind():
        await consumer.round()
    assert sorted(counting.alone) == ["m1", "m2"]
    assert [one.meta.causation_id for one in await log.read("a")] == [None, "m1"]
    assert (await consumer.parked(), len(await log.read("b"))) == (0, 1)


@pytest.mark.parametrize("seed", range(60))
async def test_together_and_one_by_one_come_to_the_same(seed: int) -> None:
    """Any sequence of messages, with repeats, refusals and poison: the same streams, the same messages parked."""
    chance = random.Random(seed)
    sent: list[Sent] = []
    for number in range(chance.randrange(2, 160)):
        if sent and chance.random() < 0.1:
            sent.append(chance.choice(sent))
        else:
            what = chance.choices(["count", "pay", "close", "poison"], [60, 25, 3, 2])[0]
            sent.append((f"m{number}", chance.choice("abcdefg"), what))
    came = []
    for together in (False, True):
        stores = MemoryStores()
        log = stores.event_log("counters", TYPES)
        await consume(stores, log, sent, together=together)
        parked = await stores.consumer_store("counters").parked(TOPIC)
        came.append((await by_stream(log), [(one.message.position, one.failure, one.tries) for one in parked]))
    assert came[0] == came[1]
