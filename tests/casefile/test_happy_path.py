"""The happy path: every date of it, from the messages and commands of its days."""

from __future__ import annotations

from datetime import date, datetime

from contracts import referral as told
from contracts.codes import CaseState
from services.casefile.domain.deadlines import PassDeadline
from services.casefile.domain.mentoring import RecordCheckIn, RecordMeeting, RecordPulse, ReportProgress
from services.casefile.domain.outcomes import RecordOutcome
from services.casefile.domain.steps import find
from services.casefile.history import responsibility
from services.casefile.timeline import timeline
from tests.casefile.casebook import ACCEPT, Casebook
from tests.casefile.messages import about
from tests.support.actors import CLOCK, INES, LOTTE
from tests.support.dates import end_of, on


def due_of(book: Casebook, step: str) -> dict[str, datetime]:
    """The deadlines that run in an open step."""
    found = find(book.case.steps, step)
    assert found is not None
    return {due.name: due.due_at for due in found.deadlines}


def test_a_submitted_referral_opens_the_case_with_all_that_was_recorded_at_entry(book: Casebook) -> None:
    """On 12 January the case has its lead, who waits for the receipt until the 14th."""
    book.referred()
    assert book.names == [
        "CaseOpened",
        "EligibilityConfirmed",
        "ParticipationChosen",
        "LegalBasisRecorded",
        "ReferralEntryTaken",
        "CaseReferred",
    ]
    now = responsibility(book.history, as_of=on(12, 1, hour=12))
    assert now.case_lead is not None
    assert now.case_lead.sub == "ines.debacker"
    assert [(step.step, step.owner.sub) for step in now.steps] == [("REFERRAL_ANSWER", "ines.debacker")]
    awaiting = now.steps[0].awaiting
    assert awaiting is not None
    assert (awaiting.org, awaiting.action, awaiting.due_at) == ("brugwerk", "receive", end_of(14, 1))


def test_after_the_receipt_the_lead_waits_for_the_decision(book: Casebook) -> None:
    """On 13 January the decision is due on the 26th, and the counsellor is still the owner."""
    book.referred().tell(about(told.ReferralReceived, LOTTE, on(13, 1)))
    step = responsibility(book.history, as_of=on(14, 1)).steps[0]
    assert step.owner.sub == "ines.debacker"
    assert step.due_at == end_of(26, 1)


def test_acceptance_moves_responsibility_with_contact_and_intake_due(book: Casebook) -> None:
    """Accepted on Friday 16 January: contact by the 26th, intake by 6 February."""
    book.accepted()
    assert book.case.state == CaseState.INTAKE
    assert due_of(book, "FIRST_CONTACT") == {"FIRST_CONTACT": end_of(26, 1)}
    assert due_of(book, "INTAKE") == {"INTAKE": end_of(6, 2)}
    assert {step.owner.sub for step in book.case.steps} == {"lotte.claes"}
    transferred = book.history[-1].event
    assert (transferred.giver.sub, transferred.receiver.sub, transferred.step) == (
        "ines.debacker",
        "lotte.claes",
        "INTAKE",
    )


def test_intake_match_and_agreement_set_the_dates_of_the_table(book: Casebook) -> None:
    """Match by 28 February, confirmation by 19 February, agreement until 18 August, check-in on 5 March."""
    book.matching()
    assert due_of(book, "MATCHING") == {"MATCHING": end_of(28, 2)}
    again = Casebook().proposed()
    assert due_of(again, "MATCH_CONFIRMATION") == {"MATCH_CONFIRMATION": end_of(19, 2)}
    signed = Casebook().mentoring()
    assert signed.case.match is not None
    assert signed.case.match.agreement is not None
    assert signed.case.match.agreement.end == date(2026, 8, 18)
    assert signed.case.match.agreement.norm == 2
    assert due_of(signed, "MENTORING") == {"AGREEMENT_END": end_of(18, 8)}
    assert due_of(signed, "CHECK_IN") == {"CHECK_IN": end_of(5, 3)}
    assert due_of(signed, "PROGRESS_REPORT") == {"PROGRESS_REPORT": end_of(19, 5)}


def test_check_ins_are_due_in_week_two_and_four_and_then_monthly(book: Casebook) -> None:
    """5 March, 19 March, 19 April, 19 May, 19 June, 19 July; none after the agreement's end."""
    book.mentoring()
    days = [(5, 3), (19, 3), (19, 4), (19, 5), (19, 6), (19, 7)]
    for day, month in days:
        assert due_of(book, "CHECK_IN") == {"CHECK_IN": end_of(day, month)}
        book.act(RecordCheckIn(at=on(day, month), by=LOTTE))
    assert find(book.case.steps, "CHECK_IN") is None


