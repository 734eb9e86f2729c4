"""Q14: whether anything points to double funding, or to taking part twice."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec import Struct

from contracts.codes import DeclineReason
from services.casefile.domain.opening import CaseReferred
from services.casefile.history import occurred_at
from services.casefile.questions.question import (
    Answer,
    Facts,
    Inquiry,
    Question,
    counted,
    entries,
    is_one_of_several,
    listed,
    proofs,
    spoken,
    written,
)
from services.casefile.reports.report import History, Moment

SOURCES: Final = ("CaseReferred", "ReferralEntryTaken")
_SAYS_SO: Final = frozenset({DeclineReason.DUPLICATE.value, DeclineReason.CONCURRENT_PROGRAMME.value})
_ENDS: Final = (
    "ReferralDeclined",
    "ReferralWithdrawn",
    "ReferralExpired",
    "ReferralCompleted",
    "ReferralEnteredInError",
    "LegalBasisWithdrawn",
)


class Live(Struct, frozen=True):
    """A referral of the case, from when it was made until it ended; None: it goes on."""

    referral: str
    organisation: str
    begun: Moment
    begin: datetime
    end: datetime | None


def find(inquiry: Inquiry) -> Answer:
    """The referrals with when each was live, those that were live at once, and what organisations said of doubles."""
    history = inquiry.history
    live = live_in(history)
    twice = [(first, other) for n, first in enumerate(live) for other in live[n + 1 :] if _overlap(first, other)]
    named_double = [
        (moment, entry) for moment, entry in entries(history, "ReferralDeclined") if _SAYS_SO & {*entry.codes}
    ]
    ended = [moment for moment, _ in entries(history, *_ENDS)]
    facts: Facts = {
        "referrals": [
            {"referral": each.referral, "organisation": each.organisation}
            | {"from": written(each.begin), "to": written(each.end)}
            for each in live
        ],
        "liveAtOnce": [[first.referral, second.referral] for first, second in twice],
        "declinedAsDouble": [
            {"referral": entry.referral, "organisation": entry.organisation, "reason": listed(entry.codes)}
            for _, entry in named_double
        ],
    }
    shown = proofs(*(each.begun for each in live), *ended)
    found = [
        f"{entry.organisation} declined referral {entry.referral} with {listed(entry.codes)} "
        f"on {spoken(entry.occurred_at)}"
        for _, entry in named_double
    ]
    found += [f"referrals {first.referral} and {second.referral} were live at once" for first, second in twice]
    if found:
        return Answer(f"There is a sign of it: {'; '.join(found)}.", facts, shown, clear=False)
    text = (
        f"Nothing on record points to it: {counted(len(live), 'referral')}, never two live at once, and no "
        "organisation declined one as a double."
    )
    return Answer(text, facts, shown)


def live_in(history: History) -> list[Live]:
    """The referrals to one organisation each. Of offers to several at once the one that won is among them."""
    ends: dict[str, datetime] = {}
    for _, entry in entries(history, *_ENDS):
        if not is_one_of_several(entry):
            ends.setdefault(entry.referral, entry.occurred_at)
    return [
        Live(
            moment.recorded.event.referral,
            moment.recorded.event.organisation,
            moment,
            occurred_at(moment.recorded),
            ends.get(moment.recorded.event.referral),
        )
        for moment in history.moments
        if isinstance(moment.recorded.event, CaseReferred)
    ]


def _overlap(first: Live, second: Live) -> bool:
    return first.end is None or second.begin < first.end


QUESTION: Final = Question("Q14", "Was there double funding, or taking part twice?", SOURCES, find)
