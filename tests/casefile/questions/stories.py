"""Records that questions are asked of: one by the rules from end to end, and others written by hand against them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.casefile.domain.consent_withdrawal import DisclosureStopped
from services.casefile.domain.mentoring import RecordCheckIn, RecordMeeting, ReportProgress
from services.casefile.domain.opening import EligibilityConfirmed, LegalBasisRecorded
from services.casefile.domain.outcomes import RecordOutcome
from services.casefile.domain.tasks import RecordTask
from services.casefile.domain.trajectory_end import CompleteTrajectory
from services.casefile.questions.catalogue import QUESTIONS
from services.casefile.questions.question import Answer, Inquiry
from services.chassis.log.metadata import Recorded
from tests.casefile.casebook import ACCEPT, HAND_BACK, Casebook
from tests.casefile.reports.histories import INES, Entry, history, opened, step
from tests.support import actors
from tests.support.dates import on

OPENED = on(12, 1)


def by_the_rules() -> Casebook:
    """Samira's case: referred on 12 January, mentored from 19 February to 30 June, handed back and closed on 6 July."""
    book = Casebook().mentoring()
    book.act(RecordMeeting(at=on(26, 2), by=actors.LOTTE, minutes=60))
    for day, month in ((26, 3), (30, 4), (4, 6)):
        book.act(RecordCheckIn(at=on(day, month), by=actors.LOTTE))
        if (day, month) == (30, 4):
            book.act(RecordTask(at=on(2, 5), by=actors.LOTTE, task="CV_FEEDBACK", role="VOLUNTEER_MENTOR", minutes=30))
            progress = {"SOCIAL": "+", "CULTURAL": "="}
            book.act(ReportProgress(at=on(19, 5), by=actors.LOTTE, progress=progress, next_step="CONTINUE_MENTORING"))
    book.act(CompleteTrajectory(at=on(30, 6), by=actors.LOTTE, reason="EMPLOYMENT", closure_talk=True))
    book.act(HAND_BACK)
    book.act(ACCEPT)
    outcome = RecordOutcome(at=on(7, 7), by=actors.INES, point="EXIT", code="EMPLOYED_STABLE", source="REGISTER")
    book.act(outcome)
    return book


def written(*entries: Entry) -> list[Recorded]:
    """A record written event by event; the case opens on 12 January."""
    return list(history("c1", (OPENED, opened("c1", OPENED, step("NEXT_SERVICE", INES, OPENED))), *entries).records)


def basis(ident: str, given_at: datetime, recipient: str = "brugwerk") -> LegalBasisRecorded:
    """A consent to share with an organisation."""
    return LegalBasisRecorded(
        legal_basis=ident, kind="CONSENT", recipient=recipient, text_version="v3", language="ti", given_at=given_at
    )


def stopped(ident: str, at: datetime) -> DisclosureStopped:
    """The person withdrew it."""
    return DisclosureStopped(legal_basis=ident, withdrawn_at=at)


def eligible(**criteria: bool) -> EligibilityConfirmed:
    """The result per criterion."""
    return EligibilityConfirmed(criteria=criteria)


def beside(*entries: tuple[datetime, Any], after: int = 1000) -> list[Recorded]:
    """What was noted beside the case, further on in the same log."""
    records = history("c1", *entries, stream="told-c1").records
    return [
        Recorded(after + each.position, each.stream, each.version, each.topic, each.event, each.meta, each.state)
        for each in records
    ]


def ask(name: str, records: Sequence[Recorded], tellings: Sequence[Recorded] = (), **at: datetime) -> Answer:
    """The answer of a record to a question; every event that it names is one of the record's."""
    found = QUESTIONS[name].answer(Inquiry(records, tellings, **at))
    assert found.text.endswith((".", "!"))
    here = {(each.meta.event_id, each.position) for each in (*records, *tellings)}
    named = {(proof.event, proof.position) for proof in found.proofs if proof.log == "casefile"}
    assert named <= here
    assert len(found.proofs) == len({*found.proofs})
    return found


def proven(found: Answer, records: Sequence[Recorded]) -> list[str]:
    """The names of the events that prove an answer, in order."""
    names = {each.meta.event_id: type(each.event).__name__ for each in records}
    return [names[proof.event] for proof in found.proofs if proof.log == "casefile"]
