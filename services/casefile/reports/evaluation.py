"""What researchers get: one row per case, pseudonymised, of codes, counts and lengths of time alone.

A pseudonym is made of the case's id with a key that is kept beside the log, and goes nowhere else: who has the report
learns no case's id from it, and who has both cannot tell which row is whose. It stays the same from one report to the
next, and in every process of the installation.
"""

from __future__ import annotations

import hmac
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from msgspec import Struct

from contracts.casefile_codes import Side
from services.casefile.domain.agreement import AgreementSigned
from services.casefile.domain.broadcast import CaseOffered
from services.casefile.domain.exceptions import RoleExceptionGranted
from services.casefile.domain.gap_report import ServiceGapReported
from services.casefile.domain.intake import IntakeConcluded
from services.casefile.domain.match_end import MatchEnded
from services.casefile.domain.matching import MatchProposed
from services.casefile.domain.mentoring import CheckInRecorded, MeetingRecorded, PulseRecorded
from services.casefile.domain.open_escalations import EscalationRaised
from services.casefile.domain.opening import CaseReferred
from services.casefile.domain.outcomes import OutcomeRecorded
from services.casefile.domain.referral_entry import ReferralEntryTaken
from services.casefile.domain.tasks import TaskRecorded
from services.casefile.domain.trajectory_end import TrajectoryCompleted
from services.casefile.reports.report import Findings, History, Period, Report, Row, day_of, quarter_of
from services.chassis.log.epochs import Epochs

NAME: Final = "evaluation"
DEFINITION: Final = (
    "One row per case under a pseudonym, for research: codes, counts and days, without free text and without a date "
    "more exact than the quarter in which the case was opened. The same log gives the same bytes. It is not "
    "to be joined with other data about the people. An outcome says with LEVEL_MATCH or NO_LEVEL_MATCH whether the job "
    "suits the person's level, and with LEVEL_UNKNOWN that nobody said so, or that there is no job. Organisations read "
    "no row of it, for a case may have been with several."
)
SOURCES: Final = (
    "CaseOpened",
    "ReferralSubmitted",
    "CaseOffered",
    "ReferralAccepted",
    "ReferralDeclined",
    "CaseReferred",
    "IntakeConcluded",
    "MatchProposed",
    "AgreementSigned",
    "MeetingRecorded",
    "CheckInRecorded",
    "PulseRecorded",
    "TaskRecorded",
    "RoleExceptionGranted",
    "ServiceGapReported",
    "EscalationRaised",
    "MatchEnded",
    "TrajectoryCompleted",
    "OutcomeRecorded",
    "CorrectionRecorded",
)
_PURPOSE: Final = b"caserelay: pseudonyms of the report evaluation"


class CaseFact(Struct, frozen=True, array_like=True):
    """A case in codes; days are counted from one thing to another, None: it did not come to that.

    `codes` are the lists of codes, by their columns.
    """

    opened_at: datetime
    organisation: str | None
    offers: int
    days_to_acceptance: int | None
    days_to_agreement: int | None
    days_mentored: int | None
    meetings: int
    meeting_minutes: int
    check_ins: int
    mentor_scores: tuple[int, ...]
    mentee_scores: tuple[int, ...]
    codes: dict[str, tuple[str, ...]]


def key_of(epochs: Epochs) -> bytes:
    """The key of pseudonyms: made of that which is kept beside the log, from which nobody gets back to it."""
    return hmac.digest(epochs.key, _PURPOSE, "sha256")


def pseudonym(key: bytes, case: str) -> str:
    """That of a case: 128 bits of HMAC-SHA256, in hexadecimal."""
    return hmac.new(key, case.encode(), sha256).hexdigest()[:32]


