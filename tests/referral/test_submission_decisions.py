"""Submitting: what may be offered, and what the offer sets going."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import fields, replace

from contracts.codes import DeclineReason, ReferralState
from services.chassis.modelling.decider import Because, Refused
from services.referral.domain.answering import Decline
from services.referral.domain.case_key import CaseKeyTaken, CloseCase, ReopenCase
from services.referral.domain.legal_basis import LegalBasisRecorded, LegalBasisReliedOn
from services.referral.domain.packet import CompletePacket, Occupation, Packet
from services.referral.domain.person import PersonReferred
from services.referral.domain.submission import ReferralSubmitted, SubmitDraft
from tests.referral.office import PARAMETERS, SAMIRA, Office, to
from tests.support.actors import CLOCK, INES, LOTTE
from tests.support.dates import FRIDAY, MONDAY, day, january


def refused(office: Office, packet: Packet, at: datetime = MONDAY) -> Refused:
    """The refusal that submitting the packet meets."""
    before = list(office.written)
    with pytest.raises(Refused) as refusal:
        office.submit(packet, at=at)
    assert office.written == before
    return refusal.value


def faults(office: Office, packet: Packet) -> list[tuple[str, str]]:
    """Pointer and code of everything that is wrong with the packet."""
    refusal = refused(office, packet)
    assert refusal.because is Because.INPUT
    return [(fault.pointer, fault.code) for fault in refusal.faults]


def decline(office: Office, referral_id: str = "R-1", at: datetime = FRIDAY) -> None:
    """The organisation says no."""
    reason = DeclineReason.LANGUAGE_INSUFFICIENT
    office.handle(Decline(at=at, by=LOTTE, referral_id=referral_id, reason=reason))


def test_submitting_records_the_basis_its_use_the_key_and_the_offer_at_once(office: Office) -> None:
    """One command appends to four streams: legal basis, case key, person and referral."""
    events = office.submit()
    assert [type(event) for event in events] == [
        LegalBasisRecorded,
        LegalBasisReliedOn,
        CaseKeyTaken,
        PersonReferred,
        ReferralSubmitted,
    ]
    assert office.referral().state is ReferralState.SUBMITTED
    assert office.key().live == "R-1"
    assert [reliance.purpose for reliance in office.legal_basis().relied_on] == ["SUBMIT"]


def test_receipt_is_due_in_2_and_the_decision_in_10_working_days_and_the_offer_expires_in_30_days(
    office: Office,
) -> None:
    """The dates of the happy path."""
    office.submit()
    assert office.due() == {"RECEIPT": "2026-01-14", "DECISION": "2026-01-26", "EXPIRY": "2026-02-11"}


def test_a_public_holiday_moves_the_decision(office: Office) -> None:
    """Submitted on 23 March 2026, the decision is due on 7 April: Easter Monday is no working day (9.2)."""
    office.submit(to("samenstap"), at=day(2026, 3, 23))
    assert office.due()["DECISION"] == "2026-04-07"


def test_the_submitted_packet_is_complete_and_carries_every_field_of_the_draft(office: Office) -> None:
    """A draft that is submitted discloses what was drafted, no more and no less."""
    office.draft()
    events = office.handle(
        SubmitDraft(at=MONDAY, by=INES, referral_id="R-1", legal_basis_id="LB-R-1", new_case_id="C-9")
    )
    packet = events[-1].packet
    assert isinstance(packet, CompletePacket)
    assert {each.name: getattr(packet, each.name) for each in fields(SAMIRA)} == {
        each.name: getattr(SAMIRA, each.name) for each in fields(SAMIRA)
    }


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"programme": "mtw-nl-2026"}, "/programme", "PROGRAMME_UNKNOWN"),
        ({"to": None}, "/to", "REQUIRED"),
        ({"to": "nobody"}, "/to", "ORGANISATION_UNKNOWN"),
        ({"to": "vdab-gent"}, "/to", "ORGANISATION_KIND"),
        ({"contact_language": None}, "/contactLanguage", "REQUIRED"),
        ({"languages": ()}, "/languages", "REQUIRED"),
        ({"occupations": (Occupation(isco="2411"),) * 4}, "/occupations", "TOO_MANY"),
        ({"region": None}, "/region", "REQUIRED"),
        ({"goals": ()}, "/goals", "GOAL_REQUIRED"),
        ({"why_mentoring": None}, "/whyMentoring", "REQUIRED"),
        ({"alternative_considered": None}, "/alternativeConsidered", "REQUIRED"),
        ({"participation_choice": None}, "/participationChoice", "REQUIRED"),
        ({"legal_basis": None}, "/legalBasis", "REQUIRED"),
        ({"client_ref": " "}, "/client/ref", "REQUIRED"),
        ({"previous_referral": "R-0"}, "/previousReferral", "PREVIOUS_REFERRAL_UNKNOWN"),
    ],
)
def test_a_packet_that_lacks_something_is_refused_with_its_pointer(
    office: Office, change: dict[str, Any], pointer: str, code: str
) -> None:
    """Every unmet guard of the packet is the caller's input, and named."""
    assert (pointer, code) in faults(office, replace(SAMIRA, **change))


