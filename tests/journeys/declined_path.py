"""The scenario of a decline, a second referral and a withdrawn consent, lived through over the public API."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.journeys.sandbox import Outsider
from tests.support.people import INES, KARIM, LOTTE, Person
from tests.support.requests import MENTOR_PROFILE, yonas

YONAS = Person("CL-19C0", "vdab-gent", "MENTEE")
"""The person, who signs in at the agency's portal by its pseudonym."""
CONTROL = Person("control.unit", "vdab-gent", "AGENCY_CONTROL")
"""The unit that could sanction somebody, at the same agency."""


@dataclass
class Story:
    """What was answered in the course of the scenario; referrals are R-7 (to brugwerk) and R-8 (to samenstap)."""

    outside: Outsider
    r7: str = ""
    r8: str = ""
    case: str = ""
    answers: dict[str, httpx.Response] = field(default_factory=dict)
    read: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The path of the case."""
        return f"/v1/cases/{self.case}"

    def step_of(self, moment: str) -> dict[str, Any]:
        """The one open step at a moment that was remembered."""
        (step,) = self.read[moment]["steps"]
        return dict(step)

    def look(self, moment: str, person: Person = INES) -> None:
        """Remembers who is responsible now, as somebody reads it."""
        self.read[moment] = self.outside.read(person, f"{self.path}/responsibility")


def live(outside: Outsider) -> Story:
    """Lives through the scenario, to the day after the withdrawal."""
    story = Story(outside)
    _declined(story)
    _referred_again(story)
    _withdrawn(story)
    return story


def _declined(story: Story) -> None:
    outside = story.outside
    outside.clock(INES, "2026-03-09T09:00:00Z")
    submitted = outside.refer(INES, yonas())
    assert submitted.status_code == 201, submitted.text
    story.answers["R-7"] = submitted
    story.r7, story.case = submitted.json()["id"], submitted.json()["case"]
    story.read["LB-9"] = outside.read(INES, f"/v1/referrals/{story.r7}")["legalBasis"]["id"]
    outside.clock(INES, "2026-03-10T09:00:00Z")
    outside.does(LOTTE, f"/v1/referrals/{story.r7}", "receive")
    outside.read(LOTTE, f"/v1/referrals/{story.r7}/contact")
    outside.clock(INES, "2026-03-18T09:00:00Z")
    decline = {"reason": "LANGUAGE_INSUFFICIENT", "suggestion": "TRY_OTHER_LANGUAGE"}
    story.answers["decline"] = outside.command(LOTTE, f"/v1/referrals/{story.r7}", "decline", decline)
    outside.clock(INES, "2026-03-18T09:00:01Z")
    story.look("declined")
    story.read["case of the agency, declined"] = outside.read(INES, story.path)


def _referred_again(story: Story) -> None:
    outside = story.outside
    outside.clock(INES, "2026-03-23T09:00:00Z")
    again = yonas("samenstap", previousReferral=story.r7)
    given = again["legalBasis"]
    story.answers["under LB-9"] = outside.refer(INES, {**again, "legalBasis": {**given, "recipient": "brugwerk"}})
    story.answers["R-8"] = outside.refer(INES, {**again, "legalBasis": {**given, "givenAt": "2026-03-23T08:50:00Z"}})
    story.r8 = story.answers["R-8"].json()["id"]
    offer = f"/v1/referrals/{story.r8}"
    story.read["LB-12"] = outside.read(INES, offer)["legalBasis"]["id"]
    outside.clock(INES, "2026-03-24T09:00:00Z")
    outside.does(KARIM, offer, "receive")
    outside.clock(INES, "2026-03-30T09:00:00Z")
    outside.does(KARIM, offer, "accept", {"coordinator": KARIM.sub})
    outside.clock(INES, "2026-03-30T09:00:01Z")
    story.look("accepted")
    outside.read(KARIM, f"{offer}/contact")
    for reader in (LOTTE, KARIM):
        story.read[f"timeline of {reader.org}"] = outside.timeline(reader, story.case)
        story.read[f"feed of {reader.org}"] = outside.feed(reader)
        story.read[f"case of {reader.org}"] = outside.read(reader, story.path)
        story.read[f"responsibility of {reader.org}"] = outside.read(reader, f"{story.path}/responsibility")
    story.read["responsibility of samenstap as of 10 March"] = outside.read(
        KARIM, f"{story.path}/responsibility", asOf="2026-03-10"
    )
    story.answers["R-7 for samenstap"] = outside.get(KARIM, f"/v1/referrals/{story.r7}")
    story.answers["R-8 for brugwerk"] = outside.get(LOTTE, offer)
    outside.clock(INES, "2026-04-14T09:00:00Z")
    intake = {"suitable": True, "goals": ["SOCIAL"], "expectations": ["to be heard"]}
    outside.does(KARIM, story.path, "conclude-intake", intake)
    story.look("intake concluded")


def _withdrawn(story: Story) -> None:
    outside = story.outside
    outside.clock(INES, "2026-04-22T09:00:00Z")
    described = outside.send(KARIM, "PUT", "/v1/mentors/M-7", MENTOR_PROFILE)
    assert described.status_code == 200, described.text
    stale = outside.get(KARIM, story.path).headers["ETag"]
    outside.clock(INES, "2026-04-22T10:05:00Z")
    basis = f"/v1/legal-bases/{story.read['LB-12']}"
    story.answers["withdrawal"] = outside.command(YONAS, basis, "withdraw", {"channel": "PERSON"})
    outside.clock(INES, "2026-04-22T10:20:00Z")
    proposal = {"mentorRef": "M-7", "criteria": ["SECTOR"]}
    story.answers["offline client"] = outside.send(
        KARIM, "POST", f"{story.path}/propose-match", proposal, headers={"If-Match": stale}
    )
    story.answers["abreast client"] = outside.command(KARIM, story.path, "propose-match", proposal)
    story.look("withdrawn")
    story.read["timeline after"] = outside.timeline(KARIM, story.case)
    story.read["case after"] = outside.read(KARIM, story.path)
    outside.clock(INES, "2026-04-22T10:25:00Z")
    for what in (f"/v1/referrals/{story.r8}/contact", f"/v1/referrals/{story.r8}/texts", f"{story.path}/texts"):
        story.answers[what] = outside.get(KARIM, what)
    outside.clock(INES, "2026-04-23T09:00:00Z")
    for what in (story.path, f"{story.path}/timeline", f"/v1/referrals/{story.r8}", "/v1/cases"):
        story.answers[f"control {what}"] = outside.get(CONTROL, what)
