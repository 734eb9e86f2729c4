"""What the timeline says of an event, in one short sentence without personal data: its row's, or one of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from services.casefile.domain.case import CaseEvent
from services.casefile.domain.correction import CorrectionRecorded
from services.casefile.domain.referral_entry import ReferralEntryTaken
from services.casefile.events import EVENTS

_SENTENCES: Final[Mapping[type, str]] = {row.event: row.sentence for row in EVENTS if row.sentence is not None}
_OF_REFERRALS: Final[Mapping[str, str]] = {
    "ReferralSubmitted": "The agency {agency} referred the person to {organisation}.",
    "ReferralReceived": "{organisation} acknowledged receipt.",
    "InformationRequested": "{organisation} asked for information: {codes}.",
    "InformationProvided": "{agency} answered the questions: {codes}.",
    "ReferralWaitlisted": "{organisation} put the referral on its waiting list: {codes}.",
    "ReferralAccepted": "{organisation} accepted the referral.",
    "ReferralDeclined": "{organisation} declined the referral: {codes}.",
    "ReferralWithdrawn": "The referral to {organisation} was withdrawn: {codes}.",
    "ReferralExpired": "The referral to {organisation} expired without an answer.",
    "ReferralCompleted": "The referral to {organisation} is completed: {codes}.",
    "ErrorReported": "{agency} reported the referral as entered in error; a second person has to confirm.",
    "ReferralEnteredInError": "{agency} confirmed that the referral was entered in error.",
    "LegalBasisWithdrawn": "The person withdrew the legal basis for sharing with {organisation}.",
    "DeadlineReminded": "Reminder: {codes} is nearly due.",
    "DeadlineMissed": "The deadline {codes} has passed.",
}
"""Entries of the case that tell what the referral service did, by the name of its message."""


def sentence(event: CaseEvent) -> str:
    """The sentence of an event of a case."""
    match event:
        case ReferralEntryTaken():
            return _of_referral(event)
        case CorrectionRecorded() if event.was is not None and event.holds is not None:
            return f"A correction stands beside {event.corrected}, and says what holds: {', '.join(_changed(event))}."
        case _:
            # A test asks for the sentence of each event in the union, so none goes without a row that has one.
            return _SENTENCES[type(event)].format_map(_Fields(event))


def passed_on(reason: str | None) -> str:
    """What is added where somebody passed on another's word (`OnBehalfReason`)."""
    return f" Passed on by the coordinator: {reason}." if reason is not None else ""


def _of_referral(entry: ReferralEntryTaken) -> str:
    happened = _OF_REFERRALS[entry.name].format_map(_Fields(entry))
    return happened if entry.expected_by is None else f"{happened} Expected by {entry.expected_by.isoformat()}."


def _changed(correction: CorrectionRecorded) -> Iterator[str]:
    was, holds = correction.was, correction.holds
    if was is None or holds is None:
        return
    yield from (name for name in holds.facts if holds.facts[name] != was.facts.get(name))
    if holds.happened_at not in (None, was.happened_at):
        yield "time"


class _Fields(dict[str, Any]):
    """The fields of an event as a sentence shows them: of several codes all, with commas."""

    def __init__(self, event: object) -> None:
        super().__init__()
        self._event = event

    def __missing__(self, name: str) -> Any:
        value = getattr(self._event, name)
        return ", ".join(map(str, value)) if isinstance(value, tuple) else value
