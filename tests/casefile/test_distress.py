"""Distress: what of it opens an escalation, which clocks run, what joins it, and what ends it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from contracts import referral as told
from contracts.codes import CaseState
from services.casefile.beside_views import escalation_views
from services.casefile.domain.deadlines import PassDeadline, running
from services.casefile.domain.escalation import RaiseEscalation, ResolveEscalation
from services.casefile.domain.intake import LogContactAttempt
from services.casefile.domain.matching import ConfirmMatch, ProposeMatch, RejectMatch
from services.casefile.domain.mentoring import RecordCheckIn, RecordMeeting, RecordPulse
from services.casefile.domain.open_escalations import raised
from services.casefile.domain.outcomes import WaiveOutcome
from services.casefile.domain.suspension import Resume, Suspend
from services.casefile.domain.trajectory_end import EndMatch
from services.chassis.modelling.decider import Actor
from tests.casefile.casebook import ACCEPT, HAND_BACK, MENTOR_REF, PROPOSE, SIGN, Casebook, codes, refusal
from tests.casefile.messages import about
from tests.support.actors import CLOCK, INES, LOTTE
from tests.support.dates import end_of, on


def pulse(book: Casebook, score: int, *reasons: str, side: str = "MENTOR", day: int = 5) -> list[str]:
    """What a pulse on a day of March leads to, by name."""
    return [
        type(event).__name__
        for event in book.act(RecordPulse(at=on(day, 3), by=LOTTE, side=side, score=score, reasons=reasons))
    ]


def deadlines(book: Casebook) -> dict[str, object]:
    """What runs of the escalations, and until when."""
    return {one.name: one.due_at for one in running(book.case) if one.name.startswith("ESCALATION")}


def state(book: Casebook, which: int = 0) -> str:
    """Where an escalation stands."""
    return str(escalation_views(book.case, None)[which]["state"])


@pytest.mark.parametrize(
    ("score", "reasons", "side", "reason"),
    [
        (2, (), "MENTOR", "LOW_PULSE"),
        (1, ("NO_CLICK",), "MENTEE", "LOW_PULSE"),
        (4, ("ONE_SIDED",), "MENTOR", "ONE_SIDED"),
        (2, ("ONE_SIDED",), "MENTOR", "ONE_SIDED"),
        (5, ("ROLE_OVERLOAD",), "MENTOR", "ROLE_OVERLOAD"),
        (3, ("SAFETY",), "MENTEE", "SAFETY"),
        (3, ("ROLE_OVERLOAD", "SAFETY"), "MENTOR", "SAFETY"),
        (2, ("GOOD_CLICK",), "MENTEE", "LOW_PULSE"),
    ],
)
def test_distress_opens_an_escalation(
    book: Casebook, score: int, reasons: tuple[str, ...], side: str, reason: str
) -> None:
    """A pulse of 2 or less, whatever is said with it, and what is distress by itself; the gravest reason names it."""
    book.mentoring()
    assert pulse(book, score, *reasons, side=side) == ["PulseRecorded", "EscalationRaised"]
    (held,) = escalation_views(book.case, None)
    assert (held["reason"], held["state"], held["match"], held["resolution"]) == (reason, "OPEN", "match-1", None)


@pytest.mark.parametrize(("score", "reasons"), [(3, ()), (5, ("GOOD_CLICK",)), (3, ("NO_SHOWS",))])
def test_what_is_no_distress_opens_none(book: Casebook, score: int, reasons: tuple[str, ...]) -> None:
    """A pair that is doing well, or has an ordinary complaint."""
    book.mentoring()
    assert pulse(book, score, *reasons) == ["PulseRecorded"]


def test_the_coordinator_speaks_in_three_working_days_and_resolves_in_ten(book: Casebook) -> None:
    """From Thursday 5 March: Tuesday 10 March, and Thursday 19 March; where somebody is not safe, Friday 6 March."""
    book.mentoring()
    pulse(book, 2)
    assert deadlines(book) == {"ESCALATION_CONTACT:E1": end_of(10, 3), "ESCALATION_RESOLUTION:E1": end_of(19, 3)}
    (held,) = escalation_views(book.case, None)
    assert (held["contactDueAt"], held["resolutionDueAt"]) == (end_of(10, 3), end_of(19, 3))
    other = Casebook().mentoring()
    pulse(other, 4, "SAFETY")
    assert deadlines(other) == {"ESCALATION_CONTACT:E1": end_of(6, 3), "ESCALATION_RESOLUTION:E1": end_of(19, 3)}


def test_further_signs_join_the_open_escalation_of_the_match(book: Casebook) -> None:
    """A sign of danger brings the contact forward; another one of the same kind does not move it again."""
    book.mentoring()
    pulse(book, 2)
    assert pulse(book, 1, side="MENTEE", day=6) == ["PulseRecorded", "EscalationJoined"]
    assert deadlines(book)["ESCALATION_CONTACT:E1"] == end_of(10, 3)
    assert pulse(book, 3, "SAFETY", day=6, side="MENTOR") == ["PulseRecorded", "EscalationJoined"]
    assert deadlines(book) == {"ESCALATION_CONTACT:E1": end_of(9, 3), "ESCALATION_RESOLUTION:E1": end_of(19, 3)}
    (held,) = escalation_views(book.case, None)
    assert (held["signals"], held["contactDueAt"]) == (["LOW_PULSE", "SAFETY"], end_of(9, 3))


def test_a_sign_after_the_resolution_opens_another_escalation(book: Casebook) -> None:
    """What was resolved is not opened again."""
    book.mentoring()
    pulse(book, 2)
    book.act(ResolveEscalation(at=on(6, 3), by=LOTTE, escalation="E1", resolution="TALK"))
    assert pulse(book, 2, day=9) == ["PulseRecorded", "EscalationRaised"]
    assert [(held["id"], held["state"]) for held in escalation_views(book.case, None)] == [
        ("E1", "RESOLVED"),
        ("E2", "OPEN"),
    ]


def test_a_check_in_is_the_contact_and_leaves_the_resolution_due(book: Casebook) -> None:
    """One that was held before the sign of distress is none."""
    book.mentoring()
    pulse(book, 2)
    book.act(RecordCheckIn(at=on(6, 3), by=LOTTE, occurred_at=on(4, 3)))
    assert "ESCALATION_CONTACT:E1" in deadlines(book)
    book.act(RecordCheckIn(at=on(9, 3), by=LOTTE, occurred_at=on(6, 3)))
    assert deadlines(book) == {"ESCALATION_RESOLUTION:E1": end_of(19, 3)}


def test_a_contact_that_reaches_somebody_is_one_and_is_possible_while_it_is_waited_for(book: Casebook) -> None:
    """Also outside the intake, where contacts are logged otherwise; an attempt alone is none."""
    book.mentoring()
    assert refusal(book, LogContactAttempt(at=on(5, 3), by=LOTTE)).code == "STATE_DOES_NOT_ALLOW"
    pulse(book, 2)
    book.act(LogContactAttempt(at=on(6, 3), by=LOTTE, reached=False))
    assert "ESCALATION_CONTACT:E1" in deadlines(book)
    book.act(LogContactAttempt(at=on(6, 3, hour=15), by=LOTTE))
    assert deadlines(book) == {"ESCALATION_RESOLUTION:E1": end_of(19, 3)}
    assert refusal(book, LogContactAttempt(at=on(9, 3), by=LOTTE)).code == "STATE_DOES_NOT_ALLOW"


def test_the_lead_is_asked_where_nobody_spoke_with_the_pair(book: Casebook) -> None:
    """The escalation of the missed term stands beside the one of the distress."""
    book.mentoring()
    pulse(book, 2)
    book.act(RecordCheckIn(at=on(5, 3), by=LOTTE, occurred_at=on(4, 3)))
    missed, asked = book.act(PassDeadline(at=end_of(10, 3), by=CLOCK, name="ESCALATION_CONTACT:E1"))
    assert (missed.deadline, missed.awaited, asked.reason) == ("ESCALATION_CONTACT:E1", "brugwerk", "DEADLINE_MISSED")
    assert [(held["reason"], held["state"]) for held in escalation_views(book.case, None)] == [
        ("LOW_PULSE", "OPEN"),
        ("DEADLINE_MISSED", "OPEN"),
    ]
    owners = {step.key: step.owner.sub for step in book.case.steps if step.step == "ESCALATION"}
    assert owners == {"ESCALATION:E1": LOTTE.sub, "ESCALATION": INES.sub}


def test_the_second_no_opens_an_escalation_and_an_agreement_counts_from_the_start(book: Casebook) -> None:
    """One no is one no; two of a match ask the coordinator to see to it, also without any meeting."""
    book.matching().describe_mentor()

    def says_no(day: int) -> list[str]:
        book.act(ProposeMatch(at=on(day, 2), by=LOTTE, match=f"m-{day}", mentor=MENTOR_REF, criteria=("SECTOR",)))
        no = RejectMatch(
            at=on(day, 2, hour=14), by=LOTTE, side="MENTEE", reason="NO_CLICK", on_behalf_reason="BY_PHONE"
        )
        return [type(event).__name__ for event in book.act(no)]

    assert says_no(2) == ["MentorReleased", "MatchRejected"]
    assert says_no(3) == ["MentorReleased", "MatchRejected", "EscalationRaised"]
    assert [held["reason"] for held in escalation_views(book.case, None)] == ["TWO_REJECTIONS"]
    assert says_no(4) == ["MentorReleased", "MatchRejected", "EscalationJoined"]
    assert book.case.state is CaseState.MATCHING


def test_a_pair_that_does_not_meet_for_21_days_is_asked_in_three_working_days(book: Casebook) -> None:
    """Signed on 19 February: noticed on 12 March, to be asked by Tuesday 17 March, and then an escalation."""
    book.mentoring()
    assert silence(book) == end_of(12, 3)
    (noticed,) = book.act(PassDeadline(at=end_of(12, 3), by=CLOCK, name="SILENCE"))
    assert noticed.opens[0].due_at == end_of(17, 3)
    assert book.act(PassDeadline(at=end_of(12, 3), by=CLOCK, name="SILENCE")) == []
    missed, asked = book.act(PassDeadline(at=end_of(17, 3), by=CLOCK, name="SILENCE_CHECK_IN"))
    assert (missed.deadline, asked.reason, asked.opens[0].owner.sub) == ("SILENCE_CHECK_IN", "SILENCE", LOTTE.sub)
    book.act(ResolveEscalation(at=on(18, 3), by=LOTTE, resolution="TALK"))
    assert silence(book) == end_of(8, 4)


def test_a_meeting_or_a_check_in_ends_the_silence(book: Casebook) -> None:
    """Each meeting moves it; one that is reported later counts from its day, and an earlier one moves nothing back."""
    book.mentoring()
    book.act(RecordMeeting(at=on(5, 3), by=LOTTE, occurred_at=on(4, 3)))
    assert silence(book) == end_of(25, 3)
    book.act(RecordMeeting(at=on(6, 3), by=LOTTE, occurred_at=on(2, 3)))
    assert silence(book) == end_of(25, 3)
    book.act(PassDeadline(at=end_of(25, 3), by=CLOCK, name="SILENCE"))
    book.act(RecordMeeting(at=on(26, 3), by=LOTTE, occurred_at=on(20, 3)))
    assert silence(book) == end_of(10, 4)
    assert "CHECK_IN:SILENCE" not in [step.key for step in book.case.steps]
    book.act(PassDeadline(at=end_of(10, 4), by=CLOCK, name="SILENCE"))
    book.act(RecordCheckIn(at=on(13, 4), by=LOTTE))
    assert silence(book) == end_of(4, 5)


def test_nobody_is_asked_during_a_pause(book: Casebook) -> None:
    """The pair is watched again from its end on."""
    book.mentoring()
    book.act(PassDeadline(at=end_of(12, 3), by=CLOCK, name="SILENCE"))
    book.act(Suspend(at=on(13, 3), by=LOTTE, reason="HOLIDAY"))
    assert silence(book) is None
    assert [step.key for step in book.case.steps if step.step == "CHECK_IN"] == []
    book.act(Resume(at=on(23, 3), by=LOTTE))
    assert silence(book) == end_of(13, 4)


def silence(book: Casebook) -> object:
    """Until when the pair is to meet."""
    return next((one.due_at for one in running(book.case) if one.name == "SILENCE"), None)


def test_who_asks_again_joins_what_is_open_on_it(book: Casebook) -> None:
    """The coordinator has it; the same again leaves its clocks as they are, another reason is one of its own."""
    book.mentoring()
    (asked,) = book.act(RaiseEscalation(at=on(5, 3), by=INES, reason="OTHER"))
    assert (asked.escalation, asked.reason, asked.level, asked.opens[0].owner.sub) == ("E1", "OTHER", "L1", LOTTE.sub)
    clocks = deadlines(book)
    (again,) = book.act(RaiseEscalation(at=on(6, 3), by=LOTTE, reason="OTHER"))
    assert (type(again).__name__, again.escalation, again.reason) == ("EscalationJoined", "E1", "OTHER")
    (held,) = escalation_views(book.case, None)
    assert (held["signals"], held["state"], deadlines(book)) == (["OTHER"], "OPEN", clocks)
    (other,) = book.act(RaiseEscalation(at=on(5, 3), by=INES, reason="NOT_TOLD"))
    assert other.escalation == "E2"


@pytest.mark.parametrize("opens", ["LOW_PULSE", "SAFETY"])
def test_a_second_alarm_is_on_record_and_only_the_first_of_danger_hurries(book: Casebook, opens: str) -> None:
    """Raised on Thursday 5 March: contact by Tuesday 10th, in danger by Friday 6th; each further alarm is a signal."""
    book.mentoring()
    mentor = Actor(sub=MENTOR_REF, role="VOLUNTEER_MENTOR", org="brugwerk")
    book.act(RaiseEscalation(at=on(5, 3), by=mentor, reason=opens))
    first = deadlines(book)["ESCALATION_CONTACT:E1"]
    assert first == (end_of(6, 3) if opens == "SAFETY" else end_of(10, 3))
    for by in (mentor, INES):
        assert [event.escalation for event in book.act(RaiseEscalation(at=on(5, 3), by=by, reason="SAFETY"))] == ["E1"]
        assert deadlines(book) == {"ESCALATION_CONTACT:E1": end_of(6, 3), "ESCALATION_RESOLUTION:E1": end_of(19, 3)}
    (held,) = escalation_views(book.case, None)
    assert (held["signals"], held["contactDueAt"]) == (["SAFETY", "SAFETY"], end_of(6, 3))


def test_of_several_the_one_that_is_meant_is_named(book: Casebook) -> None:
    """Without a name where there is but one; unknown and resolved ones are refused, and a repeat changes nothing."""
    book.mentoring()
    unasked = ResolveEscalation(at=on(5, 3), by=LOTTE, resolution="TALK")
    assert refusal(book, unasked).code == "NOTHING_ESCALATED"
    pulse(book, 2)
    book.act(RaiseEscalation(at=on(5, 3), by=LOTTE, reason="OTHER"))
    assert codes(refusal(book, ResolveEscalation(at=on(6, 3), by=LOTTE, resolution="TALK"))) == [
        ("/escalation", "REQUIRED")
    ]
    unknown = ResolveEscalation(at=on(6, 3), by=LOTTE, escalation="E9", resolution="TALK")
    assert codes(refusal(book, unknown)) == [("/escalation", "ESCALATION_UNKNOWN")]
    first = ResolveEscalation(at=on(6, 3), by=LOTTE, escalation="E1", resolution="TALK")
    assert len(book.act(first)) == 1
    assert book.act(first) == []
    again = ResolveEscalation(at=on(6, 3), by=LOTTE, escalation="E1", resolution="PAUSE")
    assert refusal(book, again).code == "ESCALATION_RESOLVED"
    book.act(ResolveEscalation(at=on(6, 3), by=LOTTE, resolution="PUBLIC_SERVICE_ACTION"))
    assert [held["resolution"] for held in escalation_views(book.case, None)] == ["TALK", "PUBLIC_SERVICE_ACTION"]


def test_the_other_side_does_not_resolve_what_it_did_not_raise(book: Casebook) -> None:
    """The counsellor leaves the distress to the coordinator; what a side raised it may take back."""
    book.mentoring()
    pulse(book, 2)
    assert refusal(book, ResolveEscalation(at=on(6, 3), by=INES, resolution="TALK")).code == (
        "ESCALATION_OF_THE_OTHER_SIDE"
    )
    book.act(RaiseEscalation(at=on(6, 3), by=INES, reason="NOT_TOLD"))
    book.act(ResolveEscalation(at=on(6, 3), by=INES, resolution="TALK"))
    assert [held["state"] for held in escalation_views(book.case, None)] == ["OPEN", "RESOLVED"]


def test_a_signal_of_substitution_is_an_escalation_of_its_own_for_both_leads(book: Casebook) -> None:
    """It joins no distress, and either side resolves it."""
    book.mentoring()
    pulse(book, 2)
    signal = raised(book.context(at=on(6, 3)), "SUBSTITUTION_SIGNAL")
    assert (signal.escalation, signal.level, signal.opens[0].owner.sub) == ("E2", "L2", INES.sub)
    assert [due.name for due in signal.opens[0].deadlines] == ["ESCALATION_RESOLUTION:E2"]
    book.act(RaiseEscalation(at=on(6, 3), by=LOTTE, reason="SUBSTITUTION_SIGNAL"))
    book.act(ResolveEscalation(at=on(9, 3), by=LOTTE, escalation="E2", resolution="PUBLIC_SERVICE_ACTION"))
    assert state(book, 1) == "RESOLVED"


def test_what_is_open_goes_back_with_the_case_and_keeps_it_from_becoming_final(book: Casebook) -> None:
    """The lead has it after the handback; the case is final as soon as it is resolved, and not before."""
    book.handback_due()
    book.act(RaiseEscalation(at=on(1, 7), by=LOTTE, reason="OTHER"))
    book.act(HAND_BACK)
    book.act(ACCEPT)
    assert [step.owner.sub for step in book.case.steps if step.step == "ESCALATION"] == [INES.sub]
    for point in ("EXIT", "W4", "M6", "M12"):
        book.act(WaiveOutcome(at=on(7, 7), by=INES, point=point, reason="PERSON_DECLINED"))
    final = PassDeadline(at=on(8, 7), by=CLOCK, name="FINALISE")
    assert book.act(final) == []
    book.act(ResolveEscalation(at=on(9, 7), by=INES, resolution="TALK"))
    book.act(PassDeadline(at=on(10, 7), by=CLOCK, name="FINALISE"))
    assert book.case.state is CaseState.FINALISED


def test_a_withdrawn_consent_leaves_what_is_open_with_the_lead(book: Casebook) -> None:
    """Whatever weighed on the person is not forgotten with the organisation's part."""
    book.mentoring()
    pulse(book, 2)
    book.tell(about(told.LegalBasisWithdrawn, INES, on(20, 3), legal_basis="LB-1", withdrawn_at=on(20, 3)))
    assert [step.owner.sub for step in book.case.steps if step.step == "ESCALATION"] == [INES.sub]
    assert state(book) == "OPEN"


