"""Q9: which data were disclosed to whom, when and why, and who is known to have read them."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from contracts.telling_codes import TellingState
from services.casefile.domain.agreement import AgreementSigned
from services.casefile.domain.consent_withdrawal import NgoAccessRevoked, RecordedAfterWithdrawal
from services.casefile.domain.deadlines import NgoAccessExpired
from services.casefile.domain.disclosure import DisclosureRefused
from services.casefile.domain.tellings import ToldNoted
from services.casefile.questions.legal_bases import Sharing, sharings_in
from services.casefile.questions.question import (
    Answer,
    Facts,
    Inquiry,
    Question,
    counted,
    entries,
    listed,
    proofs,
    spoken,
    written,
)
from services.casefile.reports.report import History, Moment

SOURCES: Final = (
    "CaseReferred",
    "CaseOffered",
    "AgreementSigned",
    "NgoAccessRevoked",
    "NgoAccessExpired",
    "DisclosureRefused",
    "RecordedAfterWithdrawal",
    "ToldNoted",
)
WHY: Final = "REFERRAL"
DATA: Final = "the referral packet"


def find(inquiry: Inquiry) -> Answer:
    """Each disclosure with its basis and its end, each attempt that was refused, and who was told of events."""
    history = inquiry.history
    sharings = sharings_in(history)
    ends = _of(history, NgoAccessRevoked, NgoAccessExpired)
    refused = _of(history, DisclosureRefused)
    after = _of(history, RecordedAfterWithdrawal)
    mentors = _of(history, AgreementSigned)
    refused_there = [moment for moment, _ in entries(history, "DisclosureRefused")]
    notes = [recorded for recorded in inquiry.tellings if isinstance(recorded.event, ToldNoted)]
    facts: Facts = {
        "disclosures": [_disclosure(sharing, ends) for _, sharing in sharings],
        "mentors": [
            {"match": moment.recorded.event.match, "since": written(moment.recorded.event.signed_at)}
            for moment in mentors
        ],
        "refusedAttempts": len(refused) + len(refused_there),
        "recordedAfterWithdrawal": sum(len(moment.recorded.event.events) for moment in after),
        "told": [_telling(recorded.event, recorded.meta.recorded_at) for recorded in notes],
    }
    shown = proofs(*(moment for moment, _ in sharings), *mentors, *ends, *refused, *refused_there, *after, *notes)
    if not sharings:
        return Answer("Nothing was disclosed: the case was offered to no organisation.", facts, shown)
    parts = listed(_in_words(sharing, ends) for _, sharing in sharings)
    text = f"The agency disclosed {DATA} {parts}."
    if refused or refused_there:
        tried = counted(len(refused) + len(refused_there), "attempt")
        text += f" After the person withdrew, {tried} to read or use it {'was' if tried[0] == '1' else 'were'} refused."
    readers = list(dict.fromkeys(each.event.organisation for each in notes if each.event.state == TellingState.READ))
    text += f" Known to have read what they were told: {listed(readers) or 'nobody'}."
    wrong = bool(after) or any(not sharing.valid for _, sharing in sharings)
    if wrong:
        text += " Some of it happened without a legal basis that held at that moment."
    return Answer(text, facts, shown, clear=not wrong)


def _of(history: History, *kinds: type) -> list[Moment]:
    return [moment for moment in history.moments if isinstance(moment.recorded.event, kinds)]


def _end(sharing: Sharing, ends: list[Moment]) -> Moment | None:
    return next((moment for moment in ends if moment.recorded.event.referral == sharing.referral), None)


def _disclosure(sharing: Sharing, ends: list[Moment]) -> Facts:
    end = _end(sharing, ends)
    return {
        "to": sharing.organisation,
        "at": written(sharing.at),
        "what": "REFERRAL_PACKET",
        "why": WHY,
        "referral": sharing.referral,
        "legalBasis": sharing.legal_basis,
        "basisHeld": sharing.valid,
        "accessEndedAt": written(end.recorded.meta.recorded_at) if end is not None else None,
        "accessEndedBy": type(end.recorded.event).__name__ if end is not None else None,
    }


def _telling(event: ToldNoted, at: datetime) -> Facts:
    return {"organisation": event.organisation, "channel": event.channel, "state": event.state, "at": written(at)}


def _in_words(sharing: Sharing, ends: list[Moment]) -> str:
    end = _end(sharing, ends)
    until = f" until {spoken(end.recorded.meta.recorded_at)}" if end is not None else ""
    on = f"on {spoken(sharing.at)} under {sharing.legal_basis}"
    return f"to {sharing.organisation} for referral {sharing.referral} {on}{until}"


QUESTION: Final = Question("Q9", "Which data were disclosed to whom, when and why? Who read the file?", SOURCES, find)