def test_all_faults_are_told_at_once_in_the_order_of_the_body(office: Office) -> None:
    """A caller mends a packet in one go."""
    broken = replace(SAMIRA, goals=(), legal_basis=None, region=None)
    assert faults(office, broken) == [
        ("/region", "REQUIRED"),
        ("/goals", "GOAL_REQUIRED"),
        ("/legalBasis", "REQUIRED"),
    ]


def test_a_basis_that_names_another_recipient_is_refused(office: Office) -> None:
    """Consent to share with one organisation is no consent to share with another."""
    misdirected = replace(SAMIRA, to="samenstap")
    assert faults(office, misdirected) == [("/legalBasis/recipient", "LEGAL_BASIS_RECIPIENT")]
    assert refused(office, misdirected).code == "LEGAL_BASIS_RECIPIENT"


@pytest.mark.parametrize(
    ("part", "moment", "pointer"),
    [
        ("participation_choice", "chosen_at", "/participationChoice/chosenAt"),
        ("legal_basis", "given_at", "/legalBasis/givenAt"),
    ],
)
def test_a_choice_or_a_consent_given_in_the_future_is_refused(
    office: Office, part: str, moment: str, pointer: str
) -> None:
    """Both have to be there when the data are shared, by a clock that may be half a minute ahead."""
    later = replace(getattr(SAMIRA, part), **{moment: MONDAY + timedelta(seconds=31)})
    assert faults(office, replace(SAMIRA, **{part: later})) == [(pointer, "IN_THE_FUTURE")]
    ahead = replace(later, **{moment: MONDAY + timedelta(seconds=30)})
    assert office.submit(replace(SAMIRA, **{part: ahead})) != []


def test_every_criterion_of_the_programme_has_to_be_met_and_no_other_is_taken(office: Office) -> None:
    """Eligibility is answered criterion by criterion, each with its own pointer."""
    answers = {"REGISTERED_JOBSEEKER": False, "RIGHT_TO_WORK": True, "LIKES/CATS": True}
    assert faults(office, replace(SAMIRA, eligibility=answers)) == [
        ("/eligibility/REGISTERED_JOBSEEKER", "INELIGIBLE"),
        ("/eligibility/NO_CONCURRENT_PROGRAMME", "CRITERION_MISSING"),
        ("/eligibility/LIKES~1CATS", "CRITERION_UNKNOWN"),
    ]


def test_a_programme_of_another_kind_is_refused(office: Office) -> None:
    """This system refers to mentoring to work and to nothing else."""
    office.publish(2, replace(PARAMETERS, kind="BUDDY"))
    assert faults(office, SAMIRA) == [("/programme", "PROGRAMME_KIND")]


def test_an_organisation_that_does_not_offer_the_programme_is_refused(office: Office) -> None:
    """Only an organisation of the programme can answer."""
    office.describe("brugwerk", programmes=())
    assert faults(office, SAMIRA) == [("/to", "PROGRAMME_NOT_OFFERED")]


def test_a_programme_that_is_not_in_force_yet_is_refused(office: Office) -> None:
    """Before its first version is valid there are no rules to refer under."""
    office.streams["programme-mtw-be-2026"].clear()
    office.publish(1, PARAMETERS, date(2026, 2, 1))
    assert faults(office, SAMIRA) == [("/programme", "PROGRAMME_NOT_IN_FORCE")]


