"""The names by which people know organisations."""

from __future__ import annotations

from contracts.referral import OrganisationDescribed
from services.chassis.deciding.streams import Streams
from services.notifications.domain.inbox import notices_stream


class OrganisationNames:
    """Finds them in what the organisations were described by."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams

    async def name_of(self, organisation: str) -> str:
        """The name by which people know an organisation; its id as long as nobody has described it."""
        records = await self._streams.log.read(notices_stream(organisation))
        for recorded in reversed(records):
            if recorded.event.type == OrganisationDescribed.TYPE:
                return str(recorded.event.message["data"]["name"])
        return organisation
