"""Letters that are sent at once come in working hours: what comes at night waits for the morning."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Final

import pytest

from services.notifications.domain.link_events import LinkIssued
from tests.casefile.cases import SERVICES, CaseContext
from tests.notifications.links.mailbox import ADDRESS, Mailbox, forget_the_index, until
from tests.notifications.links.pair import MENTEE, MENTOR, Pair
from tests.support.mail_server import mail_server
from tests.support.people import INES, LOTTE, TOM
from tests.support.requests import another_person
from tests.support.running import running

SUBMITTED: Final = "org.caserelay.referral.submitted.v1"
RAISED: Final = "org.caserelay.case.escalation_raised.v1"
PULSE: Final = "org.caserelay.case.pulse_recorded.v1"
OVERDUE: Final = "org.caserelay.case.deadline_missed.v1"
NIGHT: Final = datetime(2026, 1, 12, 20, tzinfo=UTC)
"""A Monday, nine in the evening in Brussels."""
FRIDAY_NIGHT: Final = datetime(2026, 1, 16, 20, tzinfo=UTC)
BEFORE_WORK: Final = datetime(2026, 1, 13, 6, 59, tzinfo=UTC)
MORNING: Final = datetime(2026, 1, 13, 7, tzinfo=UTC)
"""Eight in Brussels."""
A_WHILE: Final = 1.5
"""Seconds in which a letter about what happened would have come."""


async def refer(mailbox: Mailbox) -> str:
    """A referral to the organisation; its case."""
    made = await mailbox.services.create(INES, "/v1/referrals", another_person())
    assert made.status_code == 201, made.text
    return str(made.json()["case"])


async def nothing_comes(mailbox: Mailbox) -> None:
    """No letter, though one had the time; mentee and mentor have mailboxes of their own."""
    await mailbox.services.settle()
    await asyncio.sleep(A_WHILE)
    assert [letter["Subject"] for letter in mailbox.box.letters if letter["To"] == ADDRESS] == []


async def all_letters(mailbox: Mailbox, count: int) -> list[EmailMessage]:
    """So many letters, and no more."""
    letters = [await mailbox.letter() for _ in range(count)]
    await nothing_comes(mailbox)
    return letters


async def test_what_comes_at_night_is_told_in_the_morning(mailbox: Mailbox) -> None:
    """At eight, once; the letters that a person has asked for come at once."""
    await mailbox.services.at(NIGHT)
    await mailbox.subscribe(types=[SUBMITTED], language="en")
    await refer(mailbox)
    await refer(mailbox)
    await nothing_comes(mailbox)
    await mailbox.services.at(BEFORE_WORK)
    await nothing_comes(mailbox)
    await mailbox.services.at(MORNING)
    await all_letters(mailbox, 2)
    await refer(mailbox)
    await all_letters(mailbox, 1)


async def test_a_weekend_is_quiet_as_well(mailbox: Mailbox) -> None:
    """What comes on Friday evening is told on Monday."""
    await mailbox.services.at(FRIDAY_NIGHT)
    await mailbox.subscribe(types=[SUBMITTED])
    await refer(mailbox)
    await mailbox.services.at(datetime(2026, 1, 18, 11, tzinfo=UTC))
    await nothing_comes(mailbox)
    await mailbox.services.at(datetime(2026, 1, 19, 7, tzinfo=UTC))
    await all_letters(mailbox, 1)


async def test_who_wants_letters_at_any_hour_gets_them(mailbox: Mailbox) -> None:
    """By `hours`, which is shown, and may be changed while something waits."""
    await mailbox.services.at(NIGHT)
    subscription = await mailbox.subscribe(types=[SUBMITTED])
    shown = await mailbox.state(subscription)
    assert shown["hours"] == "WORKING"
    await refer(mailbox)
    await nothing_comes(mailbox)
    names = ("channel", "address", "person", "types", "digest", "language", "timeZone")
    body = {name: shown[name] for name in names} | {"hours": "ANY"}
    path = f"/v1/subscriptions/{subscription}"
    headers = {"If-Match": f'"{shown["version"]}"'}
    changed = await mailbox.services.send(LOTTE, "PUT", path, body, headers=headers)
    assert (changed.status_code, changed.json()["hours"]) == (200, "ANY"), changed.text
    await all_letters(mailbox, 1)


async def test_that_somebody_may_not_be_safe_waits_for_no_morning(mailbox: Mailbox) -> None:
    """It comes at night, with what waited before it in its case; what waits in another case comes in the morning."""
    context = CaseContext(mailbox.services)
    await context.describe_mentor()
    calm, unsafe = await context.brought_to("MENTORING"), await context.brought_to("MENTORING")
    night = _night_after(mailbox.services.clock.now())
    await mailbox.subscribe(types=[RAISED], language="en")
    await mailbox.services.at(night)
    await mailbox.services.done(INES, calm.path, "raise-escalation", {"reason": "OTHER"})
    await mailbox.services.done(INES, unsafe.path, "raise-escalation", {"reason": "OTHER"})
    await nothing_comes(mailbox)
    await mailbox.services.done(INES, unsafe.path, "raise-escalation", {"reason": "SAFETY"})
    letters = await all_letters(mailbox, 2)
    assert all(unsafe.id in _words(letter) for letter in letters)
    await mailbox.services.at(night + timedelta(hours=11))
    (letter,) = await all_letters(mailbox, 1)
    assert calm.id in _words(letter)


async def test_what_is_urgent_for_others_wakes_nobody(mailbox: Mailbox) -> None:
    """The organisation is to see to it: of that case the agency's lead hears in the morning what came at night."""
    context = CaseContext(mailbox.services)
    await context.describe_mentor()
    case = await context.brought_to("MENTORING")
    night = _night_after(mailbox.services.clock.now())
    theirs = Mailbox(mailbox.services, mailbox.box, TOM)
    await theirs.subscribe(types=[RAISED, PULSE], language="en")
    await theirs.services.at(night)
    await theirs.services.done(LOTTE, case.path, "record-pulse", {"by": "MENTEE", "score": 4})
    await theirs.services.done(INES, case.path, "raise-escalation", {"reason": "SAFETY"})
    await nothing_comes(theirs)
    await theirs.services.at(night + timedelta(hours=11))
    await all_letters(theirs, 1)


