"""Cases, timelines and responsibility in their JSON shape."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from services.casefile.domain.case import Case, Match, Trajectory
from services.casefile.domain.responsibility import Awaiting, Party
from services.casefile.timeline import Item
from services.casefile.views import Responsibility, StepView, of_case
from services.chassis.http.rendering import Json, as_json, camel


def party_view(party: Party | None) -> Json | None:
    """A named person in a role for an organisation."""
    return None if party is None else {"role": party.role, "org": party.org, "sub": party.sub}


def _awaiting(awaiting: Awaiting | None) -> Json | None:
    if awaiting is None:
        return None
    return {"org": awaiting.org, "action": awaiting.action, "dueAt": awaiting.due_at}


def step_view(step: StepView) -> Json:
    """An open step with its one owner."""
    return {
        "step": step.step,
        "owner": party_view(step.owner),
        "since": step.since,
        "dueAt": step.due_at,
        "overdue": step.overdue,
        "awaiting": _awaiting(step.awaiting),
    }


def responsibility_view(responsibility: Responsibility) -> Json:
    """The case lead and the open steps."""
    return {
        "caseLead": party_view(responsibility.case_lead),
        "steps": [step_view(step) for step in responsibility.steps],
    }


def timeline_view(item: Item) -> Json:
    """One entry of the timeline."""
    return {
        "position": item.position,
        "event": item.event,
        "type": item.type,
        "occurredAt": item.occurred_at,
        "recordedAt": item.recorded_at,
        "actor": party_view(item.actor),
        "responsible": party_view(item.responsible),
        "step": item.step,
        "dueAt": item.due_at,
        "text": item.text,
        "digest": item.digest,
    }


def case_view(case: Case, version: int, now: datetime) -> Json:
    """A case as its agency, the organisation that it is with, and auditors read it."""
    running = of_case(case, at=now)
    return {
        "id": case.case,
        "state": case.state,
        "version": version,
        "clientRef": case.client_ref,
        "agency": case.agency,
        "organisation": case.organisation,
        "programme": case.programme,
        "programmeVersion": case.programme_version,
        "openedAt": case.opened_at,
        "referral": case.referral.referral if case.referral is not None else None,
        **responsibility_view(running),
        "dueAt": {camel(step.step): step.due_at for step in running.steps if step.due_at is not None},
        "overdue": any(step.overdue for step in running.steps),
        "askedToLead": party_view(case.asked_to_lead),
        "askedToCoordinate": party_view(case.asked_to_coordinate),
        "trajectory": _trajectory(case.trajectory),
        "closeReason": case.close_reason,
        "outcomes": [{"point": point, "code": code, "source": source} for point, code, source in case.settled],
        "links": links(case.case),
    }


def _trajectory(trajectory: Trajectory | None) -> Json | None:
    if trajectory is None:
        return None
    match = trajectory.match
    agreement = match.agreement if match is not None else None
    return {
        "coordinator": party_view(trajectory.coordinator),
        "acceptedAt": trajectory.accepted_at,
        "goals": list(trajectory.goals),
        "noShows": trajectory.no_shows,
        "match": None
        if match is None
        else {"mentorRef": match.mentor, "kind": match.kind, "confirmed": sorted(match.confirmed)},
        "agreement": None
        if agreement is None
        else {
            "start": agreement.start,
            "end": agreement.end,
            "norm": agreement.norm,
            "signedAt": agreement.signed_at,
            "proposedEnd": agreement.proposed_end,
        },
        "suspendedFor": trajectory.suspended_for,
        "endedAt": trajectory.ended_at,
        "closureReason": trajectory.closure_reason,
        "handback": as_json(trajectory.handback) if trajectory.handback is not None else None,
    }


def pair_view(case: Case, version: int, now: datetime) -> Json:
    """What a matched mentor or the mentee reads: the state, the agreement, and who is responsible for what."""
    whole = case_view(case, version, now)
    trajectory: Any = whole["trajectory"] or {}
    shown = ("id", "state", "version", "organisation", "programme", "caseLead", "steps", "dueAt", "overdue")
    return {
        **{name: whole[name] for name in shown},
        "trajectory": {name: trajectory.get(name) for name in ("coordinator", "match", "agreement")},
        "links": {"self": f"/v1/cases/{case.case}"},
    }


def proposal_view(case_id: str, version: int, match: Match | None) -> Json:
    """All that mentor or mentee reads until they are bound: the proposal that waits for their word, if there is one."""
    waits = match is not None and match.agreement is None
    return {
        "id": case_id,
        "version": version,
        "match": {"criteria": list(match.criteria), "dueAt": match.due_at} if match is not None and waits else None,
    }


def stopped_view(case_id: str, version: int) -> Json:
    """What remains visible to an organisation after the person withdrew the legal basis: the stop."""
    return {
        "id": case_id,
        "version": version,
        "stopped": "CONSENT_WITHDRAWN",
        "dueAt": {},
        "links": {"self": f"/v1/cases/{case_id}", "timeline": f"/v1/cases/{case_id}/timeline"},
    }


def links(case_id: str) -> Json:
    """Where to go on from a case."""
    path = f"/v1/cases/{case_id}"
    return {
        "self": path,
        "timeline": f"{path}/timeline",
        "responsibility": f"{path}/responsibility",
        "events": f"{path}/events",
    }
