"""Whether pairs were spoken with all the time: every hole between check-ins that was too long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from itertools import pairwise
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from contracts.codes import CaseState
from services.casefile.domain.agreement import AgreementSigned
from services.casefile.domain.mentoring import CheckInRecorded
from services.casefile.domain.state import Case
from services.casefile.reports.report import Findings, History, Period, Report, Row, day_of, referral_in

NAME: Final = "check-in-coverage"
LONGEST: Final = 35
"""Days between two check-ins (domain reference 8, R1)."""
DEFINITION: Final = (
    "Every match with an agreement: its check-ins, and each hole of more than 35 days, from the beginning to the first "
    "check-in, from one to the next, and from the last to the end. While a trajectory pauses no check-in is due, and "
    "what goes on is counted until the newest event of the log."
)
SOURCES: Final = (
    "AgreementSigned",
    "CheckInRecorded",
    "CorrectionRecorded",
    "TrajectorySuspended",
    "TrajectoryResumed",
    "MatchEnded",
    "TrajectoryCompleted",
)


class MatchFact(Struct, frozen=True, array_like=True):
    """A match: the stretches in which it was mentored, each with its end, None: it goes on; and its check-ins' days.

    `withheld`: the organisation may read it no more.
    """

    match: str
    organisation: str | None
    stretches: tuple[tuple[datetime, datetime | None], ...]
    check_ins: tuple[date, ...] = ()
    withheld: bool = False


def facts(history: History) -> Iterator[MatchFact]:
    """The matches of a case that signed an agreement."""
    found: dict[str, MatchFact] = {}
    for moment in history.standing:
        event, at = moment.recorded.event, moment.recorded.meta.occurred_at
        before, running = _mentored(moment.before), _mentored(moment.after)
        if isinstance(event, AgreementSigned):
            found[event.match] = MatchFact(
                event.match,
                moment.after.organisation,
                ((_begins(event), None),),
                withheld=history.is_over(referral_in(moment.after)),
            )
        elif before is not None and before != running:
            _stop(found, before, at)
        elif running is not None and running != before and running in found:
            held = found[running]
            found[running] = replace(held, stretches=(*held.stretches, (at, None)))
        if isinstance(event, CheckInRecorded) and running in found:
            held = found[running]
            found[running] = replace(held, check_ins=(*held.check_ins, day_of(event.happened_at)))
    yield from found.values()


def _mentored(case: Case) -> str | None:
    """The match that is mentored. Where something else ends it, an event before the one that moves the case says so."""
    return case.match.match if case.state == CaseState.MENTORING and case.match is not None else None


def _begins(event: AgreementSigned) -> datetime:
    """With the signature, or on the agreement's first day where that comes later."""
    starts = datetime(event.start.year, event.start.month, event.start.day, 12, tzinfo=event.signed_at.tzinfo)
    return event.signed_at if day_of(event.signed_at) >= event.start else starts


def _stop(found: dict[str, MatchFact], match: str, at: datetime) -> None:
    if (held := found.get(match)) is not None and held.stretches[-1][1] is None:
        *before, (begins, _) = held.stretches
        found[match] = replace(held, stretches=(*before, (begins, max(begins, at))))


def rows(findings: Iterable[Findings[MatchFact]], period: Period) -> Iterator[Row]:
    """A row per match that ran on one of the days."""
    for each in findings:
        for match in each.facts:
            begins, ends = match.stretches[0][0], match.stretches[-1][1]
            if not period.overlaps(begins, ends):
                continue
            gaps = list(_gaps(match, period.now))
            too_long = [(first, last) for first, last in gaps if (last - first).days > LONGEST]
            yield {
                "agency": each.subject.agency,
                "programme": each.subject.programme,
                "organisation": match.organisation,
                "case": each.subject.case,
                "match": match.match,
                "since": str(day_of(begins)),
                "until": str(day_of(ends)) if ends is not None else None,
                "checkIns": len(match.check_ins),
                "longestDays": max((last - first).days for first, last in gaps),
                "flagged": bool(too_long),
                "holes": [f"{first}/{last}" for first, last in too_long],
            }


def _gaps(match: MatchFact, now: datetime) -> Iterator[tuple[date, date]]:
    """The days between which nobody spoke with the pair, in each stretch."""
    for begins, ends in match.stretches:
        first, last = day_of(begins), day_of(ends or max(now, begins))
        held = sorted({day for day in match.check_ins if first <= day <= last})
        days = [first, *held, last]
        yield from pairwise(days)


REPORT: Final = Report(
    name=NAME,
    definition=DEFINITION,
    sources=SOURCES,
    columns=(
        "agency",
        "programme",
        "organisation",
        "case",
        "match",
        "since",
        "until",
        "checkIns",
        "longestDays",
        "flagged",
        "holes",
    ),
    fact=MatchFact,
    facts=facts,
    rows=rows,
)
