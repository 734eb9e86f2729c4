"""Staff changes, deadlines, corrections, and what is told of blocked actions."""

from __future__ import annotations

from services.casefile.domain.agreement import SignAgreement
from services.casefile.domain.closing import Close
from services.casefile.domain.correction import Correct
from services.casefile.domain.deadlines import PassDeadline, RemindDeadline, running
from services.casefile.domain.guards import blocked
from services.casefile.domain.handback import AcceptHandback
from services.casefile.domain.intake import LogContactAttempt
from services.casefile.domain.matching import ConfirmMatch
from services.casefile.domain.mentoring import RecordCheckIn
from services.casefile.domain.outcomes import WaiveOutcome
from services.casefile.domain.people import ReassignCoordinator, ReassignCounsellor
from services.casefile.domain.suspension import Suspend
from services.casefile.domain.trajectory_end import CompleteTrajectory
from services.casefile.history import responsibility
from services.chassis.modelling.decider import Actor
from tests.casefile.casebook import PROPOSE, SIGN, Casebook, at_time, codes, refusal
from tests.casefile.messages import TOM
from tests.support.actors import CLOCK, INES, LOTTE
from tests.support.dates import end_of, on

ACCEPT = AcceptHandback(at=on(6, 7), by=INES, decision="CLOSE", answers={"DIPLOMA_EQUIVALENCE": "DIPLOMA_DESK"})


def test_the_lead_changes_when_the_receiver_takes_over_and_not_before(book: Casebook) -> None:
    """Being asked moves nothing; the receiver's own command is the acceptance."""
    book.referred()
    asked = ReassignCounsellor(at=on(13, 1), by=INES, counsellor=TOM.sub)
    assert len(book.act(asked)) == 1
    assert book.act(asked) == []
    assert book.case.lead is not None
    assert book.case.lead.sub == "ines.debacker"
    book.act(ReassignCounsellor(at=on(14, 1), by=TOM, counsellor=TOM.sub))
    before = responsibility(book.history, as_of=on(13, 1, hour=12))
    after = responsibility(book.history, as_of=on(14, 1, hour=12))
    assert [step.owner.sub for step in before.steps] == ["ines.debacker"]
    assert [step.owner.sub for step in after.steps] == ["tom.maes"]
    assert after.case_lead is not None
    assert after.case_lead.sub == "tom.maes"


def test_a_coordinator_takes_over_every_open_step(book: Casebook) -> None:
    """No step of the former coordinator is left behind."""
    book.mentoring()
    receiver = Actor(sub="an.peeters", role="NGO_COORDINATOR", org="brugwerk")
    book.act(ReassignCoordinator(at=on(1, 3), by=receiver))
    assert {step.owner.sub for step in book.case.steps} == {"an.peeters"}
    book.act(RecordCheckIn(at=on(5, 3), by=receiver, occurred_at=on(27, 2)))
    then = responsibility(book.history, as_of=on(28, 2))
    assert {step.owner.sub for step in then.steps} == {"lotte.claes"}


def test_a_deadline_reminds_once_and_is_missed_once(book: Casebook) -> None:
    """Too early nothing follows, again nothing follows, and a step that ended leaves nothing to fire."""
    book.accepted()
    (contact, intake) = running(book.case)
    assert (contact.name, contact.due_at, intake.due_at) == ("FIRST_CONTACT", end_of(26, 1), end_of(6, 2))
    remind = RemindDeadline(at=on(25, 1), by=CLOCK, name="FIRST_CONTACT")
    assert book.act(at_time(remind, on(20, 1))) == []
    (reminded,) = book.act(remind)
    assert (reminded.awaited, reminded.step, reminded.BYSTANDER) == ("brugwerk", "FIRST_CONTACT", True)
    assert book.act(remind) == []
    missed = PassDeadline(at=end_of(26, 1), by=CLOCK, name="FIRST_CONTACT")
    assert book.act(at_time(missed, on(25, 1))) == []
    assert [type(event).__name__ for event in book.act(missed)] == ["DeadlineMissed", "EscalationRaised"]
    assert book.act(missed) == []
    book.act(LogContactAttempt(at=on(27, 1), by=LOTTE))
    assert [one.name for one in running(book.case)] == ["INTAKE"]


