"""What may happen to the deliveries of a lane, in the log of a running service, for samples of every event."""

from __future__ import annotations

from typing import Final

from services.chassis.deciding.context import OwnState
from services.chassis.deciding.handler import Call, Handler
from services.chassis.deciding.streams import Streams
from services.notifications.domain.lane import LANE, Lane, LaneCommand, decide, lane_stream
from tests.notifications.test_lane import answered, asked_for, refused, withheld
from tests.support.actors import LOTTE

LIFE: Final[tuple[LaneCommand, ...]] = (
    refused(1),
    answered(1, known=1, more=True),
    refused(2, next_at=None),
    withheld(3),
    asked_for(2),
    answered(2, known=1),
)
"""One that arrives at the second attempt, one that fails and arrives when it is asked for, and one withheld between."""


async def live(streams: Streams) -> None:
    """Lets all of it happen."""
    handler = Handler[LaneCommand, Lane](streams, OwnState(), decide)
    for command in LIFE:
        outcome = await handler.handle(command, lane_stream("S1", "C1"), LANE, Call(actor=LOTTE), must_exist=False)
        assert outcome.events, command
