"""What tests do so that an organisation has read its feed, as a system does that polls it."""

from __future__ import annotations

from services.notifications.read_receipts import ReadReceipts
from tests.support.people import Person
from tests.support.running import Running


async def has_read(running: Running, person: Person) -> None:
    """Reads the feed to its end and sends the cursor behind it, until all services have heard of it."""
    await running.settle()
    page = await running.read(person, "/v1/feed", limit=200)
    while page["items"]:
        page = await running.read(person, "/v1/feed", limit=200, after=page["next"])
    receipts: ReadReceipts = running.apps["notifications"].state.receipts
    await receipts.flush()
    await running.settle()
