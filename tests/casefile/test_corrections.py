"""A correction says what holds instead of a report: an event of its own, by the rules of the report, from then on."""

from __future__ import annotations

from datetime import datetime

import pytest
from msgspec.structs import replace

from contracts import referral as told
from contracts.codes import CaseState
from services.casefile.domain.correction import Correct
from services.casefile.domain.deadlines import PassDeadline
from services.casefile.domain.handback import AcceptHandback, RequestHandback
from services.casefile.domain.intake import LogContactAttempt
from services.casefile.domain.matching import ConfirmMatch
from services.casefile.domain.mentoring import RecordCheckIn, RecordMeeting, RecordPulse, ReportProgress
from services.casefile.domain.outcomes import RecordOutcome, WaiveOutcome
from services.casefile.domain.steps import find
from services.casefile.domain.suspension import ReviewSuspension, Suspend
from services.casefile.domain.trajectory_end import CompleteTrajectory, EndMatch
from services.casefile.history import fold
from services.casefile.timeline import timeline
from services.chassis.modelling.decider import Because, Command
from tests.casefile.casebook import HAND_BACK, PROPOSE, SIGN, Casebook, codes, find_due, refusal
from tests.casefile.messages import about, submitted
from tests.support.actors import CLOCK, INES, KARIM, LOTTE
from tests.support.dates import end_of, on

OUTCOME = RecordOutcome(at=on(6, 7), by=INES, point="EXIT", code="EMPLOYED_STABLE", source="DECLARED")


def last(book: Casebook, name: str) -> str:
    """The id of the latest event of a name."""
    return next(one.meta.event_id for one in reversed(book.history) if type(one.event).__name__ == name)


def correction(book: Casebook, name: str, holds: Command, reason: str = "vault-9") -> Correct:
    """That the latest event of a name should have read like this."""
    return Correct(at=holds.at, by=holds.by, event=last(book, name), reason_ref=reason, with_holds=True, holds=holds)


def outcomes(book: Casebook, known_at: datetime | None = None) -> dict[str, str]:
    """What the case says became of the person, by point."""
    return {point: code for point, code, _ in fold(book.history, known_at=known_at).settled}


def test_a_wrong_outcome_is_put_right_from_then_on_and_not_before(book: Casebook) -> None:
    """Recorded on 6 July, corrected on the 20th; asked with the knowledge of the 10th the case answers as it did."""
    book.closed().act(OUTCOME)
    (corrected,) = book.act(correction(book, "OutcomeRecorded", replace(OUTCOME, at=on(20, 7), code="NO_CHANGE")))
    assert type(corrected).__name__ == "CorrectionRecorded"
    assert corrected.was.facts["code"] == "EMPLOYED_STABLE"
    assert outcomes(book) == {"EXIT": "NO_CHANGE"}
    assert outcomes(book, known_at=on(10, 7)) == {"EXIT": "EMPLOYED_STABLE"}
    assert book.names.count("OutcomeRecorded") == 1


def test_a_correction_of_a_correction_holds(book: Casebook) -> None:
    """Whether it names the report or its correction; the latest one stands, and `was` is the one before it."""
    book.closed().act(OUTCOME)
    book.act(correction(book, "OutcomeRecorded", replace(OUTCOME, at=on(20, 7), code="NO_CHANGE")))
    again = replace(OUTCOME, at=on(21, 7), code="TRAINING")
    (second,) = book.act(correction(book, "CorrectionRecorded", again))
    assert second.was.facts["code"] == "NO_CHANGE"
    assert outcomes(book) == {"EXIT": "TRAINING"}
    book.act(correction(book, "OutcomeRecorded", replace(OUTCOME, at=on(22, 7), code="INTERNSHIP")))
    assert outcomes(book) == {"EXIT": "INTERNSHIP"}
    assert outcomes(book, known_at=on(21, 7)) == {"EXIT": "TRAINING"}


def test_what_holds_already_is_not_corrected_again(book: Casebook) -> None:
    """The same report once more changes nothing, whatever the reason."""
    book.closed().act(OUTCOME)
    command = correction(
        book, "OutcomeRecorded", replace(OUTCOME, at=on(20, 7), code="NO_CHANGE", occurred_at=on(6, 7))
    )
    assert len(book.act(command)) == 1
    assert book.act(replace(command, reason_ref="vault-10")) == []


