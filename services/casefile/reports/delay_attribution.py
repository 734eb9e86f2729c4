"""Which side missed which terms, and how late it then was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from contracts.codes import DeadlineName, Step
from services.casefile.domain.deadlines import DeadlineMissed
from services.casefile.domain.gaps import GAP_ACTION, GapActionCompleted
from services.casefile.domain.mentoring import CheckInRecorded
from services.casefile.domain.referral_entry import NO_ACTS, ReferralEntryTaken
from services.casefile.domain.steps import key_of
from services.casefile.domain.suspension import SuspensionReviewed
from services.casefile.reports.report import Findings, History, Moment, Period, Report, Row, quarter_of
from services.casefile.reports.suppression import published

NAME: Final = "delay-attribution"
DEFINITION: Final = (
    "Terms that were missed, by the quarter in which they were due, the side that had to act, and the term: how many, "
    "how many of them were made up for since, and by how many days altogether they were or are late. Counts from 1 to "
    "4 are hidden."
)
SOURCES: Final = ("DeadlineMissed", "ReferralNoteTaken", "ReferralEntryTaken", "CheckInRecorded", "SuspensionReviewed")
"""And whatever event ends a step of which a term was missed."""
AGENCY: Final = "AGENCY"
ORGANISATION: Final = "ORGANISATION"
_KEYS: Final = ("quarter", "agency", "programme", "organisation", "side", "term")
_COUNTS: Final = ("missed", "madeUp", "goesOn")
_OWED_BY_AGENCY: Final = frozenset({"INFORMATION"})
"""Of the terms of an offer, the one that the agency keeps; the others are the organisation's."""
_MADE_UP_BY: Final[Mapping[str, type]] = {
    Step.CHECK_IN.value: CheckInRecorded,
    Step.SUSPENSION_REVIEW.value: SuspensionReviewed,
}
"""What recurs is due again when it was missed, and is made up for when it is done."""
_NO_DECISION: Final = NO_ACTS | {"ReferralReceived", "InformationRequested", "InformationProvided"}
"""What is told of a referral and decides nothing: a decision that was missed is still owed after it."""


class MissedTerm(Struct, frozen=True, array_like=True):
    """A term that `side` missed; `made_up_at` is None as long as what was due is not done, and nobody waits for it."""

    due_at: datetime
    term: str
    side: str
    organisation: str | None
    made_up_at: datetime | None = None


def facts(history: History) -> Iterator[MissedTerm]:
    """Every term of a case that was missed, those of its offers as well."""
    open_terms: dict[int, tuple[Moment, MissedTerm]] = {}
    found: list[MissedTerm] = []
    for moment in history.moments:
        at = moment.recorded.meta.recorded_at
        for number in [n for n, (began, _) in open_terms.items() if _made_up(began, moment)]:
            found[number] = replace(open_terms.pop(number)[1], made_up_at=at)
        missed = _missed(moment)
        if missed is not None:
            open_terms[len(found)] = moment, missed
            found.append(missed)
    yield from found


def _missed(moment: Moment) -> MissedTerm | None:
    case = moment.before
    match moment.recorded.event:
        case DeadlineMissed() as event:
            side = AGENCY if event.awaited == case.agency else ORGANISATION
            return MissedTerm(event.due_at, _term(event.deadline), side, case.organisation)
        case ReferralEntryTaken(name="DeadlineMissed") as entry if entry.codes and entry.due_at is not None:
            side = AGENCY if entry.codes[0] in _OWED_BY_AGENCY else ORGANISATION
            return MissedTerm(entry.due_at, entry.codes[0], side, entry.organisation)
        case _:
            return None


def _term(deadline: str) -> str:
    return deadline.partition(":")[0]


def _made_up(began: Moment, moment: Moment) -> bool:
    """Whether what was missed in one moment is done, or waited for no more, after another."""
    missed, event = began.recorded.event, moment.recorded.event
    if isinstance(missed, ReferralEntryTaken):
        no_act = _NO_DECISION if missed.codes[0] == DeadlineName.DECISION else NO_ACTS
        return isinstance(event, ReferralEntryTaken) and event.referral == missed.referral and event.name not in no_act
    if missed.deadline.startswith(f"{GAP_ACTION}:"):
        return isinstance(event, GapActionCompleted) and event.gap == missed.deadline.partition(":")[2]
    if isinstance(event, _MADE_UP_BY.get(missed.step, ())):
        return True
    about = missed.deadline.partition(":")[2]
    key = key_of(missed.step, about) if about else missed.step
    return not any(
        step.key == key and any(due.name == missed.deadline for due in step.deadlines) for step in moment.after.steps
    )


def rows(findings: Iterable[Findings[MissedTerm]], period: Period) -> list[Row]:
    """A row per quarter, side, term and organisation, and one for all organisations together."""
    cells: defaultdict[tuple[str | None, ...], list[MissedTerm]] = defaultdict(list)
    for each in findings:
        for missed in each.facts:
            quarter, whose = quarter_of(missed.due_at), (each.subject.agency, each.subject.programme)
            cells[(quarter, *whose, missed.organisation, missed.side, missed.term)].append(missed)
    table = [{**dict(zip(_KEYS, key, strict=True)), **_counted(missed, period)} for key, missed in cells.items()]
    shown = published(
        table,
        counts=_COUNTS,
        over="organisation",
        by=("quarter", "agency", "programme", "side", "term"),
        sums=[("missed", ("madeUp", "goesOn"))],
        rests_on={"daysLate": "missed"},
    )
    return [row for row in shown if period.touches(str(row["quarter"]))]


def _counted(missed: list[MissedTerm], period: Period) -> Row:
    made_up = sum(term.made_up_at is not None for term in missed)
    late = [(term.made_up_at or period.now) - term.due_at for term in missed]
    return {
        "missed": len(missed),
        "madeUp": made_up,
        "goesOn": len(missed) - made_up,
        "daysLate": sum(max(0, each.days) for each in late),
    }


REPORT: Final = Report(
    name=NAME,
    definition=DEFINITION,
    sources=SOURCES,
    columns=(*_KEYS, *_COUNTS, "daysLate"),
    fact=MissedTerm,
    facts=facts,
    rows=rows,
    statistic=True,
)
