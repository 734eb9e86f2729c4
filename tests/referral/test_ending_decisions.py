"""How a referral ends: withdrawn, completed, stopped by the person, entered in error."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from contracts.casefile.handback import HandbackAccepted
from contracts.codes import DeclineReason, Question, ReferralState, WithdrawReason
from contracts.message import ActorRef, Deadline
from services.chassis.modelling.decider import Because, Refused
from services.chassis.modelling.delivery import Delivery
from services.referral.domain.answering import Accept, Decline, Receive
from services.referral.domain.ending import CompleteReferral, ReferralCompleted, ReferralWithdrawn, Withdraw
from services.referral.domain.entered_in_error import ConfirmError, ErrorReported, MarkError, ReferralEnteredInError
from services.referral.domain.information import RequestInformation
from services.referral.domain.legal_basis import LegalBasisWithdrawn
from services.referral.domain.submission import SubmitDraft
from services.referral.reactions import when_handback_accepted_complete_the_referral
from tests.referral.office import SAMIRA, Office, refusal_of, to
from tests.support.actors import CLOCK, INES, KARIM, LOTTE, TOM
from tests.support.dates import JULY, NEXT_TUESDAY, january


def take_back(reason: WithdrawReason = WithdrawReason.CLIENT_MOVED, text_ref: str | None = None) -> Withdraw:
    """The agency withdraws."""
    return Withdraw(at=january(20), by=INES, referral_id="R-1", reason=reason, text_ref=text_ref)


@pytest.mark.parametrize("first", ["draft", "submit"])
def test_withdrawing_frees_the_person_and_stops_the_clocks(office: Office, first: str) -> None:
    """Before acceptance the agency may always take its offer back."""
    getattr(office, first)()
    office.handle(take_back())
    assert office.referral().state is ReferralState.WITHDRAWN
    assert office.key().live is None
    assert office.due() == {}


def test_withdrawing_twice_changes_nothing(office: Office) -> None:
    """The same reason again is no news."""
    office.submit()
    office.handle(take_back())
    assert office.handle(take_back()) == []


def test_after_acceptance_the_way_back_is_the_handback(office: Office) -> None:
    """What another has taken on cannot be taken from them by a withdrawal."""
    office.submit()
    office.receive()
    office.accept()
    refusal = refusal_of(office, take_back())
    assert (refusal.code, refusal.because) == ("STATE_DOES_NOT_ALLOW", Because.STATE)
    assert "accept by brugwerk" in refusal.detail


@pytest.mark.parametrize("reason", [WithdrawReason.DRAFT_LAPSED, WithdrawReason.CONSENT_WITHDRAWN])
def test_a_reason_of_the_systems_own_is_accepted_from_nobody(office: Office, reason: WithdrawReason) -> None:
    """A consent is withdrawn by the person, not by a counsellor's choice of a code."""
    office.submit()
    assert [fault.pointer for fault in refusal_of(office, take_back(reason)).faults] == ["/reason"]


def test_a_withdrawal_has_a_text_with_other_only(office: Office) -> None:
    """As with declining, the code says it."""
    office.submit()
    assert refusal_of(office, take_back(text_ref="vault-1")).code == "TEXT_ONLY_WITH_OTHER"
    assert office.handle(take_back(WithdrawReason.OTHER, "vault-1")) != []


def test_completing_closes_the_loop_and_frees_person_and_place(office: Office) -> None:
    """The handback was accepted: the organisation may take on somebody else."""
    office.submit()
    office.receive()
    office.accept()
    completed = office.complete()[-1]
    assert isinstance(completed, ReferralCompleted)
    assert (completed.closure, completed.loop_closed_at) == ("HANDBACK_ACCEPTED", JULY)
    assert office.organisation().taken_by == frozenset()
    assert office.key().live is None


def test_completing_what_has_ended_changes_nothing(office: Office) -> None:
    """A message that comes twice, or after a consent stop, does no harm."""
    office.submit()
    office.receive()
    office.accept()
    office.withdraw_basis()
    assert office.complete() == []


def test_only_an_accepted_referral_is_completed(office: Office) -> None:
    """There is no handback of what was never taken on."""
    office.submit()
    complete = CompleteReferral(at=JULY, by=CLOCK, referral_id="R-1", closed_at=JULY)
    assert refusal_of(office, complete).code == "STATE_DOES_NOT_ALLOW"