def test_a_corrected_outcome_meets_the_rules_of_an_outcome(book: Casebook) -> None:
    """Not due, told of a time before its day, settled by another, or of the other side: refused like the command."""
    book.closed().act(OUTCOME)
    wrong = replace(OUTCOME, at=on(20, 7), point="W4")
    assert refusal(book, correction(book, "OutcomeRecorded", wrong)).code == "OUTCOME_NOT_DUE"
    early = replace(OUTCOME, at=on(1, 8), point="W4", occurred_at=on(6, 7))
    assert codes(refusal(book, correction(book, "OutcomeRecorded", early))) == [
        ("/holds/occurredAt", "OUTCOME_NOT_DUE")
    ]
    book.act(replace(OUTCOME, at=on(28, 7), point="W4"))
    taken = replace(OUTCOME, at=on(1, 8), point="EXIT", code="NO_CHANGE")
    assert refusal(book, correction(book, "OutcomeRecorded", taken)).code == "OUTCOME_SETTLED"
    organisation = correction(book, "OutcomeRecorded", replace(OUTCOME, at=on(1, 8), point="W4", by=LOTTE))
    assert refusal(book, organisation).because == Because.RIGHTS


def test_an_outcome_does_not_move_to_a_point_that_was_settled_since(book: Casebook) -> None:
    """EXIT of 6 July was not meant for W4, which has been recorded on the 28th."""
    book.closed().act(OUTCOME)
    event = last(book, "OutcomeRecorded")
    book.act(replace(OUTCOME, at=on(28, 7), point="W4"))
    holds = replace(OUTCOME, at=on(1, 8), point="W4", code="TRAINING")
    command = Correct(at=on(1, 8), by=INES, event=event, reason_ref="v", with_holds=True, holds=holds)
    assert refusal(book, command).code == "OUTCOME_SETTLED"


def test_an_outcome_of_the_wrong_point_leaves_that_point_to_be_taken(book: Casebook) -> None:
    """Recorded under M6 for want of W4, put right in January: M6 is open again, due as if it had not been taken."""
    book.closed().act(OUTCOME)
    book.act(replace(OUTCOME, at=on(30, 12), point="M6"))
    holds = replace(OUTCOME, at=on(5, 1, 2027), point="W4", occurred_at=on(30, 12))
    book.act(correction(book, "OutcomeRecorded", holds))
    assert outcomes(book) == {"EXIT": "EMPLOYED_STABLE", "W4": "EMPLOYED_STABLE"}
    found = find(book.case.steps, "OUTCOME_FOLLOW_UP")
    assert found is not None
    assert {due.name for due in found.deadlines} == {"OUTCOME_M6", "OUTCOME_M12"}
    book.act(replace(OUTCOME, at=on(6, 1, 2027), point="M6"))
    assert book.case.finalise_at is None


def test_a_final_case_still_takes_what_holds(book: Casebook) -> None:
    """All four settled and finalised; the code of one is put right, and the case stays final."""
    book.closed().act(OUTCOME)
    for point in ("W4", "M6", "M12"):
        book.act(WaiveOutcome(at=on(7, 7), by=INES, point=point, reason="MOVED"))
    book.act(PassDeadline(at=on(7, 7), by=CLOCK, name="FINALISE"))
    book.act(correction(book, "OutcomeRecorded", replace(OUTCOME, at=on(1, 8), code="NO_CHANGE")))
    assert outcomes(book)["EXIT"] == "NO_CHANGE"
    waiver = WaiveOutcome(at=on(1, 8), by=INES, point="M12", reason="PERSON_DECLINED")
    book.act(correction(book, "OutcomeWaived", waiver))
    assert outcomes(book)["M12"] == "PERSON_DECLINED"
    assert book.case.state == CaseState.FINALISED


def test_a_result_that_turns_up_takes_the_place_of_its_waiver(book: Casebook) -> None:
    """Waived on 28 July for lost contact, found in the register in August; and the other way round."""
    book.closed().act(OUTCOME)
    book.act(WaiveOutcome(at=on(28, 7), by=INES, point="W4", reason="LOST_CONTACT"))
    found = replace(OUTCOME, at=on(20, 8), point="W4", code="TRAINING", source="REGISTER")
    book.act(correction(book, "OutcomeWaived", found))
    assert outcomes(book) == {"EXIT": "EMPLOYED_STABLE", "W4": "TRAINING"}
    waiver = WaiveOutcome(at=on(21, 8), by=INES, point="W4", reason="MOVED")
    book.act(correction(book, "CorrectionRecorded", waiver))
    assert outcomes(book) == {"EXIT": "EMPLOYED_STABLE", "W4": "MOVED"}
    assert timeline(book.history)[-1].text.endswith("reason.")


