"""An address gets nothing before its reader has confirmed it, and nothing more once they have left or it bounced."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Final

from services.chassis.time.clock import machine_now
from tests.casefile.cases import CaseContext, Told
from tests.notifications.links.mailbox import ADDRESS, Mailbox, link_in, text_of, words_of
from tests.support.people import AN, HANNE, INES, LOTTE
from tests.support.requests import another_person

REFERRALS: Final = "/v1/referrals"
SUBMITTED: Final = "org.caserelay.referral.submitted.v1"
BODY: Final = {
    "channel": "EMAIL",
    "address": ADDRESS,
    "person": {"sub": LOTTE.sub, "role": LOTTE.role},
    "language": "fr",
    "types": [SUBMITTED],
}


def leave_link(letter: EmailMessage) -> str:
    """The path of the link by which a mail program unsubscribes."""
    found = re.fullmatch(r"<https://caserelay\.example\.org(.*)>", letter["List-Unsubscribe"])
    assert found is not None
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    return found.group(1)


async def refer(mailbox: Mailbox) -> None:
    """A referral to the organisation."""
    made = await mailbox.services.create(INES, REFERRALS, another_person())
    assert made.status_code == 201, made.text


async def test_an_address_gets_nothing_before_it_is_confirmed(mailbox: Mailbox) -> None:
    """One letter asks; looking at its page confirms nothing; once it is confirmed, what came since is told."""
    made = await mailbox.services.create(LOTTE, "/v1/subscriptions", BODY)
    asked = await mailbox.letter()
    assert (asked["To"], asked["Subject"]) == (ADDRESS, "Confirmez cette adresse e-mail")
    assert "List-Unsubscribe" not in asked
    assert "Brugwerk" in text_of(asked)
    link = link_in(asked, "/mail/confirm/")
    assert (await mailbox.get(link)).status_code == 200
    await refer(mailbox)
    await mailbox.services.settle()
    subscription = made.json()["id"]
    assert (await mailbox.state(subscription))["state"] == "PENDING"
    assert mailbox.box.letters == []
    confirmed = await mailbox.post(link)
    assert (confirmed.status_code, "est confirmée" in words_of(confirmed)) == (200, True)
    assert (await mailbox.state(subscription))["state"] == "ACTIVE"
    assert (await mailbox.letter())["Subject"] == "Une orientation attend votre réponse"
    again = await mailbox.post(link)
    assert (again.status_code, "déjà confirmée" in words_of(again)) == (200, True)


async def test_pages_call_an_organisation_by_its_name(mailbox: Mailbox) -> None:
    """As the letters do that lead to them; nobody outside knows its id."""
    made = await mailbox.services.create(LOTTE, "/v1/subscriptions", BODY)
    confirming = link_in(await mailbox.letter(), "/mail/confirm/")
    pages = [await mailbox.get(confirming)]
    assert (await mailbox.post(confirming)).status_code == 200
    await refer(mailbox)
    letter = await mailbox.letter()
    pages += [await mailbox.get(leave_link(letter)), await mailbox.get(link_in(letter, "/act/"))]
    pages.append(await mailbox.post(f"{link_in(letter, '/act/')}/code"))
    pages.append(await mailbox.post(leave_link(letter)))
    name = (await mailbox.services.read(LOTTE, "/v1/organisations/brugwerk"))["name"]
    assert made.json()["organisation"] not in name
    for page in pages:
        assert name in words_of(page)
        assert made.json()["organisation"] not in words_of(page)


async def test_a_link_to_confirm_is_of_one_challenge_and_one_time(mailbox: Mailbox) -> None:
    """Neither another time in it, nor a link of an earlier challenge, nor one without an end confirms anything.

    Another challenge is sent though the mail server has not said yet that it took the first.
    """
    mailbox.box.answer_seconds = 0.5
    made = await mailbox.services.create(LOTTE, "/v1/subscriptions", BODY)
    first = link_in(await mailbox.letter(), "/mail/confirm/")
    longer = f"{first.partition('?')[0]}?until={int(machine_now().timestamp()) + 10**8}"
    assert (await mailbox.post(longer)).status_code == 404
    assert (await mailbox.post(first.partition("?")[0])).status_code == 404
    await mailbox.services.done(LOTTE, f"/v1/subscriptions/{made.json()['id']}", "verify")
    second = link_in(await mailbox.letter(), "/mail/confirm/")
    assert (await mailbox.post(first)).status_code == 404
    assert (await mailbox.post(second)).status_code == 200


async def test_one_click_takes_an_address_off_the_list(mailbox: Mailbox) -> None:
    """RFC 8058: a POST without cookies or questions; a GET only shows. Its organisation sees why nothing comes."""
    subscription = await mailbox.subscribe(types=[SUBMITTED])
    await refer(mailbox)
    link = leave_link(await mailbox.letter())
    assert "Afmelden" in words_of(await mailbox.get(link))
    assert (await mailbox.state(subscription))["state"] == "ACTIVE"
    left = await mailbox.post(link, "List-Unsubscribe=One-Click")
    assert (left.status_code, "geen berichten meer" in words_of(left)) == (200, True)
    shown = await mailbox.state(subscription)
    assert (shown["state"], shown["disabled"]["reason"]) == ("DISABLED", "UNSUBSCRIBED")
    await refer(mailbox)
    await mailbox.services.settle()
    again = await mailbox.post(link, "List-Unsubscribe=One-Click")
    assert (again.status_code, mailbox.box.letters) == (200, [])


async def test_what_is_greylisted_comes_at_a_later_attempt(mailbox: Mailbox) -> None:
    """With the pauses of every delivery."""
    await mailbox.subscribe(types=[SUBMITTED])
    mailbox.box.at_recipient += ["451 4.7.1 Greylisted"] * 2
    await refer(mailbox)
    assert (await mailbox.letter())["Subject"] == "Een verwijzing wacht op uw antwoord"
    await mailbox.services.settle()
    assert mailbox.box.letters == []


async def test_a_letter_whose_answer_was_lost_is_the_same_letter_again(mailbox: Mailbox) -> None:
    """The same Message-ID and the same link: a mailbox that has it shows it once."""
    await mailbox.subscribe(types=[SUBMITTED])
    mailbox.box.cut.append("AFTER_DATA")
    await refer(mailbox)
    first, second = await mailbox.letter(), await mailbox.letter()
    assert first["Message-ID"] == second["Message-ID"]
    assert link_in(first, "/act/") == link_in(second, "/act/")


async def test_an_address_that_does_not_exist_is_not_tried_again(mailbox: Mailbox) -> None:
    """A 5xx on it disables the subscription, which says so; no pause is waited for."""
    subscription = await mailbox.subscribe(types=[SUBMITTED])
    mailbox.box.at_recipient.append("550 5.1.1 No such user")
    await refer(mailbox)
    shown = await mailbox.reaches(subscription, lambda each: each["state"] == "DISABLED")
    assert shown["disabled"]["reason"] == "BOUNCED"
    await mailbox.services.settle()
    assert mailbox.box.letters == []


async def test_an_address_that_bounces_at_once_is_not_confirmed(mailbox: Mailbox) -> None:
    """The subscription stays PENDING and says what became of the e-mail."""
    mailbox.box.at_recipient.append("550 5.1.1 No such user")
    made = await mailbox.services.create(LOTTE, "/v1/subscriptions", BODY)
    shown = await mailbox.reaches(made.json()["id"], lambda each: each["lastChallenge"] is not None)
    assert (shown["state"], shown["lastChallenge"]["outcome"]) == ("PENDING", "BOUNCED")


async def test_of_what_happens_each_letter_says_what_and_where(mailbox: Mailbox) -> None:
    """In her language, with a link to the case."""
    await mailbox.subscribe(types=["org.caserelay.case.opened.v1"], language="de")
    made = await mailbox.services.create(INES, REFERRALS, another_person())
    letter = await mailbox.letter()
    assert letter["Subject"] == "Ein Fall wurde eröffnet"
    assert link_in(letter, "/app/") == f"/app/cases/{made.json()['case']}"
    assert "Brugwerk" in text_of(letter)


async def test_who_is_late_reads_what_is_due_and_when(mailbox: Mailbox) -> None:
    """The ladder's letters: reminded at 80 % of the term, and told once it has passed."""
    ladder = ["org.caserelay.case.deadline_reminded.v1", "org.caserelay.case.deadline_missed.v1"]
    await mailbox.subscribe(types=ladder, language="en")
    case = await CaseContext(mailbox.services).accepted()
    # A Monday: at the weekend nobody is written to.
    await mailbox.services.at(mailbox.services.clock.now() + timedelta(days=14))
    subjects = [(await mailbox.letter())["Subject"], (await mailbox.letter())["Subject"]]
    assert subjects == ["Due on 22\u00a0January 2026: First contact", "Overdue: First contact"], case


