"""What waits for somebody in a case: every piece of it has a place of its own, and somebody who can do it."""

from __future__ import annotations

from contracts import referral as told
from contracts.codes import CaseState
from services.casefile.domain.deadlines import PassDeadline
from services.casefile.domain.outcomes import RecordOutcome, WaiveOutcome
from services.casefile.domain.people import ReassignCounsellor
from services.casefile.worklist import COUNSELLOR_HANDOVER, ERROR_CONFIRMATION, work_in
from tests.casefile.casebook import Casebook
from tests.casefile.messages import about, submitted
from tests.support.actors import CLOCK, INES
from tests.support.dates import on


def test_two_errors_that_wait_for_confirmation_are_two_pieces_of_work(book: Casebook) -> None:
    """An expired referral and the next one were reported as entered in error; each is confirmed and found by itself."""
    book.referred().tell(about(told.ReferralExpired, CLOCK, on(14, 1), last_actor="brugwerk"))
    book.tell(submitted(on(15, 1), referral="R-2", legal_basis_id="LB-2"))
    for day, referral in ((16, "R-1"), (17, "R-2")):
        book.tell(about(told.ErrorReported, INES, on(day, 1), referral=referral))
    errors = [work for work in work_in(book.case) if work.name == ERROR_CONFIRMATION]
    assert [work.referral for work in errors] == ["R-1", "R-2"]
    assert len({work.key for work in work_in(book.case)}) == len(work_in(book.case))


def test_nobody_is_left_with_a_handover_of_a_case_that_is_final(book: Casebook) -> None:
    """A final case has no lead to take over from: the question ends with it."""
    book.closed().act(ReassignCounsellor(at=on(8, 7), by=INES, counsellor="tom.maes"))
    assert COUNSELLOR_HANDOVER in {work.name for work in work_in(book.case)}
    book.act(RecordOutcome(at=on(9, 7), by=INES, point="EXIT", code="EMPLOYED_STABLE", source="DECLARED"))
    for point in ("W4", "M6", "M12"):
        book.act(WaiveOutcome(at=on(9, 7), by=INES, point=point, reason="MOVED"))
    book.act(PassDeadline(at=on(9, 7, hour=12), by=CLOCK, name="FINALISE"))
    assert book.case.state == CaseState.FINALISED
    assert COUNSELLOR_HANDOVER not in {work.name for work in work_in(book.case)}