def test_withdrawing_the_basis_before_acceptance_withdraws_the_referral_with_it(office: Office) -> None:
    """Both in one transaction: no answer can come in between."""
    office.submit()
    events = office.withdraw_basis()
    assert isinstance(events[0], LegalBasisWithdrawn)
    assert isinstance(events[-1], ReferralWithdrawn)
    assert events[-1].reason == "CONSENT_WITHDRAWN"
    assert office.referral().state is ReferralState.WITHDRAWN
    assert office.key().live is None


def test_withdrawing_the_basis_after_acceptance_completes_the_referral(office: Office) -> None:
    """Rule W: the case returns without a handback, and the place is free."""
    office.submit()
    office.receive()
    office.accept()
    completed = office.withdraw_basis(by=LOTTE)[-1]
    assert (completed.closure, completed.loop_closed_at) == ("CONSENT_WITHDRAWN", NEXT_TUESDAY)
    assert office.referral().state is ReferralState.COMPLETED
    assert office.organisation().taken_by == frozenset()


def test_a_basis_holds_from_when_it_was_given_until_it_was_withdrawn(office: Office) -> None:
    """The interval is half open: at the moment of the withdrawal it no longer holds."""
    office.submit()
    office.withdraw_basis()
    assert SAMIRA.legal_basis is not None
    given_at = SAMIRA.legal_basis.given_at
    held = {at: office.legal_basis().valid_at(at) for at in (january(1), given_at, january(19), NEXT_TUESDAY)}
    assert held == {january(1): False, given_at: True, january(19): True, NEXT_TUESDAY: False}


def test_withdrawing_the_basis_twice_changes_nothing(office: Office) -> None:
    """The first time counts."""
    office.submit()
    office.withdraw_basis()
    assert office.withdraw_basis(at=january(21)) == []


def test_withdrawing_the_basis_of_an_ended_referral_stops_further_use_only(office: Office) -> None:
    """The end stays as it was; what may be read with the basis may be read no longer."""
    office.submit()
    office.receive()
    office.handle(Decline(at=january(16), by=LOTTE, referral_id="R-1", reason=DeclineReason.NO_SHOW))
    assert [type(event) for event in office.withdraw_basis()] == [LegalBasisWithdrawn]
    assert office.referral().state is ReferralState.DECLINED


def test_the_basis_of_an_earlier_referral_does_not_end_the_later_one(office: Office) -> None:
    """Consent is given per recipient, and withdrawn so."""
    office.submit()
    office.receive()
    office.handle(Decline(at=january(16), by=LOTTE, referral_id="R-1", reason=DeclineReason.NO_SHOW))
    office.submit(to("samenstap"), "R-2", january(19))
    office.withdraw_basis()
    assert office.referral("R-2").state is ReferralState.SUBMITTED
    assert office.receive("R-2", january(21), by=KARIM) != []


def test_only_consent_can_be_withdrawn(office: Office) -> None:
    """Against a public task the person may object, which is another procedure."""
    assert SAMIRA.legal_basis is not None
    office.submit(replace(SAMIRA, legal_basis=replace(SAMIRA.legal_basis, kind="PUBLIC_TASK")))
    with pytest.raises(Refused) as refusal:
        office.withdraw_basis()
    assert refusal.value.code == "LEGAL_BASIS_NOT_CONSENT"
    assert office.referral().state is ReferralState.SUBMITTED


@pytest.mark.parametrize(
    "command",
    [
        Receive(at=january(21), by=LOTTE, referral_id="R-1"),
        RequestInformation(at=january(21), by=LOTTE, referral_id="R-1", codes=(Question.OCCUPATION,)),
        Accept(at=january(21), by=LOTTE, referral_id="R-1", coordinator="lotte.claes"),
        Decline(at=january(21), by=LOTTE, referral_id="R-1", reason=DeclineReason.NO_SHOW),
    ],
    ids=lambda command: type(command).__name__,
)
def test_after_a_withdrawal_the_organisation_is_told_to_stop(office: Office, command: Any) -> None:
    """Not a matter of state but of rights: 403 with the rule, and no reason beyond it."""
    office.submit()
    office.receive()
    office.withdraw_basis()
    refusal = refusal_of(office, command)
    assert (refusal.code, refusal.because) == ("LEGAL_BASIS_WITHDRAWN", Because.RIGHTS)


