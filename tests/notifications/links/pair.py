"""A mentor and a mentee who have nothing but a mailbox, in tests over all services."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any, Final

from tests.casefile.cases import CaseContext, Told
from tests.notifications.links.mailbox import Mailbox, code_in, link_in, text_of
from tests.support.people import INES, LOTTE
from tests.support.requests import another_person

MENTEE: Final = "mentee@voorbeeld.example"
MENTOR: Final = "marc@mentors.example"
MENTORS: Final = "/v1/mentors/M-41"
PULSE_AT: Final = timedelta(days=14)
"""So long after the signature both were asked how it goes: the first check-in is due at the end of the 14th day.

Four fifths of that are over at a weekend, where a match of the first day is concerned, and the letters are of Monday.
"""


class Pair:
    """Both, with the mailbox that all their letters come to."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox, self.services, self.box = mailbox, mailbox.services, mailbox.box
        self.context = CaseContext(self.services)
        self.case: Told = Told("", "")

    async def proposed(self, *, mentor: dict[str, Any] | None = None, **referral: Any) -> Told:
        """A match that waits for their yes or no. `mentor` is the contact data of the mentor."""
        await self.context.describe_mentor()
        if mentor is not None:
            await self.give(mentor)
        known = {"name": "Samira Voorbeeld", "phone": "+32 470 00 11 22", "email": MENTEE}
        body = another_person(**{"contactLanguage": "nl", "contact": known, **referral})
        self.case = await self.context.accepted(body)
        await self.context.lead_on(self.case, "INTAKE", "MATCH_PROPOSED")
        return self.case

    async def give(self, contact: dict[str, Any]) -> None:
        """The coordinator says where the mentor is written to."""
        etag = await self.services.version(LOTTE, MENTORS)
        answer = await self.services.send(LOTTE, "PUT", f"{MENTORS}/contact", contact, etag=etag)
        assert answer.status_code == 200, answer.text

    async def mentoring(self, *, mentor: dict[str, Any] | None = None, **referral: Any) -> Told:
        """A match that runs, with no letter left from before."""
        case = await self.proposed(mentor=mentor, **referral)
        await self.letter_to(MENTEE)
        if mentor is not None:
            await self.letter_to(str(mentor["email"]))
        await self.context.lead_on(case, "MATCH_PROPOSED", "MENTORING")
        return case

    async def asked_how_it_goes(self) -> None:
        """Time passes until the first check-in is soon due."""
        await self.services.at(self.now() + PULSE_AT)

    def now(self) -> datetime:
        """What the domain's clock says."""
        return self.services.clock.now()

    async def letter_to(self, address: str, *, with_code: bool = False) -> EmailMessage:
        """The next letter to an address, with a link or with a code."""
        async with asyncio.timeout(15):
            while True:
                for place, letter in enumerate(self.box.letters):
                    if letter["To"] == address and with_code is not ("/act/" in text_of(letter)):
                        return self.box.letters.pop(place)
                await self.mailbox.hurry()

    async def link_to(self, address: str) -> str:
        """The path of the link in the next letter to an address."""
        return link_in(await self.letter_to(address), "/act/")

    async def code(self, link: str, address: str) -> str:
        """A code that was asked for."""
        answer = await self.mailbox.post(f"{link}/code")
        assert answer.status_code == 200, answer.text
        return code_in(await self.letter_to(address, with_code=True))

    async def items(self) -> list[dict[str, Any]]:
        """The timeline, as the agency reads it."""
        await self.services.settle()
        items: list[dict[str, Any]] = (await self.services.read(INES, f"{self.case.path}/timeline"))["items"]
        return items

    async def told(self, kind: str) -> dict[str, dict[str, Any]]:
        """What the timeline says of the last item of a type once it is known of both sides whether they were asked."""
        async with asyncio.timeout(15):
            while True:
                found = [item for item in await self.items() if item["type"] == kind]
                told = {each["side"]: each for each in found[-1].get("told", []) if "side" in each}
                if len(told) == 2:
                    return told
                await self.mailbox.hurry()
