"""The timeline and the views: what was so when, as known when, and who may read which items."""

from __future__ import annotations

from contracts import referral as told
from services.casefile.domain.deadlines import PassDeadline
from services.casefile.domain.intake import LogContactAttempt, ReportNoShow
from services.casefile.domain.outcomes import RecordOutcome
from services.casefile.history import find_event, responsibility
from services.casefile.timeline import timeline
from tests.casefile.casebook import Casebook
from tests.casefile.messages import about, submitted
from tests.support.actors import CLOCK, INES, KARIM, LOTTE
from tests.support.dates import end_of, on


def types(book: Casebook, organisation: str | None) -> list[str]:
    """The types that an organisation reads; all without one."""
    return [item.type for item in timeline(book.history, seen_by=organisation)]


def referred_again(book: Casebook) -> Casebook:
    """Declined by Brugwerk on 18 March, referred to Samenstap on the 23rd, accepted on the 30th (domain 9.2)."""
    book.referred().tell(
        about(
            told.ReferralDeclined, LOTTE, on(18, 3), reason="LANGUAGE_INSUFFICIENT", re_referable=True, suggestion=None
        )
    )
    again = {"referral": "R-8", "organisation": "samenstap"}
    book.tell(submitted(on(23, 3), legal_basis_id="LB-12", previous_referral="R-1", **again))
    book.tell(about(told.ReferralAccepted, KARIM, on(30, 3), coordinator=KARIM.sub, **again))
    return book


def test_agency_and_addressed_organisation_read_the_same_items(book: Casebook) -> None:
    """Both sides share one timeline, what was recorded at entry included."""
    book.mentoring()
    assert types(book, "brugwerk") == types(book, None)


def test_an_organisation_sees_nothing_that_went_to_others_before(book: Casebook) -> None:
    """The second organisation begins with its own legal basis and referral."""
    referred_again(book)
    assert types(book, "samenstap") == [
        "LegalBasisRecorded",
        "ReferralSubmitted",
        "CaseReferred",
        "ReferralAccepted",
        "ResponsibilityTransferred",
    ]


def test_an_organisation_whose_referral_ended_reads_up_to_its_end(book: Casebook) -> None:
    """The first organisation keeps what it saw, and nothing of what follows; after 12 weeks nothing at all."""
    referred_again(book)
    seen = types(book, "brugwerk")
    assert seen[0] == "CaseOpened"
    assert seen[-2:] == ["ReferralDeclined", "ReferralReturned"]
    assert "ReferralAccepted" not in seen
    book.act(PassDeadline(at=end_of(10, 6), by=CLOCK, name="NGO_ACCESS:R-1"))
    assert types(book, "brugwerk") == []
    assert "ReferralAccepted" in types(book, "samenstap")


def test_after_the_completion_only_what_concerns_the_own_referral_is_read(book: Casebook) -> None:
    """The organisation reads how the handback ended, and no outcome of the person."""
    book.closed()
    book.tell(about(told.ReferralCompleted, INES, on(6, 7), closure="HANDBACK_ACCEPTED", loop_closed_at=on(6, 7)))
    book.act(RecordOutcome(at=on(28, 7), by=INES, point="W4", code="EMPLOYED_STABLE", source="REGISTER"))
    assert types(book, "brugwerk")[-1] == "ReferralCompleted"
    assert types(book, None)[-1] == "OutcomeRecorded"


def test_after_a_withdrawal_only_the_stop_remains(book: Casebook) -> None:
    """The organisation is told to stop, and reads nothing else any more."""
    book.mentoring()
    book.tell(about(told.LegalBasisWithdrawn, INES, on(1, 4), legal_basis="LB-1", withdrawn_at=on(1, 4)))
    assert types(book, "brugwerk") == ["LegalBasisWithdrawn", "NgoAccessRevoked"]
    assert types(book, "samenstap") == []


def test_as_of_asks_what_had_happened_and_known_at_what_was_known(book: Casebook) -> None:
    """A contact on Monday that was recorded on Wednesday."""
    book.accepted()
    book.act(LogContactAttempt(at=on(21, 1), by=LOTTE, occurred_at=on(19, 1)))
    tuesday = on(20, 1)
    known_then = responsibility(book.history, as_of=tuesday, known_at=tuesday)
    known_now = responsibility(book.history, as_of=tuesday, known_at=on(22, 1))
    assert [step.step for step in known_then.steps] == ["FIRST_CONTACT", "INTAKE"]
    assert [step.step for step in known_now.steps] == ["INTAKE"]
    assert len(timeline(book.history, as_of=tuesday)) == len(timeline(book.history, known_at=on(22, 1)))
    assert len(timeline(book.history, known_at=tuesday)) == len(timeline(book.history)) - 1


def test_a_handback_that_a_late_report_led_to_happened_when_it_was_reported(book: Casebook) -> None:
    """What moves a step is not dated back by a report of the past."""
    book.accepted()
    for day in (20, 21, 22):
        book.act(ReportNoShow(at=on(26, 1), by=LOTTE, occurred_at=on(day, 1)))
    then = responsibility(book.history, as_of=on(23, 1))
    assert [step.step for step in then.steps] == ["INTAKE"]
    assert timeline(book.history)[-1].occurred_at == on(26, 1)


def test_a_step_is_overdue_once_its_day_is_over(book: Casebook) -> None:
    """The day itself still counts."""
    book.accepted()
    on_the_day = responsibility(book.history, as_of=end_of(26, 1))
    the_day_after = responsibility(book.history, as_of=on(27, 1))
    assert [step.overdue for step in on_the_day.steps] == [False, False]
    assert [(step.step, step.overdue) for step in the_day_after.steps] == [("FIRST_CONTACT", True), ("INTAKE", False)]


def test_every_item_speaks_in_a_sentence_without_a_person_in_it(book: Casebook) -> None:
    """Organisations and codes are named; staff, the client's reference and mentors are not."""
    book.closed()
    book.tell(about(told.ReferralCompleted, INES, on(6, 7), closure="HANDBACK_ACCEPTED", loop_closed_at=on(6, 7)))
    for item in timeline(book.history):
        assert item.text.endswith(".")
        assert "{" not in item.text
        assert not any(who in item.text for who in ("ines", "lotte", "CL-7F3A", "M-41", "vault"))


def test_a_correction_finds_an_event_by_the_id_that_the_timeline_shows(book: Casebook) -> None:
    """Also a referral message, by the id that it has in the referral log."""
    book.accepted()
    for item in timeline(book.history):
        found = find_event(book.history, item.event)
        assert found is not None
        assert found.name == item.type
    assert find_event(book.history, "no-such") is None
