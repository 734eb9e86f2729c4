"""What became of offers, per organisation: accepted, declined and why, lapsed; and who won where several were asked."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from statistics import median
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from services.casefile.domain.broadcast import CaseOffered
from services.casefile.domain.referral_entry import ReferralEntryTaken
from services.casefile.reports.report import Findings, History, Period, Report, Row, day_of, quarter_of
from services.casefile.reports.suppression import ALL, SMALLEST_SHOWN, published

NAME: Final = "acceptance"
DEFINITION: Final = (
    "Offers by the quarter in which they were made, per agency, programme and organisation: how many were accepted and "
    "declined, how many neither, and how many of these lapsed; the share accepted of those decided, in percent; the "
    "median of days from the offer to the decision; and the reasons of five declined offers or more. Of offers to "
    "several organisations at once: how often the organisation was asked together with others, and how often it won "
    "or not. Counts from 1 to 4 are hidden."
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
_KEYS: Final = ("quarter", "agency", "programme", "organisation")
COUNTS: Final = ("offers", "accepted", "declined", "undecided", "expired", "askedTogether", "won", "notWon")
ASIDE: Final = ("askedAlone", "acceptedAlone", "notAcceptedAlone", "notLapsed")
"""What two columns differ by: no columns, but counts that a small one of them must not be told by either."""
SUMS: Final = (
    ("offers", ("accepted", "declined", "undecided")),
    ("offers", ("askedTogether", "askedAlone")),
    ("askedTogether", ("won", "notWon")),
    ("askedAlone", ("acceptedAlone", "notAcceptedAlone")),
    ("accepted", ("won", "acceptedAlone")),
    ("undecided", ("expired", "notLapsed")),
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
    shown = published(table, counts=(*COUNTS, *ASIDE), over="organisation", by=_KEYS[:3], sums=SUMS)
    return [_with_measures(row, cells) for row in shown if period.touches(str(row["quarter"]))]


def _counted(offers: list[OfferFact]) -> Row:
    answers = Counter(offer.answer for offer in offers)
    together = [offer for offer in offers if offer.together]
    won = sum(offer.answer == "accepted" for offer in together)
    undecided = len(offers) - answers["accepted"] - answers["declined"]
    return {
        "offers": len(offers),
        "accepted": answers["accepted"],
        "declined": answers["declined"],
        "undecided": undecided,
        "expired": answers["expired"],
        "askedTogether": len(together),
        "won": won,
        "notWon": len(together) - won,
        "askedAlone": len(offers) - len(together),
        "acceptedAlone": answers["accepted"] - won,
        "notAcceptedAlone": len(offers) - len(together) - (answers["accepted"] - won),
        "notLapsed": undecided - answers["expired"],
    }


def _with_measures(row: Row, cells: Mapping[tuple[str | None, ...], list[OfferFact]]) -> Row:
    """Share, median and reasons, where the counts that they are made of are shown."""
    row = {column: value for column, value in row.items() if column not in ASIDE}
    row |= {"acceptedPercent": None, "medianDays": None, "declineReasons": None}
    if row["accepted"] is None or not row["accepted"] + row["declined"]:
        return row
    row["acceptedPercent"] = round(100 * row["accepted"] / (row["accepted"] + row["declined"]), 1)
    row["medianDays"] = median(_days(row, cells))
    # With those of all together, reasons of the others would tell how few one organisation has.
    if row["organisation"] != ALL:
        row["declineReasons"] = _reasons(cells[tuple(row[key] for key in _KEYS)])
    return row


def _days(row: Row, cells: Mapping[tuple[str | None, ...], list[OfferFact]]) -> list[int]:
    own = tuple(row[key] for key in _KEYS)
    offers = [
        offer for key, some in cells.items() if key == own or (own[3] == ALL and key[:3] == own[:3]) for offer in some
    ]
    return [
        (day_of(offer.answered_at) - day_of(offer.offered_at)).days
        for offer in offers
        if offer.answered_at is not None and offer.answer in ("accepted", "declined")
    ]


def _reasons(offers: list[OfferFact]) -> list[str]:
    """The reasons that were given often enough, each with how often, the most frequent first.

    What they leave of all declined is none, or so much that nobody knows how few a reason has that is not among them.
    """
    counted = Counter(offer.reason or "OTHER" for offer in offers if offer.answer == "declined")
    often = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    shown = [(reason, count) for reason, count in often if count >= SMALLEST_SHOWN]
    while shown and 0 < counted.total() - sum(count for _, count in shown) < SMALLEST_SHOWN:
        shown.pop()
    return [f"{reason}:{count}" for reason, count in shown]


REPORT: Final = Report(
    name=NAME,
    definition=DEFINITION,
    sources=SOURCES,
    columns=(*_KEYS, *COUNTS[:5], "acceptedPercent", "medianDays", "declineReasons", *COUNTS[5:]),
    fact=OfferFact,
    facts=facts,
    rows=rows,
    statistic=True,
)
