"""Publishing by tailing the log: recorded events are published in order, at least once, and never inside a request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from contracts.message import Message, encode
from services.chassis.delivery.bus import Bus, BusMessage
from services.chassis.log.event_log import EventLog
from services.chassis.log.metadata import Recorded

READ_AT_ONCE = 200
IDLE_SECONDS = 5.0

Translate = Callable[[Recorded], tuple[str, Message] | None]
"""A private event as a public message with its key (what keeps its messages in order); None: it stays private."""


def cloud_event(recorded: Recorded, source: str, key: str, message: Message) -> bytes:
    """The JSON of a message in its envelope: CloudEvents 1.0 with sequence, partitioning and distributed tracing.

    The same bytes as of a `CloudEvent`, written without making one: its `data` would be walked through twice.
    """
    meta = recorded.meta
    envelope = {
        "specversion": "1.0",
        "id": meta.event_id,
        "source": source,
        "type": message.TYPE,
        "subject": key,
        "time": meta.recorded_at,
        "dataschema": f"urn:caserelay:schema:{message.TYPE}",
        "datacontenttype": "application/json",
        "sequence": str(recorded.position),
        "partitionkey": key,
        **({"causationid": meta.causation_id} if meta.causation_id is not None else {}),
        **({"causationsequence": str(meta.causation_sequence)} if meta.causation_sequence is not None else {}),
        **({"traceparent": meta.traceparent} if meta.traceparent is not None else {}),
        "data": message,
    }
    return encode(envelope)


class Publisher:
    """Publishes one log to one topic. After a restart the bus says where to continue."""

    def __init__(
        self, log: EventLog, bus: Bus, *, topic: str, source: str, translate: Translate, pause: float = 0.0
    ) -> None:
        """`pause`: seconds from one announcement that nothing was published to the next.

        Each costs the bus and every follower a write, which adds up for a log that seldom has a message.
        """
        self.topic = topic
        self._pause = pause
        self._quiet_until = 0.0
        self._log = log
        self._bus = bus
        self._source = source
        self._translate = translate
        self._through: int | None = None

    def forget(self) -> None:
        """Another process may have published meanwhile: the next round asks the bus where to continue."""
        self._through = None

    async def round(self) -> None:
        """Waits a while for new events and publishes them."""
        if self._through is None:
            self._through = await self._bus.resume(self.topic)
        if await self._log.wait(self._through, IDLE_SECONDS):
            # While it waited another process may have become the one that publishes.
            return
        recorded = await self._log.read_all(self._through, READ_AT_ONCE)
        if not recorded:
            return
        messages = [message for event in recorded if (message := self._message(event)) is not None]
        if not messages:
            await asyncio.sleep(self._quiet_until - time.monotonic())
            self._quiet_until = time.monotonic() + self._pause
        # Asked again after a failure: the bus may have been lost and recreated.
        self._through = None
        await self._bus.publish(self.topic, messages, recorded[-1].position)
        self._through = recorded[-1].position

    def _message(self, recorded: Recorded) -> BusMessage | None:
        if (translated := self._translate(recorded)) is None:
            return None
        key, message = translated
        return BusMessage(
            recorded.position, key, recorded.meta.event_id, cloud_event(recorded, self._source, key, message)
        )

    async def behind(self) -> int:
        """How many positions of the log are not published yet."""
        return max(0, await self._log.head() - await self._bus.published_through(self.topic))