def test_a_check_in_on_another_day_leaves_due_what_it_did_not_settle(book: Casebook) -> None:
    """Reported for 15 May, it settled 19 May; it was on 2 May, nearest to 19 April: so 19 May is due again."""
    book.mentoring()
    for day, month in [(5, 3), (19, 3), (19, 4), (15, 5)]:
        book.act(RecordCheckIn(at=on(day, month), by=LOTTE))
    assert find_due(book, "CHECK_IN") == end_of(19, 6)
    book.act(correction(book, "CheckInRecorded", RecordCheckIn(at=on(16, 5), by=LOTTE, occurred_at=on(2, 5))))
    assert find_due(book, "CHECK_IN") == end_of(19, 5)
    book.act(correction(book, "CheckInRecorded", RecordCheckIn(at=on(17, 5), by=LOTTE, occurred_at=on(15, 5))))
    assert find_due(book, "CHECK_IN") == end_of(19, 6)


def test_the_same_report_once_more_is_told_from_a_corrected_one(book: Casebook) -> None:
    """A meeting that was on the 26th and not the 25th: the 25th may be reported then, the 26th not a second time."""
    book.mentoring()
    meeting = RecordMeeting(at=on(27, 2), by=LOTTE, occurred_at=on(25, 2), minutes=60)
    book.act(meeting)
    book.act(correction(book, "MeetingRecorded", replace(meeting, at=on(28, 2), occurred_at=on(26, 2))))
    assert book.act(replace(meeting, at=on(28, 2), occurred_at=on(26, 2))) == []
    assert len(book.act(replace(meeting, at=on(28, 2)))) == 1
    twice = correction(book, "MeetingRecorded", replace(meeting, at=on(28, 2), occurred_at=on(26, 2)))
    assert codes(refusal(book, twice)) == [("/holds", "REPORTED_BEFORE")]


def test_a_meeting_is_put_right_after_the_trajectory_by_its_own_rules(book: Casebook) -> None:
    """In July, with the report at the agency; not outside the agreement, and not in the future."""
    book.mentoring().act(RecordMeeting(at=on(3, 3), by=LOTTE, minutes=600))
    book.act(CompleteTrajectory(at=on(30, 6), by=LOTTE, reason="EMPLOYMENT", closure_talk=True))
    book.act(HAND_BACK)
    meeting = RecordMeeting(at=on(3, 7), by=LOTTE, minutes=60, occurred_at=on(3, 3))
    for when, code in ((on(18, 2), "OUTSIDE_AGREEMENT"), (on(4, 7), "IN_THE_FUTURE")):
        wrong = correction(book, "MeetingRecorded", replace(meeting, occurred_at=when))
        assert codes(refusal(book, wrong)) == [("/holds/occurredAt", code)]
    (corrected,) = book.act(correction(book, "MeetingRecorded", meeting))
    assert corrected.holds.facts["minutes"] == 60


def test_a_first_contact_that_did_not_reach_the_person_is_owed_again(book: Casebook) -> None:
    """Reported as reached on 20 January; it was not: the contact is due on the 26th, as it was from the beginning."""
    book.accepted().act(LogContactAttempt(at=on(20, 1), by=LOTTE))
    assert find(book.case.steps, "FIRST_CONTACT") is None
    not_reached = LogContactAttempt(at=on(21, 1), by=LOTTE, reached=False, occurred_at=on(20, 1))
    book.act(correction(book, "ContactAttempted", not_reached))
    assert find_due(book, "FIRST_CONTACT") == end_of(26, 1)
    book.act(correction(book, "ContactAttempted", replace(not_reached, at=on(22, 1), reached=True)))
    assert find(book.case.steps, "FIRST_CONTACT") is None


def test_a_report_of_a_change_that_was_taken_for_the_scheduled_one_leaves_that_due(book: Casebook) -> None:
    """And the other way round."""
    book.mentoring()
    report = ReportProgress(at=on(1, 4), by=LOTTE, progress={"SOCIAL": "+"})
    book.act(report)
    assert find(book.case.steps, "PROGRESS_REPORT") is None
    change = replace(report, at=on(2, 4), occasion="MATERIAL_CHANGE", occurred_at=on(1, 4))
    book.act(correction(book, "ProgressReported", change))
    assert find_due(book, "PROGRESS_REPORT") == end_of(19, 5)
    book.act(correction(book, "ProgressReported", replace(report, at=on(3, 4), occurred_at=on(1, 4))))
    assert find(book.case.steps, "PROGRESS_REPORT") is None


