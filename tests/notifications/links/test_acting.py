"""Who has nothing but a mailbox answers a referral by a link and a code, as strongly as over HTTP."""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final

import pytest

from tests.notifications.links.mailbox import Mailbox, code_in, link_in, text_of, words_of
from tests.support.people import INES
from tests.support.problems import assert_problem
from tests.support.requests import another_person

REFERRALS: Final = "/v1/referrals"
SUBMITTED: Final = "org.caserelay.referral.submitted.v1"


async def referred(mailbox: Mailbox) -> tuple[str, str, str]:
    """A referral to her organisation: its path, its case, and the path of the link in the letter."""
    await mailbox.subscribe(types=[SUBMITTED])
    made = await mailbox.services.create(INES, REFERRALS, another_person())
    assert made.status_code == 201, made.text
    letter = await mailbox.letter()
    return f"{REFERRALS}/{made.json()['id']}", made.json()["case"], link_in(letter, "/act/")


async def code(mailbox: Mailbox, link: str) -> str:
    """A code that was asked for."""
    answer = await mailbox.post(f"{link}/code")
    assert answer.status_code == 200, answer.text
    return code_in(await mailbox.letter())


async def state(mailbox: Mailbox, referral: str) -> str:
    """How the referral stands."""
    return str((await mailbox.services.read(INES, referral))["state"])


@pytest.mark.parametrize(
    ("form", "becomes"),
    [("action=receive", "RECEIVED"), ("action=accept", "ACCEPTED"), ("action=decline&reason=OTHER", "DECLINED")],
)
async def test_a_referral_is_answered_by_link_and_code(mailbox: Mailbox, form: str, becomes: str) -> None:
    """The act is in the record in her name, with the proof that she gave."""
    referral, case, link = await referred(mailbox)
    given = await code(mailbox, link)
    answer = await mailbox.post(link, f"{form}&code={given.replace(' ', '+')}")
    assert answer.status_code == 200, answer.text
    assert await state(mailbox, referral) == becomes
    await mailbox.services.settle()
    items = (await mailbox.services.read(INES, f"/v1/cases/{case}/timeline"))["items"]
    actors = [item["actor"] for item in items if item["actor"]["org"] == "brugwerk"]
    assert {(each["sub"], each["role"], each.get("method")) for each in actors} == {
        ("lotte.claes", "NGO_COORDINATOR", "LINK_AND_CODE")
    }
    assert not [each for each in actors if "onBehalfOf" in each]


async def test_a_scanner_that_follows_every_link_changes_nothing(mailbox: Mailbox) -> None:
    """However often it opens the page, and asks for its head, no code is sent and nothing is done."""
    referral, _, link = await referred(mailbox)
    head = await mailbox.services.service("notifications").log.head()
    shown = await mailbox.get(link)
    for _ in range(3):
        assert (await mailbox.get(link)).status_code == 200
        assert (await mailbox.services.send(None, "HEAD", link)).status_code == 200
    assert await mailbox.services.service("notifications").log.head() == head
    assert mailbox.box.letters == []
    assert await state(mailbox, referral) == "SUBMITTED"
    assert shown.headers["Referrer-Policy"] == "no-referrer"
    assert shown.headers["Cache-Control"] == "no-store"
    assert "noindex" in shown.headers["X-Robots-Tag"]
    assert "frame-ancestors 'none'" in shown.headers["Content-Security-Policy"]
    assert "set-cookie" not in shown.headers


async def test_neither_letter_nor_page_holds_who_is_referred(mailbox: Mailbox) -> None:
    """No name, no way to reach anybody, no pseudonym: a link, and who may act."""
    await mailbox.subscribe(types=[SUBMITTED])
    person = another_person()
    await mailbox.services.create(INES, REFERRALS, person)
    letter = await mailbox.letter()
    page = await mailbox.get(link_in(letter, "/act/"))
    told = letter.as_string() + text_of(letter) + page.text
    hidden = [person["client"]["ref"], *map(str, person["contact"].values()), "lotte.claes", "ines.debacker"]
    assert [text for text in hidden if text in told] == []


async def test_a_link_works_once(mailbox: Mailbox) -> None:
    """Used again it does nothing, and says why; a page of it offers nothing any more."""
    referral, _, link = await referred(mailbox)
    given = await code(mailbox, link)
    assert (await mailbox.post(link, f"action=receive&code={given}")).status_code == 200
    again = await mailbox.post(link, f"action=decline&reason=OTHER&code={given}")
    assert again.status_code == 409
    assert "al gebruikt" in words_of(again)
    assert await state(mailbox, referral) == "RECEIVED"
    assert "<form" not in (await mailbox.get(link)).text


