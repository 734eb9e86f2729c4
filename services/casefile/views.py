"""Cases, timelines, work and mentors in their JSON shape."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from contracts.code_lists import sectors
from contracts.codes import Step
from services.casefile import beside_views as beside
from services.casefile.change_views import proposal_of_change
from services.casefile.domain.charter import Charter
from services.casefile.domain.mentor import Mentor, Profile
from services.casefile.domain.report_facts import Reported
from services.casefile.domain.state import Case, Earlier, Match, Trajectory
from services.casefile.domain.steps import Awaiting, OpenStep, Party
from services.casefile.domain.task_state import CharterInUse
from services.casefile.domain.tasks import leads_of
from services.casefile.gap_views import gap_view
from services.casefile.history import OpenStepAt, Responsibility, of_case
from services.casefile.timeline import Item
from services.casefile.worklist import Work
from services.chassis.http.request.paths import path_of
from services.chassis.http.response.rendering import Json, as_json, camel


def party_view(party: Party | None) -> Json | None:
    """A named person in a role for an organisation."""
    return None if party is None else {"role": party.role, "org": party.org, "sub": party.sub}


def _awaiting(awaiting: Awaiting | None) -> Json | None:
    if awaiting is None:
        return None
    return {"org": awaiting.org, "action": awaiting.action, "dueAt": awaiting.due_at}


def step_view(step: OpenStepAt) -> Json:
    """An open step with its one owner."""
    return {
        "step": step.step,
        "owner": party_view(step.owner),
        "since": step.since,
        "dueAt": step.due_at,
        "overdue": step.overdue,
        "awaiting": _awaiting(step.awaiting),
        **({"about": step.about} if step.about is not None else {}),
    }


def _dues(steps: Iterable[OpenStep | OpenStepAt]) -> Json:
    """When each step is due; of several of one name the first to be."""
    dues: dict[str, datetime] = {}
    for step in steps:
        if step.due_at is not None:
            name = camel(step.step)
            dues[name] = min(step.due_at, dues.get(name, step.due_at))
    return dues


def responsibility_view(responsibility: Responsibility) -> Json:
    """The case lead and the open steps."""
    return {
        "caseLead": party_view(responsibility.case_lead),
        "steps": [step_view(step) for step in responsibility.steps],
    }


def timeline_view(item: Item, tellings: Sequence[Json] | None = None) -> Json:
    """One entry of the timeline; `tellings` say who was told of it, and are None for who does not read that."""
    return {
        "position": item.position,
        "event": item.event,
        "type": item.type,
        "occurredAt": item.occurred_at,
        "recordedAt": item.recorded_at,
        "actor": _actor(item),
        "responsible": party_view(item.responsible),
        "step": item.step,
        "dueAt": item.due_at,
        "text": item.text,
        "digest": item.digest,
        **_correction(item),
        **({"count": item.count} if item.count > 1 else {}),
        **beside.level_view(item),
        **({"told": tellings} if tellings is not None else {}),
    }


def _actor(item: Item) -> Json | None:
    shown = party_view(item.actor)
    if shown is not None and item.on_behalf_reason is not None:
        shown |= {"onBehalfOf": item.on_behalf_of, "onBehalfReason": item.on_behalf_reason}
    if shown is not None and item.substitute_for is not None:
        shown["substituteFor"] = item.substitute_for
    if shown is not None and item.method is not None:
        shown["method"] = item.method
    return shown


def _correction(item: Item) -> Json:
    """What stands beside an event that was corrected, and of what a correction is one."""
    shown: Json = {}
    if item.corrects is not None:
        shown["corrects"] = item.corrects
    if item.holds is not None:
        shown["holds"] = reported_view(item.holds)
    if item.corrected_by:
        shown["correctedBy"] = list(item.corrected_by)
    return shown


def reported_view(reported: Reported) -> Json:
    """The fields of a report as they read."""
    at: Json = {"occurredAt": reported.happened_at} if reported.happened_at is not None else {}
    return {**{camel(name): value for name, value in reported.facts.items()}, **at}


def case_view(case: Case, version: int, now: datetime, seen_by: str | None = None) -> Json:
    """A case as its agency, the organisation that it is with, and auditors read it.

    `seen_by` is that organisation: what is over it reads of its own referrals only. None: of all.
    """
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
        "broadcast": case.broadcast.broadcast if case.broadcast is not None and seen_by is None else None,
        **responsibility_view(running),
        "dueAt": _dues(running.steps),
        "overdue": any(step.overdue for step in running.steps),
        "askedToLead": party_view(case.proposed_lead),
        "askedToCoordinate": party_view(case.proposed_coordinator),
        "trajectory": _trajectory(case.trajectory),
        "earlier": [_earlier(over) for over in case.earlier if seen_by in (None, over.organisation)],
        "closeReason": case.close_reason,
        "exceptions": [beside.exception_view(ask) for ask in case.exceptions if seen_by in (None, ask.organisation)],
        "outcomes": beside.outcome_views(case),
        "escalations": beside.escalation_views(case, seen_by),
        "missed": beside.missed_views(case, seen_by),
        "gaps": [gap_view(case.case, gap) for gap in case.gaps if seen_by in (None, gap.organisation)],
        "proposals": [proposal_of_change(held) for held in case.proposals if seen_by in (None, held.organisation)],
        "links": links(case.case),
    }


def summary_of(case: Case, version: int) -> Json:
    """What a list shows of a case, but for `overdue`, which moves with the clock (`is_overdue`)."""
    stands = next((step for step in case.steps if step.step == case.current_step), None)
    return {
        "id": case.case,
        "case": case.case,
        "state": case.state,
        "version": version,
        "agency": case.agency,
        "organisation": case.organisation,
        "clientRef": case.client_ref,
        "caseLead": party_view(case.lead),
        "step": stands.step if stands is not None else None,
        "owner": party_view(stands.owner) if stands is not None else None,
        "dueAt": _dues(case.steps),
        "links": links(case.case),
    }


def _earlier(over: Earlier) -> Json:
    return {
        "referral": over.referral,
        "organisation": over.organisation,
        "endedBy": over.ended_by,
        "reason": over.reason,
        "endedAt": over.ended_at,
        "trajectory": _trajectory(over.trajectory),
        "decision": over.decision,
        "nextService": over.next_service,
        "answers": over.answers,
    }


def _match(match: Match | None) -> Json | None:
    if match is None:
        return None
    return {"mentorRef": match.mentor, "kind": match.kind, "confirmed": sorted(match.confirmed)}


def _agreement(match: Match | None) -> Json | None:
    agreement = match.agreement if match is not None else None
    if agreement is None:
        return None
    return {
        "start": agreement.start,
        "end": agreement.end,
        "norm": agreement.norm,
        "signedAt": agreement.signed_at,
        "proposedEnd": agreement.proposed_end,
        "charterVersion": agreement.charter_version,
    }


def _charter(used: CharterInUse | None) -> Json | None:
    if used is None:
        return None
    return {"version": used.version, "since": used.since, "acknowledgedBy": list(used.acknowledged)}


def _trajectory(trajectory: Trajectory | None) -> Json | None:
    if trajectory is None:
        return None
    paused = trajectory.suspension
    return {
        "coordinator": party_view(trajectory.coordinator),
        "acceptedAt": trajectory.accepted_at,
        "goals": list(trajectory.goals),
        "noShows": trajectory.no_shows,
        "match": _match(trajectory.match),
        "agreement": _agreement(trajectory.match),
        "taskLeads": [{"task": lead.task, "role": lead.role, "org": lead.org} for lead in leads_of(trajectory)],
        "charter": _charter(trajectory.charter),
        "endedMatches": [
            {**(_match(ended.match) or {}), "agreement": _agreement(ended.match), **beside.ended_view(ended)}
            for ended in trajectory.ended_matches
        ],
        "progressReports": [as_json(report) for report in trajectory.progress_reports],
        "suspendedFor": paused.reason if paused is not None else None,
        "suspendedUntil": paused.until if paused is not None else None,
        "paused": beside.paused_views(paused.paused, paused.since) if paused is not None else [],
        "endedAt": trajectory.ended_at,
        "closureReason": trajectory.closure_reason,
        "handback": as_json(trajectory.handback) if trajectory.handback is not None else None,
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


def work_item(case_id: str, work: Work, now: datetime) -> Json:
    """Something to be acted on, as the worklist shows it."""
    return {
        "case": case_id,
        "step": work.name,
        "owner": party_view(work.owner),
        "since": work.since,
        "dueAt": work.due_at,
        "overdue": work.due_at is not None and work.due_at < now,
        "awaiting": _awaiting(work.awaiting),
        **({"about": about} if (about := work.about or (work.step is not None and work.step.about)) else {}),
        **({"level": work.level} if work.level is not None else {}),
    }


def proposal_item(case: Case, now: datetime) -> Json:
    """What the worklist shows to one of a pair who is not bound: the case, and until when their word is awaited."""
    match = case.match
    waits = match is not None and match.agreement is None
    due_at = match.due_at if match is not None and waits else None
    return {
        "case": case.case,
        "step": Step.MATCH_CONFIRMATION.value if waits else None,
        "owner": None,
        "since": None,
        "dueAt": due_at,
        "overdue": due_at is not None and due_at < now,
        "awaiting": None,
    }


def staff_item(case: Case, work: Work, now: datetime, actions: list[Json], *, suspended: bool) -> Json:
    """The same for staff, with whose case it is; `suspended`: the operator has suspended the organisation."""
    shown = work_item(case.case, work, now)
    return {**shown, "clientRef": case.client_ref, "organisationSuspended": suspended, "actions": actions}


def action_link(action: str, href: str) -> Json:
    """A command that is possible, and where it is sent."""
    return {"action": action, "href": href, "method": "POST"}


def links(case_id: str) -> Json:
    """Where to go on from a case."""
    path = f"/v1/cases/{case_id}"
    return {
        "self": path,
        "timeline": f"{path}/timeline",
        "responsibility": f"{path}/responsibility",
        "events": f"{path}/events",
    }


def mentor_view(organisation: str, ref: str, mentor: Mentor, version: int) -> Json:
    """A mentor's profile as its organisation and auditors read it."""
    profile = mentor.profile or Profile(kind="")
    return {
        "ref": ref,
        "organisation": organisation,
        **as_json(profile),
        "sectors": sectors.as_sent(profile.sectors),
        "places": max(0, profile.capacity - len(mentor.cases)),
        "waitingSince": mentor.waiting_since,
        "version": version,
        "links": {"self": path_of("mentors", ref)},
    }


def charter_view(charter: Charter, version: str) -> Json:
    """A version of the charter as everybody reads it."""
    written = charter.written
    return {
        "version": version,
        "validFrom": written.valid_from if written is not None else None,
        "validUntil": written.valid_until if written is not None else None,
        "signedBy": list(charter.signed_by),
        "tasks": as_json(written.tasks) if written is not None else [],
        "links": {"self": path_of("charters", version)},
    }
