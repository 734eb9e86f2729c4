"""Whether a subscription has told its organisation of a message."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from msgspec.structs import replace

from contracts.message import as_json
from contracts.referral import ReferralDeclined
from services.chassis.deciding.context import OwnState
from services.chassis.deciding.handler import Call, Handler
from services.chassis.deciding.streams import Streams
from services.chassis.memory_stores import MemoryStores
from services.chassis.modelling.decider import Command
from services.chassis.time.clock import SandboxClock
from services.notifications.actions import decide
from services.notifications.context import SubscriptionContexts
from services.notifications.delivering.ids import delivery_id
from services.notifications.delivery_rows import DELIVERIES
from services.notifications.domain import digest, inbox
from services.notifications.domain.subscription import SUBSCRIPTION, SubscriptionContext, subscription_stream
from services.notifications.domain.subscription_events import Person
from services.notifications.events import EVENT_TYPES
from services.notifications.projection import TABLES, VERSION
from services.notifications.subscription_rows import SUBSCRIPTIONS
from services.notifications.subscription_way import SubscriptionWay
from services.notifications.ways import Waits
from tests.chassis.indexing import changing
from tests.notifications.messages import AGENCY, BRUGWERK, Story
from tests.notifications.subscriptions import ENGINE, MAIL, MAILBOX, created
from tests.support.actors import TOM

NOW: Final = datetime(2026, 1, 13, 9, 30, tzinfo=UTC)
HERS: Final = "0c5f8a16-2a3b-4c17-9d55-6f0b5b7a1e10"


async def test_what_was_told_under_the_id_of_an_earlier_version_was_told(tmp_path: Path) -> None:
    """Ids begin with the position of the message only since: who upgrades within the day is not called untold."""
    stores = MemoryStores()
    index, clock = stores.index("notifications", TABLES, VERSION), SandboxClock(tmp_path / "clock.json", lambda: NOW)
    way = SubscriptionWay(index, Streams(stores.event_log("notifications", EVENT_TYPES)), clock)
    waits = Waits("brugwerk", "case-1", "e-7", "org.caserelay.referral.submitted.v1", 7, NOW)
    async with changing(index) as changes:
        row = {"organisation": "brugwerk", "channel": "WEBHOOK", "state": "ACTIVE", "challenge_due": None}
        changes.put(SUBSCRIPTIONS.name, HERS, 3, **row)
    assert not await way.reached(waits)
    async with changing(index) as changes:
        done = {"subscription": HERS, "state": "DELIVERED", "lane": "lane-1"}
        changes.put(DELIVERIES.name, delivery_id(HERS, "e-7"), 7, **done)
    assert await way.reached(waits)


@pytest.mark.parametrize("role", ["AGENCY_COUNSELLOR", "NGO_COORDINATOR"])
async def test_a_digest_has_told_what_was_for_its_reader(tmp_path: Path, role: str) -> None:
    """A refused offer waits for the agency's counsellors; who reads there as somebody else was not told of it."""
    stores = MemoryStores()
    log, clock = stores.event_log("notifications", EVENT_TYPES), SandboxClock(tmp_path / "clock.json", lambda: NOW)
    index, streams = stores.index("notifications", TABLES, VERSION), Streams(log)
    mailbox = replace(MAILBOX, person=Person(sub=TOM.sub, role=role), types=None)
    subscribing = Handler[Command, SubscriptionContext](streams, SubscriptionContexts(), decide)
    stream = subscription_stream(MAIL)
    await subscribing.handle(created(mailbox, TOM), stream, SUBSCRIPTION, Call(actor=TOM), must_exist=False)
    story = Story("case-1")
    taking = Handler[inbox.TakeMessage, inbox.Inbox](streams, OwnState(), inbox.decide)
    digesting = Handler[digest.DigestCommand, digest.Digest](streams, OwnState(), digest.decide)
    for number, message in enumerate((story.submitted(BRUGWERK), story.declined(BRUGWERK)), 1):
        data = as_json(message)
        taken = inbox.TakeMessage(
            at=NOW,
            by=ENGINE,
            source="/services/referral",
            sequence=number,
            type=message.TYPE,
            name=message.NAME,
            case="case-1",
            occurred_at=NOW,
            recorded_at=NOW,
            message={"id": f"e-{number}", "type": message.TYPE, "data": data},
        )
        await taking.handle(taken, inbox.inbox_stream("case-1"), inbox.INBOX, Call(actor=ENGINE), must_exist=False)
    declined = await log.head()
    begun = digest.BeginDigest(at=NOW, by=ENGINE, subscription=MAIL, after=0, through=declined, count=1)
    sent = digest.RecordDigest(
        at=NOW,
        by=ENGINE,
        subscription=MAIL,
        organisation=AGENCY,
        through=declined,
        acknowledged=True,
        status=250,
        error=None,
    )
    for command in (begun, sent):
        call = Call(actor=ENGINE)
        await digesting.handle(command, digest.digest_stream(MAIL), digest.DIGEST, call, must_exist=False)
    async with changing(index) as changes:
        row = {"organisation": AGENCY, "channel": "EMAIL", "state": "ACTIVE", "challenge_due": None}
        changes.put(SUBSCRIPTIONS.name, MAIL, 1, **row)
    waits = Waits(AGENCY, "case-1", "e-2", ReferralDeclined.TYPE, declined, NOW)
    assert await SubscriptionWay(index, streams, clock).reached(waits) is (role == "AGENCY_COUNSELLOR")