def test_the_trajectory_ends_in_a_handback_that_the_agency_accepts(book: Casebook) -> None:
    """Report by 7 July, acknowledgement by the 9th, follow-ups on 28 July, 30 December and 30 June 2027."""
    book.handback_due()
    assert due_of(book, "HANDBACK_REPORT") == {"HANDBACK_REPORT": end_of(7, 7)}
    book = Casebook().handback_requested()
    assert due_of(book, "HANDBACK_ACKNOWLEDGEMENT") == {"HANDBACK_ACKNOWLEDGEMENT": end_of(9, 7)}
    book.act(ACCEPT)
    assert book.case.state == CaseState.CLOSED
    assert book.case.close_reason == "EMPLOYMENT"
    assert due_of(book, "OUTCOME_FOLLOW_UP") == {
        "OUTCOME_EXIT": end_of(28, 7),
        "OUTCOME_W4": end_of(28, 7),
        "OUTCOME_M6": end_of(30, 12),
        "OUTCOME_M12": end_of(30, 6, 2027),
    }
    assert [access.expires.due_at for access in book.case.accesses if access.expires] == [end_of(22, 9)]


def test_the_owner_on_1_july_is_the_coordinator_and_on_7_july_the_counsellor(book: Casebook) -> None:
    """The audit query of the story: responsibility moves with the acceptance of the handback, not before."""
    book.closed()

    def owner(at: datetime) -> list[str]:
        return [step.owner.sub for step in responsibility(book.history, as_of=at).steps]

    assert owner(end_of(1, 7)) == ["lotte.claes"]
    assert owner(end_of(5, 7)) == ["lotte.claes"]
    assert owner(end_of(7, 7)) == ["ines.debacker"]
    waiting = responsibility(book.history, as_of=end_of(5, 7)).steps[0]
    assert waiting.step == "HANDBACK_ACKNOWLEDGEMENT"
    assert waiting.awaiting is not None
    assert (waiting.awaiting.org, waiting.awaiting.action) == ("vdab-gent", "accept-handback")


def test_the_last_outcome_lets_the_system_finalise_the_case(book: Casebook) -> None:
    """The organisation's access ends on 22 September; after M12 the case takes nothing but corrections."""
    book.closed()
    for point, at in (("EXIT", on(6, 7)), ("W4", on(28, 7)), ("M6", on(30, 12)), ("M12", on(30, 6, 2027))):
        if point == "M6":
            expired = book.act(PassDeadline(at=end_of(22, 9), by=CLOCK, name="NGO_ACCESS:R-1"))
            assert [type(event).__name__ for event in expired] == ["NgoAccessExpired"]
        assert book.case.state == CaseState.CLOSED
        book.act(RecordOutcome(at=at, by=INES, point=point, code="EMPLOYED_STABLE", source="REGISTER"))
    book.act(PassDeadline(at=on(30, 6, 2027), by=CLOCK, name="FINALISE"))
    assert book.case.state == CaseState.FINALISED
    assert book.case.steps == ()


def test_the_story_reads_as_one_timeline_in_one_order(book: Casebook) -> None:
    """Both services' events stand in the order of the case's stream, with who was responsible after each."""
    book.mentoring()
    book.act(RecordMeeting(at=on(26, 2), by=LOTTE, minutes=60, mode="IN_PERSON", topics=("SECTOR_KNOWLEDGE",)))
    book.act(RecordPulse(at=on(5, 3), by=LOTTE, side="MENTEE", score=5))
    book.act(ReportProgress(at=on(19, 5), by=LOTTE, progress={"SOCIAL": "+"}, next_step="CONTINUE"))
    items = timeline(book.history)
    assert [item.type for item in items] == [
        "CaseOpened",
        "EligibilityConfirmed",
        "ParticipationChosen",
        "LegalBasisRecorded",
        "ReferralSubmitted",
        "CaseReferred",
        "ReferralReceived",
        "ReferralAccepted",
        "ResponsibilityTransferred",
        "IntakeConcluded",
        "MatchProposed",
        "MatchConfirmed",
        "MatchConfirmed",
        "AgreementSigned",
        "MeetingRecorded",
        "PulseRecorded",
        "ProgressReported",
    ]
    assert [item.position for item in items] == list(range(1, 18))
    by_type = {item.type: item for item in items}
    assert by_type["ReferralSubmitted"].responsible is not None
    assert by_type["ReferralSubmitted"].responsible.sub == "ines.debacker"
    assert by_type["ReferralSubmitted"].due_at == end_of(14, 1)
    assert by_type["ReferralAccepted"].responsible is not None
    assert by_type["ReferralAccepted"].responsible.sub == "lotte.claes"
    assert by_type["ReferralAccepted"].actor.sub == "lotte.claes"
    assert by_type["ReferralAccepted"].text == "brugwerk accepted the referral."
    assert by_type["IntakeConcluded"].due_at == end_of(28, 2)
