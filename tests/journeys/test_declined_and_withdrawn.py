"""Scenario 9.2 over HTTP: declined, referred again elsewhere, accepted, and then the person withdraws the consent.

The dates are those of its table. LB-9 and LB-12 are the bases of R-7 and R-8.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.journeys.declined_path import Story, live
from tests.journeys.sandbox import sandbox
from tests.support.people import AUDITOR, INES, KARIM, Person
from tests.support.requests import yonas

pytestmark = pytest.mark.xdist_group("journey of declining and withdrawing")


@pytest.fixture(scope="module")
def story(engines: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """The scenario, lived through once on each set-up for all tests here."""
    with sandbox(tmp_path_factory.mktemp("withdrawn") / "var", "--empty", **engines) as (_, outside):
        yield live(outside)


def test_a_decline_returns_the_case_to_its_lead_with_a_term_to_decide(story: Story) -> None:
    """The counsellor owns the next step from the decline on, and has five working days."""
    assert story.answers["decline"].json()["state"] == "DECLINED"
    step = story.step_of("declined")
    assert (step["step"], step["owner"]["sub"]) == ("NEXT_SERVICE", "ines.debacker")
    assert step["dueAt"] == "2026-03-25T22:59:59Z"
    assert story.read["case of the agency, declined"]["state"] == "OPENED"


def test_a_decline_says_whether_another_organisation_may_be_asked(story: Story) -> None:
    """The language was not enough here, and elsewhere it may be."""
    read = story.outside.read(INES, f"/v1/referrals/{story.r7}")
    assert (read["reason"], read["reReferable"]) == ("LANGUAGE_INSUFFICIENT", True)


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
    assert story.read["LB-12"] != story.read["LB-9"]


def test_the_decision_term_skips_easter_monday(story: Story) -> None:
    """Ten working days from 23 March end on 7 April, since the 6th is a public holiday."""
    assert story.answers["R-8"].json()["dueAt"]["decision"] == "2026-04-07T21:59:59Z"


def test_the_second_organisation_has_its_intake_after_the_holiday_too(story: Story) -> None:
    """Accepted on 30 March: the intake is due on 21 April."""
    due = {step["step"]: step["dueAt"] for step in story.read["accepted"]["steps"]}
    assert due["INTAKE"] == "2026-04-21T21:59:59Z"
    assert {step["owner"]["sub"] for step in story.read["accepted"]["steps"]} == {"karim.haddad"}


def test_a_match_is_due_a_month_after_the_intake(story: Story) -> None:
    """Concluded on 14 April: due on 14 May."""
    step = story.step_of("intake concluded")
    assert (step["step"], step["owner"]["sub"], step["dueAt"]) == ("MATCHING", "karim.haddad", "2026-05-14T21:59:59Z")


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


def test_all_that_a_withdrawal_stops_it_stops_in_one_moment(story: Story) -> None:
    """Wednesday 22 April, 10:05, by the person, through the agency's portal."""
    items = {item["type"]: item for item in story.outside.timeline(AUDITOR, story.case)}
    withdrawn = items["LegalBasisWithdrawn"]
    assert (withdrawn["actor"]["sub"], withdrawn["actor"]["role"]) == ("CL-19C0", "MENTEE")
    assert withdrawn["occurredAt"] == "2026-04-22T10:05:00Z"
    stops = [items[kind] for kind in ("DisclosureStopped", "NgoAccessRevoked", "CaseReturned")]
    assert {item["occurredAt"] for item in stops} == {"2026-04-22T10:05:00Z"}
    assert len({item["recordedAt"] for item in (withdrawn, *stops)}) == 1
    basis = story.outside.read(AUDITOR, f"/v1/legal-bases/{story.read['LB-12']}")
    assert (basis["givenAt"], basis["withdrawnAt"]) == ("2026-03-23T08:50:00Z", "2026-04-22T10:05:00Z")


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


def test_the_persons_data_are_out_of_reach_after_the_withdrawal(story: Story) -> None:
    """No disclosure rests on a basis that was withdrawn: not of contact data, nor of what was said in words."""
    for what in (f"/v1/referrals/{story.r8}/contact", f"/v1/referrals/{story.r8}/texts", f"{story.path}/texts"):
        refused = story.answers[what]
        assert (refused.status_code, refused.json()["code"]) == (403, "LEGAL_BASIS_WITHDRAWN")
        assert "Yonas" not in refused.text


ATTEMPTS = [
    ("2026-04-22T10:20:00Z", "propose-match", 2),
    ("2026-04-22T10:25:00Z", "read-contact", 1),
    ("2026-04-22T10:25:00Z", "read-corrections", 1),
    ("2026-04-22T10:25:00Z", "read-texts", 1),
]
"""What Karim tried after 10:05: his offline client and the one that had seen the stop proposed the same match."""
REFUSED = ".disclosure_refused.v1"


