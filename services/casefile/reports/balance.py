"""The balance of public services and citizens: who does what, what is excepted and missing, how both sides feel."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from msgspec import Struct

from contracts.casefile_codes import DOES_GOOD, CharterRole
from contracts.terms import SAME_REFUSAL
from services.casefile.domain.exceptions import RoleExceptionDenied, RoleExceptionGranted, RoleExceptionRequested
from services.casefile.domain.gap_report import ServiceGapReported
from services.casefile.domain.mentoring import PulseRecorded
from services.casefile.domain.task_refusals import TaskRefusedByCharter
from services.casefile.domain.tasks import TaskRecorded
from services.casefile.reports.report import Findings, History, Moment, Period, Report, Row, day_of, events, referral_in
from services.casefile.reports.suppression import ALL
from services.chassis.modelling.days import FIRST
from services.chassis.modelling.decider import Actor

NAME: Final = "balance"
DEFINITION: Final = (
    "Per case and organisation, and for all cases of a programme together (case ALL): the tasks that were recorded and "
    "the share of each role in them, in percent; tasks that the charter refused, the same to the same person within an "
    "hour once; exceptions that were asked for, granted and denied; gaps in services; and the reasons given with "
    "pulses, those that do good and those that weigh, each with how often. The total (ALL) names no service and no "
    "reason, for behind one there may be a few people: over many cases the report service-gaps counts services. "
    "Organisations read no total."
)
SOURCES: Final = (
    "TaskRecorded",
    "TaskRefusedByCharter",
    "RoleExceptionRequested",
    "RoleExceptionGranted",
    "RoleExceptionDenied",
    "ServiceGapReported",
    "PulseRecorded",
    "CorrectionRecorded",
)
_ROLES: Final = {
    CharterRole.VOLUNTEER_MENTOR.value: "volunteerPercent",
    CharterRole.PROFESSIONAL_MENTOR.value: "professionalPercent",
    CharterRole.NGO_COORDINATOR.value: "coordinatorPercent",
    CharterRole.AGENCY_COUNSELLOR.value: "counsellorPercent",
}
_KINDS: Final = {
    "REFUSED": "refused",
    "REQUESTED": "exceptionsRequested",
    "GRANTED": "exceptionsGranted",
    "DENIED": "exceptionsDenied",
    "GAP": "gaps",
    "GOOD": "positive",
    "WEIGHS": "negative",
}


_NAMED: Final = {"positiveCodes": "GOOD", "negativeCodes": "WEIGHS", "gapServices": "GAP"}


class BalanceFact(Struct, frozen=True, array_like=True):
    """One thing that weighs in the balance: its kind, and the code of the role, task, service or reason.

    `withheld`: the organisation may read it no more.
    """

    at: datetime
    organisation: str | None
    kind: str
    code: str
    withheld: bool = False


def facts(history: History) -> Iterator[BalanceFact]:
    """Everything in a case that counts, as it reads after its corrections."""
    kinds = (
        TaskRecorded,
        TaskRefusedByCharter,
        RoleExceptionRequested,
        RoleExceptionGranted,
        RoleExceptionDenied,
        ServiceGapReported,
        PulseRecorded,
    )
    refused: dict[tuple[Actor, TaskRefusedByCharter], datetime] = {}
    for moment in events(history, *kinds):
        event, meta = moment.recorded.event, moment.recorded.meta
        if isinstance(event, TaskRefusedByCharter):
            # As the timeline has it.
            if meta.recorded_at - refused.get((meta.actor, event), FIRST) < SAME_REFUSAL:
                continue
            refused[meta.actor, event] = meta.recorded_at
        for kind, code, at in _found(moment):
            yield BalanceFact(at, _organisation(moment), kind, code, history.is_over(_referral(moment)))


def _organisation(moment: Moment) -> str | None:
    event = moment.recorded.event
    named: str | None = getattr(event, "organisation", None)
    return named or moment.before.organisation or moment.after.organisation


def _referral(moment: Moment) -> str | None:
    named: str | None = getattr(moment.recorded.event, "referral", None)
    return named or referral_in(moment.before) or referral_in(moment.after)


def _found(moment: Moment) -> Iterator[tuple[str, str, datetime]]:
    event, at = moment.recorded.event, moment.recorded.meta.occurred_at
    match event:
        case TaskRecorded():
            yield "TASK", event.role, event.happened_at
        case TaskRefusedByCharter():
            yield "REFUSED", event.task, at
        case RoleExceptionRequested():
            yield "REQUESTED", event.task or event.rule or "", at
        case RoleExceptionGranted():
            yield "GRANTED", event.task or event.rule or "", at
        case RoleExceptionDenied():
            yield "DENIED", event.task or event.rule or "", at
        case ServiceGapReported():
            yield "GAP", event.service_kind, event.reported_at
        case PulseRecorded():
            for reason in event.reasons:
                yield "GOOD" if reason in DOES_GOOD else "WEIGHS", reason, event.happened_at


def rows(findings: Iterable[Findings[BalanceFact]], period: Period) -> Iterator[Row]:
    """A row per case and organisation, and one per agency and programme."""
    cells: defaultdict[tuple[str | None, ...], list[BalanceFact]] = defaultdict(list)
    for each in findings:
        agency, programme = each.subject.agency, each.subject.programme
        for fact in each.facts:
            if period.has(day_of(fact.at)):
                cells[agency, programme, fact.organisation, each.subject.case].append(fact)
                cells[agency, programme, ALL, ALL].append(fact)
    for (agency, programme, organisation, case), found in cells.items():
        yield {
            "agency": agency,
            "programme": programme,
            "organisation": organisation,
            "case": case,
            **_weighed(found, named=case != ALL),
        }


def _weighed(found: list[BalanceFact], *, named: bool) -> Row:
    """What weighs in some facts; `named`: with the codes. A total by days that anybody chooses has none.

    Differences between two of them would tell what statistics hide.
    """
    roles = Counter(fact.code for fact in found if fact.kind == "TASK")
    tasks = sum(roles.values())
    return {
        "tasks": tasks,
        **{column: round(100 * roles[role] / tasks, 1) if tasks else None for role, column in _ROLES.items()},
        **{column: sum(fact.kind == kind for fact in found) for kind, column in _KINDS.items()},
        **{column: _codes(found, kind) if named else None for column, kind in _NAMED.items()},
    }


def _codes(found: list[BalanceFact], kind: str) -> list[str]:
    """Each code with how often it was given, the most frequent first."""
    counted = Counter(fact.code for fact in found if fact.kind == kind)
    return [f"{code}:{count}" for code, count in sorted(counted.items(), key=lambda item: (-item[1], item[0]))]


REPORT: Final = Report(
    name=NAME,
    definition=DEFINITION,
    sources=SOURCES,
    columns=(
        "agency",
        "programme",
        "organisation",
        "case",
        "tasks",
        *_ROLES.values(),
        *_KINDS.values(),
        *_NAMED,
    ),
    fact=BalanceFact,
    facts=facts,
    rows=rows,
)