async def test_each_hears_of_a_late_step_at_their_own_level(mailbox: Mailbox) -> None:
    """The owner is reminded, a colleague hears of the breach, and the lead once it is the leads' to know."""
    types = [f"org.caserelay.case.deadline_{what}.v1" for what in ("reminded", "missed", "escalated")]
    for person in (LOTTE, AN, HANNE):
        named = {"address": f"{person.sub}@brugwerk.example", "person": {"sub": person.sub, "role": person.role}}
        await Mailbox(mailbox.services, mailbox.box, person).subscribe(types=types, language="en", **named)
    case = await CaseContext(mailbox.services).accepted()
    # First contact is due on Thursday 22 January; five working days later, on the 29th, the leads are told.
    assert await heard(mailbox, case, datetime(2026, 1, 23, 12, tzinfo=UTC)) == {
        ("lotte.claes", "Due on 22\u00a0January 2026: First contact"),
        ("lotte.claes", "Overdue: First contact"),
        ("an.peeters", "Overdue: First contact"),
    }
    assert await heard(mailbox, case, datetime(2026, 1, 30, 12, tzinfo=UTC)) == {
        ("hanne.wouters", "Still overdue: First contact")
    }


async def heard(mailbox: Mailbox, case: Told, at: datetime) -> set[tuple[str, str]]:
    """Who has got which letter about the first contact by then, beside those that were fetched before."""
    await mailbox.services.at(at)
    await mailbox.services.settle()
    await asyncio.sleep(1.5)
    letters, mailbox.box.letters[:] = list(mailbox.box.letters), []
    assert all(case.id in text_of(letter) for letter in letters)
    found = {(letter["To"].partition("@")[0], letter["Subject"]) for letter in letters}
    return {(reader, subject) for reader, subject in found if subject.endswith("First contact")}
