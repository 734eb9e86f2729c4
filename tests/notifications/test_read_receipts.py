"""What an organisation has read is told to those who ask for it: by its cursor, and never by a look at the request."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from msgspec.structs import replace

from contracts import notifications
from contracts.broadcast import OfferMade
from contracts.message import as_json, decode_data, decode_event
from contracts.telling_codes import TellingState, ToldBy
from services.notifications.domain.reading import ReadingMoved
from services.notifications.read_receipts import ReadReceipts
from tests.chassis.following import Follower
from tests.notifications.messages import AGENCY, BRUGWERK, SAMENSTAP, Story, described
from tests.notifications.running import Running
from tests.support import golden


async def read_on(system: Running, org: str, role: str | None = None, **query: Any) -> str:
    """Reads the feed to its end and then sends the cursor of the last page, as who polls does; returns the next."""
    first = (await system.get(org, role, **query)).json()["next"]
    following: str = (await system.get(org, role, after=first, **query)).json()["next"]
    await system.receipts.flush()
    return following


async def tellings(system: Running) -> list[dict[str, Any]]:
    """What the service has published, in order."""
    follower = Follower(system.service.bus, notifications.TOPIC)
    await follower.reaches(await system.service.log.head(), limit=200)
    return [decode_event(message.body).data for message in follower.messages]


async def moves(system: Running) -> int:
    """How many events say how far somebody has come."""
    recorded = await system.service.log.read_all(0, 1000)
    return sum(isinstance(event.event, ReadingMoved) for event in recorded)


async def test_a_cursor_beyond_an_event_says_that_it_was_read(system: Running) -> None:
    """Of each case once, with the events of it that the organisation saw; without a cursor nothing is known."""
    story, other = Story("case-1"), Story("case-2")
    sent = await system.tell(story.submitted(BRUGWERK), other.submitted(BRUGWERK), story.declined(BRUGWERK))
    await system.get(BRUGWERK)
    await system.receipts.flush()
    assert await tellings(system) == []
    await read_on(system, BRUGWERK)
    found = await tellings(system)
    assert [(one["case"], one["organisation"], one["channel"], one["state"]) for one in found] == [
        ("case-1", BRUGWERK, "FEED", "READ"),
        ("case-2", BRUGWERK, "FEED", "READ"),
    ]
    assert [one["events"] for one in found] == [[sent[0].id, sent[2].id], [sent[1].id]]


async def test_what_was_read_is_told_once_however_often_it_is_read_again(system: Running) -> None:
    """A poll that finds nothing new writes nothing, nor does a second reader of the organisation."""
    await system.tell(Story("case-1").submitted(BRUGWERK))
    after = await read_on(system, BRUGWERK)
    head = await system.service.log.head()
    for _ in range(3):
        after = (await system.get(BRUGWERK, after=after)).json()["next"]
        await system.receipts.flush()
    await read_on(system, BRUGWERK, "NGO_LEAD")
    assert await system.service.log.head() == head
    assert len(await tellings(system)) == 1


async def test_who_polls_often_costs_an_event_now_and_then(system: Running) -> None:
    """However many polls there were in between, what they read is one append."""
    after = await read_on(system, BRUGWERK)
    before = await moves(system)
    for number in range(10):
        await system.tell(Story(f"case-{number}").submitted(BRUGWERK))
        after = (await system.get(BRUGWERK, after=after)).json()["next"]
    await system.get(BRUGWERK, after=after)
    await system.receipts.flush()
    assert await moves(system) == before + 1
    assert len(await tellings(system)) == 10


async def test_nobody_is_said_to_have_read_what_it_did_not_see(system: Running) -> None:
    """Neither what went to another organisation, nor what was left out by the types that it chose."""
    story = Story("case-1")
    await system.tell(story.submitted(SAMENSTAP), described(SAMENSTAP))
    own = Story("case-2")
    (submitted, _) = await system.tell(own.submitted(BRUGWERK), own.declined(BRUGWERK))
    await read_on(system, BRUGWERK, types="org.caserelay.referral.submitted.v1")
    assert [(one["case"], one["events"]) for one in await tellings(system)] == [("case-2", [submitted.id])]


async def test_who_reads_an_anonymous_offer_is_not_told_of_its_case(system: Running) -> None:
    """Nor is anybody told by it whose offers there are: such messages stand apart from the case."""
    sample = json.loads((golden.MESSAGES / OfferMade.TYPE / "1.json").read_text(encoding="utf-8"))
    await system.tell(replace(decode_data(OfferMade, sample["data"]), organisation=BRUGWERK, agency=AGENCY))
    assert [item["type"] for item in await system.items(BRUGWERK)] == [OfferMade.TYPE]
    await read_on(system, BRUGWERK)
    assert await tellings(system) == []


async def test_an_officer_who_reads_does_not_read_for_the_organisation(system: Running) -> None:
    """Nor does an auditor: neither acts on what they read."""
    await system.tell(Story("case-1").submitted(BRUGWERK))
    await read_on(system, BRUGWERK, "DPO")
    await read_on(system, "rekenhof-demo")
    assert await tellings(system) == []


async def test_a_stream_is_sent_to_and_has_been_read_where_it_is_taken_up_again(system: Running) -> None:
    """What is pushed was sent; the id that a client comes back with says what it had."""
    (sent,) = await system.tell(Story("case-1").submitted(BRUGWERK))
    await system.abreast()
    last = ""
    async with system.client(BRUGWERK) as client:
        async with client.stream("GET", "/v1/stream") as stream:
            async for line in stream.aiter_lines():
                if line.startswith("id: "):
                    last = line.removeprefix("id: ")
                if line.startswith("data: "):
                    break
        await asyncio.sleep(0)
        await system.receipts.flush()
        async with client.stream("GET", "/v1/stream", headers={"Last-Event-ID": last}) as stream:
            await anext(stream.aiter_lines())
    await system.receipts.flush()
    found = await tellings(system)
    assert [(one["channel"], one["state"], one["events"]) for one in found] == [
        ("STREAM", "SENT", [sent.id]),
        ("STREAM", "READ", [sent.id]),
    ]


async def test_two_processes_that_note_the_same_tell_it_once(system: Running) -> None:
    """Whichever is first: the other finds that there is nothing left."""
    await system.tell(Story("case-1").submitted(BRUGWERK), Story("case-2").submitted(BRUGWERK))
    service = system.service
    head = await service.log.head()
    both = [ReadReceipts(service.streams, service.index, service.clock) for _ in range(2)]
    for receipts in both:
        receipts.note_organisation(BRUGWERK, ToldBy.FEED, TellingState.READ, None, head)
    await asyncio.gather(*(receipts.flush() for receipts in both))
    assert sorted(one["case"] for one in await tellings(system)) == ["case-1", "case-2"]


async def test_the_messages_are_in_nobodys_feed(system: Running) -> None:
    """That something was read is nothing to read: neither party nor auditor finds it."""
    await system.tell(Story("case-1").submitted(BRUGWERK))
    await read_on(system, BRUGWERK)
    assert len(await tellings(system)) == 1
    for org in (BRUGWERK, "vdab-gent", "rekenhof-demo"):
        assert {item["type"] for item in await system.items(org)} == {"org.caserelay.referral.submitted.v1"}


async def test_a_message_names_who_was_told_of_what_and_nothing_else(system: Running) -> None:
    """No address, no endpoint and no person."""
    await system.tell(Story("case-1").submitted(BRUGWERK))
    await read_on(system, BRUGWERK)
    (told,) = await tellings(system)
    assert set(told) == {"case", "events", "organisation", "channel", "state", "at"}
    assert as_json(notifications.OrganisationTold(**told)) == told
