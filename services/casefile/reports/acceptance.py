"""What became of offers, per organisation: accepted, declined and why, lapsed; and who won where several were asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from statistics import median
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from contracts.codes import DeclineReason
from services.casefile.domain.broadcast import CaseOffered
from services.casefile.domain.referral_entry import ReferralEntryTaken
from services.casefile.reports.report import Findings, History, Period, Report, Row, day_of, quarter_of
from services.casefile.reports.suppression import ALL, published

NAME: Final = "acceptance"
DEFINITION: Final = (
    "Offers by the quarter in which they were made, per agency, programme and organisation: how many were accepted, "
    "declined (and for which reason), lapsed, were taken back or are open; the share accepted of those decided, in "
    "percent, and the median of days from the offer to the decision. Of offers to several organisations at once: how "
    "often the organisation was asked together with others, and how often it won. Counts from 1 to 4 are hidden."
)
SOURCES: Final = (
    "ReferralSubmitted",
    "CaseOffered",
    "ReferralAccepted",
    "ReferralDeclined",
    "ReferralExpired",
    "ReferralWithdrawn",
    "LegalBasisWithdrawn",
    "ReferralEnteredInError",
)
_REASONS: Final = tuple(reason.value for reason in DeclineReason)
_KEYS: Final = ("quarter", "agency", "programme", "organisation")
_COUNTS: Final = (
    "offers",
    "decided",
    "accepted",
    "declined",
    "expired",
    "withdrawn",
    "open",
    "askedAlone",
    "askedTogether",
    "acceptedAlone",
    "won",
    *_REASONS,
)
_SUMS: Final = (
    ("offers", ("decided", "expired", "withdrawn", "open")),
    ("offers", ("askedAlone", "askedTogether")),
    ("decided", ("accepted", "declined")),
    ("accepted", ("acceptedAlone", "won")),
    ("declined", _REASONS),
)
_ANSWERS: Final = {
    "ReferralAccepted": "accepted",
    "ReferralDeclined": "declined",
    "ReferralExpired": "expired",
    "ReferralWithdrawn": "withdrawn",
    "LegalBasisWithdrawn": "withdrawn",
}


class OfferFact(Struct, frozen=True, array_like=True):
    """An offer to one organisation, alone or `together` with others, and its first answer."""

    offered_at: datetime
    organisation: str
    together: bool = False
    answer: str = "open"
    reason: str | None = None
    answered_at: datetime | None = None


def facts(history: History) -> Iterator[OfferFact]:
    """Every offer of a case. One that was entered in error was none."""
    found: dict[str, OfferFact] = {}
    for recorded in history.records:
        event = recorded.event
        if isinstance(event, CaseOffered):
            for offer in event.offers:
                found[offer.referral] = OfferFact(recorded.meta.occurred_at, offer.organisation, together=True)
        elif isinstance(event, ReferralEntryTaken):
            _take(event, found)
    yield from found.values()


def _take(entry: ReferralEntryTaken, found: dict[str, OfferFact]) -> None:
    if entry.name == "ReferralSubmitted":
        found.setdefault(entry.referral, OfferFact(entry.occurred_at, entry.organisation))
    elif entry.name == "ReferralEnteredInError":
        found.pop(entry.referral, None)
    elif entry.name in _ANSWERS and (offer := found.get(entry.referral)) is not None and offer.answer == "open":
        reason = entry.codes[0] if entry.name == "ReferralDeclined" and entry.codes else None
        found[entry.referral] = replace(
            offer, answer=_ANSWERS[entry.name], reason=reason, answered_at=entry.occurred_at
        )


def rows(findings: Iterable[Findings[OfferFact]], period: Period) -> list[Row]:
    """A row per quarter, agency, programme and organisation, and one for all organisations together."""
    cells: defaultdict[tuple[str | None, ...], list[OfferFact]] = defaultdict(list)
    for each in findings:
        for offer in each.facts:
            cells[quarter_of(offer.offered_at), each.subject.agency, each.subject.programme, offer.organisation].append(
                offer
            )
    table = [{**dict(zip(_KEYS, key, strict=True)), **_counted(offers)} for key, offers in cells.items()]
    shown = published(table, counts=_COUNTS, over="organisation", by=_KEYS[:3], sums=_SUMS)
    return [_with_measures(row, cells) for row in shown if period.touches(str(row["quarter"]))]


def _counted(offers: list[OfferFact]) -> Row:
    def count(answer: str) -> int:
        return sum(offer.answer == answer for offer in offers)

    together = sum(offer.together for offer in offers)
    won = sum(offer.together and offer.answer == "accepted" for offer in offers)
    return {
        "offers": len(offers),
        "decided": count("accepted") + count("declined"),
        **{answer: count(answer) for answer in ("accepted", "declined", "expired", "withdrawn", "open")},
        "askedAlone": len(offers) - together,
        "askedTogether": together,
        "acceptedAlone": count("accepted") - won,
        "won": won,
        **{
            reason: sum((offer.reason or "OTHER") == reason for offer in offers if offer.answer == "declined")
            for reason in _REASONS
        },
    }


def _with_measures(row: Row, cells: dict[tuple[str | None, ...], list[OfferFact]]) -> Row:
    """Share and median, where the counts that they are made of are shown."""
    row["acceptedPercent"] = row["medianDays"] = None
    if row["decided"]:
        if row["accepted"] is not None:
            row["acceptedPercent"] = round(100 * row["accepted"] / row["decided"], 1)
        row["medianDays"] = median(_days(row, cells))
    return row


def _days(row: Row, cells: dict[tuple[str | None, ...], list[OfferFact]]) -> list[int]:
    own: Any = tuple(row[key] for key in _KEYS)
    offers = [
        offer for key, some in cells.items() if key == own or (own[3] == ALL and key[:3] == own[:3]) for offer in some
    ]
    return [
        (day_of(offer.answered_at) - day_of(offer.offered_at)).days
        for offer in offers
        if offer.answered_at is not None and offer.answer in ("accepted", "declined")
    ]


REPORT: Final = Report(
    name=NAME,
    definition=DEFINITION,
    sources=SOURCES,
    columns=(*_KEYS, *_COUNTS[:7], "acceptedPercent", "medianDays", *_COUNTS[7:]),
    fact=OfferFact,
    facts=facts,
    rows=rows,
    statistic=True,
)