def test_an_error_is_confirmed_by_another_person(office: Office) -> None:
    """Four eyes: the reporter cannot confirm, and until somebody does everything goes on."""
    office.submit()
    office.handle(MarkError(at=january(20), by=INES, referral_id="R-1", justification_ref="vault-1"))
    assert office.referral().state is ReferralState.SUBMITTED
    refusal = refusal_of(office, ConfirmError(at=january(20), by=INES, referral_id="R-1"))
    assert (refusal.code, refusal.because) == ("SECOND_PERSON_REQUIRED", Because.RIGHTS)
    office.handle(ConfirmError(at=january(20), by=TOM, referral_id="R-1"))
    assert office.referral().state is ReferralState.ENTERED_IN_ERROR


def test_an_error_has_to_be_reported_first(office: Office) -> None:
    """There is nothing to confirm."""
    office.submit()
    assert refusal_of(office, ConfirmError(at=january(20), by=TOM, referral_id="R-1")).code == "ERROR_NOT_REPORTED"


def test_reporting_or_confirming_an_error_twice_changes_nothing(office: Office) -> None:
    """A second reporter is told that there is one already."""
    office.submit()
    mark = MarkError(at=january(20), by=INES, referral_id="R-1", justification_ref="vault-1")
    office.handle(mark)
    assert office.handle(mark) == []
    assert refusal_of(office, replace(mark, by=TOM)).code == "ERROR_ALREADY_REPORTED"
    confirm = ConfirmError(at=january(20), by=TOM, referral_id="R-1")
    office.handle(confirm)
    assert office.handle(confirm) == []
    assert refusal_of(office, mark).code == "STATE_DOES_NOT_ALLOW"


def test_a_live_referral_in_error_gives_back_what_it_held_and_is_nothing_to_follow_on(office: Office) -> None:
    """It should not have been made: the person and the place are free, and no chain runs through it."""
    office.submit()
    office.receive()
    office.accept()
    office.confirmed_error()
    assert office.organisation().taken_by == frozenset()
    assert office.submit(referral_id="R-2", at=january(23))[-1].packet.previous_referral is None


def test_an_ended_referral_can_still_be_entered_in_error(office: Office) -> None:
    """Correction is what terminal states accept; what was given back is not given back again."""
    office.submit()
    office.handle(take_back())
    office.submit(referral_id="R-2", at=january(21))
    events = office.confirmed_error()
    assert office.referral().state is ReferralState.ENTERED_IN_ERROR
    assert [type(event) for event in events] == [ErrorReported, ReferralEnteredInError]
    assert office.key().live == "R-2"


def test_a_withdrawn_draft_cannot_be_submitted(office: Office) -> None:
    """Started again, not brought back."""
    office.draft()
    office.handle(take_back())
    submit = SubmitDraft(at=january(21), by=INES, referral_id="R-1", legal_basis_id="LB-1", new_case_id="C-1")
    assert refusal_of(office, submit).code == "STATE_DOES_NOT_ALLOW"


def test_what_casefile_wrote_down_of_the_access_is_what_the_referral_says(office: Office) -> None:
    """After a handback the access is counted from the trajectory's end, which only casefile knows."""
    office.submit()
    office.receive()
    office.accept()
    ends = end_of_september()
    message = HandbackAccepted(
        case="C-R-1",
        actor=ActorRef(sub="ines.debacker", role="AGENCY_COUNSELLOR", org="vdab-gent"),
        occurred_at=JULY,
        recorded_at=JULY,
        digest="d" * 64,
        referral="R-1",
        decision="CLOSE",
        access=ends,
    )
    office.handle(
        when_handback_accepted_complete_the_referral(
            message, Delivery(at=JULY, by=CLOCK, source_event_id="told", source_position=1)
        )
    )
    access = office.referral().access
    assert access is not None
    assert (access.name, access.due_at) == (ends.name, ends.due_at)


def end_of_september() -> Deadline:
    """The access of story 9.1: it ends with 22 September."""
    at = datetime(2026, 9, 22, 21, 59, 59, tzinfo=UTC)
    return Deadline(name="NGO_ACCESS", due_at=at, remind_at=at)
