"""What mentor and mentee read of a case → JSON: a proposal, their match, and a match that has ended."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from contracts.codes import Step
from services.casefile.domain.state import Case, Match
from services.casefile.domain.steps import OpenStep, StepsBeside
from services.casefile.gap_views import gap_view
from services.casefile.views import case_view
from services.chassis.http.response.rendering import Json


def pair_view(case: Case, version: int, now: datetime, mentor: str | None = None) -> Json:
    """What a matched mentor or the mentee reads: the state, the agreement, and who is responsible for what.

    A `mentor` also reads what became of the gaps that this mentor reported. That somebody raised the alarm is not
    theirs to know, and neither are gaps that others reported: neither the step nor its term is shown.
    """
    whole = case_view(_without_what_is_others(case, mentor), version, now)
    trajectory: Any = whole["trajectory"] or {}
    shown = ("id", "state", "version", "organisation", "programme", "caseLead", "steps", "dueAt", "overdue")
    return {
        **{name: whole[name] for name in shown},
        "trajectory": {name: trajectory.get(name) for name in ("coordinator", "match", "agreement", "charter")},
        "gaps": own_gaps(case, mentor),
        "links": {"self": f"/v1/cases/{case.case}"},
    }


def _without_what_is_others(case: Case, mentor: str | None) -> Case:
    own = {gap.gap for gap in case.gaps if gap.reported_by.sub == mentor}
    way = tuple(step for step in case.way if step.step != Step.ESCALATION)
    beside = [step for step in case.steps if step.about is not UNSET and not _is_others(step, own)]
    return replace(case, way=way, beside=StepsBeside((step.key, step) for step in beside))


def _is_others(step: OpenStep, own: set[str]) -> bool:
    return step.step == Step.ESCALATION or (step.step == Step.SERVICE_GAP_ANSWER and step.about not in own)


def ended_view(case: Case, version: int, ended_at: datetime, gaps: list[Json]) -> Json:
    """What a mentor reads of a match that has ended: the `case` as it was until then, in which nothing is due any more.

    `gaps` are those that the mentor reported, as they are now.
    """
    body = pair_view(case, version, ended_at)
    trajectory = {**body["trajectory"], "endedAt": ended_at}
    return {**body, "steps": [], "dueAt": {}, "overdue": False, "trajectory": trajectory, "gaps": gaps}


def own_gaps(case: Case, mentor: str | None) -> list[Json]:
    """The gaps that a mentor of the case reported."""
    return [gap_view(case.case, gap) for gap in case.gaps if gap.reported_by.sub == mentor]


def proposal_view(case_id: str, version: int, match: Match | None) -> Json:
    """All that mentor or mentee reads until they are bound: the proposal that waits for their word, if there is one."""
    waits = match is not None and match.agreement is None
    return {
        "id": case_id,
        "version": version,
        "match": {"criteria": list(match.criteria), "dueAt": match.due_at} if match is not None and waits else None,
    }


def nothing_more(case_id: str, version: int) -> Json:
    """What somebody reads of a case by a command of their own that has left them without a part in it."""
    return {**proposal_view(case_id, version, None), "allowedActions": [], "blockedActions": []}
