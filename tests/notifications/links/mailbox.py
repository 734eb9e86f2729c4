"""An organisation with nothing but a mailbox, in tests over all services: what it subscribes to, and what it gets."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from typing import Any, Final

import httpx

from tests.support.mail_server import MailBox
from tests.support.people import Person
from tests.support.running import Running

ADDRESS: Final = "coordination@brugwerk.example"
HTML: Final = {"Accept": "text/html,application/xhtml+xml", "Content-Type": "application/x-www-form-urlencoded"}
_LINK: Final = re.compile(r"https://caserelay\.example\.org(/[^\s\"<>]*)")


async def until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    """Returns once it is true."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - nobody tells when a letter comes
            await asyncio.sleep(0.01)


def forget_the_index(directory: Path) -> None:
    """Removes what the notifications service has in its index, which is made again by the next process."""
    for file in directory.glob("notifications-index.db*"):
        file.unlink()


def text_of(letter: EmailMessage) -> str:
    """The text part."""
    part = letter.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def link_in(letter: EmailMessage, beginning: str) -> str:
    """The path of the link that begins so."""
    (found,) = {link for link in _LINK.findall(text_of(letter)) if link.startswith(beginning)}
    return str(found)


def code_in(letter: EmailMessage) -> str:
    """The code of a letter."""
    found = re.search(r"\b(\d{4} \d{4})\b", text_of(letter))
    assert found is not None
    return found.group(1)


def words_of(answer: httpx.Response) -> str:
    """What a page says."""
    shown = re.sub(r"<style>.*?</style>|<[^>]+>", " ", answer.text, flags=re.DOTALL)
    return " ".join(unescape(shown).split())


class Mailbox:
    """The mailbox of a person, and the pages that its letters lead to."""

    def __init__(self, services: Running, box: MailBox, person: Person) -> None:
        self.services, self.box, self.person = services, box, person

    async def subscribe(self, **more: Any) -> str:
        """Subscribes and confirms; the id of the subscription."""
        person = {"sub": self.person.sub, "role": self.person.role}
        body = {"channel": "EMAIL", "address": ADDRESS, "person": person, "language": "nl", **more}
        made = await self.services.create(self.person, "/v1/subscriptions", body)
        assert made.status_code == 201, made.text
        asked = await self.letter(body["address"])
        answer = await self.post(link_in(asked, "/mail/confirm/"))
        assert answer.status_code == 200, answer.text
        return str(made.json()["id"])

    async def state(self, subscription: str) -> dict[str, Any]:
        """The subscription as its manager reads it."""
        read: dict[str, Any] = await self.services.read(self.person, f"/v1/subscriptions/{subscription}")
        return read

    async def reaches(self, subscription: str, true: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The subscription once something is true of it."""
        async with asyncio.timeout(10):
            while not true(shown := await self.state(subscription)):
                await self.hurry()
        return shown

    async def letter(self, address: str = ADDRESS) -> EmailMessage:
        """The letter that comes next to that address."""

        def come() -> list[int]:
            return [place for place, letter in enumerate(self.box.letters) if letter["To"] == address]

        async with asyncio.timeout(10):
            while not come():
                await self.hurry()
        return self.box.letters.pop(come()[0])

    async def hurry(self, seconds: float = 0.05) -> None:
        """Has links, digests and warnings that are due go out within so many seconds.

        A postman without work looks again only a second later. What tells of what happened goes out by itself.
        """
        for service in self.services.services.values():
            if service.postman is not None:
                await service.postman.posted(time.monotonic() + seconds)
        await asyncio.sleep(0.01)

    async def posted(self) -> None:
        """Returns once all that was recorded is known everywhere, and no link, digest or warning is due."""
        await self.services.settle()
        await self.hurry(10)
        await self.services.settle()

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """Opens a page, as a browser does."""
        return await self.services.send(None, "GET", path, headers={**HTML, **headers})

    async def post(self, path: str, form: str = "", **headers: str) -> httpx.Response:
        """Sends a form, as a browser does."""
        return await self.services.send(None, "POST", path, content=form.encode(), headers={**HTML, **headers})
