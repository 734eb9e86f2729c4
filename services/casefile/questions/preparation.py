"""Q10: whether the mentor was screened, trained, insured and bound to confidentiality before the first contact."""

from __future__ import annotations

from datetime import date
from typing import Final

from msgspec import Struct

from contracts.codes import MentorKind
from services.casefile.domain.agreement import AgreementSigned
from services.casefile.domain.mentoring import MeetingRecorded
from services.casefile.questions.question import Answer, Facts, Inquiry, Question, listed, proofs
from services.casefile.reports.report import History, Moment, day_of

SOURCES: Final = ("AgreementSigned", "MeetingRecorded", "CorrectionRecorded")
_NEEDED: Final = {
    "screened": "screened_on",
    "trained": "trained_on",
    "insured": "insurance_note_on",
    "with the charter acknowledged": "charter_acknowledged_on",
    "bound to confidentiality": "confidentiality_on",
}
"""What has to be done, as sentences have it, and the date of it in the snapshot of the agreement."""
INSURED: Final = "insured"


class Prepared(Struct, frozen=True):
    """A mentor with an agreement: the day of the first contact, and when each thing was done; None: never."""

    signed: Moment
    contact: Moment | None
    first_contact: date
    done: dict[str, date | None]

    @property
    def lacks(self) -> list[str]:
        """What was not done by the day of the first contact."""
        return [thing for thing, day in self.done.items() if day is None or day > self.first_contact]


def find(inquiry: Inquiry) -> Answer:
    """Of each match the snapshot of the mentor's preparation next to the day of the first contact."""
    found = prepared_in(inquiry.history)
    facts: Facts = {
        "mentors": [
            {
                "match": each.signed.recorded.event.match,
                "kind": each.signed.recorded.event.readiness.kind,
                "firstContact": str(each.first_contact),
                "done": {_camel(thing): str(day) if day is not None else None for thing, day in each.done.items()},
                "lacks": [_camel(thing) for thing in each.lacks],
            }
            for each in found
        ]
    }
    shown = proofs(*(moment for each in found for moment in (each.signed, each.contact) if moment is not None))
    if not found:
        return Answer("No agreement was signed, so no mentor had contact with the person.", facts, shown)
    short = [each for each in found if each.lacks]
    if short:
        parts = (f"{_mentor(each)} was not {listed(each.lacks)} by {each.first_contact}" for each in short)
        return Answer(f"No: {'; '.join(parts)}, the day of the first contact.", facts, shown, clear=False)
    parts = (f"{_mentor(each)} was {listed(each.done)} by {each.first_contact}" for each in found)
    return Answer(f"Yes: {'; '.join(parts)}, the day of the first contact.", facts, shown)


def _mentor(each: Prepared) -> str:
    return f"the mentor of match {each.signed.recorded.event.match}"


def prepared_in(history: History) -> list[Prepared]:
    """The mentors who signed an agreement, with the first day on which they met the person, or could have."""
    found: list[Prepared] = []
    for place, moment in enumerate(history.standing):
        event = moment.recorded.event
        if isinstance(event, AgreementSigned):
            met = [later for later in history.standing[place:] if _is_meeting_of(later, event.match)]
            first = min(met, key=lambda later: later.recorded.event.happened_at, default=None)
            day = day_of(first.recorded.event.happened_at) if first is not None else event.start
            found.append(Prepared(moment, first, day, _done(event)))
    return found


def _is_meeting_of(moment: Moment, match: str) -> bool:
    running = moment.before.match or moment.after.match
    return isinstance(moment.recorded.event, MeetingRecorded) and running is not None and running.match == match


def _done(event: AgreementSigned) -> dict[str, date | None]:
    # The note on insurance is the law's on volunteers.
    needed = {
        thing: field
        for thing, field in _NEEDED.items()
        if thing != INSURED or event.readiness.kind == MentorKind.VOLUNTEER
    }
    return {thing: getattr(event.readiness, field) for thing, field in needed.items()}


def _camel(thing: str) -> str:
    return _NEEDED[thing].removesuffix("_on").replace("_n", "N").replace("_a", "A")


QUESTION: Final = Question(
    "Q10",
    "Was the mentor screened, trained, insured and bound to confidentiality before the first contact?",
    SOURCES,
    find,
)
