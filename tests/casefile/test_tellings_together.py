"""What a batch of messages says of who was told: taken in together, at the price of one question to the log."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from types import FrameType
from typing import Any

from contracts.message import CloudEvent, Envelope, encode, open_envelope
from contracts.notifications import OrganisationTold
from services.casefile.actions import decide
from services.casefile.context import CaseContexts, acting
from services.casefile.domain.context import Context
from services.casefile.domain.tellings import TELLINGS, tellings_stream
from services.casefile.events import EVENT_TYPES
from services.casefile.projection import INDEX_VERSION, TABLES
from services.casefile.telling_reactor import TellingReactor, record_of
from services.chassis.deciding.handler import Handler
from services.chassis.deciding.streams import Streams
from services.chassis.delivery.together import Together
from services.chassis.memory_stores import MemoryStores
from services.chassis.modelling.decider import Command
from services.chassis.time.clock import SystemClock

CASES = [f"case-{n}" for n in range(8)]
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def told(number: int, case: str, event: str) -> Envelope:
    """A message that an organisation was told of an event of a case."""
    data: dict[str, Any] = {
        "case": case,
        "events": [event],
        "organisation": "brugwerk-demo",
        "channel": "STREAM",
        "state": "SENT",
        "at": "2026-03-02T09:00:00Z",
    }
    return open_envelope(
        encode(
            CloudEvent(
                id=f"told-{number}",
                source="/services/notifications",
                type=OrganisationTold.TYPE,
                subject=case,
                time=NOW,
                dataschema="urn:caserelay:schema:test",
                sequence=str(number),
                partitionkey=case,
                data=data,
            )
        )
    )


async def test_a_batch_is_read_for_in_one_question() -> None:
    """However many cases it is about; and of each case both of its messages are noted."""
    stores = MemoryStores()
    streams = Streams(stores.event_log("casefile", EVENT_TYPES))
    contexts = CaseContexts(stores.index("casefile", TABLES, INDEX_VERSION))
    clock = SystemClock()
    reactor = TellingReactor(streams, Handler[Command, Context](streams, contexts, decide, acting), clock)
    batch = [told(2 * n + m, case, f"event-{m}") for n, case in enumerate(CASES) for m in (1, 2)]
    questions = list[str]()

    def notice(frame: FrameType, what: str, _: object) -> None:
        if what == "call" and frame.f_code.co_name == "read_tails":
            questions.append(frame.f_code.co_name)

    sys.setprofile(notice)
    try:
        taken = await Together(streams, reactor.add, record_of)(batch)
    finally:
        sys.setprofile(None)
    assert taken == set(range(len(batch)))
    assert questions == ["read_tails"]
    for case in CASES:
        assert (await streams.fold(tellings_stream(case), TELLINGS)).version == 2
