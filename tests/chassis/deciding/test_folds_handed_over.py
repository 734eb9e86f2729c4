"""What a decision leaves is known to who indexes it: in one process an event is folded where it is decided."""

from __future__ import annotations

from services.chassis.deciding.handler import Handler
from services.chassis.deciding.row import Row
from services.chassis.deciding.streams import Streams
from services.chassis.log.event_log import EventLog
from services.chassis.modelling.decider import Command, Entity
from tests.chassis.conftest import OpenLog
from tests.chassis.counters import COUNTER, Context, Contexts, Counter, call, count, decide, evolve, handler

A, B = "counter-a", "counter-b"


class Folding:
    """A counter that notes each event that is folded into it."""

    def __init__(self, log: EventLog) -> None:
        self.folded = 0
        self.entity: Entity[Counter] = Entity(Counter(), self._evolve)
        self.streams = Streams(log)
        self.handler = Handler[Command, Context](self.streams, Contexts(), decide)

    def _evolve(self, state: Counter, event: object) -> Counter:
        self.folded += 1
        return evolve(state, event)


async def test_what_a_reaction_has_decided_is_not_folded_again(open_log: OpenLog) -> None:
    """Alone or in a row with others."""
    log = open_log()
    folding = Folding(log)
    await folding.handler.handle(count(1), A, folding.entity, call(causation_id="m-1"), must_exist=False)
    row = Row(folding.streams)
    for n, stream in enumerate((A, B, A), start=2):
        await folding.handler.add(row, count(n), stream, folding.entity, call(causation_id=f"m-{n}"), must_exist=False)
    await row.store()
    before = folding.folded
    found = [await folding.streams.fold(stream, folding.entity) for stream in (A, B)]
    assert [(one.state.total, one.version, one.etag) for one in found] == [(1 + 2 + 4, 3, 3), (3, 1, 1)]
    assert ["m-4" in one.causes for one in found] == [True, False]
    assert folding.folded == before


async def test_what_others_append_behind_it_is_read(open_log: OpenLog) -> None:
    """By another process, before and after it is read for the first time."""
    folding, other = Folding(open_log()), handler(Streams(open_log()))
    for n in range(1, 4):
        await folding.handler.handle(count(1), A, folding.entity, call(causation_id=f"m-{n}"), must_exist=False)
        await other.handle(count(10), A, COUNTER, call())
        found = await folding.streams.fold(A, folding.entity)
        assert (found.state, found.version) == (Counter(11 * n), 2 * n)


async def test_a_repeat_under_a_key_finds_the_position_of_the_first(open_log: OpenLog) -> None:
    """A fold that is handed over knows no positions, so that of a command under a key is not."""
    folding = Folding(open_log())
    key = call(idempotency_key="k", fingerprint="f")
    first = await folding.handler.handle(count(1), A, folding.entity, key, must_exist=False)
    await folding.handler.handle(count(1), A, folding.entity, call(causation_id="m-1"))
    again = await folding.handler.handle(count(1), A, folding.entity, key)
    assert (again.replayed, again.position) == (True, first.position)
