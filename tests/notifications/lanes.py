"""What may happen to the deliveries of a lane, in the log of a running service, for samples of every event."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from services.chassis.deciding.context import OwnState
from services.chassis.deciding.handler import Call, Handler
from services.chassis.deciding.streams import Streams
from services.notifications.domain.lane import LANE, Lane, LaneCommand, decide, lane_stream
from tests.notifications.test_lane import answered, asked_for, message, refused, withheld
from tests.support.actors import LOTTE

REPLAY: Final = "1-140"
LIFE: Final[tuple[LaneCommand, ...]] = (
    replace(refused(1), delivery=message(1, REPLAY), status=302, error="REDIRECT", digest="0" * 64),
    replace(answered(1, known=1, more=True), delivery=message(1, REPLAY)),
    replace(refused(2, next_at=None), delivery=message(2, REPLAY)),
    replace(withheld(3), delivery=message(3, REPLAY), more=True),
    asked_for(2),
    replace(answered(2, known=1), delivery=message(2, REPLAY)),
)
"""Of a replay: one that arrives at the second attempt, one that fails and arrives once asked for, one withheld."""


async def live(streams: Streams) -> None:
    """Lets all of it happen."""
    handler = Handler[LaneCommand, Lane](streams, OwnState(), decide)
    stream = lane_stream("S1", "C1", REPLAY)
    for command in LIFE:
        outcome = await handler.handle(command, stream, LANE, Call(actor=LOTTE), must_exist=False)
        assert outcome.events, command