def test_the_version_in_force_governs_the_offer(office: Office) -> None:
    """A version that is valid from a later day changes nothing before that day."""
    office.publish(2, replace(PARAMETERS, name="Anew"), date(2026, 2, 1))
    assert office.submit()[-1].offer.programme_version == 1
    assert office.submit(replace(SAMIRA, client_ref="CL-2"), "R-2", day(2026, 2, 1))[-1].offer.programme_version == 2


def test_submitting_twice_changes_nothing(office: Office) -> None:
    """The same command again is absorbed."""
    office.submit()
    assert office.submit() == []


def test_another_referral_under_the_same_id_is_refused(office: Office) -> None:
    """An id names one referral for ever."""
    office.submit()
    with pytest.raises(Refused) as refusal:
        office.draft(replace(SAMIRA, region="BE211"))
    assert refusal.value.code == "REFERRAL_EXISTS"


@pytest.mark.parametrize("first", ["draft", "submit"])
def test_a_second_live_referral_of_the_person_is_refused_and_the_first_is_named(office: Office, first: str) -> None:
    """At most one referral of a person in a programme is live, a draft included."""
    getattr(office, first)()
    with pytest.raises(Refused) as refusal:
        office.submit(to("samenstap"), "R-2")
    assert (refusal.value.code, refusal.value.because) == ("REFERRAL_LIVE", Because.STATE)
    assert "R-1" in refusal.value.detail


def test_another_person_may_be_referred_at_the_same_time(office: Office) -> None:
    """The key is the person's, not the agency's."""
    office.submit()
    assert office.submit(replace(SAMIRA, client_ref="CL-19C0"), "R-2") != []


def test_a_referral_while_the_old_one_is_accepted_and_not_completed_is_refused(office: Office) -> None:
    """Completion is on its way: until it is here, the old referral holds."""
    office.submit()
    office.receive()
    office.accept()
    with pytest.raises(Refused) as refusal:
        office.submit(replace(to("samenstap"), previous_referral="R-1"), "R-2", january(19))
    assert refusal.value.code == "REFERRAL_LIVE"
    office.complete()
    assert office.submit(replace(to("samenstap"), previous_referral="R-1"), "R-2", day(2026, 7, 7)) != []


def test_a_re_referral_uses_the_open_case_and_follows_on_the_ended_referral(office: Office) -> None:
    """One case, a chain of referrals; the link is filled in where the caller leaves it out."""
    office.submit()
    decline(office)
    submitted = office.submit(to("samenstap"), "R-2", january(19))[-1]
    assert submitted.offer.case_id == "C-R-1"
    assert submitted.packet.previous_referral == "R-1"


def test_after_the_case_was_closed_a_new_one_is_opened(office: Office) -> None:
    """A closed case is not used again, and the new one begins a chain of its own."""
    office.submit()
    decline(office)
    office.case_told(CloseCase(at=january(18), by=CLOCK, case_id="C-R-1"))
    submitted = office.submit(to("samenstap"), "R-2", january(19))[-1]
    assert submitted.offer.case_id == "C-R-2"
    assert submitted.packet.previous_referral is None


def test_a_reopened_case_is_used_again(office: Office) -> None:
    """Opened again, the case takes the next referral."""
    office.submit()
    decline(office)
    office.case_told(CloseCase(at=january(18), by=CLOCK, case_id="C-R-1"))
    office.case_told(ReopenCase(at=january(18), by=CLOCK, case_id="C-R-1"))
    assert office.submit(to("samenstap"), "R-2", january(19))[-1].offer.case_id == "C-R-1"


def test_news_of_a_case_is_taken_once_and_of_an_older_case_never(office: Office) -> None:
    """A message that comes twice, or late, does no harm."""
    office.submit()
    closed = CloseCase(at=january(18), by=CLOCK, case_id="C-R-1")
    assert len(office.case_told(closed)) == 1
    assert office.case_told(closed) == []
    assert office.case_told(ReopenCase(at=january(18), by=CLOCK, case_id="C-OLD")) == []
