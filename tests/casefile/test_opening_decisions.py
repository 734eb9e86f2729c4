"""What referral messages do to a case: opened, referred, returned, stopped; each taken in once."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
import pytest

from contracts import referral as told
from contracts.codes import CaseState
from services.casefile.domain.closing import Close
from services.casefile.domain.consent_withdrawal import RecordedAfterWithdrawal
from services.casefile.domain.deadlines import PassDeadline
from services.casefile.domain.matching import ProposeMatch
from services.casefile.domain.mentoring import RecordMeeting
from services.casefile.domain.outcomes import WaiveOutcome
from services.casefile.domain.people import ReassignCounsellor
from services.casefile.history import responsibility
from services.casefile.timeline import timeline
from services.chassis.modelling.decider import Because, Refused
from tests.casefile.casebook import MENTOR_REF, PROPOSE, Casebook
from tests.casefile.messages import TOM, about, due, submitted
from tests.support.actors import CLOCK, INES, KARIM, LOTTE
from tests.support.dates import end_of, on

DECLINED = about(
    told.ReferralDeclined, LOTTE, on(18, 3), reason="LANGUAGE_INSUFFICIENT", re_referable=True, suggestion=None
)
WITHDRAWN = about(told.LegalBasisWithdrawn, INES, on(20, 2), legal_basis="LB-1", withdrawn_at=on(20, 2))


def test_a_message_told_twice_leaves_one_entry(book: Casebook) -> None:
    """The same source event again changes nothing, whatever the message was."""
    messages = [
        submitted(on(12, 1)),
        about(told.ReferralReceived, LOTTE, on(13, 1)),
        about(
            told.InformationRequested, LOTTE, on(14, 1), codes=["AVAILABILITY"], deadlines=[due("INFORMATION", 21, 1)]
        ),
        about(
            told.ReferralDeadlineReminded, CLOCK, on(15, 1), deadline="DECISION", due_at=on(26, 1), awaited="brugwerk"
        ),
        about(told.ReferralDeadlineMissed, CLOCK, on(27, 1), deadline="DECISION", due_at=on(26, 1), awaited="brugwerk"),
        about(told.ErrorReported, INES, on(28, 1)),
        DECLINED,
        about(told.LegalBasisWithdrawn, INES, on(19, 3), legal_basis="LB-1", withdrawn_at=on(19, 3)),
        about(told.ReferralCompleted, CLOCK, on(20, 3), closure="CONSENT_WITHDRAWN", loop_closed_at=on(20, 3)),
    ]
    for place, message in enumerate(messages):
        assert book.tell(message, event_id=f"source-{place}") != []
        assert book.tell(message, event_id=f"source-{place}") == []


def test_every_referral_message_has_its_item_under_its_own_name(book: Casebook) -> None:
    """An entry shows the source's id, name and digest; a reminder does not move the ETag."""
    book.referred()
    reminder = about(
        told.ReferralDeadlineReminded, CLOCK, on(13, 1), deadline="RECEIPT", due_at=end_of(14, 1), awaited="brugwerk"
    )
    book.tell(reminder, event_id="source-9")
    assert book.history[-1].event.BYSTANDER is True
    assert book.history[-2].event.BYSTANDER is False
    item = timeline(book.history)[-1]
    assert (item.event, item.type, item.digest) == ("source-9", "DeadlineReminded", "d" * 64)
    assert item.due_at == end_of(14, 1)
    assert item.text == "Reminder: RECEIPT is nearly due."


def test_questions_turn_the_waiting_round(book: Casebook) -> None:
    """While the organisation waits for information, the lead waits for nobody but the own agency."""
    book.referred()
    book.tell(
        about(
            told.InformationRequested, LOTTE, on(14, 1), codes=["AVAILABILITY"], deadlines=[due("INFORMATION", 21, 1)]
        )
    )
    awaiting = book.case.steps[0].awaiting
    assert awaiting is not None
    assert (awaiting.org, awaiting.action, awaiting.due_at) == ("vdab-gent", "provide-information", end_of(21, 1))
    book.tell(
        about(told.InformationProvided, INES, on(15, 1), codes=["AVAILABILITY"], deadlines=[due("DECISION", 27, 1)])
    )
    awaiting = book.case.steps[0].awaiting
    assert awaiting is not None
    assert (awaiting.org, awaiting.action, awaiting.due_at) == ("brugwerk", "accept", end_of(27, 1))


def test_a_missed_review_of_the_waiting_list_is_due_again(book: Casebook) -> None:
    """The lead waits for the next review that the referral service names."""
    book.referred()
    book.tell(
        about(
            told.ReferralWaitlisted,
            LOTTE,
            on(14, 1),
            reason="CAPACITY_FULL",
            since=on(14, 1),
            expected_by=date(2026, 3, 1),
            deadlines=[due("WAITLIST_REVIEW", 13, 2)],
        )
    )
    book.tell(
        about(
            told.ReferralDeadlineMissed,
            CLOCK,
            end_of(13, 2),
            deadline="WAITLIST_REVIEW",
            due_at=end_of(13, 2),
            awaited="brugwerk",
            deadlines=[due("WAITLIST_REVIEW", 15, 3)],
        )
    )
    assert book.case.steps[0].due_at == end_of(15, 3)


