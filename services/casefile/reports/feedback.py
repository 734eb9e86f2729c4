"""Whether what became of a person got back to the agency that had sent them, and whether the agency read it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from contracts.casefile_codes import DOES_GOOD
from contracts.codes import Step
from services.casefile.domain.consent_withdrawal import CaseReturned
from services.casefile.domain.deadlines import DeadlineMissed
from services.casefile.domain.handback import HandbackAccepted, HandbackReturned
from services.casefile.domain.handback_report import HandbackRequested
from services.casefile.domain.mentoring import ProgressReported, PulseRecorded
from services.casefile.domain.organisation_part import ResponsibilityTransferred
from services.casefile.domain.referral_answers import ReferralReturned
from services.casefile.reports.report import Findings, History, Period, Report, Row, written

NAME: Final = "feedback"
DEFINITION: Final = (
    "Each time that an organisation took a person on, in the days asked for: how often it told the counsellor of "
    "progress, whether a progress report or an acknowledgement was missed, when it handed back, when the agency "
    "acknowledged that, and how the loop stands. With it the pulses of the pair: how many were good (4 or 5) and bad "
    "(1 or 2), and how often what does them good and what weighs on them was named."
)
SOURCES: Final = (
    "ResponsibilityTransferred",
    "ProgressReported",
    "PulseRecorded",
    "CorrectionRecorded",
    "DeadlineMissed",
    "HandbackRequested",
    "HandbackReturned",
    "HandbackAccepted",
    "CaseReturned",
    "ReferralReturned",
)
RUNNING: Final = "RUNNING"
WAITING: Final = "WAITING"
RETURNED: Final = "RETURNED"
CLOSED: Final = "CLOSED"
STOPPED: Final = "STOPPED"
"""How a loop stands: nothing is handed back yet, the agency has not answered, wants more, has answered, or the person
withdrew their consent, which ends it without a report."""


class Loop(Struct, frozen=True, kw_only=True):
    """What an organisation told the agency of a person, from its acceptance until the agency took the person back.

    `withheld`: the organisation may read it no more.
    """

    referral: str
    organisation: str
    accepted_at: datetime
    progress: int = 0
    last_progress: datetime | None = None
    progress_missed: bool = False
    handed_back_at: datetime | None = None
    answer_missed: bool = False
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    state: str = RUNNING
    good: int = 0
    bad: int = 0
    does_good: int = 0
    weighs: int = 0
    withheld: bool = False


def facts(history: History) -> Iterator[Loop]:
    """Every such time in a case; one after another, for a case is with one organisation at a time."""
    loops: list[Loop] = []
    for moment in history.standing:
        event, at = moment.recorded.event, moment.recorded.meta.recorded_at
        if isinstance(event, ResponsibilityTransferred):
            if event.step == Step.INTAKE:
                loops.append(Loop(referral=event.referral, organisation=event.receiver.org, accepted_at=event.at))
        elif isinstance(event, ReferralReturned):
            # Only an error returns what was accepted: then nobody was taken on.
            loops = [loop for loop in loops if loop.referral != event.referral]
        elif loops and loops[-1].ended_at is None:
            loops[-1] = _gone_on(loops[-1], event, at)
    yield from (replace(loop, withheld=history.is_over(loop.referral)) for loop in loops)


def _gone_on(loop: Loop, event: object, at: datetime) -> Loop:
    match event:
        case ProgressReported():
            last = max(event.happened_at, loop.last_progress or event.happened_at)
            return replace(loop, progress=loop.progress + 1, last_progress=last)
        case PulseRecorded():
            good = sum(reason in DOES_GOOD for reason in event.reasons)
            return replace(
                loop,
                good=loop.good + (event.score >= 4),
                bad=loop.bad + (event.score <= 2),
                does_good=loop.does_good + good,
                weighs=loop.weighs + len(event.reasons) - good,
            )
        case DeadlineMissed(step=Step.PROGRESS_REPORT):
            return replace(loop, progress_missed=True)
        case DeadlineMissed(step=Step.HANDBACK_ACKNOWLEDGEMENT):
            return replace(loop, answer_missed=True)
        case HandbackRequested():
            return replace(loop, handed_back_at=event.requested_at, state=WAITING)
        case HandbackReturned():
            return replace(loop, state=RETURNED)
        case HandbackAccepted():
            return replace(loop, answered_at=at, ended_at=at, state=CLOSED)
        case CaseReturned():
            return replace(loop, ended_at=at, state=STOPPED)
        case _:
            return loop


def rows(findings: Iterable[Findings[Loop]], period: Period) -> Iterator[Row]:
    """A row for each that ran on one of the days asked for."""
    for each in findings:
        for loop in each.facts:
            if period.overlaps(loop.accepted_at, loop.ended_at):
                yield {
                    "case": each.subject.case,
                    "agency": each.subject.agency,
                    "programme": each.subject.programme,
                    "organisation": loop.organisation,
                    "referral": loop.referral,
                    "acceptedAt": written(loop.accepted_at),
                    "progressReports": loop.progress,
                    "lastProgressAt": written(loop.last_progress),
                    "progressMissed": loop.progress_missed,
                    "handedBackAt": written(loop.handed_back_at),
                    "acknowledgementMissed": loop.answer_missed,
                    "acknowledgedAt": written(loop.answered_at),
                    "state": loop.state,
                    "goodPulses": loop.good,
                    "badPulses": loop.bad,
                    "goodReasons": loop.does_good,
                    "badReasons": loop.weighs,
                }


REPORT: Final = Report(
    name=NAME,
    definition=DEFINITION,
    sources=SOURCES,
    columns=(
        "case",
        "agency",
        "programme",
        "organisation",
        "referral",
        "acceptedAt",
        "progressReports",
        "lastProgressAt",
        "progressMissed",
        "handedBackAt",
        "acknowledgementMissed",
        "acknowledgedAt",
        "state",
        "goodPulses",
        "badPulses",
        "goodReasons",
        "badReasons",
    ),
    fact=Loop,
    facts=facts,
    rows=rows,
)
