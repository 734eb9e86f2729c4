"""What stands beside the way of a case, such as its escalations, in its JSON shape."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from contracts.escalation_codes import EscalationState
from services.casefile.domain.absence import Staff
from services.casefile.domain.contact_norm import months
from services.casefile.domain.ladder import late_terms, step_behind
from services.casefile.domain.open_escalations import is_open
from services.casefile.domain.state import Case, EndedMatch, Escalation
from services.casefile.domain.task_state import RoleException
from services.casefile.timeline import Item
from services.chassis.http.request.paths import path_of
from services.chassis.http.response.rendering import Json, as_json
from services.chassis.modelling.deadline import PausedDeadline
from services.chassis.modelling.ladder import Receiver


def escalation_views(case: Case, seen_by: str | None) -> list[Json]:
    """What somebody was asked to see to; an organisation (`seen_by`) reads of it what was raised while it had it."""
    return [
        {
            "id": held.id,
            "reason": held.reason,
            "level": held.level,
            "match": held.match,
            "openedAt": held.opened_at,
            "contactDueAt": held.contact_due_at,
            "resolutionDueAt": held.resolution_due_at,
            "signals": list(held.joined),
            "state": (EscalationState.OPEN if is_open(case, held) else EscalationState.RESOLVED).value,
            "resolution": held.resolution,
            **_unreached(held),
        }
        for held in case.escalations
        if seen_by in (None, held.organisation)
    ]


def _unreached(held: Escalation) -> Json:
    if held.unreached is None:
        return {}
    return {"unreached": held.unreached, "unreachedSince": held.unreached_since, "whyUnreached": held.why_unreached}


def missed_views(case: Case, seen_by: str | None) -> list[Json]:
    """The missed terms whose act is still awaited, and who was told; `seen_by` reads of those that it was told of."""
    return [
        {
            "deadline": late.name,
            "step": step_behind(case, late).step,
            "dueAt": late.due_at,
            "level": late.level,
            "notified": receivers_view(late.notified),
            "toCome": [{"level": due.level, "at": due.at} for due in late.to_come],
            **({"organisation": late.offer.organisation} if late.offer is not None else {}),
        }
        for late in late_terms(case)
        if seen_by is None or any(receiver.org == seen_by for receiver in late.notified)
    ]


def receivers_view(receivers: Iterable[Receiver]) -> list[Json]:
    """Who is told of a term: those in a role of an organisation, or in it wherever they are."""
    return [{"role": receiver.role, "org": receiver.org} for receiver in receivers]


def ended_view(ended: EndedMatch) -> Json:
    """Why a match ended; of a mentor who withdrew, since when that was known, and whether in time."""
    return {"reason": ended.reason, "noticeOn": ended.notice_on, "shortNotice": ended.short_notice}


def paused_views(paused: Iterable[PausedDeadline], since: datetime | None) -> list[Json]:
    """The terms that stand still, since when, and why."""
    return [{"deadline": held.deadline, "dueAt": held.due_at, "reason": held.reason, "since": since} for held in paused]


def level_view(item: Item) -> Json:
    """On the timeline: which level a term comes to, and who hears of it; nothing of anything else."""
    return {"level": item.level, "notified": receivers_view(item.notified)} if item.level is not None else {}


def exception_view(known: RoleException) -> Json:
    """A one-off exception, from a task or from a rule."""
    kind: Json = {"task": known.task} if known.task is not None else {"rule": known.rule}
    return {"id": known.exception, **kind, "state": known.state, **({"reason": "PART_ENDED"} if known.lapsed else {})}


def norm_view(case: Case, zone: str | None, now: datetime) -> list[Json]:
    """How often the pair met in each month of the running agreement, against the norm that it agreed on."""
    agreement = case.match.agreement if case.match is not None else None
    if agreement is None or case.trajectory is None or zone is None:
        return []
    meetings = [at for kind, _, at in case.trajectory.reported if kind == "MEETING"]
    return [as_json(month) for month in months(agreement, meetings, zone, now)]


def outcome_views(case: Case) -> list[Json]:
    """What became of the person at each point; of a job, whether it is at their level, where that was said."""
    return [
        {"point": point, "code": code, "source": source, "levelMatch": case.level_match.get(point)}
        for point, code, source in case.settled
    ]


def absence_view(staff: Staff) -> Json:
    """Who stands in for a member of staff, for whom it was named."""
    held = staff.absence
    assert held is not None  # noqa: S101 - the routes show nothing else
    return {
        "sub": held.absent,
        "organisation": held.organisation,
        "substitute": held.substitute,
        "from": held.begins,
        "until": held.ends,
        "namedBy": {"role": held.named_by.role, "org": held.named_by.org, "sub": held.named_by.sub},
        "namedAt": held.named_at,
        "releasedAt": staff.released_at,
        "links": {"self": path_of("absences", held.absent)},
    }