def test_after_a_decline_the_lead_owns_the_next_service(book: Casebook) -> None:
    """Declined on Wednesday 18 March: the case is open again, and the agency acts by the 25th."""
    book.referred().tell(DECLINED)
    assert book.case.state == CaseState.OPENED
    (step,) = responsibility(book.history, as_of=on(19, 3)).steps
    assert (step.step, step.owner.sub, step.due_at) == ("NEXT_SERVICE", "ines.debacker", end_of(25, 3))


@pytest.mark.parametrize(
    "message",
    [
        about(told.ReferralWithdrawn, INES, on(18, 3), reason="CLIENT_MOVED"),
        about(told.ReferralExpired, CLOCK, on(18, 3), last_actor="brugwerk"),
        about(told.ReferralEnteredInError, INES, on(18, 3)),
    ],
)
def test_every_other_end_of_an_open_referral_returns_the_case_too(
    book: Casebook, message: told.ReferralMessage
) -> None:
    """Withdrawn, expired or entered in error: the lead decides again, by the same term."""
    book.referred().tell(message)
    assert book.case.state == CaseState.OPENED
    assert [(step.step, step.due_at) for step in book.case.steps] == [("NEXT_SERVICE", end_of(25, 3))]


def test_a_second_referral_of_an_open_case_records_only_what_is_new(book: Casebook) -> None:
    """The case, its eligibility and the choice stand; the new recipient needs a legal basis of its own."""
    book.referred().tell(DECLINED)
    before = len(book.names)
    book.tell(
        submitted(on(23, 3), referral="R-8", organisation="samenstap", legal_basis_id="LB-12", previous_referral="R-1")
    )
    assert book.names[before:] == ["LegalBasisRecorded", "ReferralEntryTaken", "CaseReferred"]
    assert book.case.state == CaseState.REFERRED
    assert book.case.organisation == "samenstap"


def test_a_referral_that_crosses_the_closing_opens_the_case_again(book: Casebook) -> None:
    """A live referral is never left without an open case."""
    book.referred().tell(DECLINED)
    book.act(Close(at=on(24, 3), by=INES, reason="NO_ORGANISATION_FOUND"))
    book.tell(submitted(on(24, 3), referral="R-8", organisation="samenstap", legal_basis_id="LB-12"))
    assert "CaseReopened" in book.names
    assert book.case.state == CaseState.REFERRED


def test_a_referral_that_crosses_a_case_becoming_final_is_the_leads_from_its_own_time(book: Casebook) -> None:
    """Made at noon of the day before the case became final, told the day after: one step at every moment since."""
    book.referred().tell(DECLINED)
    book.act(Close(at=on(20, 3), by=INES, reason="NO_ORGANISATION_FOUND"))
    for point in ("EXIT", "W4", "M6", "M12"):
        book.act(WaiveOutcome(at=on(24, 3), by=INES, point=point, reason="MOVED"))
    book.act(PassDeadline(at=on(24, 3), by=CLOCK, name="FINALISE"))
    assert book.case.state == CaseState.FINALISED
    crossing = submitted(on(23, 3), referral="R-8", organisation="samenstap", legal_basis_id="LB-12")
    book.tell(crossing, at=on(25, 3))
    assert (book.case.state, book.case.organisation) == (CaseState.REFERRED, "samenstap")
    before, knew = on(22, 3), on(24, 3)
    asked = [(before, None), (on(23, 3), None), (knew, None), (on(25, 3), None), (knew, knew)]
    told_then = [responsibility(book.history, as_of=as_of, known_at=known_at).steps for as_of, known_at in asked]
    waits = ("REFERRAL_ANSWER", INES.sub, on(23, 3))
    assert [[(step.step, step.owner.sub, step.since) for step in steps] for steps in told_then] == [
        [("OUTCOME_FOLLOW_UP", INES.sub, on(20, 3))],
        [waits],
        [waits],
        [waits],
        [],
    ]


def test_a_case_is_not_closed_while_a_referral_is_open(book: Casebook) -> None:
    """The refusal names the referral that holds, and who can let go of it."""
    with pytest.raises(Refused) as refused:
        book.referred().act(Close(at=on(14, 1), by=INES, reason="OTHER"))
    assert (refused.value.code, refused.value.because) == ("REFERRAL_LIVE", Because.STATE)
    assert "R-1" in refused.value.detail


def test_a_withdrawn_legal_basis_stops_the_organisation_at_once(book: Casebook) -> None:
    """The case is the agency's again without a handback, the mentor is free, and access has ended."""
    book.mentoring().tell(WITHDRAWN)
    assert book.names[-5:] == [
        "ReferralEntryTaken",
        "DisclosureStopped",
        "NgoAccessRevoked",
        "MatchEnded",
        "CaseReturned",
    ]
    assert book.case.state == CaseState.OPENED
    assert [(step.step, step.owner.sub) for step in book.case.steps] == [("NEXT_SERVICE", "ines.debacker")]
    assert [mentor.cases for mentor in book.mentors.values() if mentor.profile is not None] == [frozenset()]


