"""Whom a message is for: docs/domain.md, "The ladder of a missed term" and "Who is away, and who stands in"."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.visibility import Addressed, Ended, Parties
from services.notifications.domain.addressees import Addressee, addressees, concerns
from services.notifications.domain.subscription_events import Person

AGENCY, BRUGWERK, SAMENSTAP = "vdab-gent", "brugwerk", "samenstap"
INES = {"sub": "ines.debacker", "role": "AGENCY_COUNSELLOR", "org": AGENCY}
LOTTE = {"sub": "lotte.claes", "role": "NGO_COORDINATOR", "org": BRUGWERK}
KARIM = {"sub": "karim.haddad", "role": "NGO_COORDINATOR", "org": BRUGWERK}
COUNSELLORS = Addressee(org=AGENCY, role="AGENCY_COUNSELLOR")
COORDINATORS = Addressee(org=BRUGWERK, role="NGO_COORDINATOR")


def parties() -> Parties:
    """A case that went to samenstap first, and is with brugwerk now."""
    return (
        Parties()
        .take(Addressed(referral="R-1", agency=AGENCY, organisation=SAMENSTAP, place=(1,)))
        .take(Ended(referral="R-1", place=(2,)))
        .take(Addressed(referral="R-2", agency=AGENCY, organisation=BRUGWERK, place=(3,)))
    )


def person(party: dict[str, str]) -> Addressee:
    """Somebody in person."""
    return Addressee(org=party["org"], role=party["role"], sub=party["sub"])


def receiver(role: str, org: str | None) -> dict[str, Any]:
    """Those in a role who hear of a term."""
    return {"role": role, "org": org}


def to(name: str, **data: Any) -> tuple[Addressee, ...]:
    """Whom a message is for."""
    return addressees(name, {"referral": "R-2", **data}, parties())


def test_a_reminder_goes_to_the_owner_in_person_and_to_the_side_that_is_awaited() -> None:
    """L0: the owner of the step, and who is awaited in it, whom only a role is known of."""
    notified = [receiver("AGENCY_COUNSELLOR", AGENCY), receiver("NGO_COORDINATOR", BRUGWERK)]
    assert to("DeadlineReminded", level="L0", notified=notified, owner=INES) == (person(INES), COORDINATORS)


def test_at_the_breach_both_contacts_are_told() -> None:
    """L1: the owner, the lead of the case and the coordinator: everybody in these roles of the two sides."""
    notified = [receiver("NGO_COORDINATOR", BRUGWERK), receiver("AGENCY_COUNSELLOR", AGENCY)]
    assert to("DeadlineMissed", level="L1", notified=notified, owner=LOTTE) == (COORDINATORS, COUNSELLORS)


def test_that_an_identity_was_revealed_is_for_the_leads_of_the_agency() -> None:
    """Of the agency whose case it is, and of nobody else."""
    assert to("IdentityRevealed") == (Addressee(org=AGENCY, role="AGENCY_TEAM_LEAD"),)


def test_further_up_the_leads_of_both_sides_are_told_and_then_the_board() -> None:
    """L2 and L3; the board is in no organisation of the case."""
    leads = [receiver("AGENCY_TEAM_LEAD", AGENCY), receiver("NGO_LEAD", BRUGWERK)]
    assert to("DeadlineEscalated", level="L2", notified=leads, owner=LOTTE) == (
        Addressee(org=AGENCY, role="AGENCY_TEAM_LEAD"),
        Addressee(org=BRUGWERK, role="NGO_LEAD"),
    )
    board = [receiver("AUDITOR", None)]
    assert to("DeadlineEscalated", level="L3", notified=board, owner=LOTTE) == (Addressee(org=None, role="AUDITOR"),)


@pytest.mark.parametrize("name", ["ReferralExpired", "ChangeExpired", "WaitlistAlerted"])
def test_what_ends_with_its_term_goes_to_those_who_are_notified(name: str) -> None:
    """It is the breach itself, and names no owner."""
    assert to(name, level="L1", notified=[receiver("AGENCY_COUNSELLOR", AGENCY)]) == (COUNSELLORS,)


def test_a_substitute_hears_of_it_as_well() -> None:
    """It goes to both, each once."""
    notified = [receiver("NGO_COORDINATOR", BRUGWERK)]
    reminded = to("DeadlineReminded", level="L0", notified=notified, owner=LOTTE, substitutes=[KARIM, KARIM])
    assert reminded == (person(LOTTE), person(KARIM))


@pytest.mark.parametrize(
    ("name", "whom"),
    [
        ("ReferralSubmitted", COORDINATORS),
        ("InformationRequested", COUNSELLORS),
        ("InformationProvided", COORDINATORS),
        ("ReferralDeclined", COUNSELLORS),
        ("LegalBasisWithdrawn", COORDINATORS),
        ("HandbackRequested", COUNSELLORS),
        ("HandbackReturned", COORDINATORS),
        ("ChangeProposed", COUNSELLORS),
        ("ServiceGapReported", COUNSELLORS),
    ],
)
def test_what_waits_for_a_side_goes_to_those_who_may_act_on_it(name: str, whom: Addressee) -> None:
    """The side of docs/domain.md that has the next move after it."""
    assert to(name) == (whom,)


def test_what_waits_for_an_organisation_goes_to_the_organisation_of_that_referral() -> None:
    """And not to the one that has the case now."""
    stop = addressees("LegalBasisWithdrawn", {"referral": "R-1"}, parties())
    assert stop == (Addressee(org=SAMENSTAP, role="NGO_COORDINATOR"),)


def test_who_is_asked_to_take_over_is_told_in_person() -> None:
    """Nobody else has to answer."""
    assert to("CoordinatorProposed", receiver=KARIM) == (person(KARIM),)
    assert to("CoordinatorReassigned", receiver=KARIM, giver=LOTTE) == ()


def test_an_escalation_goes_to_whom_it_asks() -> None:
    """Of a missed term the other side; of distress who has the case; of a substitution the leads of both."""
    assert to("EscalationRaised", reason="DEADLINE_MISSED", awaited=BRUGWERK) == (COUNSELLORS,)
    assert to("EscalationRaised", reason="DEADLINE_MISSED", awaited=AGENCY) == (COORDINATORS,)
    assert to("EscalationRaised", reason="SAFETY", awaited=BRUGWERK, talkDueAt="2026-02-01T00:00:00Z") == (
        COORDINATORS,
    )
    assert to("EscalationRaised", reason="NOT_TOLD", awaited=AGENCY) == (COUNSELLORS,)
    assert set(to("EscalationRaised", reason="SUBSTITUTION_SIGNAL", awaited=AGENCY)) == {
        Addressee(org=AGENCY, role="AGENCY_TEAM_LEAD"),
        Addressee(org=BRUGWERK, role="NGO_LEAD"),
    }


def test_what_waits_for_nobody_is_for_nobody_in_particular() -> None:
    """It stands in the feed."""
    assert to("MeetingRecorded", minutes=60) == ()


AN, HANNE = Person(sub="an.peeters", role="NGO_COORDINATOR"), Person(sub="hanne.wouters", role="NGO_LEAD")
OWNER = Person(sub="lotte.claes", role="NGO_COORDINATOR")
REMINDED: dict[str, Any] = {"level": "L0", "notified": [receiver("NGO_COORDINATOR", BRUGWERK)], "owner": LOTTE}
MISSED: dict[str, Any] = {
    "level": "L1",
    "notified": [receiver("NGO_COORDINATOR", BRUGWERK), receiver("AGENCY_COUNSELLOR", AGENCY)],
    "owner": LOTTE,
}
TO_LEADS: dict[str, Any] = {
    "level": "L2",
    "notified": [receiver("AGENCY_TEAM_LEAD", AGENCY), receiver("NGO_LEAD", BRUGWERK)],
    "owner": LOTTE,
}
TO_BOARD: dict[str, Any] = {"level": "L3", "notified": [receiver("AUDITOR", None)], "owner": LOTTE}


@pytest.mark.parametrize(
    ("name", "data", "readers"),
    [
        ("DeadlineReminded", REMINDED, {OWNER}),
        ("DeadlineReminded", {**REMINDED, "substitutes": [{**LOTTE, "sub": "an.peeters"}]}, {OWNER, AN}),
        ("DeadlineReminded", {**REMINDED, "owner": INES}, {OWNER, AN}),  # awaited, of whom only the role is known
        ("DeadlineMissed", MISSED, {OWNER, AN}),
        ("DeadlineEscalated", TO_LEADS, {HANNE}),
        ("DeadlineEscalated", TO_BOARD, set()),
        ("DeadlineMissed", {**MISSED, "notified": []}, set()),  # the programme has nobody told at the breach
        ("DeadlineMissed", {"owner": LOTTE}, {OWNER, AN, HANNE}),  # from before there was a ladder
        ("ReferralSubmitted", {}, {OWNER, AN, HANNE}),  # a lead may answer it as well
        ("InformationRequested", {}, set()),  # waits for the agency
        ("ChangeProposed", {}, set()),
        ("CoordinatorProposed", {"receiver": {**LOTTE, "sub": "an.peeters"}}, {AN}),
        ("IntakeConcluded", {}, {OWNER, AN, HANNE}),  # for nobody in particular
        ("EscalationRaised", {"reason": "SAFETY", "awaited": BRUGWERK}, {OWNER, AN, HANNE}),
        ("EscalationRaised", {"reason": "DEADLINE_MISSED", "awaited": BRUGWERK}, set()),  # the agency sees to it
    ],
)
def test_a_mailbox_gets_what_is_for_its_person_or_their_role(
    name: str, data: dict[str, Any], readers: set[Person]
) -> None:
    """Two coordinators and the lead of the organisation that has the case."""
    found = {
        person
        for person in (OWNER, AN, HANNE)
        if concerns(person, BRUGWERK, name, {"referral": "R-2", **data}, parties())
    }
    assert found == readers


def test_what_is_about_no_case_is_for_everybody() -> None:
    """Such as another version of a programme."""
    assert concerns(AN, BRUGWERK, "ProgrammeVersionPublished", {}, None)
