"""Changes after an acceptance: the organisation proposes, the agency decides, or ten working days pass."""

from __future__ import annotations

from datetime import date

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from services.casefile.domain.changes import (
    ChangeApproved,
    ChangeExpired,
    ChangeProposed,
    ChangeRejected,
    ChangeWithdrawn,
)
from services.casefile.domain.closing import Close
from services.casefile.domain.deadlines import DeadlineReminded, PassDeadline, RemindDeadline, running
from services.casefile.domain.extension import (
    AgreementExtended,
    DecideExtension,
    ExtendAgreement,
    ExtensionProposed,
    ExtensionRefused,
)
from services.casefile.domain.handback import RequestHandback
from services.casefile.domain.people import CoordinatorReassigned
from services.casefile.domain.proposals import DecideChange, ProposeChange, WithdrawChange
from services.casefile.domain.steps import find
from services.casefile.domain.trajectory_end import CompleteTrajectory, EndMatch
from services.casefile.events import sentence
from services.chassis.modelling.decider import Command
from tests.casefile.casebook import ACCEPT, HAND_BACK, Casebook, codes, refusal
from tests.casefile.messages import CASE_ID
from tests.support.actors import AN, CLOCK, INES, LOTTE
from tests.support.dates import end_of, on

FIRST, SECOND = f"{CASE_ID}.p1", f"{CASE_ID}.p2"
END = ProposeChange(at=on(2, 3), by=LOTTE, change="END", reason="GOAL_REACHED")
EXTEND = ProposeChange(at=on(2, 3), by=LOTTE, change="EXTEND", months=2)
COLLEAGUE = ProposeChange(at=on(2, 3), by=LOTTE, change="COORDINATOR", coordinator=AN.sub)
YES = DecideChange(at=on(5, 3), by=INES, proposal=FIRST, approved=True, reason_ref="vault-why")
NO = replace(YES, approved=False)
BACK = WithdrawChange(at=on(5, 3), by=LOTTE, proposal=FIRST)


def states(book: Casebook) -> list[tuple[str, str, str]]:
    """Each proposal: its id, what it proposes, and what became of it."""
    return [(held.proposal, held.change, held.state.value) for held in book.case.proposals]


def asked_until(book: Casebook) -> date | None:
    """The later end that the agreement waits for."""
    match = book.case.match
    return match.agreement.proposed_end if match is not None and match.agreement is not None else None


def test_a_proposal_names_its_maker_and_is_decided_within_ten_working_days(book: Casebook) -> None:
    """Proposed on Monday 2 March: until 16 March, with a reminder before; the same again is nothing new."""
    book.mentoring()
    (event,) = book.act(END)
    assert isinstance(event, ChangeProposed)
    assert (event.proposal, event.proposed_by.sub, event.reason) == (FIRST, LOTTE.sub, "GOAL_REACHED")
    assert event.deadline.due_at == end_of(16, 3)
    (remind,) = book.act(RemindDeadline(at=on(15, 3), by=CLOCK, name=f"CHANGE_DECISION:{FIRST}"))
    assert isinstance(remind, DeadlineReminded)
    assert (remind.owner.sub, remind.awaited) == (LOTTE.sub, "vdab-gent")
    assert book.act(replace(END, at=on(3, 3))) == []


def test_an_approved_end_is_the_agencys_consent_and_ends_nothing_itself(book: Casebook) -> None:
    """The organisation completes the trajectory then, with its closing talk, and could have done so without."""
    book.mentoring().act(END)
    (event,) = book.act(YES)
    assert isinstance(event, ChangeApproved)
    assert (event.decided_by.sub, event.reason_ref) == (INES.sub, "vault-why")
    assert states(book) == [(FIRST, "END", "APPROVED")]
    assert book.case.state == "MENTORING"
    _, completed = book.act(CompleteTrajectory(at=on(9, 3), by=LOTTE, reason="GOAL_REACHED", closure_talk=True))
    assert completed.agreed == FIRST
    assert sentence(completed) == "The trajectory is completed: GOAL_REACHED, as the agency agreed."


