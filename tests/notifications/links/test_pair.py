"""Mentor and mentee who have nothing but a mailbox confirm a match and answer a pulse, by a link and a code."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import pytest

from services.chassis.delivery.memory import MemoryBus
from tests.notifications.links.mailbox import Mailbox, link_in, text_of, words_of
from tests.notifications.links.pair import MENTEE, MENTOR, Pair
from tests.support.people import INES, LOTTE
from tests.support.problems import assert_problem
from tests.support.requests import another_person

CONTACT: Final = {"email": MENTOR, "language": "fr"}
LATER: Final = timedelta(minutes=20)
"""Later than a letter is tried again that the mail server did not take."""
MANY: Final = 101
"""More than are looked at together."""
ON_BEHALF: Final = {"by": "MENTEE", "onBehalfReason": "BY_PHONE"}


@pytest.fixture
def pair(mailbox: Mailbox) -> Pair:
    """Both, in a system with the demo's organisations."""
    return Pair(mailbox)


async def test_both_confirm_a_match_in_their_own_name(pair: Pair) -> None:
    """As over HTTP: the record names each of them, with the proof that they gave, and nobody who passed it on."""
    case = await pair.proposed(mentor=CONTACT)
    for address in (MENTEE, MENTOR):
        link = await pair.link_to(address)
        given = await pair.code(link, address)
        answer = await pair.mailbox.post(link, f"action=confirm-match&code={given}")
        assert answer.status_code == 200, answer.text
    actors = [item["actor"] for item in await pair.items() if item["type"] == "MatchConfirmed"]
    ref = (await pair.services.read(INES, case.path))["clientRef"]
    assert [(each["sub"], each["role"], each["org"], each.get("method")) for each in actors] == [
        (ref, "MENTEE", "vdab-gent", "LINK_AND_CODE"),
        ("M-41", "VOLUNTEER_MENTOR", "brugwerk", "LINK_AND_CODE"),
    ]
    assert not [each for each in actors if "onBehalfOf" in each]
    signed = {"coordinatorAttendsFirstMeeting": True, "expectations": {"mentor": "time", "mentee": "to be heard"}}
    await pair.services.done(LOTTE, case.path, "sign-agreement", signed)


async def test_a_no_goes_with_its_reason(pair: Pair) -> None:
    """Without one it is not taken, and the link still works."""
    case = await pair.proposed()
    link = await pair.link_to(MENTEE)
    given = await pair.code(link, MENTEE)
    bare = await pair.mailbox.post(link, f"action=reject-match&code={given}")
    assert (bare.status_code, "Kies een reden" in words_of(bare)) == (422, True)
    answer = await pair.mailbox.post(link, f"action=reject-match&reason=AVAILABILITY&code={given}")
    assert (answer.status_code, "geen gevolgen" in words_of(answer)) == (200, True)
    assert await pair.context.state(case) == "MATCHING"


async def test_both_answer_how_it_goes_before_a_check_in(pair: Pair) -> None:
    """With a number and codes; a low one raises an escalation, as over HTTP."""
    await pair.mentoring(mentor=CONTACT)
    await pair.asked_how_it_goes()
    forms = {MENTEE: "score=4&reasons=GOOD_CLICK", MENTOR: "score=2&reasons=NO_SHOWS&reasons=ONE_SIDED"}
    for address, form in forms.items():
        link = await pair.link_to(address)
        given = await pair.code(link, address)
        answer = await pair.mailbox.post(link, f"{form}&code={given.replace(' ', '+')}")
        assert answer.status_code == 200, answer.text
    items = await pair.items()
    pulses = [item["actor"] for item in items if item["type"] == "PulseRecorded"]
    assert [(each["role"], each["method"]) for each in pulses] == [
        ("MENTEE", "LINK_AND_CODE"),
        ("VOLUNTEER_MENTOR", "LINK_AND_CODE"),
    ]
    assert [item["type"] for item in items].count("EscalationRaised") == 1


async def test_each_is_asked_in_their_own_language(pair: Pair) -> None:
    """Letter, page and choices; English where the language is none of the four."""
    await pair.mentoring(mentor=CONTACT, contactLanguage="ar")
    await pair.asked_how_it_goes()
    asked = await pair.letter_to(MENTEE)
    page = await pair.mailbox.get(link_in(asked, "/act/"))
    assert asked["Subject"] == "How is your mentoring going?"
    assert "How is your mentoring going?" in words_of(page)
    asked = await pair.letter_to(MENTOR)
    assert asked["Subject"] == "Comment se passe votre mentorat\u00a0?"
    link = link_in(asked, "/act/")
    await pair.code(link, MENTOR)
    shown = words_of(await pair.mailbox.get(link))
    assert "Comment cela se passe-t-il" in shown
    assert "On m'en demande trop" in shown
    assert "Je ressens de la pression" not in shown, "that is for the mentee to say"


