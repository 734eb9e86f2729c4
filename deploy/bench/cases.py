"""Cases for what reads them: one that was just referred, and one with a long history. Lived through over the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from deploy.bench.http_client import Answer, Connection
from deploy.bench.requests import Referrals, request
from deploy.bench.system import System
from services.sandbox.client import Person
from services.sandbox.demo import INES, LOTTE

MENTOR: Final = "M-41"


class Story:
    """Tells cases to a running system, one request after the other."""

    def __init__(self, system: System, connection: Connection) -> None:
        self._connection = connection
        self._tokens = {person: system.token(person) for person in (INES, LOTTE)}
        self._referrals = Referrals(self._tokens[INES])

    async def refer(self) -> tuple[str, str]:
        """A referral that waits for its answer: its id and its case, which casefile knows by now."""
        answer = await self._connection.send(self._referrals.next())
        referral = answer.expect(201)
        await self._read(f"/v1/cases/{referral['case']}?waitFor={answer.header('position')}")
        return referral["id"], referral["case"]

    async def describe_mentor(self) -> None:
        """The mentor whom `live` matches."""
        today = datetime.now(UTC).date()
        earlier = (today - timedelta(days=60)).isoformat()
        await self._send(
            LOTTE,
            "PUT",
            f"/v1/mentors/{MENTOR}",
            {
                "kind": "VOLUNTEER",
                "screenedOn": earlier,
                "trainedOn": earlier,
                "insuranceNoteOn": earlier,
                "charterVersion": "v1",
                "charterAcknowledgedOn": earlier,
                "confidentialityOn": earlier,
                "languages": ["nl", "ar"],
                "sectors": ["M"],
            },
        )

    async def live(self, events: int) -> str:
        """A case with so many events: accepted, matched, and then asked again and again how it goes."""
        referral, case = await self.refer()
        offer, path = f"/v1/referrals/{referral}", f"/v1/cases/{case}"
        await self._act(offer, "receive", {})
        accepted = await self._act(offer, "accept", {"coordinator": LOTTE.sub})
        await self._read(f"{path}?waitFor={accepted.header('position')}")
        await self._act(path, "log-contact-attempt", {"channel": "PHONE", "reached": True})
        intake = {"suitable": True, "goals": ["SOCIAL", "CULTURAL"], "expectations": ["two contacts a month"]}
        await self._act(path, "conclude-intake", intake)
        await self._act(path, "propose-match", {"mentorRef": MENTOR, "kind": "VOLUNTEER", "criteria": ["SECTOR"]})
        for side in ("MENTOR", "MENTEE"):
            await self._act(path, "confirm-match", {"by": side, "onBehalfReason": "BY_PHONE"})
        signed = {
            "charterVersion": "v1",
            "norm": 2,
            "coordinatorAttendsFirstMeeting": True,
            "expectations": {"mentor": "to pass on what I know", "mentee": "two contacts a month"},
        }
        await self._act(path, "sign-agreement", signed)
        version, score = len((await self._read(f"{path}/timeline")).expect(200)["items"]), 0
        while version < events:
            score = score % 5 + 1
            await self._act(path, "record-pulse", {"by": "MENTOR", "score": score})
            version += 1
        return case

    async def _read(self, path: str) -> Answer:
        answer = await self._connection.send(request("GET", path, self._tokens[INES]))
        answer.expect(200)
        return answer

    async def _act(self, path: str, action: str, body: Any) -> Answer:
        etag = (await self._read(path)).header("etag")
        return await self._send(LOTTE, "POST", f"{path}/{action}", body, etag)

    async def _send(self, person: Person, method: str, path: str, body: Any, etag: str | None = None) -> Answer:
        answer = await self._connection.send(request(method, path, self._tokens[person], body, etag=etag))
        answer.expect(200)
        return answer
