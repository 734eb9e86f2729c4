"""The happy path, lived through over the public API, each act on its own date."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from tests.journeys.sandbox import Outsider
from tests.support.people import HANNE, INES, LOTTE, Person
from tests.support.requests import MENTOR_PROFILE, samira

MENTOR: Final = Person("M-41", "brugwerk", "VOLUNTEER_MENTOR")
MENTEE: Final = Person("CL-7F3A", "vdab-gent", "MENTEE")
"""Samira, who signs in by her agency's pseudonym."""

MEETINGS: Final = ("03-03", "03-17", "03-31", "04-14", "04-28", "05-12", "05-26", "06-09", "06-23")
CHECK_INS: Final = ("03-05", "03-19", "04-17", "05-15", "06-12")
BESIDES: Final = ("03-10", "03-24", "03-25", "03-26", "04-20", "05-11")
"""Days on which a task, the charter or a gap in services is on."""
DIPLOMA: Final = "DIPLOMA_RECOGNITION_FILE"
"""What Samira needs, and a volunteer must not carry."""


@dataclass
class Story:
    """The journey of one referral: what the people of it did, and what they were answered at the time.

    `answers` maps a moment's name to the body of the answer; `due` maps a date to the steps that were open at its
    end, each with the day on which it was due.
    """

    outside: Outsider
    referral: str = ""
    case: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    due: dict[str, dict[str, str]] = field(default_factory=dict)
    _seen: str | None = None

    @property
    def offer(self) -> str:
        """The path of the referral."""
        return f"/v1/referrals/{self.referral}"

    @property
    def path(self) -> str:
        """The path of the case."""
        return f"/v1/cases/{self.case}"

    def on(self, day: str, at: str = "10:00:00") -> None:
        """Moves the clock to a day of the story, having looked at what was due at the end of the day before."""
        self.outside.clock(LOTTE, f"{day}T{at}Z")

    def look(self, day: str) -> None:
        """Remembers the open steps and their days, as the agency reads them now."""
        steps = self.outside.read(INES, f"{self.path}/responsibility")["steps"]
        self.due[day] = {step["step"]: (step["dueAt"] or "")[:10] for step in steps}

    def refers(self, body: dict[str, Any]) -> None:
        """The counsellor refers."""
        answer = self.outside.refer(INES, body)
        assert answer.status_code == 201, answer.text
        self._seen = answer.headers["Position"]
        self.answers["submitted"] = answer.json()
        self.referral, self.case = answer.json()["id"], answer.json()["case"]
        self.outside.read(INES, self.path, waitFor=self._seen)

    def told(self, person: Person, path: str) -> Any:
        """What somebody reads once all that has been done so far has been told there."""
        return self.outside.read(person, path, waitFor=self._seen)

    def does(self, person: Person, resource: str, action: str, body: Any = None) -> None:
        """A command of somebody who has seen what came before it."""
        answer = self.outside.does(person, resource, action, body, wait_for=self._seen)
        self._seen = answer.headers.get("Position", self._seen)
        self.answers[action] = answer.json()
        self.outside.read(INES, self.path, waitFor=self._seen)


def live(outside: Outsider) -> Story:
    """Lives through the whole scenario, to the year after next."""
    story = Story(outside)
    _offered(story)
    _matched(story)
    _mentored(story)
    _handed_back(story)
    _followed_up(story)
    return story


def _offered(story: Story) -> None:
    story.on("2026-01-12")
    story.refers(samira())
    story.look("2026-01-12")
    story.on("2026-01-13")
    story.does(LOTTE, story.offer, "receive")
    story.look("2026-01-13")
    story.on("2026-01-16")
    story.does(LOTTE, story.offer, "accept", {"coordinator": LOTTE.sub})
    story.look("2026-01-16")


def _matched(story: Story) -> None:
    story.on("2026-01-20")
    story.does(LOTTE, story.path, "log-contact-attempt", {"channel": "PHONE", "reached": True})
    story.on("2026-01-29")
    intake = {
        "suitable": True,
        "goals": ["SOCIAL", "CULTURAL", "INFORMATIONAL"],
        "expectations": ["two contacts a month", "honest feedback"],
    }
    story.does(LOTTE, story.path, "conclude-intake", intake)
    story.look("2026-01-29")
    story.on("2026-02-12")
    described = story.outside.send(LOTTE, "PUT", "/v1/mentors/M-41", MENTOR_PROFILE)
    assert described.status_code == 200, described.text
    proposal = {"mentorRef": "M-41", "kind": "VOLUNTEER", "criteria": ["SECTOR", "LANGUAGE", "AVAILABILITY"]}
    story.does(LOTTE, story.path, "propose-match", proposal)
    story.look("2026-02-12")
    story.on("2026-02-19")
    for side in (MENTOR, MENTEE):
        story.does(side, story.path, "confirm-match")
    agreement = {
        "start": "2026-02-19",
        "end": "2026-08-18",
        "norm": 2,
        "charterVersion": "v1",
        "coordinatorAttendsFirstMeeting": True,
        "expectations": {"mentor": "to pass on what I know", "mentee": "two contacts a month, honest feedback"},
    }
    story.does(LOTTE, story.path, "sign-agreement", agreement)
    story.look("2026-02-19")