async def test_a_scanner_that_follows_every_link_changes_nothing(pair: Pair) -> None:
    """However often it opens the page: no code goes out, and nothing is done or recorded."""
    await pair.proposed(mentor=CONTACT)
    links = [await pair.link_to(MENTEE), await pair.link_to(MENTOR)]
    await pair.told("MatchProposed")
    heads = [await service.log.head() for service in pair.services.services.values()]
    for link in links * 3:
        assert (await pair.mailbox.get(link)).status_code == 200
        assert (await pair.services.send(None, "HEAD", link)).status_code == 200
    await pair.services.settle()
    assert [await service.log.head() for service in pair.services.services.values()] == heads
    assert pair.box.letters == []


async def test_who_has_the_link_alone_does_nothing(pair: Pair) -> None:
    """As one to whom it was forwarded: codes go to the person's own address, and five tries spend one."""
    case = await pair.proposed()
    link = await pair.link_to(MENTEE)
    none = await pair.mailbox.post(link, "action=confirm-match&code=00000000")
    assert (none.status_code, "nog geen code" in words_of(none)) == (409, True)
    given = await pair.code(link, MENTEE)
    wrong = "00000000" if given != "0000 0000" else "00000001"
    for _ in range(5):
        refused = await pair.mailbox.post(link, f"action=confirm-match&code={wrong}")
        assert (refused.status_code, "niet de code" in words_of(refused)) == (403, True)
    spent = await pair.mailbox.post(link, f"action=confirm-match&code={given}")
    assert (spent.status_code, "5 keer" in words_of(spent)) == (409, True)
    assert await pair.context.state(case) == "MATCH_PROPOSED"
    assert "MatchConfirmed" not in [item["type"] for item in await pair.items()]


async def test_the_code_of_another_link_is_wrong(pair: Pair) -> None:
    """Each is made with its own link."""
    await pair.proposed(mentor=CONTACT)
    mentees, mentors = await pair.link_to(MENTEE), await pair.link_to(MENTOR)
    await pair.code(mentees, MENTEE)
    given = await pair.code(mentors, MENTOR)
    refused = await pair.mailbox.post(mentees, f"action=confirm-match&code={given}")
    assert refused.status_code == 403


async def used(pair: Pair, link: str) -> None:
    """The person has answered by the link."""
    given = await pair.code(link, MENTEE)
    assert (await pair.mailbox.post(link, f"action=confirm-match&code={given}")).status_code == 200


async def answered(pair: Pair, _link: str) -> None:
    """The coordinator has asked by telephone meanwhile."""
    await pair.services.done(LOTTE, pair.case.path, "confirm-match", ON_BEHALF)


async def over(pair: Pair, _link: str) -> None:
    """The other side has said no."""
    no = {"by": "MENTOR", "reason": "AVAILABILITY", "onBehalfReason": "BY_PHONE"}
    await pair.services.done(LOTTE, pair.case.path, "reject-match", no)


async def withdrawn(pair: Pair, _link: str) -> None:
    """The person has withdrawn the consent."""
    basis = (await pair.services.read(INES, pair.case.offer))["legalBasis"]["id"]
    await pair.services.done(INES, f"/v1/legal-bases/{basis}", "withdraw")


@pytest.mark.parametrize(
    ("happens", "code", "says"),
    [
        (used, "LINK_USED", "al gebruikt"),
        (answered, "LINK_ANSWERED", "op een andere manier beantwoord"),
        (over, "LINK_MATCH_OVER", "is voorbij"),
        (withdrawn, "LINK_CONSENT_WITHDRAWN", "toestemming"),
    ],
    ids=["used", "answered meanwhile", "the match is over", "the consent is withdrawn"],
)
async def test_a_link_that_does_nothing_any_more_says_why(
    pair: Pair, happens: Callable[[Pair, str], Awaitable[None]], code: str, says: str
) -> None:
    """Opened, asked for a code, and used: it offers nothing, sends nothing, and changes nothing."""
    await pair.proposed()
    link = await pair.link_to(MENTEE)
    await happens(pair, link)
    await pair.services.settle()
    before = len(await pair.items())
    for answer in (
        await pair.mailbox.get(link),
        await pair.mailbox.post(f"{link}/code"),
        await pair.mailbox.post(link, "action=reject-match&reason=OTHER&code=12345678"),
    ):
        assert (answer.status_code, says in words_of(answer), "<form" in answer.text) == (409, True, False)
    json = {"Accept": "application/json", "Content-Type": "application/json"}
    assert_problem(await pair.mailbox.get(link, **json), 409, code)
    assert len(await pair.items()) == before
    assert pair.box.letters == []


async def test_what_happens_while_somebody_types_is_decided_by_the_case(pair: Pair) -> None:
    """The casefile service has the last word, by the rules of the command; the page says so."""
    case = await pair.proposed()
    link = await pair.link_to(MENTEE)
    given = await pair.code(link, MENTEE)
    form = f"action=reject-match&reason=OTHER&code={given}"
    answer, _ = await asyncio.gather(pair.mailbox.post(link, form), answered(pair, link))
    assert answer.status_code in (200, 409)
    done = await pair.context.state(case) == "MATCHING"
    assert done is (answer.status_code == 200)


