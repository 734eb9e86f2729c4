"""A mailbox that wants one letter a day gets it in the morning of working days, with what came since the last one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from tests.casefile.cases import SERVICES
from tests.notifications.links.mailbox import ADDRESS, Mailbox, text_of
from tests.support.mail_server import mail_server
from tests.support.people import INES, LOTTE
from tests.support.requests import another_person
from tests.support.running import running

REFERRALS: Final = "/v1/referrals"
SUBMITTED: Final = "org.caserelay.referral.submitted.v1"
MISSED: Final = "org.caserelay.referral.deadline_missed.v1"


def on(day: int, hour: int = 12) -> datetime:
    """A day of January 2026, of which the 12th is a Monday."""
    return datetime(2026, 1, day, hour, tzinfo=UTC)


def telling_of(day: str) -> str:
    """The subject of a letter with one event."""
    return f"Eén gebeurtenis tot {day}\u00a0januari 2026"


async def refer(mailbox: Mailbox) -> str:
    """A referral to the organisation; its path."""
    made = await mailbox.services.create(INES, REFERRALS, another_person())
    assert made.status_code == 201, made.text
    return f"{REFERRALS}/{made.json()['id']}"


async def test_what_came_in_a_day_is_told_the_next_morning_together(mailbox: Mailbox) -> None:
    """In one letter; the morning after, nothing came, and nothing is sent."""
    await mailbox.subscribe(digest="DAILY", types=[SUBMITTED])
    await refer(mailbox)
    await refer(mailbox)
    await mailbox.services.settle()
    assert mailbox.box.letters == []
    await mailbox.services.at(on(13))
    (letter,) = mailbox.box.letters
    assert letter["Subject"] == "2 gebeurtenissen tot 13\u00a0januari 2026"
    assert text_of(letter).count("Er is een verwijzing ingediend") == 2
    await mailbox.services.at(on(15))
    assert len(mailbox.box.letters) == 1


async def test_nobody_is_written_to_at_the_weekend(mailbox: Mailbox) -> None:
    """What came on Friday is told on Monday, with what came in between."""
    await mailbox.services.at(on(16))
    await mailbox.subscribe(digest="DAILY", types=[SUBMITTED])
    await refer(mailbox)
    await mailbox.services.at(on(18))
    assert mailbox.box.letters == []
    await refer(mailbox)
    await mailbox.services.at(on(19))
    (letter,) = mailbox.box.letters
    assert letter["Subject"] == "2 gebeurtenissen tot 19\u00a0januari 2026"


async def test_a_digest_that_was_not_taken_is_the_same_letter_an_hour_later(mailbox: Mailbox) -> None:
    """Though more has come meanwhile: that is for the next one."""
    await mailbox.subscribe(digest="DAILY", types=[SUBMITTED])
    await refer(mailbox)
    mailbox.box.cut.append("AFTER_DATA")
    await mailbox.services.at(on(13, 7))
    await refer(mailbox)
    await mailbox.services.at(on(13))
    first, second, *more = mailbox.box.letters
    assert first["Message-ID"] == second["Message-ID"]
    assert text_of(first) == text_of(second)
    assert more == []
    await mailbox.services.at(on(14))
    assert mailbox.box.letters[2]["Message-ID"] != first["Message-ID"]


async def test_what_waits_while_it_is_paused_is_told_later_and_what_was_withdrawn_never(mailbox: Mailbox) -> None:
    """What may be seen is decided when the letter is written."""
    subscription = await mailbox.subscribe(digest="DAILY", types=[SUBMITTED])
    await mailbox.services.done(LOTTE, f"/v1/subscriptions/{subscription}", "pause")
    stays, goes = await refer(mailbox), await refer(mailbox)
    await mailbox.services.at(on(13))
    assert mailbox.box.letters == []
    basis = (await mailbox.services.read(INES, goes))["legalBasis"]["id"]
    await mailbox.services.done(INES, f"/v1/legal-bases/{basis}", "withdraw")
    await mailbox.services.done(LOTTE, f"/v1/subscriptions/{subscription}", "resume")
    await mailbox.services.at(on(14))
    (letter,) = mailbox.box.letters
    assert letter["Subject"] == "Eén gebeurtenis tot 14\u00a0januari 2026"
    case = (await mailbox.services.read(INES, stays))["case"]
    assert case in text_of(letter)


async def test_a_digest_is_told_on_the_timeline_of_each_case(mailbox: Mailbox) -> None:
    """By e-mail, as sent: nobody knows yet whether it was read."""
    await mailbox.subscribe(digest="DAILY", types=[SUBMITTED])
    case = (await mailbox.services.read(INES, await refer(mailbox)))["case"]
    await mailbox.services.at(on(13))
    items = (await mailbox.services.read(INES, f"/v1/cases/{case}/timeline"))["items"]
    (told,) = [item["told"] for item in items if item["type"] == "ReferralSubmitted"]
    assert [(each["organisation"], each["channel"], each["state"]) for each in told] == [("brugwerk", "EMAIL", "SENT")]


async def test_each_morning_of_one_journey_has_its_own_letter(mailbox: Mailbox) -> None:
    """The clock is moved once: what falls due on the way, two working days later, is told in the morning behind it."""
    await mailbox.subscribe(digest="DAILY", types=[SUBMITTED, MISSED])
    await refer(mailbox)
    await mailbox.services.at(on(20))
    assert [letter["Subject"] for letter in mailbox.box.letters] == [telling_of("13"), telling_of("15")]


async def change(mailbox: Mailbox, subscription: str, digest: str) -> None:
    """Makes another choice of when the letters come."""
    shown = await mailbox.state(subscription)
    names = ("channel", "address", "person", "types", "language", "timeZone", "hours")
    body = {name: shown[name] for name in names} | {"digest": digest}
    headers = {"If-Match": f'"{shown["version"]}"'}
    path = f"/v1/subscriptions/{subscription}"
    changed = await mailbox.services.send(LOTTE, "PUT", path, body, headers=headers)
    assert changed.status_code == 200, changed.text


async def test_who_chooses_digests_or_leaves_them_is_told_nothing_twice(mailbox: Mailbox) -> None:
    """Neither what came at once comes again in a digest, nor what a digest told once more at once."""
    subscription = await mailbox.subscribe(types=[SUBMITTED], hours="ANY")
    await refer(mailbox)
    await mailbox.letter()
    await change(mailbox, subscription, "DAILY")
    await refer(mailbox)
    await mailbox.services.at(on(13))
    (letter,) = mailbox.box.letters
    assert letter["Subject"] == telling_of("13")
    await change(mailbox, subscription, "IMMEDIATE")
    await refer(mailbox)
    await mailbox.services.at(on(14))
    _, at_once = mailbox.box.letters
    assert "gebeurtenis" not in at_once["Subject"]


@pytest.mark.on_files
async def test_a_letter_that_is_on_its_way_is_neither_lost_nor_sent_twice(tmp_path: Path) -> None:
    """The process ends while the server does not answer; the next one sends what the first one would have."""
    async with mail_server() as box:
        settings: dict[str, Any] = {"smtp_url": box.url, "public_url": "https://caserelay.example.org"}
        async with running(tmp_path, SERVICES, **settings) as services:
            await services.set_the_scene()
            mailbox = Mailbox(services, box, LOTTE)
            await mailbox.subscribe(digest="DAILY", types=[SUBMITTED])
            await refer(mailbox)
            box.hangs_for.add(ADDRESS)
            await services.at(on(13, 7))
            assert box.hanging == [ADDRESS]
        box.hangs_for.clear()
        for _ in range(2):
            async with running(tmp_path, SERVICES, **settings) as services:
                await services.at(services.clock.now() + timedelta(hours=2))
                assert [letter["Subject"] for letter in box.letters] == [telling_of("13")]