def test_an_organisation_that_was_stopped_is_refused_with_the_rule(book: Casebook) -> None:
    """After the withdrawal its command gets 403 LEGAL_BASIS_WITHDRAWN, and learns no other reason."""
    book.matching().describe_mentor()
    book.tell(WITHDRAWN)
    with pytest.raises(Refused) as refused:
        book.act(ProposeMatch(at=on(20, 2, hour=11), by=LOTTE, match="m", mentor=MENTOR_REF, criteria=("SECTOR",)))
    assert (refused.value.code, refused.value.because) == ("LEGAL_BASIS_WITHDRAWN", Because.RIGHTS)


def test_what_the_organisation_recorded_in_the_window_is_marked(book: Casebook) -> None:
    """A meeting recorded after the withdrawal, before casefile was told, is named; what was before it is not."""
    book.mentoring()
    book.act(RecordMeeting(at=on(20, 2, hour=9), by=LOTTE))
    book.act(RecordMeeting(at=on(20, 2, hour=12), by=LOTTE))
    in_window = book.history[-1].meta.event_id
    book.tell(WITHDRAWN, at=on(20, 2, hour=13))
    (marked,) = [one.event for one in book.history if isinstance(one.event, RecordedAfterWithdrawal)]
    assert marked.events == (in_window,)


def test_a_withdrawal_before_the_acceptance_returns_the_case_once() -> None:
    """Whichever of the two messages comes first, the case is returned by it, and the other one moves nothing."""
    withdrawn = about(told.ReferralWithdrawn, INES, on(20, 2), reason="CONSENT_WITHDRAWN")
    for messages in ([WITHDRAWN, withdrawn], [withdrawn, WITHDRAWN]):
        other = Casebook().referred()
        for message in messages:
            other.tell(message)
        assert other.case.state == CaseState.OPENED
        assert [step.since for step in other.case.steps] == [on(20, 2)]
        assert len([name for name in other.names if name in {"CaseReturned", "ReferralReturned"}]) == 1
        assert all(access.closed for access in other.case.accesses)


def test_an_error_found_after_the_acceptance_ends_what_rested_on_it(book: Casebook) -> None:
    """The match ends as an error and the lead decides again."""
    book.mentoring().tell(about(told.ReferralEnteredInError, TOM, on(20, 2)))
    assert book.case.state == CaseState.OPENED
    ended = [one.event for one in book.history if type(one.event).__name__ == "MatchEnded"]
    assert [event.reason for event in ended] == ["ERROR"]


def test_a_decline_that_reaches_a_new_lead_is_the_new_leads(book: Casebook) -> None:
    """The next step belongs to the lead of the case when the message is taken in."""
    book.referred().act(ReassignCounsellor(at=on(15, 1), by=TOM))
    book.tell(DECLINED)
    assert [step.owner.sub for step in book.case.steps] == ["tom.maes"]


def test_a_stranger_is_refused_and_nothing_is_said_of_the_case(book: Casebook) -> None:
    """An organisation that the case was never offered to has no part in it."""
    book.matching()
    with pytest.raises(Refused) as refused:
        book.act(ProposeMatch(at=on(12, 2), by=KARIM, match="m", mentor=MENTOR_REF, criteria=("SECTOR",)))
    assert (refused.value.code, refused.value.because) == ("NOT_YOUR_STEP", Because.RIGHTS)
    assert "brugwerk" not in refused.value.detail


def test_a_case_without_acceptance_takes_no_step_of_the_organisation(book: Casebook) -> None:
    """Before its acceptance the organisation has been asked, and is responsible for nothing."""
    with pytest.raises(Refused) as refused:
        book.referred().act(PROPOSE)
    assert refused.value.code == "STATE_DOES_NOT_ALLOW"


def test_responsibility_is_counted_from_the_acts_time_when_the_message_comes_late(book: Casebook) -> None:
    """The acceptance of Friday, told on Monday: known only then, but true since Friday."""
    book.referred()
    late = on(16, 1) + timedelta(days=3)
    book.tell(about(told.ReferralAccepted, LOTTE, on(16, 1), coordinator=LOTTE.sub), at=late)
    saturday = on(17, 1)
    assert [step.step for step in responsibility(book.history, as_of=saturday, known_at=saturday).steps] == [
        "REFERRAL_ANSWER"
    ]
    now_known = responsibility(book.history, as_of=saturday, known_at=late).steps
    assert [(step.step, step.since) for step in now_known] == [("FIRST_CONTACT", on(16, 1)), ("INTAKE", on(16, 1))]


def test_the_access_ends_when_the_end_of_the_referral_says_so(book: Casebook) -> None:
    """It was computed where the referral ended; casefile does not compute it a second time, under other terms."""
    book.referred()
    book.tell(msgspec.structs.replace(DECLINED, access=due("NGO_ACCESS", 10, 4)))
    (access,) = book.case.accesses
    assert access.expires is not None
    assert access.expires.due_at == end_of(10, 4)
