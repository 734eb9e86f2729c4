"""Q2: on which legal basis the person's data were shared, in which text version, and whether it was valid then."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from services.casefile.domain.broadcast import CaseOffered
from services.casefile.domain.consent_withdrawal import DisclosureStopped
from services.casefile.domain.opening import CaseReferred, LegalBasisRecorded
from services.casefile.history import occurred_at
from services.casefile.questions.question import Answer, Facts, Inquiry, Question, listed, proofs, spoken, written
from services.casefile.reports.report import History, Moment


class Basis(Struct, frozen=True):
    """A legal basis as the case knows it; `given_at` is None where its record stands in the referral log alone."""

    legal_basis: str
    kind: str
    recipient: str
    text_version: str | None = None
    language: str | None = None
    given_at: datetime | None = None
    withdrawn_at: datetime | None = None

    def valid_at(self, at: datetime) -> bool:
        """Whether it held at an instant: from when it was given until it was withdrawn."""
        begun = self.given_at is None or self.given_at <= at
        return begun and (self.withdrawn_at is None or at < self.withdrawn_at)


class Sharing(Struct, frozen=True):
    """That the case was offered to an organisation, on a legal basis, and whether that held then."""

    organisation: str
    referral: str
    legal_basis: str
    at: datetime
    valid: bool


SOURCES: Final = ("LegalBasisRecorded", "CaseReferred", "CaseOffered", "DisclosureStopped")


def bases_in(history: History) -> dict[str, Basis]:
    """The legal bases of a case, by their ids, with when each was withdrawn."""
    found: dict[str, Basis] = {}
    for moment in history.moments:
        match moment.recorded.event:
            case LegalBasisRecorded() as event:
                withdrawn = found[event.legal_basis].withdrawn_at if event.legal_basis in found else None
                found[event.legal_basis] = Basis(
                    event.legal_basis,
                    event.kind,
                    event.recipient,
                    event.text_version,
                    event.language,
                    event.given_at,
                    withdrawn,
                )
            case CaseOffered() as event:
                for offer in event.offers:
                    found.setdefault(offer.legal_basis, Basis(offer.legal_basis, event.kind, offer.organisation))
            case DisclosureStopped() as event if event.legal_basis in found:
                found[event.legal_basis] = replace(found[event.legal_basis], withdrawn_at=event.withdrawn_at)
    return found


def sharings_in(history: History) -> list[tuple[Moment, Sharing]]:
    """Each time that the case was offered to an organisation."""
    bases = bases_in(history)
    found: list[tuple[Moment, Sharing]] = []
    for moment in history.moments:
        event, at = moment.recorded.event, occurred_at(moment.recorded)
        offers: list[tuple[str, str, str]] = []
        if isinstance(event, CaseReferred) and not event.offered:
            offers = [(event.organisation, event.referral, event.legal_basis)]
        elif isinstance(event, CaseOffered):
            offers = [(offer.organisation, offer.referral, offer.legal_basis) for offer in event.offers]
        for organisation, referral, ident in offers:
            basis = bases.get(ident)
            valid = basis is not None and basis.recipient == organisation and basis.valid_at(at)
            found.append((moment, Sharing(organisation, referral, ident, at, valid)))
    return found


def find(inquiry: Inquiry) -> Answer:
    """Every sharing with the basis that it rests on, and the bases that hold at the moment that is asked about."""
    bases, sharings = bases_in(inquiry.history), sharings_in(inquiry.history)
    kinds = (LegalBasisRecorded, CaseReferred, CaseOffered, DisclosureStopped)
    shown = proofs(*(moment for moment in inquiry.history.moments if isinstance(moment.recorded.event, kinds)))
    facts: Facts = {
        "bases": [_basis(basis, inquiry.until) for basis in bases.values()],
        "sharings": [
            {
                "organisation": sharing.organisation,
                "referral": sharing.referral,
                "legalBasis": sharing.legal_basis,
                "at": written(sharing.at),
                "validThen": sharing.valid,
            }
            for _, sharing in sharings
        ],
    }
    if not sharings:
        return Answer(
            "The case was offered to no organisation, so nothing was shared on any legal basis.", facts, shown
        )
    wrong = [sharing for _, sharing in sharings if not sharing.valid]
    if wrong:
        parts = (f"with {each.organisation} on {spoken(each.at)} under {each.legal_basis}" for each in wrong)
        return Answer(
            f"Not always: the case was shared {listed(parts)}, which did not hold for it at that moment.",
            facts,
            shown,
            clear=False,
        )
    text = f"Yes, each time: {listed(_in_words(bases[each.legal_basis], each) for _, each in sharings)}."
    for basis in bases.values():
        if basis.withdrawn_at is not None:
            text += f" The person withdrew {basis.legal_basis} on {spoken(basis.withdrawn_at)}; it holds no more."
    return Answer(text, facts, shown)


def _in_words(basis: Basis, sharing: Sharing) -> str:
    text = f", text version {basis.text_version}" if basis.text_version is not None else ""
    return f"shared with {sharing.organisation} on {spoken(sharing.at)} under {basis.legal_basis} ({basis.kind}{text})"


def _basis(basis: Basis, until: datetime) -> Facts:
    return {
        "legalBasis": basis.legal_basis,
        "kind": basis.kind,
        "recipient": basis.recipient,
        "textVersion": basis.text_version,
        "language": basis.language,
        "givenAt": written(basis.given_at),
        "withdrawnAt": written(basis.withdrawn_at),
        "validAtThatMoment": basis.valid_at(until),
    }


QUESTION: Final = Question(
    "Q2",
    "On which legal basis were the person's data shared, in which text version, and was it valid at that moment?",
    SOURCES,
    find,
)