async def test_without_an_address_the_coordinator_sees_that_nobody_was_asked(pair: Pair) -> None:
    """On the item that they would have been asked about, with the reason; and asks in another way."""
    without = {"name": "Samira Voorbeeld", "phone": "+32 470 00 11 22", "email": None}
    case = await pair.proposed(contact=without)
    asked = await pair.told("MatchProposed")
    told = {side: (each["state"], each["reason"]) for side, each in asked.items()}
    assert told == {"MENTEE": ("FAILED", "NO_ADDRESS"), "MENTOR": ("FAILED", "NO_ADDRESS")}
    assert pair.box.letters == []
    await pair.services.done(LOTTE, case.path, "confirm-match", ON_BEHALF)


async def test_who_was_referred_a_hundred_times_before_is_found(pair: Pair) -> None:
    """Their address is with the referral that was accepted, however many of the case came to nothing."""
    client = another_person()["client"]
    for _ in range(MANY):
        made = await pair.services.create(INES, "/v1/referrals", another_person(client=client))
        assert made.status_code == 201, made.text
        path = f"/v1/referrals/{made.json()['id']}"
        await pair.services.done(INES, path, "withdraw", {"reason": "CLIENT_MOVED"})
    await pair.proposed(client=client)
    await pair.letter_to(MENTEE)


async def test_the_timeline_says_who_was_asked(pair: Pair) -> None:
    """Each side by itself."""
    await pair.proposed()
    await pair.letter_to(MENTEE)
    told = await pair.told("MatchProposed")
    assert {side: each["state"] for side, each in told.items()} == {"MENTEE": "SENT", "MENTOR": "FAILED"}


async def test_a_letter_that_waited_is_not_sent_after_the_withdrawal(pair: Pair) -> None:
    """The mail server was away; by the time it is back the person has withdrawn the consent."""
    pair.box.at_recipient += ["451 4.7.1 Greylisted"]
    await pair.proposed()
    await pair.services.settle()
    async with asyncio.timeout(10):
        while pair.box.at_recipient:  # noqa: ASYNC110 - nobody tells when it was tried
            await asyncio.sleep(0.01)
    await withdrawn(pair, "")
    await pair.services.at(pair.now() + LATER)
    assert pair.box.letters == []
    assert (await pair.told("MatchProposed"))["MENTEE"]["reason"] == "CONSENT_WITHDRAWN"


async def test_what_was_greylisted_is_sent_a_quarter_of_an_hour_later(pair: Pair) -> None:
    """The server says 451 to the first attempt, and takes the second."""
    pair.box.at_recipient += ["451 4.7.1 Greylisted"]
    await pair.proposed()
    async with asyncio.timeout(10):
        while pair.box.at_recipient:  # noqa: ASYNC110 - nobody tells when it was tried
            await asyncio.sleep(0.01)
    await pair.services.at(pair.now() + LATER)
    await pair.code(await pair.link_to(MENTEE), MENTEE)


async def test_a_letter_whose_answer_was_lost_is_sent_again_as_the_same_one(pair: Pair) -> None:
    """With the same id, the same words and the same link, which works."""
    pair.box.cut += ["AFTER_DATA"]
    await pair.proposed()
    first = await pair.letter_to(MENTEE)
    await pair.services.at(pair.now() + LATER)
    second = await pair.letter_to(MENTEE)
    assert second["Message-ID"] == first["Message-ID"]
    assert text_of(second) == text_of(first)
    await pair.code(link_in(second, "/act/"), MENTEE)


async def test_no_log_and_no_message_holds_an_address_or_a_secret(pair: Pair) -> None:
    """Of a mentor and a mentee who were asked, had codes, and answered: not an address, a link or a code."""
    await pair.proposed(mentor=CONTACT)
    hidden = [MENTEE, MENTOR, "Samira", "voorbeeld.example"]
    for address in (MENTEE, MENTOR):
        letter = await pair.letter_to(address)
        link = link_in(letter, "/act/")
        given = await pair.code(link, address)
        assert (await pair.mailbox.post(link, f"action=confirm-match&code={given}")).status_code == 200
        hidden += [link.rpartition("/")[2], given, given.replace(" ", "")]
    await pair.services.settle()
    kept: list[bytes] = []
    bus = pair.services.stores.bus()
    assert isinstance(bus, MemoryBus)
    for name, service in pair.services.services.items():
        kept += [bytes(recorded.state) for recorded in await service.log.read_all(0, 100_000)]
        kept += [message.body for message in bus.read(f"caserelay.{name}.v1", 0, 100_000).messages]
    assert len(kept) > 50
    assert [text for text in hidden if any(text.encode() in body for body in kept)] == []
