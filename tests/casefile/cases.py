"""Cases over HTTP: brought to any state by the people who bring them there, and looked at from the outside."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from services.casefile.app import build as build_casefile
from services.notifications.app import build as build_notifications
from services.referral.app import build as build_referral
from services.sandbox.charter import CHARTER
from services.sandbox.demo import LEADS, PROGRAMME_VERSION
from tests.support.people import INES, LOTTE, OPERATOR, Person
from tests.support.programmes import offer_also
from tests.support.requests import AGREEMENT, INTAKE, MENTOR_PROFILE, another_person
from tests.support.running import Build, Running

SERVICES: Final[Mapping[str, Build]] = {
    "referral": build_referral,
    "casefile": build_casefile,
    "notifications": build_notifications,
}
CASES: Final = "/v1/cases"

PROFILE: Final[dict[str, Any]] = {**MENTOR_PROFILE, "capacity": 100}
PROPOSAL: Final[dict[str, Any]] = {"mentorRef": "M-41", "criteria": ["SECTOR", "LANGUAGE"]}
REPORT: Final[dict[str, Any]] = {
    "closureReason": "EMPLOYMENT",
    "outcomes": {"SOCIAL": "+", "CULTURAL": "="},
    "openNeeds": ["DIPLOMA_EQUIVALENCE"],
}
ANSWER: Final[dict[str, Any]] = {"decision": "CLOSE", "answers": {"DIPLOMA_EQUIVALENCE": "DIPLOMA_DESK"}}
_programmes: Final = itertools.count(1)
POINTS: Final = ("EXIT", "W4", "M6", "M12")

Step = tuple[Person, str, dict[str, Any] | None]

ROAD: Final[Mapping[str, tuple[Step, ...]]] = {
    "INTAKE": (),
    "MATCHING": ((LOTTE, "conclude-intake", INTAKE),),
    "MATCH_PROPOSED": ((LOTTE, "propose-match", PROPOSAL),),
    "CONFIRMED": tuple(
        (LOTTE, "confirm-match", {"by": side, "onBehalfReason": "NO_ACCOUNT"}) for side in ("MENTOR", "MENTEE")
    ),
    "MENTORING": ((LOTTE, "sign-agreement", AGREEMENT),),
    "HANDBACK_DUE": ((LOTTE, "complete-trajectory", {"reason": "EMPLOYMENT", "closureTalk": True}),),
    "HANDBACK_REQUESTED": ((LOTTE, "request-handback", REPORT),),
    "CLOSED": ((INES, "accept-handback", ANSWER),),
    "FINALISED": (
        (INES, "record-outcome", {"point": "EXIT", "code": "EMPLOYED_STABLE", "source": "REGISTER"}),
        *((INES, "waive-outcome", {"point": point, "reason": "PERSON_DECLINED"}) for point in POINTS[1:]),
    ),
}
"""The steps from an accepted referral to the state named, each after the one before."""


@dataclass(frozen=True)
class Told:
    """A case that a test works with: its path, and that of its (latest) referral."""

    id: str
    offer: str

    @property
    def path(self) -> str:
        """The path of the case."""
        return f"{CASES}/{self.id}"


class CaseContext:
    """What the tests do with cases, and what they look at beside the answers."""

    def __init__(self, running: Running) -> None:
        self.running = running

    async def referred(self, body: dict[str, Any] | None = None, *, by: Person = INES) -> Told:
        """A case whose referral waits for an answer."""
        answer = await self.running.create(by, "/v1/referrals", body or another_person())
        assert answer.status_code == 201, answer.text
        told = answer.json()
        case = Told(told["case"], f"/v1/referrals/{told['id']}")
        await self.running.read(by, case.path, waitFor=answer.headers["Position"])
        return case

    async def follow(self, case: Told, person: Person, action: str, body: dict[str, Any] | None = None) -> None:
        """A command on the case's referral, and casefile has been told of it."""
        done = await self.running.done(person, case.offer, action, body)
        await self.running.read(INES, case.path, waitFor=done.headers["Position"])

    async def opened(self, body: dict[str, Any] | None = None) -> Told:
        """A case that its lead has back: the organisation declined."""
        case = await self.referred(body)
        await self.running.done(LOTTE, case.offer, "receive")
        await self.follow(case, LOTTE, "decline", {"reason": "CAPACITY_FULL"})
        return case

    async def accepted(self, body: dict[str, Any] | None = None, by: Person = LOTTE) -> Told:
        """A case that an organisation accepted: INTAKE."""
        case = await self.referred(body)
        await self.running.done(by, case.offer, "receive")
        await self.follow(case, by, "accept", {"coordinator": by.sub})
        return case

    async def brought_to(self, state: str) -> Told:
        """A case in a state: a name of `ROAD`, or OPENED, REFERRED, SUSPENDED, or what is waited for."""
        match state:
            case "OPENED":
                return await self.opened()
            case "REFERRED":
                return await self.referred()
            case "EXTENSION_PROPOSED":
                case = await self.brought_to("MENTORING")
                await self.running.done(LOTTE, case.path, "extend-agreement", {"months": 1})
                return case
            case "TASK_LED":
                case = await self.brought_to("MENTORING")
                await self.running.done(LOTTE, case.path, "claim-task", {"task": "CV_FEEDBACK"})
                return case
            case "EXCEPTION_REQUESTED":
                case = await self.brought_to("MENTORING")
                asked = {"task": "MONEY", "justification": "the card was lost, and the shop closes"}
                await self.running.done(LOTTE, case.path, "request-exception", asked)
                return case
            case "CHARTER_CHANGED":
                return await self.charter_changed()
            case "SUSPENDED":
                case = await self.brought_to("MENTORING")
                await self.running.done(LOTTE, case.path, "suspend", {"reason": "MENTEE_UNAVAILABLE"})
                return case
        case = await self.accepted()
        await self.lead_on(case, "INTAKE", state)
        return case

    async def own_programme(self) -> str:
        """A programme that brugwerk and samenstap offer beside the demo's, for a case in which it changes."""
        programme = f"mtw-changed-{next(_programmes)}"
        for organisation in ("brugwerk", "samenstap"):
            await offer_also(self.running, programme, organisation)
        return programme

    async def other_charter(self, programme: str) -> None:
        """A version of the programme that has begun names another charter, which is written and signed."""
        charter = "/v1/charters/v2"
        assert (await self.running.send(OPERATOR, "PUT", charter, CHARTER)).is_success
        for lead in LEADS:
            await self.running.done(lead, charter, "sign")
        path, body = f"/v1/programmes/{programme}/versions/2", {**PROGRAMME_VERSION, "charterVersion": "v2"}
        answer = await self.running.send(OPERATOR, "PUT", path, body)
        assert answer.status_code == 200, answer.text
        await self.running.settle()
        await self.running.at(self.running.clock.now())

    async def charter_changed(self) -> Told:
        """MENTORING, and another charter has come to govern the match."""
        programme = await self.own_programme()
        case = await self.accepted(another_person(programme=programme))
        await self.lead_on(case, "INTAKE", "MENTORING")
        await self.other_charter(programme)
        return case

    async def lead_on(self, case: Told, since: str, to: str) -> None:
        """Takes the steps that lead from one state of `ROAD` to a later one."""
        names = list(ROAD)
        for name in names[names.index(since) + 1 : names.index(to) + 1]:
            for person, action, body in ROAD[name]:
                await self.running.done(person, case.path, action, body)
        if to == "FINALISED":
            await self.running.at(self.running.clock.now())

    async def describe_mentor(self, ref: str = "M-41", by: Person = LOTTE, **changes: Any) -> httpx.Response:
        """Describes a mentor of the person's organisation for the first time."""
        return await self.running.send(by, "PUT", f"/v1/mentors/{ref}", {**PROFILE, **changes})

    async def mentee_of(self, case: Told, org: str = "vdab-gent") -> Person:
        """The person whom the case is about, signed in at one side by the agency's pseudonym."""
        return Person((await self.running.read(INES, case.path))["clientRef"], org, "MENTEE")

    async def state(self, case: Told) -> str:
        """The state of a case."""
        return str((await self.running.read(INES, case.path))["state"])

    async def kinds(self, case: Told, person: Person = INES, **asked: Any) -> list[str]:
        """The types of a case's timeline."""
        items = (await self.running.read(person, f"{case.path}/timeline", **asked))["items"]
        return [item["type"] for item in items]

    async def snapshot(self) -> tuple[int, list[tuple[str, bytes]]]:
        """All that a request to casefile could have changed: the log's head and the vault's rows."""
        return int(await self.running.service("casefile").log.head()), self.vault_rows()

    def vault_rows(self) -> list[tuple[str, bytes]]:
        """All that casefile's vault keeps."""
        return self.running.vault_rows("casefile")