@pytest.mark.parametrize("reader", [INES, AUDITOR], ids=["agency", "auditor"])
def test_every_attempt_after_the_withdrawal_stands_on_the_timeline(story: Story, reader: Person) -> None:
    """By whom, when, what, how often; the organisation itself reads the stop alone."""
    items = [item for item in story.outside.timeline(reader, story.case) if item["type"] == "DisclosureRefused"]
    assert {(item["actor"]["sub"], item["actor"]["org"]) for item in items} == {("karim.haddad", "samenstap")}
    told = [(item["occurredAt"], item["text"].rpartition(": ")[2].rstrip("."), item.get("count", 1)) for item in items]
    assert sorted(told) == ATTEMPTS
    kinds = {item["type"] for item in story.outside.timeline(KARIM, story.case)}
    assert kinds == {"LegalBasisWithdrawn", "NgoAccessRevoked"}


def test_the_agency_is_told_of_every_attempt_and_the_organisation_of_none(story: Story) -> None:
    """In the feed, from both services."""
    kinds = {
        person.org: [
            one["type"] for one in story.outside.feed(person) if one["type"].endswith(".disclosure_refused.v1")
        ]
        for person in (INES, KARIM)
    }
    case, offer = f"org.caserelay.case{REFUSED}", f"org.caserelay.referral{REFUSED}"
    assert sorted(kinds["vdab-gent"]) == [case] * 3 + [offer] * 2
    assert kinds["samenstap"] == []


def test_the_disclosures_were_lawful_while_the_basis_held_and_there_were_none_after(story: Story) -> None:
    """An auditor reads to whom the data went, each on the basis of its own referral, and what was refused since."""
    disclosed = {
        referral: [
            (item["at"], item["to"]["org"], item["what"], item["legalBasis"])
            for item in story.outside.read(AUDITOR, f"/v1/referrals/{referral}/disclosures")["items"]
        ]
        for referral in (story.r7, story.r8)
    }
    assert disclosed[story.r7] == [
        ("2026-03-09T09:00:00Z", "brugwerk", "PACKET", story.read["LB-9"]),
        ("2026-03-10T09:00:00Z", "brugwerk", "CONTACT", story.read["LB-9"]),
    ]
    assert disclosed[story.r8] == [
        ("2026-03-23T09:00:00Z", "samenstap", "PACKET", story.read["LB-12"]),
        ("2026-03-30T09:00:01Z", "samenstap", "CONTACT", story.read["LB-12"]),
    ]
    refused = story.outside.read(AUDITOR, f"/v1/referrals/{story.r8}/disclosures", refused="true")["items"]
    assert sorted((item["at"], item["attempt"], item["count"]) for item in refused) == ATTEMPTS
    assert {item["legalBasis"] for item in refused} == {story.read["LB-12"]}


def test_the_sanction_unit_sees_nothing_of_it(story: Story) -> None:
    """Neither that the person withdrew, nor that there is a case at all."""
    answers = [answer for name, answer in story.answers.items() if name.startswith("control ")]
    assert {answer.status_code for answer in answers} == {403}
    assert len(answers) == 4
    assert "CL-19C0" not in "".join(answer.text for answer in answers)


def test_an_auditor_still_reads_the_whole_history(story: Story) -> None:
    """Both referrals, both organisations, in one order; what was lawful then stays on record."""
    kinds = [item["type"] for item in story.outside.timeline(AUDITOR, story.case)]
    assert kinds.count("ReferralSubmitted") == 2
    assert kinds.index("ReferralDeclined") < kinds.index("ReferralAccepted") < kinds.index("LegalBasisWithdrawn")
    assert story.outside.owners(AUDITOR, story.case, asOf="2026-04-21") == {"MATCHING": "karim.haddad"}


def test_the_agency_may_refer_again_or_close_after_a_withdrawal(story: Story) -> None:
    """Its service goes on without detriment: both ways are open."""
    closed = story.outside.command(INES, f"{story.path}", "close", {"reason": "OTHER_SERVICE"}, dryRun="true")
    assert (closed.status_code, closed.json()["state"]) == (200, "CLOSED")
    given = {**yonas()["legalBasis"], "recipient": "brugwerk", "givenAt": "2026-04-23T08:00:00Z"}
    again = story.outside.refer(INES, yonas(previousReferral=story.r8, legalBasis=given), dryRun="true")
    assert (again.status_code, again.json()["case"], again.json()["dryRun"]) == (200, story.case, True)
    (work,) = story.outside.read(INES, "/v1/worklist")["items"]
    assert work["step"] == "NEXT_SERVICE"
