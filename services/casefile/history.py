"""The history of a case as of any moment: what had happened, who was responsible, and what a correction names.

Reads are bitemporal: `as_of` asks what had happened by then, `known_at` what the service knew by then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts.codes import Step
from services.casefile.domain.case import evolve
from services.casefile.domain.context import EventRef
from services.casefile.domain.correction import CorrectionRecorded
from services.casefile.domain.corrections_of_reports import report_of
from services.casefile.domain.disclosure import DisclosureRefused
from services.casefile.domain.gap_report import ServiceGapReported
from services.casefile.domain.handback_report import HandbackRequested
from services.casefile.domain.match_end import MatchEnded
from services.casefile.domain.open_escalations import EscalationRaised
from services.casefile.domain.people import CoordinatorReassigned
from services.casefile.domain.referral_entry import ReferralEntryTaken
from services.casefile.domain.report_facts import Reported
from services.casefile.domain.state import Case, MentorAccess
from services.casefile.domain.steps import Awaiting, OpenStep, Party
from services.casefile.domain.trajectory_end import TrajectoryCompleted
from services.chassis.log.metadata import Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenStepAt:
    """An open step: its one owner since when, until when, and whom the owner waits for."""

    step: str
    owner: Party
    since: datetime
    due_at: datetime | None
    overdue: bool
    awaiting: Awaiting | None
    about: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Responsibility:
    """The case lead (None before the case was opened) and the open steps, in the order of the case's life."""

    case_lead: Party | None
    steps: tuple[OpenStepAt, ...]


def occurred_at(recorded: Recorded) -> datetime:
    """When an event happened. What a report of the past leads to happens when it is reported, not before."""
    match recorded.event:
        case HandbackRequested() as event:
            return event.requested_at
        case CoordinatorReassigned() as event:
            return event.since
        case ServiceGapReported() as event:
            return event.reported_at
        case EscalationRaised() as event:
            return next((step.since for step in event.opens), recorded.meta.recorded_at)
        case _:
            return recorded.meta.occurred_at


def known(records: Sequence[Recorded], as_of: datetime | None, known_at: datetime | None) -> Iterator[Recorded]:
    """The events that had happened by `as_of` and were recorded by `known_at`, in the order of the stream."""
    for recorded in records:
        if as_of is not None and occurred_at(recorded) > as_of:
            continue
        if known_at is not None and recorded.meta.recorded_at > known_at:
            continue
        yield recorded


def as_it_ended(records: Sequence[Recorded], access: MentorAccess) -> tuple[Case, int, datetime]:
    """The case with the match that its mentor may still read, before it ended, and the version and time of its end."""
    ends = (one for one in records if isinstance(one.event, MatchEnded | TrajectoryCompleted))
    end = next(one for one in ends if one.event.mentor_access == access.expires)
    return fold(records[: end.version - 1]), end.version, end.event.ended_at


def fold(records: Sequence[Recorded], *, as_of: datetime | None = None, known_at: datetime | None = None) -> Case:
    """The case as of an instant, as it was known at another."""
    case = Case()
    for recorded in known(records, as_of, known_at):
        case = evolve(case, recorded.event)
    return case


def responsibility(records: Sequence[Recorded], *, as_of: datetime, known_at: datetime | None = None) -> Responsibility:
    """Who was responsible for what at `as_of`, as the service knew it at `known_at` (without it: as it knows now)."""
    return of_case(fold(records, as_of=as_of, known_at=known_at), at=as_of)


def of_case(case: Case, *, at: datetime) -> Responsibility:
    """Who is responsible for what in a case, seen at an instant."""
    order = [step.value for step in Step]
    steps = sorted(case.steps, key=lambda step: order.index(step.step))
    return Responsibility(case_lead=case.lead, steps=tuple(_view(step, at) for step in steps))


def _view(step: OpenStep, at: datetime) -> OpenStepAt:
    return OpenStepAt(
        step=step.step,
        owner=step.owner,
        since=step.since,
        due_at=step.due_at,
        overdue=step.due_at is not None and step.due_at < at,
        awaiting=step.awaiting,
        about=step.about or None,
    )


# --- what commands ask of the record --------------------------------------------------------------------------------


def find_event(records: Sequence[Recorded], event: str) -> EventRef | None:
    """The event that a correction names, by the id that the timeline shows, with what it reported, as corrected last.

    A correction of a correction is one of the report behind it.
    """
    named: Recorded | None = None
    reported: dict[str, Reported] = {}
    reports: dict[str, Recorded] = {}
    for recorded in records:
        shown, correction = _id(recorded), recorded.event
        if shown == event:
            named = recorded
        if (report := report_of(correction)) is not None:
            reports[shown], reported[shown] = recorded, report
        elif isinstance(correction, CorrectionRecorded) and correction.corrects in reports:
            original = reports[shown] = reports[correction.corrects]
            reported[_id(original)] = correction.holds or reported[_id(original)]
    if named is None:
        return None
    entry = named.event if isinstance(named.event, ReferralEntryTaken) else None
    name = entry.name if entry is not None else type(named.event).__name__
    behind = reports.get(event, named)
    before = Case()
    for recorded in records[: records.index(behind)]:
        before = evolve(before, recorded.event)
    referral = _belongs_to(behind, before, records)
    if event not in reports:
        return EventRef(event=event, name=name, referral=referral)
    source = behind.event if isinstance(behind.event, ReferralEntryTaken) else None
    return EventRef(
        event=event,
        name=name,
        referral=referral,
        reported=reported[_id(behind)],
        before=before,
        recorded_at=source.recorded_at if source is not None else behind.meta.recorded_at,
        source_event_id=source.source_event_id if source is not None else None,
    )


def _belongs_to(recorded: Recorded, before: Case, records: Sequence[Recorded]) -> str | None:
    """The referral that an event belongs to: that which it names, by which the case was somewhere, or came with it."""
    if isinstance(recorded.event, CorrectionRecorded):
        return recorded.event.referral
    named: str | None = getattr(recorded.event, "referral", None)
    if named is not None or before.referral is not None:
        return named or (before.referral.referral if before.referral is not None else None)
    together = [other.event for other in records if moment(other) == moment(recorded)]
    return next((referral for event in together if (referral := getattr(event, "referral", None)) is not None), None)


def _id(recorded: Recorded) -> str:
    entry = recorded.event if isinstance(recorded.event, ReferralEntryTaken) else None
    return entry.source_event_id if entry is not None else recorded.meta.event_id


def moment(recorded: Recorded) -> tuple[datetime, str | None, str | None]:
    """What the events that were recorded together have in common."""
    # A request has its own span, so two commands in one instant of a clock that stands still are told apart.
    return recorded.meta.recorded_at, recorded.meta.causation_id, recorded.meta.traceparent


def recorded_by(records: Sequence[Recorded], organisation: str, since: datetime) -> tuple[str, ...]:
    """The ids of what an organisation did after an instant: neither entries of the referral service nor refusals."""
    return tuple(
        recorded.meta.event_id
        for recorded in records
        if recorded.meta.actor.org == organisation
        and recorded.meta.recorded_at > since
        and not isinstance(recorded.event, ReferralEntryTaken | DisclosureRefused)
    )