async def test_an_urgent_letter_that_was_not_taken_is_tried_again_at_night(mailbox: Mailbox) -> None:
    """A greylisted one comes at its next attempt, though it is night."""
    context = CaseContext(mailbox.services)
    await context.describe_mentor()
    case = await context.brought_to("MENTORING")
    await mailbox.subscribe(types=[RAISED], language="en")
    await mailbox.services.at(_night_after(mailbox.services.clock.now()))
    mailbox.box.at_recipient.append("451 4.7.1 Greylisted")
    await mailbox.services.done(INES, case.path, "raise-escalation", {"reason": "SAFETY"})
    await all_letters(mailbox, 1)


async def test_a_missed_term_is_told_in_the_morning_and_is_missed_when_it_was(mailbox: Mailbox) -> None:
    """A term ends at midnight: quiet hours move its letter, and not the term."""
    await mailbox.subscribe(types=[OVERDUE], language="en")
    case = await CaseContext(mailbox.services).accepted()
    # First contact is due on Thursday 22 January.
    await mailbox.services.at(datetime(2026, 1, 23, 1, tzinfo=UTC))
    await nothing_comes(mailbox)
    timeline = (await mailbox.services.read(INES, f"{case.path}/timeline"))["items"]
    (missed,) = [item for item in timeline if item["type"] == "DeadlineMissed"]
    assert missed["occurredAt"].startswith("2026-01-22T22:59:59") or missed["occurredAt"].startswith("2026-01-22T23:00")
    await mailbox.services.at(datetime(2026, 1, 23, 7, tzinfo=UTC))
    (letter,) = await all_letters(mailbox, 1)
    assert letter["Subject"] == "Overdue: First contact"


async def asked_at(mailbox: Mailbox) -> list[datetime]:
    """When links were made by which it is answered how a match goes."""
    recorded = await mailbox.services.service("notifications").log.read_all(0, 10_000)
    return [
        each.meta.recorded_at
        for each in recorded
        if isinstance(each.event, LinkIssued) and each.event.acts == ("record-pulse",)
    ]


async def test_who_has_no_account_is_asked_in_the_morning_of_a_working_day(mailbox: Mailbox) -> None:
    """Signed on Monday the 12th, four fifths of 14 days are over on Saturday the 24th: the links begin on Monday."""
    pair = Pair(mailbox)
    await pair.mentoring(mentor={"email": MENTOR, "language": "fr"})
    await mailbox.services.at(datetime(2026, 1, 26, 6, 59, tzinfo=UTC))
    assert "DeadlineReminded" in [item["type"] for item in await pair.items()]
    await mailbox.posted()
    assert (await asked_at(mailbox), mailbox.box.letters) == ([], [])
    await mailbox.services.at(datetime(2026, 1, 26, 7, tzinfo=UTC))
    await pair.letter_to(MENTEE)
    await pair.letter_to(MENTOR)
    assert await asked_at(mailbox) == [datetime(2026, 1, 26, 7, tzinfo=UTC)] * 2


