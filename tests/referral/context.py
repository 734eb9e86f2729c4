"""The referral service as its users have it before them: requests in few words."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final

import httpx

from services.chassis.log.metadata import Recorded
from tests.chassis.counters import everything
from tests.support.people import INES, LOTTE, TOM, Person
from tests.support.requests import another_person
from tests.support.running import Running

REFERRALS = "/v1/referrals"
NDJSON = {"Content-Type": "application/x-ndjson"}
ACCEPT = {"coordinator": "lotte.claes"}
COMMANDS: Final[dict[str, tuple[Person, dict[str, Any]]]] = {
    "submit": (INES, {}),
    "receive": (LOTTE, {}),
    "request-information": (LOTTE, {"codes": ["AVAILABILITY"]}),
    "provide-information": (INES, {"answers": [{"code": "AVAILABILITY", "answer": "Mondays"}]}),
    "waitlist": (LOTTE, {"reason": "NO_SUITABLE_MENTOR", "expectedBy": "2026-03-01", "clientAgreed": True}),
    "accept": (LOTTE, ACCEPT),
    "decline": (LOTTE, {"reason": "OTHER", "text": "a long story", "suggestion": "another organisation"}),
    "withdraw": (INES, {"reason": "OTHER", "text": "another long story"}),
    "mark-error": (INES, {"justification": "another person was meant"}),
    "confirm-error": (TOM, {}),
}
"""Every command that has a route, with somebody who may send it and a body of its own."""


class ReferralContext:
    """What the tests do with the referral service, and what they look at beside its answers."""

    def __init__(self, running: Running) -> None:
        self.running = running

    async def submit(self, body: dict[str, Any] | None = None, *, by: Person = INES, key: str | None = None) -> str:
        """Submits a referral; its path."""
        answer = await self.running.create(by, REFERRALS, body or another_person(), key=key)
        assert answer.status_code == 201, answer.text
        path: str = answer.headers["Location"]
        return path

    async def draft(self, body: dict[str, Any] | None = None) -> str:
        """Keeps a referral as a draft; its path."""
        return await self.submit({**(body or another_person()), "draft": True})

    async def received(self, body: dict[str, Any] | None = None) -> str:
        """A referral that the organisation has received."""
        path = await self.submit(body)
        await self.running.done(LOTTE, path, "receive")
        return path

    async def accepted(self, body: dict[str, Any] | None = None) -> str:
        """A referral that the organisation has accepted."""
        path = await self.received(body)
        await self.running.done(LOTTE, path, "accept", ACCEPT)
        return path

    async def state(self, path: str, by: Person = INES) -> str:
        """The state of a referral."""
        return str((await self.running.read(by, path))["state"])

    async def basis(self, path: str) -> str:
        """The path of the legal basis of a referral."""
        return f"/v1/legal-bases/{(await self.running.read(INES, path))['legalBasis']['id']}"

    async def in_each_state(self) -> dict[str, str]:
        """A referral in every state that people bring one to, by state."""
        paths = {
            "DRAFT": await self.draft(),
            "SUBMITTED": await self.submit(),
            "RECEIVED": await self.received(),
            "ACCEPTED": await self.accepted(),
        }
        wait = {"reason": "NO_SUITABLE_MENTOR", "expectedBy": "2026-03-01", "clientAgreed": True}
        further: dict[str, list[tuple[Person, str, dict[str, Any]]]] = {
            "INFO_REQUESTED": [(LOTTE, "request-information", {"codes": ["AVAILABILITY"]})],
            "WAITLISTED": [(LOTTE, "waitlist", wait)],
            "DECLINED": [(LOTTE, "decline", {"reason": "CAPACITY_FULL"})],
            "WITHDRAWN": [(INES, "withdraw", {"reason": "CLIENT_MOVED"})],
            "ENTERED_IN_ERROR": [
                (INES, "mark-error", {"justification": "another person was meant"}),
                (TOM, "confirm-error", {}),
            ],
        }
        for state, steps in further.items():
            paths[state] = await self.received()
            for person, action, body in steps:
                await self.running.done(person, paths[state], action, body)
        return paths

    @property
    def service(self) -> Any:
        """The service behind the routes."""
        return self.running.service("referral")

    async def recorded(self) -> list[Recorded]:
        """The whole log."""
        return await everything(self.service.log)

    async def head(self) -> int:
        """The log's last position."""
        return int(await self.service.log.head())

    def vault_rows(self) -> list[tuple[str, bytes]]:
        """All that the vault keeps."""
        return self.running.vault_rows("referral")

    async def snapshot(self) -> tuple[int, list[tuple[str, bytes]]]:
        """All that a request could have changed: the log's head and the vault's rows."""
        return await self.head(), self.vault_rows()

    def bytes_at_rest(self, *, vault: bool = False) -> dict[str, bytes]:
        """Every file of the service but the vault's, or the vault's alone."""
        files = [file for file in Path(self.running.directory).rglob("*") if file.is_file()]
        return {file.name: file.read_bytes() for file in files if ("vault" in file.name) is vault}

    async def race(self, *requests: Any) -> list[httpx.Response]:
        """All requests at once."""
        return list(await asyncio.gather(*requests))
