"""The demo parties, the days of the story, and what the referral service tells of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec

from contracts import packet
from contracts import referral as told
from contracts.message import ActorRef, Deadline
from services.chassis.modelling.decider import Actor
from tests.support.actors import INES
from tests.support.dates import end_of, on

TOM = Actor(sub="tom.maes", role="AGENCY_COUNSELLOR", org="vdab-gent")

CASE_ID = "5b0f9a52-0000-4000-8000-00000000c453"

M = TypeVar("M", bound=told.ReferralMessage)


def submitted(at: datetime, **changes: Any) -> told.ReferralSubmitted:
    """Ines De Backer refers CL-7F3A; R-1 to Brugwerk unless the changes say otherwise."""
    organisation = changes.get("organisation", "brugwerk")
    basis = packet.LegalBasisRef(
        id=changes.pop("legal_basis_id", "LB-1"),
        kind="CONSENT",
        recipient=organisation,
        text_version="v3",
        language="ar",
        given_at=on(12, 1, hour=9),
    )
    message = about(
        told.ReferralSubmitted,
        INES,
        at,
        client_ref="CL-7F3A",
        previous_referral=None,
        contact_language="ar",
        languages=[],
        occupations=[],
        sectors=["M"],
        region="BE234",
        goals=["SOCIAL", "CULTURAL"],
        support_needs=[],
        availability=[],
        why_mentoring="ADDED_CAPITAL",
        alternative_considered="JOB_COACHING",
        recommended_mentor_kind=None,
        eligibility={"REGISTERED_JOBSEEKER": True, "RIGHT_TO_WORK": True},
        participation_choice=packet.ParticipationChoice(chosen_at=on(12, 1, hour=9), method="IN_PERSON", language="ar"),
        legal_basis=basis,
        deadlines=[due("RECEIPT", 14, 1), due("DECISION", 26, 1), due("EXPIRY", 11, 2)],
    )
    return msgspec.structs.replace(message, **changes)


def about(kind: type[M], actor: Actor, at: datetime, **fields: Any) -> M:
    """A message about R-1 to Brugwerk unless the fields say otherwise."""
    common: dict[str, Any] = {
        "case": CASE_ID,
        "actor": ActorRef(sub=actor.sub, role=actor.role, org=actor.org),
        "occurred_at": at,
        "recorded_at": at,
        "digest": "d" * 64,
        "referral": "R-1",
        "agency": "vdab-gent",
        "organisation": "brugwerk",
        "programme": "mtw-be-2026",
        "programme_version": 1,
    }
    return kind(**{**common, **fields})


def due(name: str, day: int, month: int) -> Deadline:
    """A deadline at the end of that day, with a reminder a day earlier."""
    at = end_of(day, month)
    return Deadline(name=name, due_at=at, remind_at=at - timedelta(days=1))
