"""Clients that go on working while the program is killed under them, and remember what it acknowledged."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from tests.faults.caller import Caller
from tests.support.people import INES, LOTTE, Person
from tests.support.requests import another_person

GIVES_UP: Final = 0.3
"""How often a client that got no answer never asks again, so that nobody knows what became of its command."""
PAUSE_SECONDS: Final = 0.03


@dataclass
class Acknowledged:
    """What the clients were told: the case of each referral, and per referral the events that they may expect."""

    cases: dict[str, str] = field(default_factory=dict)
    events: dict[str, list[str]] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    """Idempotency key of a create → the referral that its answer named."""
    bodies: dict[str, dict[str, Any]] = field(default_factory=dict)
    ghosts: set[str] = field(default_factory=set)
    """Client references of persons whose first referral was never answered for."""
    counted: Counter[str] = field(default_factory=Counter)

    @property
    def commands(self) -> int:
        """How many commands were acknowledged."""
        return sum(map(len, self.events.values()))


class NeverKnown(Exception):  # noqa: N818 - reads as what happened
    """The client gave up before it got an answer."""


class Clients:
    """An agency's clients that refer, and an organisation's that receive and accept, each command under its own key."""

    def __init__(self, caller: Caller, chance: random.Random, rest: float = 0.0) -> None:
        self.told = Acknowledged()
        self._rest = rest
        self._caller = caller
        self._chance = chance
        self._ending = False

    async def work(self, how_many: int) -> None:
        """Works until `end` is called, and then until every command under way is answered."""
        async with asyncio.TaskGroup() as group:
            for _ in range(how_many):
                group.create_task(self._work())

    def end(self) -> None:
        """Begins nothing more."""
        self._ending = True

    async def _work(self) -> None:
        while not self._ending:
            try:
                await self._refer()
            except NeverKnown:
                continue
            await asyncio.sleep(self._rest)

    async def _known(
        self, person: Person, path: str, body: dict[str, Any], *, etag: str | None = None, key: str, gives_up: float
    ) -> httpx.Response:
        """Sends a command again and again under the same key until there is an answer. Raises NeverKnown."""
        while True:
            try:
                answer = await self._caller.send(person, "POST", path, body, key=key, etag=etag)
            except httpx.ConnectError:
                # Nobody was there to take it.
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            except httpx.TransportError:
                self.told.counted["sent without an answer"] += 1
                if self._chance.random() < gives_up:
                    raise NeverKnown from None
                continue
            running = answer.status_code == 409 and answer.json()["code"] == "IDEMPOTENCY_KEY_IN_USE"
            if running or (answer.status_code == 503 and self._rest):
                # A database that hangs is given up soon, and what was given up here may still be under way there; the
                # answer says when to ask again.
                self.told.counted["told to ask again"] += 1
                await asyncio.sleep(float(answer.headers["Retry-After"]))
                continue
            assert answer.status_code < 500, answer.text
            self.told.counted["answered as a repeat"] += "Idempotency-Replayed" in answer.headers
            return answer

    async def _refer(self) -> None:
        body, key = another_person(), str(uuid.uuid4())
        try:
            answer = await self._known(INES, "/v1/referrals", body, key=key, gives_up=GIVES_UP)
        except NeverKnown:
            await self._refer_a_person_in_doubt(body)
            raise
        assert answer.status_code == 201, answer.text
        referral = answer.json()
        self._note_create(key, body, referral)
        resource, etag = f"/v1/referrals/{referral['id']}", answer.headers["ETag"]
        for action, sent, event in (
            ("receive", {}, "ReferralReceived"),
            ("accept", {"coordinator": LOTTE.sub}, "ReferralAccepted"),
        ):
            key = str(uuid.uuid4())
            answer = await self._known(LOTTE, f"{resource}/{action}", sent, etag=etag, key=key, gives_up=GIVES_UP)
            assert answer.status_code == 200, answer.text
            etag = answer.headers["ETag"]
            self.told.events[referral["id"]].append(event)

    async def _refer_a_person_in_doubt(self, body: dict[str, Any]) -> None:
        """Refers the person again: it is 201 or 409, according to whether the first command was stored or not."""
        self.told.ghosts.add(body["client"]["ref"])
        key = str(uuid.uuid4())
        answer = await self._known(INES, "/v1/referrals", body, key=key, gives_up=0)
        assert answer.status_code in (201, 409), answer.text
        self.told.counted[f"referred again: {answer.status_code}"] += 1
        if answer.status_code == 201:
            self._note_create(key, body, answer.json())

    def _note_create(self, key: str, body: dict[str, Any], referral: dict[str, Any]) -> None:
        assert referral["id"] not in self.told.cases, "two keys were answered with one referral"
        self.told.answers[key] = referral["id"]
        self.told.bodies[key] = body
        self.told.cases[referral["id"]] = referral["case"]
        self.told.events[referral["id"]] = ["ReferralSubmitted"]
