"""What a decision rests on: how often the log is asked for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from services.chassis.deciding.context import Needed, OwnState
from services.chassis.deciding.handler import Handler
from services.chassis.deciding.streams import Reads, Streams
from services.chassis.log.event_log import EventLog, Write
from services.chassis.log.metadata import Recorded
from services.chassis.modelling.decider import Command
from tests.chassis.counters import (
    ANN,
    COUNTER,
    NOW,
    PAYMENTS,
    TILL,
    Close,
    Closed,
    Counted,
    Counter,
    Paid,
    call,
    count,
    metadata,
)

A, B = "counter-a", "counter-b"


class Rounds:
    """A log that counts its round trips, and names the streams of each."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self.asked: list[list[str]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    async def read_tails(self, tails: Sequence[tuple[str, int]], *, most: int | None = None) -> list[list[Recorded]]:
        """As the log does."""
        self.asked.append([stream for stream, _ in tails])
        return await self._log.read_tails(tails, most=most)


class TillToo:
    """A counter rests on the till; one that has come to ten rests on counter B as well."""

    def __init__(self) -> None:
        self.asked: list[Counter] = []

    def needs(self, _command: Command, own: Counter, /) -> dict[str, Needed]:
        """The till, and B."""
        self.asked.append(own)
        needs = {"till": Needed(TILL, PAYMENTS)}
        return {**needs, "b": Needed(B, COUNTER)} if own.total >= 10 else needs

    async def make(
        self, _command: Command, _stream: str, own: Counter, found: Mapping[str, Any], _reads: Reads, /
    ) -> tuple[int, int, Counter | None]:
        """What was found of the three."""
        return own.total, found["till"], found.get("b")

    def references(self, _command: Command, context: tuple[int, int, Counter | None], /) -> Mapping[str, str | None]:
        """The till's count, as a programme."""
        return {"programme_version": f"till/{context[1]}"}


def decided(_command: Command, context: tuple[int, int, Counter | None]) -> list[Any]:
    """Counts by one, and says what it rested on."""
    return [Counted(by=1, note=repr(context))]


@pytest.fixture
def rounds(log: EventLog) -> Rounds:
    """The counted log."""
    return Rounds(log)


async def test_a_decision_on_a_new_stream_takes_one_round_trip(rounds: Rounds) -> None:
    """What it rests on follows from the initial state, and is read together with the stream itself."""
    contexts = TillToo()
    handler = Handler(Streams(rounds), contexts, decided)
    outcome = await handler.handle(count(), A, COUNTER, call(), must_exist=False)
    assert rounds.asked == [[A, TILL]]
    assert contexts.asked == [Counter()]
    assert outcome.context == (0, 0, None)


async def test_a_decision_whose_needs_follow_from_its_state_takes_two(rounds: Rounds) -> None:
    """The second reads only what is new; a fold that was kept since makes it one again."""
    await rounds.append([Write(A, 0, [(Counted(by=10), metadata())])])
    await rounds.append([Write(TILL, 0, [(Paid(counter="z"), metadata("e-2"))])])
    streams = Streams(rounds)
    contexts = TillToo()
    handler = Handler(streams, contexts, decided)
    first = await handler.handle(count(), A, COUNTER, call())
    assert (rounds.asked, first.context) == ([[A, TILL], [B]], (10, 1, Counter()))
    rounds.asked.clear()
    second = await handler.handle(count(), A, COUNTER, call())
    # Where reading is a round trip to a server, what is known is not read; of a stream without events nothing is.
    assert (rounds.asked, second.context) == ([[B] if rounds.remote else [A, TILL, B]], (11, 1, Counter()))
    # What it appended itself is known, so what it needs is asked once.
    assert contexts.asked == [Counter(), Counter(10), Counter(11)]


async def test_the_references_of_a_decision_stand_in_its_metadata(log: EventLog) -> None:
    """By the names that the contexts give them."""
    await log.append([Write(TILL, 0, [(Paid(counter="z"), metadata())])])
    await Handler(Streams(log), TillToo(), decided).handle(count(), A, COUNTER, call(), must_exist=False)
    (recorded,) = await log.read(A)
    assert recorded.meta.references["programme_version"] == "till/1"


async def test_an_entity_may_be_decided_on_its_own_state(log: EventLog) -> None:
    """Then the context is the state, and the events refer to nothing."""

    def decide(_command: Command, counter: Counter) -> list[Any]:
        return [] if counter.closed else [Closed()]

    handler = Handler[Command, Counter](Streams(log), OwnState[Counter](), decide)
    for outcome in [
        await handler.handle(Close(at=NOW, by=ANN), A, COUNTER, call(), must_exist=False) for _ in range(2)
    ]:
        assert outcome.state == Counter(closed=True)
    (recorded,) = await log.read(A)
    assert recorded.meta.references["programme_version"] is None


async def test_what_was_read_for_one_command_is_not_taken_for_the_needs_of_another(rounds: Rounds) -> None:
    """A sender may read first and then change the command: its needs are asked for again."""
    contexts = TillToo()
    handler = Handler(Streams(rounds), contexts, decided)
    reads = await handler.read(count(1), A, COUNTER, None)
    await handler.handle(count(2), A, COUNTER, call(), must_exist=False, reads=reads)
    assert (rounds.asked, contexts.asked) == ([[A, TILL]], [Counter(), Counter()])