@pytest.mark.parametrize("change", ["END", "NOT_RELEVANT"])
@pytest.mark.parametrize(
    "end",
    [
        EndMatch(at=on(9, 3), by=LOTTE, reason="MISMATCH", next="HANDBACK", closure_talk=True),
        EndMatch(at=on(9, 3), by=LOTTE, reason="MISMATCH", next="REMATCH", closure_talk=True),
        CompleteTrajectory(at=on(9, 3), by=LOTTE, reason="GOAL_REACHED", closure_talk=True),
        RequestHandback(at=on(9, 3), by=LOTTE, closure_reason="MISMATCH", outcomes={"SOCIAL": "=", "CULTURAL": "="}),
    ],
    ids=lambda end: f"{type(end).__name__}-{getattr(end, 'next', '')}",
)
def test_whatever_ends_names_the_proposal_that_the_agency_agreed_to_it_by(
    book: Casebook, change: str, end: Command
) -> None:
    """So the record says who agreed, and when; one that was rejected, or of which nobody decided, is not named."""
    proposal = replace(END, change=change, reason="MISMATCH")
    book.mentoring().act(proposal)
    book.act(YES)
    assert book.act(end)[-1].agreed == FIRST
    for decision in (NO, None):
        other = Casebook().mentoring()
        other.act(proposal)
        if decision is not None:
            other.act(decision)
        assert other.act(end)[-1].agreed is UNSET


def test_an_approved_extension_extends_the_agreement_by_either_name(book: Casebook) -> None:
    """`extend-agreement` and `decide-extension` are names of the same proposal."""
    book.mentoring()
    assert [type(event) for event in book.act(EXTEND)] == [ChangeProposed, ExtensionProposed]
    assert book.act(replace(EXTEND, at=on(3, 3))) == []
    assert [type(event) for event in book.act(YES)] == [ChangeApproved, AgreementExtended]
    assert states(book) == [(FIRST, "EXTEND", "APPROVED")]
    other = Casebook().mentoring()
    other.act(ExtendAgreement(at=on(2, 3), by=LOTTE, months=2))
    assert [type(event) for event in other.act(NO)] == [ChangeRejected, ExtensionRefused]
    other.act(ExtendAgreement(at=on(6, 3), by=LOTTE, months=1))
    other.act(DecideExtension(at=on(9, 3), by=INES, approved=True))
    assert states(other) == [(FIRST, "EXTEND", "REJECTED"), (SECOND, "EXTEND", "APPROVED")]


def test_a_colleague_whom_both_sides_agree_on_coordinates_from_the_agencys_yes_on(book: Casebook) -> None:
    """Every open step of the former coordinator passes at that moment; a no changes nobody."""
    book.mentoring().act(COLLEAGUE)
    assert {step.owner.sub for step in book.case.steps} == {LOTTE.sub}
    _, moved = book.act(YES)
    assert isinstance(moved, CoordinatorReassigned)
    assert (moved.receiver.sub, moved.since) == (AN.sub, on(5, 3))
    assert {step.owner.sub for step in book.case.steps} == {AN.sub}
    other = Casebook().mentoring()
    other.act(COLLEAGUE)
    assert [type(event) for event in other.act(NO)] == [ChangeRejected]
    assert {step.owner.sub for step in other.case.steps} == {LOTTE.sub}
    assert other.act(replace(COLLEAGUE, coordinator=LOTTE.sub)) == []


def test_a_newer_proposal_replaces_the_open_one_of_its_kind_and_of_no_other(book: Casebook) -> None:
    """The replaced one waits for nothing more."""
    book.mentoring().act(END)
    book.act(COLLEAGUE)
    (event,) = book.act(replace(END, at=on(3, 3), reason="MISMATCH"))
    assert isinstance(event, ChangeProposed)
    assert event.replaces == FIRST
    third = f"{CASE_ID}.p3"
    assert states(book) == [(FIRST, "END", "REPLACED"), (SECOND, "COORDINATOR", "OPEN"), (third, "END", "OPEN")]
    assert {one.name for one in running(book.case) if "CHANGE" in one.name} == {
        f"CHANGE_DECISION:{SECOND}",
        f"CHANGE_DECISION:{third}",
    }
    assert refusal(book, YES).code == "PROPOSAL_DECIDED"


