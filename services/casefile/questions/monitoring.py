"""Q11: whether the person was monitored during the whole period: check-ins without too long a hole."""

from __future__ import annotations

from typing import Any, Final

from services.casefile.domain.agreement import AgreementSigned
from services.casefile.domain.match_end import MatchEnded
from services.casefile.domain.mentoring import CheckInRecorded
from services.casefile.domain.suspension import TrajectoryResumed, TrajectorySuspended
from services.casefile.domain.trajectory_end import TrajectoryCompleted
from services.casefile.questions.question import Answer, Facts, Inquiry, Question, counted, proofs
from services.casefile.reports.check_in_coverage import LONGEST, SOURCES, facts, rows
from services.casefile.reports.report import Findings, Period, subject_of

_KINDS: Final = (
    AgreementSigned,
    CheckInRecorded,
    TrajectorySuspended,
    TrajectoryResumed,
    MatchEnded,
    TrajectoryCompleted,
)
_SHOWN: Final = ("match", "since", "until", "checkIns", "longestDays", "holes")


def find(inquiry: Inquiry) -> Answer:
    """Each match with its check-ins and the holes between them, as the report on coverage has them."""
    history = inquiry.history
    findings = Findings(subject_of(history), list(facts(history)))
    matches: list[dict[str, Any]] = [
        {column: row[column] for column in _SHOWN} for row in rows([findings], Period(now=inquiry.until))
    ]
    shown = proofs(*(moment for moment in history.moments if isinstance(moment.recorded.event, _KINDS)))
    found: Facts = {"longestAllowedDays": LONGEST, "matches": matches}
    if not matches:
        return Answer("No agreement was signed, so there was no mentoring to monitor.", found, shown)
    holes = [hole for match in matches for hole in match["holes"]]
    number = counted(sum(match["checkIns"] for match in matches), "check-in")
    if holes:
        spans = "; ".join(hole.replace("/", " to ") for hole in holes)
        return Answer(
            f"No: {number}, but nobody spoke with the pair for more than {LONGEST} days ({spans}).",
            found,
            shown,
            clear=False,
        )
    longest = max(match["longestDays"] for match in matches)
    return Answer(f"Yes: {number}, and never more than {counted(longest, 'day')} between two of them.", found, shown)


QUESTION: Final = Question("Q11", "Was the person monitored during the whole period?", SOURCES, find)