def _mentored(story: Story) -> None:
    acts = [(f"2026-{day}", "meet") for day in MEETINGS] + [(f"2026-{day}", "check") for day in CHECK_INS]
    acts += [(f"2026-{day}", "beside") for day in BESIDES]
    for day, act in sorted([*acts, ("2026-05-19", "report")]):
        story.on(day, "16:00:00")
        if act == "meet":
            story.does(LOTTE, story.path, "record-meeting", {"minutes": 90, "mode": "IN_PERSON"})
        elif act == "beside":
            _besides(story, day.removeprefix("2026-"))
        elif act == "check":
            story.does(LOTTE, story.path, "record-check-in", {"mode": "PHONE"})
            story.does(LOTTE, story.path, "record-pulse", {"by": "MENTOR", "score": 4})
            story.does(LOTTE, story.path, "record-pulse", {"by": "MENTEE", "score": 5})
        else:
            progress = {"SOCIAL": "+", "CULTURAL": "+", "INFORMATIONAL": "="}
            story.does(LOTTE, story.path, "report-progress", {"progress": progress, "nextStep": "CONTINUE"})
        story.look(day)


def _besides(story: Story, day: str) -> None:
    """What the mentor does and may not do, whom that is left to, and what comes of it."""
    match day:
        case "03-10":
            story.does(MENTOR, story.path, "record-task", {"task": "SECTOR_KNOWLEDGE", "minutes": 60})
        case "03-24":
            story.answers["before the refusal"] = story.outside.get(MENTOR, story.path)
            story.answers["refused task"] = story.outside.command(MENTOR, story.path, "record-task", {"task": DIPLOMA})
            story.answers["after the refusal"] = story.outside.get(MENTOR, story.path)
            gap = {"serviceKind": "DIPLOMA_RECOGNITION_SUPPORT", "gapType": "TOO_SLOW", "task": DIPLOMA}
            story.does(MENTOR, story.path, "report-gap", gap)
        case "03-25":
            asked = {"task": DIPLOMA, "justification": "the desk opens in June, and the employer asks now"}
            story.does(LOTTE, story.path, "request-exception", asked)
        case "03-26":
            (asked,) = story.outside.read(LOTTE, story.path)["exceptions"]
            granted = {"exception": asked["id"], "granted": True, "reason": "once, for this employer"}
            story.does(HANNE, story.path, "decide-exception", granted)
            story.does(LOTTE, story.path, "record-task", {"task": DIPLOMA, "minutes": 45})
            story.on("2026-03-26", "17:00:00")
            story.answers["refused again"] = story.outside.command(
                LOTTE, story.path, "record-task", {"task": DIPLOMA, "minutes": 45}
            )
        case "04-20":
            (gap,) = story.outside.read(INES, story.path)["gaps"]
            answer = {"gap": gap["id"], "accepted": True, "action": "the desk sees her in May", "due": "2026-05-13"}
            story.does(INES, story.path, "answer-gap", answer)
        case _:
            (gap,) = story.outside.read(INES, story.path)["gaps"]
            story.does(INES, story.path, "complete-gap-action", {"gap": gap["id"]})


def _handed_back(story: Story) -> None:
    story.on("2026-06-30")
    story.does(LOTTE, story.path, "complete-trajectory", {"reason": "EMPLOYMENT", "closureTalk": True})
    story.look("2026-06-30")
    story.on("2026-07-02")
    report = {
        "closureReason": "EMPLOYMENT",
        "outcomes": {"SOCIAL": "+", "CULTURAL": "+", "INFORMATIONAL": "+"},
        "openNeeds": ["DIPLOMA_EQUIVALENCE"],
        "recommendedNextStep": "DIPLOMA_DESK",
    }
    story.does(LOTTE, story.path, "request-handback", report)
    story.look("2026-07-02")
    story.on("2026-07-06")
    answer = {
        "decision": "CLOSE",
        "answers": {"DIPLOMA_EQUIVALENCE": "DIPLOMA_DESK"},
        "nextService": "DIPLOMA_DESK",
        "closeReason": "EMPLOYMENT",
    }
    story.does(INES, story.path, "accept-handback", answer)
    for reader in (INES, LOTTE):
        story.answers[f"referral of {reader.org}"] = story.told(reader, story.offer)
    story.on("2026-07-06", "11:00:00")
    outcome = {"point": "EXIT", "code": "EMPLOYED_STABLE", "source": "DECLARED", "levelMatch": True}
    story.does(INES, story.path, "record-outcome", outcome)
    story.look("2026-07-06")
    for reader in (INES, LOTTE):
        story.answers[f"timeline of {reader.org}"] = story.outside.timeline(reader, story.case)
        story.answers[f"feed of {reader.org}"] = story.outside.feed(reader)


def _followed_up(story: Story) -> None:
    for point, day in (("W4", "2026-07-28"), ("M6", "2026-12-30"), ("M12", "2027-06-30")):
        if point == "M6":
            _access_ends(story)
        story.on(day)
        outcome = {"point": point, "code": "EMPLOYED_STABLE", "source": "REGISTER"}
        story.does(INES, story.path, "record-outcome", outcome)
        story.look(day)
    # What follows from the last one has happened everywhere when the clock has been moved.
    story.on("2027-06-30", "10:00:01")


def _access_ends(story: Story) -> None:
    for day in ("2026-09-22", "2026-09-23"):
        story.on(day)
        for what in ("", "/timeline", "/responsibility", "/events"):
            story.answers[f"{day}{what}"] = story.outside.get(LOTTE, f"{story.path}{what}")
        for what in ("", "/events", "/contact"):
            story.answers[f"{day} referral{what}"] = story.outside.get(LOTTE, f"{story.offer}{what}")
        story.answers[f"{day} feed"] = story.outside.feed(LOTTE)
