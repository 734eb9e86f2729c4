"""A gap in services as it is reported: by a mentor or coordinator, or by the agency's own reason for mentoring."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from contracts.codes import Alternative, Step
from contracts.gap_codes import GapState, GapType, ServiceKind
from services.casefile.domain.context import Context
from services.casefile.domain.open_matters import Gap
from services.casefile.domain.state import Case
from services.casefile.domain.steps import Moves, OpenStep, Party
from services.casefile.domain.terms import deadline

_LACKED = {
    Alternative.JOB_COACHING.value: ServiceKind.JOB_COACHING,
    Alternative.COUNSELLING.value: ServiceKind.COUNSELLING,
    Alternative.LANGUAGE_COURSE.value: ServiceKind.LANGUAGE_COURSE,
    Alternative.TRAINING.value: ServiceKind.TRAINING,
    Alternative.BUDDY.value: ServiceKind.INTEGRATION_SUPPORT,
}


class ServiceGapReported(Moves, frozen=True, kw_only=True):
    """A public service falls short; the agency answers. `provider_ref` is a vault reference.

    `referral` and `organisation` are those that the case was with, or was offered to; who reported it is a party.
    """

    gap: str
    service_kind: str
    gap_type: str
    provider_ref: str | None = None
    task: str | None = None
    reported_by: Party
    reported_at: datetime
    referral: str | None = None
    organisation: str | None = None


def reported(context: Context, event: ServiceGapReported, lead: Party) -> list[ServiceGapReported]:
    """The report with its clock, which the `lead` answers; nothing where the same person has it reported and open."""
    if any(_is_same(gap, event) for gap in context.case.gaps):
        return []
    step = Step.SERVICE_GAP_ANSWER.value
    due = replace(deadline(context.terms, "SERVICE_GAP", event.reported_at), name=f"{step}:{event.gap}")
    waits = OpenStep(step=step, owner=lead, since=event.reported_at, deadlines=(due,), about=event.gap)
    return [replace(event, opens=(waits,))]


def _is_same(gap: Gap, event: ServiceGapReported) -> bool:
    # A provider is named in words, which cannot be compared: another one is another gap.
    return (
        gap.state == GapState.OPEN
        and (gap.service_kind, gap.gap_type, gap.task, gap.provider_ref)
        == (event.service_kind, event.gap_type, event.task, event.provider_ref)
        and (gap.reported_by.org, gap.reported_by.sub) == (event.reported_by.org, event.reported_by.sub)
    )


def next_gap(case: Case, case_id: str) -> str:
    """The id of the next gap of a case, from which the case's own can be read (`case_of`)."""
    return f"{case_id}{_MARK}{len(case.gaps) + 1}"


def case_of(gap: str) -> str:
    """The id of the case that a gap belongs to."""
    return gap.rpartition(_MARK)[0]


_MARK = ".g"


def absent_service(alternative: str | None) -> tuple[str, str]:
    """Which service lacks, and how, where the agency sends a person to a mentor because of a gap."""
    return _LACKED.get(alternative or "", ServiceKind.OTHER).value, GapType.ABSENT.value


def evolve(case: Case, event: ServiceGapReported) -> Case:
    """The case with one more gap."""
    gap = Gap(
        gap=event.gap,
        service_kind=event.service_kind,
        gap_type=event.gap_type,
        provider_ref=event.provider_ref,
        task=event.task,
        reported_by=event.reported_by,
        reported_at=event.reported_at,
        due_at=next((step.due_at for step in event.opens if step.due_at is not None), event.reported_at),
        referral=event.referral,
        organisation=event.organisation,
    )
    return replace(case, gaps=case.gaps.plus(gap))
