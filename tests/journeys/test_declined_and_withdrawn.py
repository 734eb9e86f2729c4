"""Scenario 9.2 over HTTP: declined, referred again elsewhere, accepted, and then the person withdraws the consent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.journeys.sandbox import Outsider, sandbox
from tests.support.people import AUDITOR, INES, KARIM, LOTTE, Person
from tests.support.requests import MENTOR_PROFILE, yonas

pytestmark = pytest.mark.xdist_group("journey of declining and withdrawing")


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


@pytest.fixture(scope="module")
def story(engines: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """The scenario, lived through once on each set-up for all tests here."""
    with sandbox(tmp_path_factory.mktemp("withdrawn") / "var", "--empty", **engines) as (_, outside):
        story = Story(outside)
        _declined(story)
        _referred_again(story)
        _withdrawn(story)
        yield story


def _declined(story: Story) -> None:
    outside = story.outside
    outside.clock(INES, "2026-03-09T09:00:00Z")
    submitted = outside.refer(INES, yonas())
    assert submitted.status_code == 201, submitted.text
    story.answers["R-7"] = submitted
    story.r7, story.case = submitted.json()["id"], submitted.json()["case"]
    outside.clock(INES, "2026-03-10T09:00:00Z")
    outside.does(LOTTE, f"/v1/referrals/{story.r7}", "receive")
    outside.clock(INES, "2026-03-18T09:00:00Z")
    decline = {"reason": "LANGUAGE_INSUFFICIENT", "suggestion": "TRY_OTHER_LANGUAGE"}
    story.answers["decline"] = outside.command(LOTTE, f"/v1/referrals/{story.r7}", "decline", decline)
    outside.clock(INES, "2026-03-18T09:00:01Z")
    story.look("declined")


def _referred_again(story: Story) -> None:
    outside = story.outside
    outside.clock(INES, "2026-03-23T09:00:00Z")
    again = yonas("samenstap", previousReferral=story.r7)
    given = again["legalBasis"]
    story.answers["under LB-9"] = outside.refer(INES, {**again, "legalBasis": {**given, "recipient": "brugwerk"}})
    story.answers["R-8"] = outside.refer(INES, {**again, "legalBasis": {**given, "givenAt": "2026-03-23T08:50:00Z"}})
    story.r8 = story.answers["R-8"].json()["id"]
    offer = f"/v1/referrals/{story.r8}"
    outside.clock(INES, "2026-03-24T09:00:00Z")
    outside.does(KARIM, offer, "receive")
    outside.clock(INES, "2026-03-30T09:00:00Z")
    outside.does(KARIM, offer, "accept", {"coordinator": KARIM.sub})
    outside.clock(INES, "2026-03-30T09:00:01Z")
    story.look("accepted")
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


def _withdrawn(story: Story) -> None:
    outside = story.outside
    outside.clock(INES, "2026-04-22T09:00:00Z")
    described = outside.send(KARIM, "PUT", "/v1/mentors/M-7", MENTOR_PROFILE)
    assert described.status_code == 200, described.text
    stale = outside.get(KARIM, story.path).headers["ETag"]
    outside.clock(INES, "2026-04-22T10:05:00Z")
    basis = outside.read(INES, f"/v1/referrals/{story.r8}")["legalBasis"]["id"]
    story.answers["withdrawal"] = outside.command(INES, f"/v1/legal-bases/{basis}", "withdraw")
    outside.clock(INES, "2026-04-22T10:20:00Z")
    proposal = {"mentorRef": "M-7", "criteria": ["SECTOR"]}
    story.answers["offline client"] = outside.send(
        KARIM, "POST", f"{story.path}/propose-match", proposal, headers={"If-Match": stale}
    )
    story.answers["abreast client"] = outside.command(KARIM, story.path, "propose-match", proposal)
    story.look("withdrawn")
    story.read["timeline after"] = outside.timeline(KARIM, story.case)
    story.read["case after"] = outside.read(KARIM, story.path)


def test_a_decline_returns_the_case_to_its_lead_with_a_term_to_decide(story: Story) -> None:
    """The counsellor owns the next step from the decline on, and has five working days."""
    assert story.answers["decline"].json()["state"] == "DECLINED"
    step = story.step_of("declined")
    assert (step["step"], step["owner"]["sub"]) == ("NEXT_SERVICE", "ines.debacker")
    assert step["dueAt"] == "2026-03-25T22:59:59Z"


def test_the_decision_on_the_first_referral_was_due_in_ten_working_days(story: Story) -> None:
    """From Monday 9 March to Monday 23 March."""
    assert story.answers["R-7"].json()["dueAt"]["decision"] == "2026-03-23T22:59:59Z"


def test_a_legal_basis_for_one_organisation_does_not_serve_another(story: Story) -> None:
    """The consent named brugwerk, so a referral to samenstap cannot rest on it."""
    refused = story.answers["under LB-9"]
    assert (refused.status_code, refused.json()["code"]) == (422, "LEGAL_BASIS_RECIPIENT")
    assert {"pointer": "/legalBasis/recipient", "code": "LEGAL_BASIS_RECIPIENT"}.items() <= refused.json()["errors"][
        0
    ].items()


def test_the_second_referral_continues_the_case_of_the_first(story: Story) -> None:
    """A new offer, the same case, and the offers are linked."""
    answer = story.answers["R-8"]
    assert answer.status_code == 201
    assert (answer.json()["case"], answer.json()["previousReferral"]) == (story.case, story.r7)


def test_the_decision_term_skips_easter_monday(story: Story) -> None:
    """Ten working days from 23 March end on 7 April, since the 6th is a public holiday."""
    assert story.answers["R-8"].json()["dueAt"]["decision"] == "2026-04-07T21:59:59Z"


def test_the_second_organisation_has_its_intake_after_the_holiday_too(story: Story) -> None:
    """Accepted on 30 March: the intake is due on 21 April."""
    due = {step["step"]: step["dueAt"] for step in story.read["accepted"]["steps"]}
    assert due["INTAKE"] == "2026-04-21T21:59:59Z"
    assert {step["owner"]["sub"] for step in story.read["accepted"]["steps"]} == {"karim.haddad"}


def test_the_first_organisation_sees_nothing_of_the_second_referral(story: Story) -> None:
    """Brugwerk keeps reading its own referral up to its end, and learns of no other."""
    kinds = [item["type"] for item in story.read["timeline of brugwerk"]]
    assert kinds[-1] == "ReferralReturned"
    assert "ReferralAccepted" not in kinds
    assert story.answers["R-8 for brugwerk"].status_code == 404
    told = [one for one in story.read["feed of brugwerk"] if one["subject"] == story.case]
    for seen in (told, *(story.read[f"{what} of brugwerk"] for what in ("timeline", "case", "responsibility"))):
        assert "samenstap" not in str(seen)
        assert story.r8 not in str(seen)


def test_the_second_organisation_sees_nothing_of_what_went_to_the_first(story: Story) -> None:
    """Samenstap sees the case from its own addressing on."""
    kinds = [item["type"] for item in story.read["timeline of samenstap"]]
    assert "ReferralDeclined" not in kinds
    assert kinds.count("ReferralSubmitted") == 1
    assert story.answers["R-7 for samenstap"].status_code == 404
    told = [one for one in story.read["feed of samenstap"] if one["subject"] == story.case]
    assert told
    past = story.read["responsibility of samenstap as of 10 March"]
    for seen in (told, past, *(story.read[f"{what} of samenstap"] for what in ("timeline", "case", "responsibility"))):
        assert "brugwerk" not in str(seen)
        # Which referral went before, its own referral says; of that one it learns nothing.
        assert story.r7 not in str(seen).replace(f"'previousReferral': '{story.r7}'", "")
    assert past["steps"] == []


def test_a_withdrawal_stops_the_organisation_at_once(story: Story) -> None:
    """Whether it has heard of it or not, its next act is refused with the rule."""
    assert story.answers["withdrawal"].status_code == 200
    for client in ("offline client", "abreast client"):
        refused = story.answers[client]
        assert (refused.status_code, refused.json()["code"]) == (403, "LEGAL_BASIS_WITHDRAWN")


def test_a_withdrawal_returns_the_case_to_its_lead_without_a_handback(story: Story) -> None:
    """The one change of responsibility that nobody has to accept."""
    step = story.step_of("withdrawn")
    assert (step["step"], step["owner"]["sub"]) == ("NEXT_SERVICE", "ines.debacker")
    case = story.outside.read(INES, story.path)
    assert (case["state"], case["organisation"]) == ("OPENED", None)
    assert story.outside.read(INES, f"/v1/referrals/{story.r8}")["state"] == "COMPLETED"
    kinds = [item["type"] for item in story.outside.timeline(INES, story.case)]
    assert {"LegalBasisWithdrawn", "DisclosureStopped", "NgoAccessRevoked", "CaseReturned"} <= set(kinds)
    assert "HandbackRequested" not in kinds


def test_the_stop_is_all_that_the_organisation_still_sees(story: Story) -> None:
    """No reason beyond the code, no history, no state, nothing to do."""
    assert {item["type"] for item in story.read["timeline after"]} == {"LegalBasisWithdrawn", "NgoAccessRevoked"}
    case = story.read["case after"]
    assert case["stopped"] == "CONSENT_WITHDRAWN"
    assert case["allowedActions"] == []
    assert "state" not in case
    assert "clientRef" not in case
    stop = [one for one in story.outside.feed(KARIM) if one["subject"] == story.case]
    assert {one["data"].get("reason") for one in stop} - {None} == {"CONSENT_WITHDRAWN"}
    assert {one["type"] for one in stop} == {
        "org.caserelay.case.ngo_access_revoked.v1",
        "org.caserelay.legal_basis.withdrawn.v1",
    }


def test_the_contact_data_are_out_of_reach_after_the_withdrawal(story: Story) -> None:
    """No disclosure rests on a basis that was withdrawn."""
    refused = story.outside.get(KARIM, f"/v1/referrals/{story.r8}/contact")
    assert (refused.status_code, refused.json()["code"]) == (403, "LEGAL_BASIS_WITHDRAWN")
    assert "Yonas" not in refused.text


def test_an_auditor_still_reads_the_whole_history(story: Story) -> None:
    """Both referrals, both organisations, in one order; what was lawful then stays on record."""
    kinds = [item["type"] for item in story.outside.timeline(AUDITOR, story.case)]
    assert kinds.count("ReferralSubmitted") == 2
    assert kinds.index("ReferralDeclined") < kinds.index("ReferralAccepted") < kinds.index("LegalBasisWithdrawn")
    assert story.outside.owners(AUDITOR, story.case, asOf="2026-04-21") == {"MATCHING": "karim.haddad"}


def test_the_agency_may_refer_again_or_close_after_a_withdrawal(story: Story) -> None:
    """Its service goes on without detriment: both ways are open."""
    allowed = {action["action"] for action in story.outside.read(INES, story.path)["allowedActions"]}
    assert "close" in allowed
    (work,) = story.outside.read(INES, "/v1/worklist")["items"]
    assert work["step"] == "NEXT_SERVICE"