def test_an_organisation_that_comes_later_does_not_read_what_was_open_before_it(book: Casebook) -> None:
    """What weighed on an earlier match is for those who were there, and for the agency."""
    book.mentoring()
    pulse(book, 2)
    assert len(escalation_views(book.case, "brugwerk")) == 1
    assert escalation_views(book.case, "samenstap") == []


def test_what_is_reported_late_and_was_too_long_ago_answers_nothing(book: Casebook) -> None:
    """A meeting of 20 February ends no silence on 20 March, and a check-in before it was noticed is no answer to it."""
    book.mentoring()
    book.act(PassDeadline(at=end_of(12, 3), by=CLOCK, name="SILENCE"))
    book.act(RecordMeeting(at=on(20, 3), by=LOTTE, occurred_at=on(20, 2)))
    book.act(RecordCheckIn(at=on(20, 3), by=LOTTE, occurred_at=on(10, 3)))
    assert "CHECK_IN:SILENCE" in [step.key for step in book.case.steps]
    assert silence(book) is None


def test_after_an_agreement_the_first_no_is_the_first_again(book: Casebook) -> None:
    """A pair that was found and ended is no sign that the next proposal fails."""
    book.matching().describe_mentor()
    propose = ProposeMatch(at=on(10, 2), by=LOTTE, match="m-0", mentor=MENTOR_REF, criteria=("SECTOR",))
    no = RejectMatch(at=on(11, 2), by=LOTTE, side="MENTEE", reason="NO_CLICK", on_behalf_reason="BY_PHONE")
    for command in (propose, no, PROPOSE):
        book.act(command)
    for side in ("MENTOR", "MENTEE"):
        book.act(ConfirmMatch(at=on(19, 2), by=LOTTE, side=side, on_behalf_reason="BY_PHONE"))
    book.act(SIGN)
    book.act(EndMatch(at=on(1, 4), by=LOTTE, reason="MISMATCH", next="REMATCH", closure_talk=True))
    book.act(replace(propose, at=on(2, 4), match="m-2"))
    assert [type(event).__name__ for event in book.act(replace(no, at=on(3, 4)))] == ["MentorReleased", "MatchRejected"]


def test_mentor_and_mentee_raise_one_while_they_are_a_pair(book: Casebook) -> None:
    """Before they have signed they say yes or no."""
    book.proposed()
    mentor = Actor(sub=MENTOR_REF, role="VOLUNTEER_MENTOR", org="brugwerk")
    asked = RaiseEscalation(at=on(13, 2), by=mentor, reason="OTHER")
    assert refusal(book, asked).code == "STATE_DOES_NOT_ALLOW"
    other = Casebook().mentoring()
    assert len(other.act(replace(asked, at=on(5, 3)))) == 1
