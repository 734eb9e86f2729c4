"""The demo stories, told through the public API at their own dates. The people are fictitious."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from services.sandbox.client import Person, SandboxClient
from services.sandbox.demo import AUDITOR, INES, LOTTE, MENTEE, MENTOR, PROGRAMME

Say = Callable[[str], None]

SAMIRA: Final[dict[str, Any]] = {
    "programme": PROGRAMME,
    "to": "brugwerk",
    "client": {"ref": "CL-7F3A"},
    "contact": {"name": "Samira (demo)", "phone": "+32 400 00 00 01", "email": "samira@caserelay.example"},
    "contactLanguage": "ar",
    "languages": [{"tag": "nl", "level": "B1", "evidence": "TESTED"}],
    "occupations": [{"isco": "2411"}],
    "sectors": ["N"],
    "region": "BE234",
    "goals": ["SOCIAL", "CULTURAL", "INFORMATIONAL"],
    "availability": ["MON_AM", "THU_PM"],
    "whyMentoring": "ADDED_CAPITAL",
    "alternativeConsidered": "JOB_COACHING",
    "recommendedMentorKind": "VOLUNTEER",
    "eligibility": {"REGISTERED_JOBSEEKER": True, "RIGHT_TO_WORK": True, "NO_CONCURRENT_PROGRAMME": True},
    "participationChoice": {"chosenAt": "2026-01-12T08:10:00Z", "method": "IN_PERSON", "language": "ar"},
    "legalBasis": {
        "kind": "CONSENT",
        "recipient": "brugwerk",
        "textVersion": "v3",
        "language": "ar",
        "givenAt": "2026-01-12T08:12:00Z",
    },
}
"""The story that ends well: from the first referral to the last outcome."""

NADIA: Final[dict[str, Any]] = {
    **SAMIRA,
    "client": {"ref": "CL-52B8"},
    "contact": {"name": "Nadia (demo)", "phone": "+32 400 00 00 02", "email": "nadia@caserelay.example"},
    "contactLanguage": "fr",
    "occupations": [{"isco": "5120"}],
    "sectors": ["I"],
    "goals": ["SOCIAL", "LINGUISTIC"],
    "participationChoice": {"chosenAt": "2026-07-06T08:00:00Z", "method": "IN_PERSON", "language": "fr"},
    "legalBasis": {**SAMIRA["legalBasis"], "language": "fr", "givenAt": "2026-07-06T08:02:00Z"},
}
"""A referral that waits for an answer, so that a visitor has something to do."""

MENTOR_PROFILE: Final[dict[str, Any]] = {
    "kind": "VOLUNTEER",
    "screenedOn": "2025-11-10",
    "trainedOn": "2025-11-24",
    "insuranceNoteOn": "2025-11-24",
    "charterVersion": "v1",
    "charterAcknowledgedOn": "2025-11-24",
    "confidentialityOn": "2025-11-24",
    "languages": ["nl", "ar"],
    "sectors": ["N"],
}

MEETINGS: Final = (
    "2026-03-03", "2026-03-17", "2026-03-31", "2026-04-14", "2026-04-28",
    "2026-05-12", "2026-05-26", "2026-06-09", "2026-06-23",
)  # fmt: skip
CHECK_INS: Final = ("2026-03-05", "2026-03-19", "2026-04-17", "2026-05-15", "2026-06-12")


class Teller:
    """Tells a story step by step, each on its date."""

    def __init__(self, client: SandboxClient, say: Say) -> None:
        self._client = client
        self._say = say
        self._seen: str | None = None

    async def on(self, day: str, at: str = "09:00:00") -> None:
        """Moves the clock to a day; what is past is left as it is."""
        now = (await self._client.send(AUDITOR, "GET", "/v1/sandbox/clock")).json()["now"]
        then = f"{day}T{at}Z"
        if datetime.fromisoformat(now) < datetime.fromisoformat(then):
            await self._client.send(AUDITOR, "PUT", "/v1/sandbox/clock", {"now": then})

    async def refer(self, person: Person, body: dict[str, Any], key: str) -> dict[str, Any]:
        """Posts a referral."""
        answer = await self._client.send(person, "POST", "/v1/referrals", body, key=key)
        self._note(answer.headers.get("Position"))
        referral: dict[str, Any] = answer.json()
        return referral

    async def does(self, person: Person, resource: str, action: str, body: dict[str, Any] | None = None) -> None:
        """Sends a command, having seen what came before it."""
        answer = await self._client.command(person, resource, action, body, wait_for=self._seen)
        self._note(answer.headers.get("Position"))

    def _note(self, position: str | None) -> None:
        self._seen = position or self._seen

    def tell(self, text: str) -> None:
        """Prints a line of progress."""
        self._say(text)


async def tell_stories(client: SandboxClient, say: Say) -> None:
    """Tells the stories once: a sandbox that has lived through them already is only described."""
    listed = await client.send(INES, "GET", "/v1/referrals", params={"limit": "2"})
    if not listed.json()["items"]:
        await _tell(Teller(client, say), client)
    await _what_next(client, say)


async def _tell(teller: Teller, client: SandboxClient) -> None:
    teller.tell("Playing a story through the public API, from 12 January to 6 July 2026 ...")
    await teller.on("2026-01-12")
    referral = await teller.refer(INES, SAMIRA, "demo-story-1")
    offer, case = f"/v1/referrals/{referral['id']}", f"/v1/cases/{referral['case']}"
    teller.tell(f"  12 Jan  {INES.sub} of {INES.org} refers client CL-7F3A to brugwerk")
    await teller.on("2026-01-13")
    await teller.does(LOTTE, offer, "receive")
    await teller.on("2026-01-16")
    await teller.does(LOTTE, offer, "accept", {"coordinator": LOTTE.sub})
    teller.tell(f"  16 Jan  {LOTTE.sub} of {LOTTE.org} accepts and now owns the intake")
    await _match(teller, client, case)
    await _mentoring(teller, case)
    await _handback(teller, case)
    second = await teller.refer(INES, NADIA, "demo-story-2")
    teller.tell(f"   6 Jul  a second referral awaits brugwerk's answer: {second['id']}")


async def _match(teller: Teller, client: SandboxClient, case: str) -> None:
    await teller.on("2026-01-20")
    await teller.does(LOTTE, case, "log-contact-attempt", {"channel": "PHONE", "reached": True})
    await teller.on("2026-01-29")
    intake = {
        "suitable": True,
        "goals": ["SOCIAL", "CULTURAL", "INFORMATIONAL"],
        "expectations": ["two contacts a month", "honest feedback"],
        "cefr": {"SPOKEN_INTERACTION": "B1"},
    }
    await teller.does(LOTTE, case, "conclude-intake", intake)
    await teller.on("2026-02-12")
    # One who was described before stays as described.
    known = await client.send(LOTTE, "GET", "/v1/mentors")
    if all(mentor["ref"] != "M-41" for mentor in known.json()["items"]):
        await client.send(LOTTE, "PUT", f"/v1/mentors/{MENTOR.sub}", MENTOR_PROFILE)
    proposal = {"mentorRef": "M-41", "kind": "VOLUNTEER", "criteria": ["SECTOR", "LANGUAGE", "AVAILABILITY"]}
    await teller.does(LOTTE, case, "propose-match", proposal)
    await teller.on("2026-02-19")
    for side in (MENTOR, MENTEE):
        # Each side says so itself.
        await teller.does(side, case, "confirm-match")
    agreement = {
        "start": "2026-02-19",
        "end": "2026-08-18",
        "norm": 2,
        "charterVersion": "v1",
        "coordinatorAttendsFirstMeeting": True,
        "expectations": {"mentor": "to pass on what I know", "mentee": "two contacts a month, honest feedback"},
    }
    await teller.does(LOTTE, case, "sign-agreement", agreement)
    teller.tell("  19 Feb  mentor M-41 and the mentee sign an agreement until 18 August")


async def _mentoring(teller: Teller, case: str) -> None:
    days = sorted(
        [(day, "meet") for day in MEETINGS] + [(day, "check") for day in CHECK_INS] + [("2026-05-19", "tell")]
    )
    for day, what in days:
        await teller.on(day, "16:00:00")
        match what:
            case "meet":
                await teller.does(LOTTE, case, "record-meeting", {"minutes": 90, "mode": "IN_PERSON"})
            case "check":
                await teller.does(LOTTE, case, "record-check-in", {"mode": "PHONE"})
                for side in ("MENTOR", "MENTEE"):
                    await teller.does(LOTTE, case, "record-pulse", {"by": side, "score": 4 if side == "MENTOR" else 5})
            case _:
                progress = {"progress": {"SOCIAL": "+", "CULTURAL": "+", "INFORMATIONAL": "="}, "nextStep": "CONTINUE"}
                await teller.does(LOTTE, case, "report-progress", progress)
    teller.tell("  Mar-Jun nine meetings, five check-ins, and a progress report on 19 May")


async def _handback(teller: Teller, case: str) -> None:
    await teller.on("2026-06-30")
    await teller.does(LOTTE, case, "complete-trajectory", {"reason": "EMPLOYMENT", "closureTalk": True})
    await teller.on("2026-07-02")
    report = {
        "closureReason": "EMPLOYMENT",
        "outcomes": {"SOCIAL": "+", "CULTURAL": "+", "INFORMATIONAL": "+"},
        "openNeeds": ["DIPLOMA_EQUIVALENCE"],
        "recommendedNextStep": "DIPLOMA_DESK",
    }
    await teller.does(LOTTE, case, "request-handback", report)
    await teller.on("2026-07-06")
    answer = {
        "decision": "CLOSE",
        "answers": {"DIPLOMA_EQUIVALENCE": "DIPLOMA_DESK"},
        "nextService": "DIPLOMA_DESK",
        "closeReason": "EMPLOYMENT",
    }
    await teller.does(INES, case, "accept-handback", answer)
    outcome = {"point": "EXIT", "code": "EMPLOYED_STABLE", "source": "DECLARED", "levelMatch": True}
    await teller.does(INES, case, "record-outcome", outcome)
    teller.tell(
        f"   6 Jul  {INES.sub} accepts the handback: responsibility is back with {INES.org}; the case is closed"
    )


async def _what_next(client: SandboxClient, say: Say) -> None:
    """The next commands to try, with their tokens filled in; after the stories there are five."""
    waiting = (await client.send(INES, "GET", "/v1/referrals", params={"state": "SUBMITTED", "limit": "1"})).json()
    # The oldest: the story's own, unless somebody had a sandbox without stories first.
    cases = (await client.send(AUDITOR, "GET", "/v1/cases", params={"limit": "1"})).json()
    ngo, agency, auditor = (f"-H 'Authorization: Bearer {client.token(person)}'" for person in (LOTTE, INES, AUDITOR))
    url = client.url
    commands = [("brugwerk's worklist", f"curl -s {ngo} {url}/v1/worklist")]
    for referral in waiting["items"]:
        receive = f"-H 'If-Match: \"{referral['version']}\"' {url}/v1/referrals/{referral['id']}/receive"
        commands.append(("brugwerk acknowledges the waiting referral", f"curl -s -X POST {ngo} {receive}"))
    commands.append(("brugwerk's feed, from the first event", f"curl -s {ngo} {url}/v1/feed"))
    for case in cases["items"]:
        story = f"{url}/v1/cases/{case['id']}"
        commands += [
            ("the agency reads the timeline", f"curl -s {agency} {story}/timeline"),
            (
                "an auditor asks who was responsible on 1 July",
                f"curl -s {auditor} '{story}/responsibility?asOf=2026-07-01'",
            ),
        ]
    say("\nCommands to try next:\n")
    for number, (why, command) in enumerate(commands, start=1):
        say(f"{number}. {why}:\n   {command}\n")