async def test_who_has_the_link_alone_does_nothing(mailbox: Mailbox) -> None:
    """As one to whom the letter was forwarded: without the code nothing happens, and 5 tries spend a code."""
    referral, _, link = await referred(mailbox)
    none = await mailbox.post(link, "action=accept&code=00000000")
    assert (none.status_code, "nog geen code" in words_of(none)) == (409, True)
    given = await code(mailbox, link)
    wrong = "00000000" if given != "0000 0000" else "00000001"
    for _ in range(5):
        refused = await mailbox.post(link, f"action=accept&code={wrong}")
        assert (refused.status_code, "niet de code" in words_of(refused)) == (403, True)
    spent = await mailbox.post(link, f"action=accept&code={given}")
    assert (spent.status_code, "5 keer" in words_of(spent)) == (409, True)
    soon = await mailbox.post(f"{link}/code")
    assert (soon.status_code, "Minder dan een minuut" in words_of(soon)) == (409, True)
    assert await state(mailbox, referral) == "SUBMITTED"
    assert mailbox.box.letters == []


@pytest.mark.parametrize(
    "change",
    [lambda link: link[:-1], lambda link: link[:-2] + "AA", lambda _: "/act/none"],
    ids=["cut short", "guessed", "made up"],
)
async def test_a_token_that_is_none_of_ours_is_not_there(mailbox: Mailbox, change: Any) -> None:
    """Whatever it looks like, the answer is the same."""
    _, _, link = await referred(mailbox)
    wrong = change(link)
    assert wrong != link
    shown = [await mailbox.get(wrong), await mailbox.post(f"{wrong}/code"), await mailbox.post(wrong, "code=12345678")]
    assert [each.status_code for each in shown] == [404, 404, 404]
    assert len({words_of(each) for each in shown}) == 1


async def test_what_the_referral_service_refuses_is_said_on_the_page(mailbox: Mailbox) -> None:
    """It has the last word: by the rules of the command, in the state of that moment."""
    referral, _, link = await referred(mailbox)
    given = await code(mailbox, link)
    await mailbox.services.done(INES, referral, "withdraw", {"reason": "CLIENT_MOVED"})
    answer = await mailbox.post(link, f"action=accept&code={given}")
    assert answer.status_code == 409
    assert "STATE_DOES_NOT_ALLOW" in words_of(answer)


async def test_programs_are_answered_in_json(mailbox: Mailbox) -> None:
    """With problem documents that hold no part of the link."""
    _, _, link = await referred(mailbox)
    json = {"Accept": "application/json", "Content-Type": "application/json"}
    shown = await mailbox.get(link, **json)
    assert shown.json()["acts"] == ["receive", "accept", "decline"]
    missing = await mailbox.post(link, '{"code": "12345678", "action": "accept"}', **json)
    assert_problem(missing, 409, "CODE_MISSING")
    assert link.rpartition("/")[2] not in missing.text
    given = await code(mailbox, link)
    done = await mailbox.post(link, f'{{"code": "{given}", "action": "receive"}}', **json)
    assert (done.json()["state"], done.json()["acted"]) == ("DONE", "receive")


async def test_once_she_has_left_the_list_her_links_do_nothing(mailbox: Mailbox) -> None:
    """The subscription that a link was sent for has ended: it says so."""
    await mailbox.subscribe(types=[SUBMITTED])
    await mailbox.services.create(INES, REFERRALS, another_person())
    letter = await mailbox.letter()
    link = link_in(letter, "/act/")
    found = re.fullmatch(r"<https://caserelay\.example\.org(.*)>", letter["List-Unsubscribe"])
    assert found is not None
    assert (await mailbox.post(found.group(1), "List-Unsubscribe=One-Click")).status_code == 200
    for answer in (await mailbox.get(link), await mailbox.post(f"{link}/code")):
        assert (answer.status_code, "abonnement" in words_of(answer)) == (409, True)
    assert mailbox.box.letters == []


async def test_who_asked_for_a_code_has_read_the_letter(mailbox: Mailbox) -> None:
    """The timeline of the case says so; opening the page says nothing, for a scanner does that too."""
    _, case, link = await referred(mailbox)
    path = f"/v1/cases/{case}/timeline"

    async def told() -> list[tuple[str, str]]:
        await mailbox.services.settle()
        items = (await mailbox.services.read(INES, path))["items"]
        return [(each["channel"], each["state"]) for item in items for each in item.get("told", [])]

    await mailbox.get(link)
    assert ("LINK", "READ") not in await told()
    await code(mailbox, link)
    assert ("LINK", "READ") in await told()


async def test_of_several_acts_at_once_one_is_done(mailbox: Mailbox) -> None:
    """Sent twice by an impatient hand, or by two who have link and code: the others are told that it was used."""
    referral, _, link = await referred(mailbox)
    given = await code(mailbox, link)
    forms = ("action=receive", "action=accept", "action=decline&reason=OTHER")
    answers = await asyncio.gather(*(mailbox.post(link, f"{form}&code={given}") for form in forms))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    done = next(form for form, answer in zip(forms, answers, strict=True) if answer.status_code == 200)
    became = {forms[0]: "RECEIVED", forms[1]: "ACCEPTED", forms[2]: "DECLINED"}
    assert await state(mailbox, referral) == became[done]
