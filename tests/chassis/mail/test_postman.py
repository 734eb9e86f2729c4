"""Letters that wait are posted side by side, and none of them is lost or left lying."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

import pytest

from services.chassis.deciding.handler import Call
from services.chassis.deciding.streams import Streams
from services.chassis.index.index import Changes
from services.chassis.index.projection import Projection
from services.chassis.log.event_types import EventTypes
from services.chassis.mail.post import Post
from services.chassis.mail.postbox import LETTERS, Addressee, LetterPosted, LetterTaken, Postbox, note_letter
from services.chassis.mail.postman import Postman
from services.chassis.mail.smtp import CONNECTIONS, MailServer, Smtp
from services.chassis.mail.writing import BLANK, Parts
from services.chassis.modelling.decider import Actor
from services.chassis.operating.supervision import Supervised
from services.chassis.store_opener import StoreOpener
from services.chassis.time.clock import SandboxClock
from services.chassis.time.scheduler import Pending, sortable
from tests.support.mail_server import MailBox, mail_server

START: Final = datetime(2026, 1, 5, 8, tzinfo=UTC)
SYSTEM: Final = Actor(sub="letters", role="SYSTEM", org="caserelay")
TYPES: Final = EventTypes({"letter.taken.v1": LetterTaken, "letter.posted.v1": LetterPosted})
WORDS: Final = {"en": Parts("How is it going?", f"Answer here: {BLANK}", f"<p>{BLANK}</p>", "en")}


class Office:
    """A service that posts letters to addresses that stand for themselves; `sick` are those it fails at."""

    def __init__(self, stores: StoreOpener, directory: Path, box: MailBox) -> None:
        self.sick: set[str] = set()
        self.clock = SandboxClock(directory / "clock.json", machine=lambda: START)
        self.log = stores.event_log("counters", TYPES)
        self.index = stores.index("counters", [LETTERS], 1)
        self.projection = Projection(self.log, self.index, lambda one, changes: note_letter(one, one.event, changes))
        self.vault = stores.vault("counters")
        post = Post(Smtp(MailServer.of(box.url)), "caserelay@voorbeeld.example", "https://caserelay.example.org")
        streams = Streams(self.log, stores.snapshots("counters"))
        self.postbox = Postbox(streams, self.vault, post, self.clock, self._find, SYSTEM, lambda: START)
        self.box = box
        self._started: list[tuple[Postman, Supervised]] = []

    async def _find(self, addressee: str) -> Addressee:
        if addressee in self.sick:
            raise RuntimeError
        return Addressee(addressee, "en")

    async def take(self, *addressees: str, number: int = 0) -> None:
        """Letters come, to be posted."""
        for place, addressee in enumerate(addressees):
            letter = str(UUID(int=await self.log.head() + place + 1))
            until = START + timedelta(hours=72)
            await self.postbox.take(letter, number, addressee, WORDS, until, Call(actor=SYSTEM))

    def start(self) -> Postman:
        """A process begins to post them."""
        postman = Postman(self.index, self.projection, self.clock, self.postbox.fire)
        work = Supervised("letters", postman.round, first_pause=0.01)
        work.start()
        self._started.append((postman, work))
        return postman

    async def stop(self) -> None:
        """All processes end."""
        for postman, work in self._started:
            await work.stop()
            await postman.finish()
        self._started.clear()

    async def posted(self) -> list[str]:
        """To whom letters were posted, as the log has it, in its order."""
        recorded = await self.log.read_all(0, 1000)
        return [one.event.addressee for one in recorded if isinstance(one.event, LetterPosted)]

    async def reaches(self, many: int) -> list[str]:
        """The same, once there are so many."""
        async with asyncio.timeout(15):
            while len(found := await self.posted()) < many:  # noqa: ASYNC110 - nobody tells when a letter was posted
                await asyncio.sleep(0.01)
        return found


@pytest.fixture
async def office(tmp_path: Path, stores: StoreOpener) -> AsyncIterator[Office]:
    """A service beside a mail server."""
    async with mail_server() as box:
        office = Office(stores, tmp_path, box)
        yield office
        await office.stop()
        await office.log.close()
        await office.vault.close()
        office.index.close()


def names(many: int, of: str) -> list[str]:
    """Addresses."""
    return [f"{of}-{n}@voorbeeld.example" for n in range(many)]


async def test_a_letter_that_hangs_holds_up_no_other(office: Office) -> None:
    """Neither those that wait with it nor one that comes while it hangs; it stays pending, and goes out later."""
    slow, *others, late = names(12, "reader")
    office.box.hangs_for.add(slow)
    await office.take(slow, *others)
    office.start()
    assert sorted(await office.reaches(10)) == sorted(others)
    await office.take(late)
    assert (await office.reaches(11))[-1] == late
    assert office.box.hanging == [slow]
    # The process ends while it hangs; nothing of it is lost.
    await office.stop()
    office.box.hangs_for.clear()
    office.start()
    assert (await office.reaches(12))[-1] == slow
    assert sorted(office.box.receivers) == sorted([slow, *others, late])
    await office.projection.catch_up()
    assert await office.index.first(LETTERS.name, "at", limit=1) == []


async def test_no_more_are_on_their_way_than_there_are_places(office: Office) -> None:
    """And none twice, however often it is looked."""
    slow = names(3 * CONNECTIONS, "slow")
    office.box.hangs_for.update(slow)
    await office.take(*slow)
    office.start()
    await asyncio.sleep(2.5)
    assert len(office.box.hanging) == len(set(office.box.hanging)) == CONNECTIONS


async def test_letters_that_fail_here_leave_the_others_their_turn(office: Office) -> None:
    """As many as there are places fail each time; those behind them are posted, and the failing ones a minute later."""
    sick, well = names(CONNECTIONS, "sick"), names(3, "well")
    await office.take(*sick, *well)
    office.sick.update(sick)
    office.start()
    assert sorted(await office.reaches(3)) == well
    office.sick.clear()
    office.clock.move(START + timedelta(minutes=2))
    assert sorted((await office.reaches(3 + CONNECTIONS))[3:]) == sick


@pytest.mark.parametrize(
    ("tried", "again"),
    [
        # In Brussels it is an hour later in winter. The first repeat is a quarter of an hour later.
        ("2026-01-05T16:00", "2026-01-05T16:15"),
        ("2026-01-05T16:44", "2026-01-05T16:59"),
        ("2026-01-05T16:45", "2026-01-06T07:00"),
        ("2026-01-06T02:00", "2026-01-06T07:00"),
        # A Friday evening: the next day, since a link is open for 72 hours alone.
        ("2026-01-09T17:30", "2026-01-10T07:00"),
    ],
)
async def test_nobody_is_written_to_at_night(office: Office, tried: str, again: str) -> None:
    """What is not taken in the evening is tried in the morning."""
    at = datetime.fromisoformat(f"{tried}:00+00:00")
    office.clock.move(at)
    (reader,) = names(1, "reader")
    await office.take(reader)
    office.box.at_recipient.append("451 4.7.1 Greylisted")
    (taken,) = await office.log.read_all(0, 1)
    (waits,) = await office.postbox.fire(taken.stream, Pending(sortable(at), "", "LETTER", sortable(at)))
    assert waits.at == f"{again}:00.000000Z"


async def test_it_is_tried_every_four_hours_of_a_day(office: Office) -> None:
    """However long it has waited."""
    first = START
    office.clock.move(first + timedelta(hours=24))
    (reader,) = names(1, "reader")
    await office.take(reader)
    office.box.at_recipient.append("451 4.7.1 Greylisted")
    (taken,) = await office.log.read_all(0, 1)
    (waits,) = await office.postbox.fire(taken.stream, Pending(sortable(first), "", "LETTER", sortable(first)))
    assert waits.at == sortable(first + timedelta(hours=28))


async def test_a_code_goes_before_all_links(office: Office) -> None:
    """Somebody waits for it at a page."""
    await office.take(*names(20, "link"))
    await office.take("code@voorbeeld.example", number=1)
    office.start()
    assert "code@voorbeeld.example" in (await office.reaches(21))[:CONNECTIONS]


async def test_who_waits_for_letters_waits_no_longer_than_they_may(office: Office) -> None:
    """Until all that is due has gone out, at once; or until then, where one hangs."""
    await office.take(*names(3, "reader"))
    postman = office.start()
    began = time.monotonic()
    await postman.posted(began + 10)
    assert len(office.box.letters) == 3
    assert time.monotonic() - began < 5
    (slow,) = names(1, "slow")
    office.box.hangs_for.add(slow)
    await office.take(slow)
    await postman.posted(time.monotonic() + 0.5)
    assert (office.box.hanging, len(office.box.letters)) == ([slow], 3)


async def test_the_letters_of_one_row_go_out_one_after_the_other(office: Office) -> None:
    """Each is gone from it once it was posted; one that comes back waits with those behind it."""
    at = sortable(START)
    readers = ["first", "second", "third"]
    changes, back = Changes(), sortable(START + timedelta(hours=1))
    waiting = json.dumps([[at, reader, "LETTER", at] for reader in readers])
    changes.put(LETTERS.name, "row", 1, at=at, pending=waiting, position=1)
    await office.index.apply(changes, after=0, through=0)
    seen = list[str]()

    async def fire(_: str, due: Pending) -> list[Pending]:
        seen.append(due.name)
        return [due._replace(at=back)] if due.name == "first" and due.at != back else []

    postman = Postman(office.index, office.projection, office.clock, fire)
    async with asyncio.timeout(10):
        while len(seen) < 3:
            await postman.round()
    assert seen == readers
    office.clock.move(START + timedelta(hours=1))
    async with asyncio.timeout(10):
        while len(seen) < 4:
            await postman.round()
    await postman.round()
    assert seen[3:] == ["first"]
    assert await office.index.first(LETTERS.name, "at", limit=1) == []
