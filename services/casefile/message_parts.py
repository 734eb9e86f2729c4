"""What messages of a case have in common, made of what events hold."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import TypedDict

from msgspec import UnsetType

from contracts.casefile.agreement import Readiness as PublishedReadiness
from contracts.casefile.correction import Reported as PublishedReport
from contracts.message import ActorRef, Deadline
from services.casefile.domain.agreement import Readiness
from services.casefile.domain.match_end import MatchEnded, notice_in
from services.casefile.domain.report_facts import Reported
from services.casefile.domain.steps import Moves, Party
from services.casefile.domain.trajectory_end import TrajectoryCompleted
from services.chassis.delivery.translation import published_deadlines


class About(TypedDict):
    """What every message of a case says."""

    case: str
    actor: ActorRef
    occurred_at: datetime
    recorded_at: datetime
    digest: str


def begun(moves: Moves) -> list[Deadline]:
    """What runs in the steps that an event begins or renews."""
    return published_deadlines(deadline for step in (*moves.opens, *moves.renews) for deadline in step.deadlines)


class Notice(TypedDict):
    """What is said of the notice of a mentor who withdrew."""

    notice_on: date | None
    short_notice: bool | None


def notice_of(event: MatchEnded | TrajectoryCompleted) -> Notice:
    """When a mentor who withdrew said so, and whether that was in time; nothing of any other end."""
    given = notice_in(event)
    return Notice(notice_on=given.on if given else None, short_notice=given.short if given else None)


def party_of(party: Party) -> ActorRef:
    """A party to the case, as messages have it."""
    return ActorRef(role=party.role, org=party.org, sub=party.sub)


def parties_of(parties: Iterable[Party] | UnsetType) -> list[ActorRef]:
    """Several parties; nobody where they are unset."""
    return [party_of(party) for party in parties or ()]


def report_of(report: Reported | None) -> PublishedReport | None:
    """What a report says, where there is one."""
    if report is None:
        return None
    return PublishedReport(kind=report.kind, happened_at=report.happened_at, facts=report.facts)


def readiness_of(readiness: Readiness) -> PublishedReadiness:
    """On which days a mentor met the requirements."""
    return PublishedReadiness(
        kind=readiness.kind,
        screened_on=readiness.screened_on,
        trained_on=readiness.trained_on,
        insurance_note_on=readiness.insurance_note_on,
        charter_version=readiness.charter_version,
        charter_acknowledged_on=readiness.charter_acknowledged_on,
        confidentiality_on=readiness.confidentiality_on,
        confidentiality_version=readiness.confidentiality_version or None,
    )