def test_a_report_that_was_left_over_is_settled_or_due_by_what_holds(book: Casebook) -> None:
    """Given on 10 April, while another mentor is sought: put right there, as it was due on 19 May."""
    book.mentoring().act(EndMatch(at=on(1, 4), by=LOTTE, reason="MISMATCH", next="REMATCH", closure_talk=True))
    report = ReportProgress(at=on(10, 4), by=LOTTE, progress={"SOCIAL": "+"}, occasion="MATERIAL_CHANGE")
    book.act(report)
    scheduled = replace(report, at=on(11, 4), occasion="SCHEDULED", occurred_at=on(10, 4))
    book.act(correction(book, "ProgressReported", scheduled))
    assert find(book.case.steps, "PROGRESS_REPORT") is None
    book.act(correction(book, "ProgressReported", replace(report, at=on(12, 4), occurred_at=on(10, 4))))
    assert find_due(book, "PROGRESS_REPORT") == end_of(19, 5)


def test_another_agreements_report_does_not_stand_in_for_the_one_that_was_none(book: Casebook) -> None:
    """Both matches reported; the second report was of a change: so the second agreement's is due, as it was."""
    book.mentoring()
    report = ReportProgress(at=on(1, 4), by=LOTTE, progress={"SOCIAL": "+"})
    book.act(report)
    book.act(EndMatch(at=on(2, 4), by=LOTTE, reason="MISMATCH", next="REMATCH", closure_talk=True))
    book.describe_mentor(mentor="M-42")
    book.act(replace(PROPOSE, at=on(10, 4), match="match-2", mentor="M-42"))
    for side in ("MENTOR", "MENTEE"):
        book.act(ConfirmMatch(at=on(13, 4), by=LOTTE, side=side, on_behalf_reason="BY_PHONE"))
    book.act(replace(SIGN, at=on(14, 4)))
    due = find_due(book, "PROGRESS_REPORT")
    book.act(replace(report, at=on(1, 6)))
    change = replace(report, at=on(2, 6), occasion="MATERIAL_CHANGE", occurred_at=on(1, 6))
    book.act(correction(book, "ProgressReported", change))
    assert find_due(book, "PROGRESS_REPORT") == due


def test_a_report_reads_on_the_case_as_it_was_put_right(book: Casebook) -> None:
    """In the trajectory that runs, and in the history once it is over; what was known before stays what it was."""
    book.mentoring()
    report = ReportProgress(at=on(1, 4), by=LOTTE, progress={"SOCIAL": "+"})
    book.act(report)
    event = last(book, "ProgressReported")
    book.act(correction(book, "ProgressReported", replace(report, at=on(2, 4), progress={"SOCIAL": "-"})))
    assert book.case.trajectory is not None
    (told_now,) = book.case.trajectory.progress_reports
    assert told_now.progress == {"SOCIAL": "-"}
    then = fold(book.history, known_at=on(1, 4, hour=12)).trajectory
    assert then is not None
    assert then.progress_reports[0].progress == {"SOCIAL": "+"}
    book.act(
        RequestHandback(at=on(3, 4), by=LOTTE, closure_reason="MISMATCH", outcomes={"SOCIAL": "=", "CULTURAL": "="})
    )
    book.act(AcceptHandback(at=on(6, 4), by=INES, decision="RE_REFER"))
    holds = replace(report, at=on(7, 4), progress={"SOCIAL": "="}, occurred_at=on(1, 4))
    book.act(Correct(at=on(7, 4), by=LOTTE, event=event, reason_ref="v", with_holds=True, holds=holds))
    (over,) = book.case.earlier
    assert over.trajectory is not None
    assert [(one.happened_at, one.progress) for one in over.trajectory.progress_reports] == [
        (on(1, 4), {"SOCIAL": "="})
    ]