@pytest.mark.parametrize(("how", "state"), [("withdrawn", "WITHDRAWN"), ("expired", "EXPIRED")])
def test_an_extension_that_is_taken_back_or_not_decided_leaves_the_agreement_as_signed(
    book: Casebook, how: str, state: str
) -> None:
    """Nobody waits for the agency any more, and another extension may be proposed."""
    book.mentoring().act(EXTEND)
    assert asked_until(book) == date(2026, 10, 18)
    if how == "withdrawn":
        (event,) = book.act(BACK)
        assert isinstance(event, ChangeWithdrawn)
    else:
        passed = PassDeadline(at=on(17, 3), by=CLOCK, name=f"CHANGE_DECISION:{FIRST}")
        (event,) = book.act(passed)
        assert isinstance(event, ChangeExpired)
        assert book.act(passed) == []
    assert states(book) == [(FIRST, "EXTEND", state)]
    assert asked_until(book) is None
    step = find(book.case.steps, "MENTORING")
    assert step is not None
    assert step.awaiting is None
    assert book.act(replace(EXTEND, at=on(18, 3)))


def test_what_is_decided_taken_back_or_unknown_is_not_decided_again(book: Casebook) -> None:
    """With the code that says which of them it is."""
    book.mentoring()
    assert refusal(book, YES).code == "NOTHING_PROPOSED"
    book.act(END)
    assert codes(refusal(book, replace(YES, proposal=SECOND))) == [("/proposal", "PROPOSAL_UNKNOWN")]
    book.act(NO)
    assert refusal(book, YES).code == "PROPOSAL_DECIDED"
    assert refusal(book, BACK).code == "PROPOSAL_DECIDED"


def test_each_side_does_its_own(book: Casebook) -> None:
    """The agency does not propose, and the organisation does not decide."""
    book.mentoring().act(END)
    assert refusal(book, replace(END, by=INES)).code == "NOT_YOUR_STEP"
    assert refusal(book, replace(YES, by=LOTTE)).code == "NOT_YOUR_STEP"
    assert refusal(book, replace(BACK, by=INES)).code == "NOT_YOUR_STEP"


def test_a_proposal_lapses_with_what_it_was_about(book: Casebook) -> None:
    """An end with the trajectory, the coordinator's with the organisation's part; no deadline is left behind."""
    book.mentoring().act(replace(END, at=on(26, 6)))
    book.act(replace(COLLEAGUE, at=on(26, 6)))
    book.act(CompleteTrajectory(at=on(30, 6), by=LOTTE, reason="EMPLOYMENT", closure_talk=True))
    assert states(book) == [(FIRST, "END", "EXPIRED"), (SECOND, "COORDINATOR", "OPEN")]
    book.act(HAND_BACK)
    book.act(ACCEPT)
    assert states(book)[1] == (SECOND, "COORDINATOR", "EXPIRED")
    assert not [one for one in running(book.case) if "CHANGE" in one.name]
    assert refusal(book, replace(YES, at=on(7, 7))).code == "CASE_CLOSED"
    assert refusal(book, Close(at=on(7, 7), by=INES, reason="MOVED")).code == "CASE_CLOSED"


def test_a_change_is_proposed_in_the_states_that_it_is_about(book: Casebook) -> None:
    """An end while there is something to end; that it is not relevant also before."""
    book.matching()
    for command in (END, EXTEND):
        assert refusal(book, replace(command, at=on(30, 1))).code == "STATE_DOES_NOT_ALLOW"
    irrelevant = ProposeChange(at=on(30, 1), by=LOTTE, change="NOT_RELEVANT", reason="CLIENT_WITHDREW")
    assert [type(event) for event in book.act(irrelevant)] == [ChangeProposed]
