"""A draft: what it may lack, what it holds, and how it becomes an offer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from msgspec.structs import replace

from contracts.codes import DeclineReason, ReferralState, WithdrawReason
from services.chassis.modelling.decider import Refused
from services.referral.domain.answering import Decline
from services.referral.domain.case_key import CloseCase
from services.referral.domain.drafting import CreateDraft, DraftEdited, EditDraft, ReferralDrafted
from services.referral.domain.ending import Withdraw
from services.referral.domain.packet import Packet
from services.referral.domain.submission import SubmitDraft
from tests.referral.office import SAMIRA, Office, to
from tests.support.actors import CLOCK, INES, KARIM, LOTTE
from tests.support.dates import FRIDAY, MONDAY, january


def decline(office: Office, referral_id: str = "R-1", at: datetime = FRIDAY) -> None:
    """The organisation says no."""
    reason = DeclineReason.LANGUAGE_INSUFFICIENT
    office.handle(Decline(at=at, by=LOTTE, referral_id=referral_id, reason=reason))


def test_a_draft_may_be_incomplete_and_tells_nobody_whom_it_is_for(office: Office) -> None:
    """A draft needs the person and the programme; it is an offer to nobody yet."""
    drafted = office.draft(Packet(programme="mtw-be-2026", client_ref="CL-7F3A"))[0]
    assert isinstance(drafted, ReferralDrafted)
    assert drafted.offer.organisation is None
    assert office.due() == {"DRAFT_LAPSE": "2026-02-11"}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"programme": "none"}, "/programme"),
        ({"to": "nobody"}, "/to"),
        ({"previous_referral": "R-0"}, "/previousReferral"),
    ],
)
def test_a_draft_cannot_name_what_there_is_not(office: Office, change: dict[str, Any], pointer: str) -> None:
    """What no later addition puts right is refused at once."""
    with pytest.raises(Refused) as refusal:
        office.draft(replace(SAMIRA, **change))
    assert [fault.pointer for fault in refusal.value.faults] == [pointer]


def test_editing_replaces_the_packet_and_leaves_the_term(office: Office) -> None:
    """A draft that is worked on lapses on the same day."""
    office.draft(replace(SAMIRA, goals=()))
    events = office.handle(EditDraft(at=january(20), by=INES, referral_id="R-1", packet=to("samenstap")))
    assert [type(event) for event in events] == [DraftEdited]
    assert office.referral().packet == to("samenstap")
    assert office.due() == {"DRAFT_LAPSE": "2026-02-11"}


def test_drafting_or_editing_the_same_again_changes_nothing(office: Office) -> None:
    """The same content is no news."""
    office.draft()
    assert office.draft() == []
    assert office.handle(EditDraft(at=january(20), by=INES, referral_id="R-1", packet=SAMIRA)) == []


@pytest.mark.parametrize(
    ("change", "pointer"), [({"client_ref": "CL-2"}, "/client/ref"), ({"programme": "none"}, "/programme")]
)
def test_a_draft_keeps_its_person_and_its_programme(office: Office, change: dict[str, Any], pointer: str) -> None:
    """They are what holds the case key."""
    office.draft()
    with pytest.raises(Refused) as refusal:
        office.handle(EditDraft(at=january(20), by=INES, referral_id="R-1", packet=replace(SAMIRA, **change)))
    assert (pointer, "FIXED_BY_DRAFT") in [(fault.pointer, fault.code) for fault in refusal.value.faults]


def test_an_incomplete_draft_cannot_be_submitted_and_stays(office: Office) -> None:
    """The guard is the same whichever way a referral comes."""
    office.draft(replace(SAMIRA, goals=()))
    submit = SubmitDraft(at=MONDAY, by=INES, referral_id="R-1", legal_basis_id="LB-R-1", new_case_id="C-9")
    with pytest.raises(Refused) as refusal:
        office.handle(submit)
    assert [fault.code for fault in refusal.value.faults] == ["GOAL_REQUIRED"]
    assert office.referral().state is ReferralState.DRAFT


def test_submitting_a_draft_twice_changes_nothing(office: Office) -> None:
    """The second time it is submitted already."""
    office.draft()
    submit = SubmitDraft(at=MONDAY, by=INES, referral_id="R-1", legal_basis_id="LB-R-1", new_case_id="C-9")
    assert office.handle(submit)[-1].offer.case_id == "C-R-1"
    assert office.handle(submit) == []


def test_a_draft_cannot_follow_on_itself(office: Office) -> None:
    """The previous referral is another one, and ended."""
    office.draft()
    packet = replace(SAMIRA, previous_referral="R-1")
    with pytest.raises(Refused) as refusal:
        office.handle(EditDraft(at=january(20), by=INES, referral_id="R-1", packet=packet))
    assert refusal.value.code == "PREVIOUS_REFERRAL_UNKNOWN"


def test_a_draft_whose_case_was_closed_meanwhile_opens_a_new_one(office: Office) -> None:
    """The draft opened no case, so nobody kept one open for it."""
    office.submit()
    decline(office)
    office.draft(to("samenstap"), "R-2", january(18))
    office.case_told(CloseCase(at=january(19), by=CLOCK, case_id="C-R-1"))
    submitted = office.handle(
        SubmitDraft(at=january(20), by=INES, referral_id="R-2", legal_basis_id="LB-R-2", new_case_id="C-NEW")
    )[-1]
    assert submitted.offer.case_id == "C-NEW"


def test_a_withdrawn_draft_is_nothing_to_follow_on(office: Office) -> None:
    """Nobody ever saw it."""
    office.draft()
    office.handle(Withdraw(at=january(13), by=INES, referral_id="R-1", reason=WithdrawReason.CLIENT_MOVED))
    assert office.submit(referral_id="R-2", at=january(14))[-1].packet.previous_referral is None


def test_the_agency_is_the_one_that_a_system_user_acts_for(office: Office) -> None:
    """A referral made through an intermediary belongs to the organisation it was made for."""
    intermediary = replace(KARIM, org="integrator", on_behalf_of="vdab-gent")
    create = CreateDraft(at=MONDAY, by=intermediary, referral_id="R-1", packet=SAMIRA, new_case_id="C-1")
    assert office.handle(create)[0].offer.agency == "vdab-gent"
