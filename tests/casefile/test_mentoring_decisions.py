"""The rules while a pair meets: reports, extension, pause and end."""

from __future__ import annotations

from msgspec.structs import replace

from contracts.codes import CaseState
from services.casefile.domain.extension import DecideExtension, ExtendAgreement
from services.casefile.domain.mentoring import RecordCheckIn, RecordMeeting, RecordPulse, ReportProgress
from services.casefile.domain.steps import find
from services.casefile.domain.suspension import Resume, Suspend
from services.casefile.domain.trajectory_end import EndMatch
from services.chassis.modelling.decider import Actor, Because
from tests.casefile.casebook import MENTOR_REF, Casebook, codes, find_due, refusal
from tests.support.actors import INES, LOTTE
from tests.support.dates import end_of, on

MENTOR = Actor(sub=MENTOR_REF, role="VOLUNTEER_MENTOR", org="brugwerk")


def test_no_meeting_is_recorded_outside_the_agreement_or_in_the_future(book: Casebook) -> None:
    """A mentor acts within the agreement, and a report tells of the past."""
    book.mentoring()
    for when, code in ((on(18, 2), "OUTSIDE_AGREEMENT"), (on(27, 2), "IN_THE_FUTURE"), (on(1, 1), "TOO_EARLY")):
        command = RecordMeeting(at=on(26, 2), by=MENTOR, occurred_at=when)
        assert codes(refusal(book, command)) == [("/occurredAt", code)]


def test_an_extra_check_in_moves_nothing_and_a_late_one_answers_only_what_was_due(book: Casebook) -> None:
    """A check-in answers the period it falls in, so that frequent ones cannot empty the schedule."""
    book.mentoring()
    book.act(RecordCheckIn(at=on(3, 3), by=LOTTE))
    assert find_due(book, "CHECK_IN") == end_of(19, 3)
    book.act(RecordCheckIn(at=on(4, 3), by=LOTTE))
    assert find_due(book, "CHECK_IN") == end_of(19, 3)
    book.act(RecordCheckIn(at=on(23, 3), by=LOTTE))
    assert find_due(book, "CHECK_IN") == end_of(19, 4)


def test_a_pulse_is_one_to_five_with_the_reasons_of_its_side(book: Casebook) -> None:
    """A mentor's reason is not a mentee's."""
    book.mentoring()
    wrong = RecordPulse(at=on(5, 3), by=LOTTE, side="MENTEE", score=0)
    assert codes(refusal(book, wrong)) == [("/score", "OUT_OF_RANGE")]
    wrong = RecordPulse(at=on(5, 3), by=LOTTE, side="MENTEE", score=2, reasons=("ONE_SIDED",))
    assert codes(refusal(book, wrong)) == [("/reasons/0", "UNKNOWN_CODE")]
    assert type(book.act(replace(wrong, side="MENTOR"))[0]).__name__ == "PulseRecorded"


def test_a_material_change_is_reported_and_the_scheduled_report_stays_due(book: Casebook) -> None:
    """The counsellor hears in month three in any case."""
    book.mentoring()
    book.act(ReportProgress(at=on(5, 3), by=LOTTE, occasion="MATERIAL_CHANGE", progress={"SOCIAL": "-"}))
    assert find_due(book, "PROGRESS_REPORT") == end_of(19, 5)
    book.act(ReportProgress(at=on(19, 5), by=LOTTE, progress={"SOCIAL": "+"}))
    assert find(book.case.steps, "PROGRESS_REPORT") is None


def test_the_organisation_proposes_an_extension_and_the_agency_decides(book: Casebook) -> None:
    """Once, by three months at most; until the agency's word the agreement ends as signed."""
    book.mentoring()
    too_long = ExtendAgreement(at=on(1, 7), by=LOTTE, months=4)
    assert codes(refusal(book, too_long)) == [("/months", "EXTENSION_OUT_OF_RANGE")]
    book.act(ExtendAgreement(at=on(1, 7), by=LOTTE))
    assert find_due(book, "MENTORING") == end_of(18, 8)
    waiting = find(book.case.steps, "MENTORING")
    assert waiting is not None
    assert waiting.awaiting is not None
    assert (waiting.awaiting.org, waiting.awaiting.action) == ("vdab-gent", "decide-extension")
    assert refusal(book, DecideExtension(at=on(2, 7), by=LOTTE, approved=True)).because == Because.RIGHTS
    book.act(DecideExtension(at=on(2, 7), by=INES, approved=True))
    assert find_due(book, "MENTORING") == end_of(18, 11)
    assert refusal(book, ExtendAgreement(at=on(1, 8), by=LOTTE)).code == "EXTENDED_BEFORE"


def test_a_refused_extension_leaves_the_agreement_as_signed(book: Casebook) -> None:
    """Nothing waits for the agency any more, and the organisation may propose another."""
    book.mentoring().act(ExtendAgreement(at=on(1, 7), by=LOTTE, months=1))
    book.act(DecideExtension(at=on(2, 7), by=INES, approved=False))
    assert find_due(book, "MENTORING") == end_of(18, 8)
    assert refusal(book, DecideExtension(at=on(2, 7), by=INES, approved=True)).code == "NOTHING_PROPOSED"


def test_a_pause_is_reviewed_after_30_days_and_resumed_within_60(book: Casebook) -> None:
    """After that a handback is what is left."""
    book.mentoring().act(Suspend(at=on(1, 4), by=LOTTE, reason="TEMPORARY_WORK"))
    found = find(book.case.steps, "SUSPENSION_REVIEW")
    assert found is not None
    assert [(due.name, due.due_at) for due in found.deadlines] == [
        ("SUSPENSION_REVIEW", end_of(1, 5)),
        ("SUSPENSION_MAX", end_of(31, 5)),
    ]
    assert book.case.state == CaseState.SUSPENDED
    assert refusal(book, Resume(at=on(1, 6), by=LOTTE)).code == "SUSPENSION_TOO_LONG"
    book.act(Resume(at=on(31, 5), by=LOTTE))
    assert find(book.case.steps, "SUSPENSION_REVIEW") is None
    assert find_due(book, "CHECK_IN") == end_of(19, 6)


def test_a_match_ends_with_a_talk_for_a_new_match_or_for_the_handback(book: Casebook) -> None:
    """Without a talk it is refused, unless no talk was possible; the mentor is free in both cases."""
    book.mentoring()
    silent = EndMatch(at=on(1, 4), by=LOTTE, reason="MISMATCH", next="REMATCH")
    assert codes(refusal(book, silent)) == [("/closureTalk", "CLOSURE_TALK_MISSING")]
    book.act(replace(silent, closure_talk=True))
    assert book.case.state == CaseState.MATCHING
    assert [mentor.cases for mentor in book.mentors.values() if mentor.profile] == [frozenset()]
    other = Casebook().mentoring()
    other.act(replace(silent, reason="MENTEE_UNREACHABLE", next="HANDBACK"))
    assert other.case.state == CaseState.HANDBACK_DUE
    assert find_due(other, "HANDBACK_REPORT") == end_of(9, 4)
