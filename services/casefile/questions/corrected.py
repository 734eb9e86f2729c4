"""Q16: what was corrected afterwards, by whom, and why."""

from __future__ import annotations

from typing import Final

from services.casefile.domain.correction import CorrectionRecorded
from services.casefile.domain.referral_entry import ReferralEntryTaken
from services.casefile.domain.report_facts import Reported
from services.casefile.questions.question import (
    Answer,
    Facts,
    Inquiry,
    Question,
    actor_of,
    counted,
    named,
    party,
    proofs,
    spoken,
    written,
)
from services.casefile.reports.report import Moment
from services.casefile.sentences import of_a_correction
from services.casefile.views import reported_view

SOURCES: Final = ("CorrectionRecorded",)


def find(inquiry: Inquiry) -> Answer:
    """Every correction next to what it corrects. Why stands in the vault: the texts of the case have it."""
    moments = inquiry.history.moments
    found = [moment for moment in moments if isinstance(moment.recorded.event, CorrectionRecorded)]
    corrected = {moment.recorded.event.corrects for moment in found}
    originals = [moment for moment in moments if _id(moment) in corrected]
    facts: Facts = {"corrections": [_correction(moment) for moment in found]}
    shown = proofs(*originals, *found)
    if not found:
        return Answer("Nothing was corrected.", facts, shown)
    text = f"{counted(len(found), 'correction').capitalize()} on record. {' '.join(map(_in_words, found))}"
    return Answer(text, facts, shown, clear=False)


def _id(moment: Moment) -> str:
    event = moment.recorded.event
    return event.source_event_id if isinstance(event, ReferralEntryTaken) else moment.recorded.meta.event_id


def _correction(moment: Moment) -> Facts:
    event = moment.recorded.event
    return {
        "corrects": event.corrects,
        "corrected": event.corrected,
        "by": party(actor_of(moment.recorded)),
        "at": written(moment.recorded.meta.recorded_at),
        "was": _reported(event.was),
        "holds": _reported(event.holds),
        "reasonOnRecord": event.reason_ref is not None,
    }


def _reported(reported: Reported | None) -> Facts | None:
    if reported is None:
        return None
    shown = reported_view(reported)
    return {**shown, "occurredAt": written(reported.happened_at)} if reported.happened_at is not None else shown


def _in_words(moment: Moment) -> str:
    event: CorrectionRecorded = moment.recorded.event
    by = f"by {named(actor_of(moment.recorded))} on {spoken(moment.recorded.meta.recorded_at)}"
    why = "the reason stands in the vault" if event.reason_ref is not None else "without a reason on record"
    return f"{of_a_correction(event).removesuffix('.')}: {by}; {why}."


QUESTION: Final = Question("Q16", "What was corrected afterwards, by whom, and why?", SOURCES, find)