_LEVELS: Final = {True: "LEVEL_MATCH", False: "NO_LEVEL_MATCH", None: "LEVEL_UNKNOWN"}
_CODES: Final[dict[type, tuple[str, Callable[[Any], Iterable[str]]]]] = {
    CaseReferred: ("supportNeeds", lambda event: event.support_needs),
    IntakeConcluded: ("goals", lambda event: event.goals),
    MatchProposed: ("mentorKinds", lambda event: [event.kind]),
    PulseRecorded: ("pulseReasons", lambda event: event.reasons),
    TaskRecorded: ("tasks", lambda event: [f"{event.role}:{event.task}"]),
    RoleExceptionGranted: ("exceptions", lambda event: [event.task or event.rule or ""]),
    ServiceGapReported: ("gaps", lambda event: [f"{event.service_kind}:{event.gap_type}"]),
    EscalationRaised: ("escalations", lambda event: [event.reason]),
    MatchEnded: ("endReasons", lambda event: [event.reason]),
    TrajectoryCompleted: ("endReasons", lambda event: [event.reason]),
    OutcomeRecorded: (
        "outcomes",
        lambda event: [f"{event.point}:{event.code}:{event.source}:{_LEVELS[event.level_match]}"],
    ),
}
"""Which codes of which event stand in which column."""
_CODE_COLUMNS: Final = ("declineReasons", *dict.fromkeys(column for column, _ in _CODES.values()))
_COLUMNS: Final = (
    "pseudonym",
    "quarter",
    "agency",
    "programme",
    "organisation",
    "offers",
    "daysToAcceptance",
    "daysToAgreement",
    "daysMentored",
    "meetings",
    "meetingMinutes",
    "checkIns",
    "mentorScores",
    "menteeScores",
    *_CODE_COLUMNS,
)


def facts(history: History) -> Iterator[CaseFact]:
    """The one fact of a case that was opened, as its reports read after their corrections."""
    opened_at = history.case.opened_at
    if not history.is_case or opened_at is None:
        return
    happened = [moment.recorded.event for moment in history.standing]
    entries = [event for event in happened if isinstance(event, ReferralEntryTaken)]
    codes: defaultdict[str, list[str]] = defaultdict(list)
    codes["declineReasons"] = [code for entry in entries if entry.name == "ReferralDeclined" for code in entry.codes]
    for event in happened:
        if (found := _CODES.get(type(event))) is not None:
            column, codes_in = found
            codes[column] += codes_in(event)
    meetings = [event for event in happened if isinstance(event, MeetingRecorded)]
    pulses = [event for event in happened if isinstance(event, PulseRecorded)]
    accepted_at = next((entry.occurred_at for entry in entries if entry.name == "ReferralAccepted"), None)
    signed_at = next((event.signed_at for event in happened if isinstance(event, AgreementSigned)), None)
    ends = [event.ended_at for event in happened if isinstance(event, MatchEnded | TrajectoryCompleted)]
    organisations = [moment.after.organisation for moment in history.standing if moment.after.organisation is not None]
    yield CaseFact(
        opened_at=opened_at,
        organisation=organisations[-1] if organisations else None,
        offers=_offers(happened),
        days_to_acceptance=_days(opened_at, accepted_at),
        days_to_agreement=_days(accepted_at, signed_at),
        days_mentored=_days(signed_at, ends[-1] if ends else None),
        meetings=len(meetings),
        meeting_minutes=sum(meeting.minutes or 0 for meeting in meetings),
        check_ins=sum(isinstance(event, CheckInRecorded) for event in happened),
        mentor_scores=tuple(pulse.score for pulse in pulses if pulse.side == Side.MENTOR),
        mentee_scores=tuple(pulse.score for pulse in pulses if pulse.side == Side.MENTEE),
        codes={column: tuple(given) for column, given in codes.items() if given},
    )


def _offers(happened: Iterable[object]) -> int:
    alone = sum(isinstance(event, ReferralEntryTaken) and event.name == "ReferralSubmitted" for event in happened)
    return alone + sum(len(event.offers) for event in happened if isinstance(event, CaseOffered))


def _days(first: datetime | None, last: datetime | None) -> int | None:
    return (day_of(last) - day_of(first)).days if first is not None and last is not None else None


def rows(findings: Iterable[Findings[CaseFact]], period: Period) -> Iterator[Row]:
    """A row per case that was opened in a quarter that the days touch."""
    for each in findings:
        for case in each.facts:
            quarter = quarter_of(case.opened_at)
            if period.touches(quarter):
                head = (pseudonym(period.key, each.subject.case), quarter, each.subject.agency, each.subject.programme)
                values = [getattr(case, name) for name in CaseFact.__struct_fields__[1:-1]]
                codes = [case.codes.get(column, ()) for column in _CODE_COLUMNS]
                yield dict(zip(_COLUMNS, (*head, *values, *codes), strict=True))


REPORT: Final = Report(
    name=NAME,
    definition=DEFINITION,
    sources=SOURCES,
    columns=_COLUMNS,
    fact=CaseFact,
    facts=facts,
    rows=rows,
    across=True,
)