def test_a_pulse_and_a_review_are_put_right_too(book: Casebook) -> None:
    """A pulse by the rules of its side; a review on another day settles what that day settles."""
    book.mentoring().act(RecordPulse(at=on(5, 3), by=LOTTE, side="MENTOR", score=2, reasons=("ONE_SIDED",)))
    wrong = RecordPulse(at=on(6, 3), by=LOTTE, side="MENTEE", score=2, reasons=("ONE_SIDED",))
    assert codes(refusal(book, correction(book, "PulseRecorded", wrong))) == [("/holds/reasons/0", "UNKNOWN_CODE")]
    book.act(correction(book, "PulseRecorded", replace(wrong, reasons=("NO_CLICK",))))
    book.act(Suspend(at=on(1, 4), by=LOTTE, reason="HOLIDAY"))
    book.act(ReviewSuspension(at=on(28, 4), by=LOTTE))
    assert find_due(book, "SUSPENSION_REVIEW") == end_of(31, 5)
    book.act(correction(book, "SuspensionReviewed", ReviewSuspension(at=on(29, 4), by=LOTTE, occurred_at=on(3, 4))))
    assert find_due(book, "SUSPENSION_REVIEW") == end_of(1, 5)


@pytest.mark.parametrize("name", ["ResponsibilityTransferred", "AgreementSigned", "IntakeConcluded", "CaseClosed"])
def test_what_was_decided_takes_a_correction_and_no_other_reading(book: Casebook, name: str) -> None:
    """An acceptance, an agreement or a closing was no report: `holds` is refused, a reason alone is taken."""
    book.closed()
    command = Correct(at=on(8, 7), by=INES, event=last(book, name), reason_ref="vault-9", with_holds=True)
    assert codes(refusal(book, command)) == [("/holds", "NOT_REPORTED")]
    assert len(book.act(replace(command, with_holds=False))) == 1


def test_a_report_of_an_earlier_trajectory_is_put_right_without_touching_the_present_one(book: Casebook) -> None:
    """The meeting of the first referral's time reads otherwise; the second one remembers its own reports only."""
    book.mentoring().act(RecordMeeting(at=on(3, 3), by=LOTTE, minutes=600))
    event = last(book, "MeetingRecorded")
    book.act(
        RequestHandback(at=on(1, 4), by=LOTTE, closure_reason="MISMATCH", outcomes={"SOCIAL": "=", "CULTURAL": "="})
    )
    book.act(AcceptHandback(at=on(2, 4), by=INES, decision="RE_REFER"))
    book.tell(submitted(on(3, 4), referral="R-2", legal_basis_id="LB-2"))
    book.tell(about(told.ReferralAccepted, LOTTE, on(7, 4), referral="R-2", coordinator=LOTTE.sub))
    book.act(LogContactAttempt(at=on(8, 4), by=LOTTE))
    assert book.case.trajectory is not None
    reported = book.case.trajectory.reported
    meeting = RecordMeeting(at=on(10, 4), by=LOTTE, minutes=60, occurred_at=on(3, 3))
    command = Correct(at=on(10, 4), by=LOTTE, event=event, reason_ref="v", with_holds=True, holds=meeting)
    assert len(book.act(command)) == 1
    assert book.case.trajectory.reported == reported


def test_the_timeline_shows_the_correction_beside_the_original(book: Casebook) -> None:
    """The original says by what it was corrected, the correction what it corrects and what holds."""
    book.closed().act(OUTCOME)
    event = last(book, "OutcomeRecorded")
    book.act(correction(book, "OutcomeRecorded", replace(OUTCOME, at=on(20, 7), code="NO_CHANGE")))
    items = {item.type: item for item in timeline(book.history)}
    beside = items["CorrectionRecorded"]
    assert (beside.corrects, beside.holds and beside.holds.facts["code"]) == (event, "NO_CHANGE")
    assert items["OutcomeRecorded"].corrected_by == (beside.event,)
    assert beside.text == "A correction stands beside OutcomeRecorded, and says what holds: code, time."
    assert all(item.corrected_by == () for item in timeline(book.history, known_at=on(10, 7)))


def test_only_who_could_have_reported_says_what_holds(book: Casebook) -> None:
    """The agency may say that a meeting is wrong, and not what was instead; another mentor's organisation neither."""
    book.mentoring().act(RecordMeeting(at=on(3, 3), by=LOTTE, minutes=600))
    meeting = RecordMeeting(at=on(10, 3), by=INES, minutes=60, occurred_at=on(3, 3))
    assert refusal(book, correction(book, "MeetingRecorded", meeting)).because == Because.RIGHTS
    assert refusal(book, correction(book, "MeetingRecorded", replace(meeting, by=KARIM))).because == Because.RIGHTS
