"""A correction belongs where the event belongs that it corrects: who saw that one sees it, and nobody else does."""

from __future__ import annotations

from services.casefile.domain.closing import Reopen
from services.casefile.domain.correction import Correct
from services.casefile.domain.handback import AcceptHandback, RequestHandback
from services.casefile.domain.mentoring import RecordMeeting
from services.casefile.domain.outcomes import RecordOutcome
from services.casefile.timeline import visible_to
from tests.casefile.casebook import Casebook
from tests.casefile.messages import submitted
from tests.support.actors import INES, LOTTE
from tests.support.dates import on

CULTUUR = "samenstap"


def last(book: Casebook, name: str) -> str:
    """The id of the latest event of a name."""
    return next(one.meta.event_id for one in reversed(book.history) if type(one.event).__name__ == name)


def seen(book: Casebook, organisation: str) -> list[str]:
    """What an organisation sees, by name."""
    shown = visible_to(book.history, organisation)
    return [type(one.event).__name__ for one in book.history if one.version in shown]


def referred_on(book: Casebook, day: int, month: int) -> None:
    """The case is offered to another organisation."""
    book.tell(submitted(on(day, month), referral="R-2", legal_basis_id="LB-2", organisation=CULTUUR))


def test_another_organisation_is_not_told_what_the_first_one_reported(book: Casebook) -> None:
    """The meeting was Brugwerk's: so is its correction, read by Brugwerk after its part, and by nobody after it."""
    book.mentoring().act(RecordMeeting(at=on(3, 3), by=LOTTE, minutes=600))
    goals = {"SOCIAL": "=", "CULTURAL": "="}
    book.act(RequestHandback(at=on(1, 4), by=LOTTE, closure_reason="MISMATCH", outcomes=goals))
    book.act(AcceptHandback(at=on(2, 4), by=INES, decision="RE_REFER"))
    referred_on(book, 3, 4)
    meeting = RecordMeeting(at=on(10, 4), by=LOTTE, minutes=60, occurred_at=on(3, 3))
    event = last(book, "MeetingRecorded")
    book.act(Correct(at=on(10, 4), by=LOTTE, event=event, reason_ref="v", with_holds=True, holds=meeting))
    assert "CorrectionRecorded" in seen(book, "brugwerk")
    assert "CorrectionRecorded" not in seen(book, CULTUUR)
    book.act(Correct(at=on(11, 4), by=INES, event=last(book, "CorrectionRecorded"), reason_ref="w"))
    assert "CorrectionRecorded" not in seen(book, CULTUUR)


def test_what_the_agency_recorded_alone_is_corrected_for_the_agency_alone(book: Casebook) -> None:
    """An outcome of the first period, put in question while the case is offered to another organisation."""
    book.closed().act(RecordOutcome(at=on(7, 7), by=INES, point="EXIT", code="EMPLOYED_STABLE", source="DECLARED"))
    book.act(Reopen(at=on(8, 7), by=INES))
    referred_on(book, 9, 7)
    book.act(Correct(at=on(10, 7), by=INES, event=last(book, "OutcomeRecorded"), reason_ref="v"))
    for organisation in ("brugwerk", CULTUUR):
        assert "CorrectionRecorded" not in seen(book, organisation)
    assert "CorrectionRecorded" in seen(book, INES.org)


def test_what_was_recorded_with_a_referral_belongs_to_it(book: Casebook) -> None:
    """The entry of the case went to the first organisation with the referral, and so does the word that it is wrong."""
    book.mentoring()
    book.act(Correct(at=on(10, 3), by=INES, event=last(book, "EligibilityConfirmed"), reason_ref="v"))
    assert "CorrectionRecorded" in seen(book, "brugwerk")


def test_a_correction_of_what_both_see_is_seen_by_both(book: Casebook) -> None:
    """While the case is with the organisation; also of a message of the referral service."""
    book.mentoring()
    entries = [one.event for one in book.history if getattr(one.event, "name", "") == "ReferralAccepted"]
    book.act(Correct(at=on(10, 3), by=INES, event=entries[0].source_event_id, reason_ref="v"))
    assert "CorrectionRecorded" in seen(book, "brugwerk")
    assert "CorrectionRecorded" in seen(book, INES.org)