def test_a_renewed_deadline_fires_again(book: Casebook) -> None:
    """The next check-in has a reminder and a breach of its own."""
    book.mentoring()
    assert book.act(PassDeadline(at=end_of(5, 3), by=CLOCK, name="CHECK_IN")) != []
    book.act(RecordCheckIn(at=on(6, 3), by=LOTTE))
    assert book.act(PassDeadline(at=on(7, 3), by=CLOCK, name="CHECK_IN")) == []
    assert book.act(PassDeadline(at=end_of(19, 3), by=CLOCK, name="CHECK_IN")) != []


def test_a_correction_names_an_event_of_the_case_and_is_taken_in_any_state(book: Casebook) -> None:
    """The event stays; the correction stands beside it, and the same one twice is one."""
    book.handback_requested().act(ACCEPT)
    for point in ("EXIT", "W4", "M6", "M12"):
        book.act(WaiveOutcome(at=on(7, 7), by=INES, point=point, reason="MOVED"))
    book.act(PassDeadline(at=on(7, 7), by=CLOCK, name="FINALISE"))
    assert codes(refusal(book, Correct(at=on(8, 7), by=INES, event="no-such", reason_ref="vault-9"))) == [
        ("/event", "UNKNOWN_EVENT")
    ]
    wrong = next(one for one in book.history if type(one.event).__name__ == "IntakeConcluded")
    command = Correct(at=on(8, 7), by=INES, event=wrong.meta.event_id, reason_ref="vault-9")
    (correction,) = book.act(command)
    assert (correction.corrects, correction.corrected) == (wrong.meta.event_id, "IntakeConcluded")
    assert book.act(command) == []
    assert refusal(book, Close(at=on(8, 7), by=INES, reason="OTHER")).code == "CASE_FINALISED"


def test_blocked_actions_tell_the_same_as_the_refusal(book: Casebook) -> None:
    """What is not blocked may be tried; what is blocked says who can change it."""
    book.handback_requested()
    context = book.context(at=on(3, 7))
    assert blocked("accept-handback", context, INES) is None
    held = blocked("request-handback", context, LOTTE)
    assert held is not None
    assert held.code == "HANDBACK_AWAITS_AGENCY"
    held = blocked("record-meeting", context, LOTTE)
    assert held is not None
    assert held.who_can_unblock == "vdab-gent, by accept-handback"


def test_a_trajectory_is_completed_with_a_talk(book: Casebook) -> None:
    """The talk is part of a good end."""
    book.mentoring()
    command = CompleteTrajectory(at=on(30, 6), by=LOTTE, reason="GOAL_REACHED")
    assert codes(refusal(book, command)) == [("/closureTalk", "CLOSURE_TALK_MISSING")]


def test_a_signature_repeated_changes_nothing(book: Casebook) -> None:
    """So do a confirmed yes, a proposed mentor and a pause for the same reason."""
    book.mentoring()
    assert book.act(SIGN) == []
    assert book.act(SignAgreement(at=on(19, 2, hour=12), by=LOTTE)) == []
    book.act(Suspend(at=on(1, 4), by=LOTTE, reason="OTHER"))
    assert book.act(Suspend(at=on(2, 4), by=LOTTE, reason="OTHER")) == []
    other = Casebook().proposed()
    assert other.act(PROPOSE) == []
    other.act(ConfirmMatch(at=on(19, 2), by=LOTTE, side="MENTOR", on_behalf_reason="BY_PHONE"))
    assert other.act(ConfirmMatch(at=on(19, 2), by=LOTTE, side="MENTOR", on_behalf_reason="BY_PHONE")) == []