async def test_who_has_answered_by_the_morning_is_not_asked(mailbox: Mailbox) -> None:
    """Proposed in the evening, the match was confirmed by telephone by one of them: only the other gets a letter."""
    pair = Pair(mailbox)
    await mailbox.services.at(NIGHT)
    await pair.proposed(mentor={"email": MENTOR, "language": "fr"})
    told = {"by": "MENTEE", "onBehalfReason": "BY_PHONE"}
    await mailbox.services.done(LOTTE, pair.case.path, "confirm-match", told)
    await mailbox.services.at(MORNING)
    await pair.letter_to(MENTOR)
    await mailbox.posted()
    assert mailbox.box.letters == []


async def test_nobody_is_said_to_be_unreachable_because_it_is_weekend(mailbox: Mailbox) -> None:
    """24 hours later it is Saturday: the other side is asked to see to it only if Monday's letter does not come."""
    await mailbox.services.at(FRIDAY_NIGHT)
    await mailbox.subscribe(types=[SUBMITTED])
    case = await refer(mailbox)
    await mailbox.services.at(datetime(2026, 1, 18, 11, tzinfo=UTC))
    assert (await mailbox.services.read(INES, f"/v1/cases/{case}"))["escalations"] == []
    await mailbox.services.at(datetime(2026, 1, 19, 7, tzinfo=UTC))
    await all_letters(mailbox, 1)
    await mailbox.services.at(datetime(2026, 1, 19, 12, tzinfo=UTC))
    assert (await mailbox.services.read(INES, f"/v1/cases/{case}"))["escalations"] == []


async def test_who_is_told_once_a_day_was_told_by_the_digest(mailbox: Mailbox) -> None:
    """Nobody has to see to it a day later, when it was in the letter of the morning."""
    await mailbox.subscribe(types=[SUBMITTED], digest="DAILY")
    case = await refer(mailbox)
    await mailbox.services.at(datetime(2026, 1, 14, 12, tzinfo=UTC))
    assert len(mailbox.box.letters) == 1
    assert (await mailbox.services.read(INES, f"/v1/cases/{case}"))["escalations"] == []


@pytest.mark.on_files
async def test_a_question_that_waits_for_the_morning_outlasts_a_restart(tmp_path: Path) -> None:
    """It is put once, though what the index knows is made again at night and in the morning."""
    async with mail_server() as box:
        settings: dict[str, Any] = {"smtp_url": box.url, "public_url": "https://caserelay.example.org"}
        async with running(tmp_path, SERVICES, **settings) as services:
            await services.set_the_scene()
            await services.at(NIGHT)
            await Pair(Mailbox(services, box, LOTTE)).proposed()
            await services.settle()
        for at in (MORNING, MORNING + timedelta(hours=1)):
            forget_the_index(tmp_path)
            async with running(tmp_path, SERVICES, **settings) as services:
                await services.at(at)
                await until(lambda: box.receivers == [MENTEE])
                await Mailbox(services, box, LOTTE).posted()
                assert box.receivers == [MENTEE]


@pytest.mark.on_files
async def test_what_waits_for_the_morning_outlasts_a_restart(tmp_path: Path) -> None:
    """Neither lost nor sent twice, whether it was stopped at night or in the morning."""
    async with mail_server() as box:
        settings: dict[str, Any] = {"smtp_url": box.url, "public_url": "https://caserelay.example.org"}
        async with running(tmp_path, SERVICES, **settings) as services:
            await services.set_the_scene()
            mailbox = Mailbox(services, box, LOTTE)
            await services.at(NIGHT)
            await mailbox.subscribe(types=[SUBMITTED])
            await refer(mailbox)
        async with running(tmp_path, SERVICES, **settings) as services:
            mailbox = Mailbox(services, box, LOTTE)
            await refer(mailbox)
            await nothing_comes(mailbox)
            await services.at(MORNING)
            await all_letters(mailbox, 2)
        async with running(tmp_path, SERVICES, **settings) as services:
            await nothing_comes(Mailbox(services, box, LOTTE))


def _night_after(now: datetime) -> datetime:
    """The evening of the next day that is followed by a working day."""
    night = now.replace(hour=20, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return night if night.weekday() < 4 else night + timedelta(days=7 - night.weekday())


def _words(letter: EmailMessage) -> str:
    part = letter.get_body(("plain",))
    assert part is not None
    return str(part.get_content())
