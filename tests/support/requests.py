"""What people send: the referrals of the stories as bodies, and whatever else every request needs."""

from __future__ import annotations

import copy
import itertools
import uuid
from typing import Any, Final

from services.sandbox.demo import PROGRAMME

MENTOR_PROFILE: Final[dict[str, Any]] = {
    "kind": "VOLUNTEER",
    "screenedOn": "2025-11-10",
    "trainedOn": "2025-11-24",
    "insuranceNoteOn": "2025-11-24",
    "charterVersion": "v1",
    "charterAcknowledgedOn": "2025-11-24",
    "confidentialityOn": "2025-11-24",
    "languages": ["nl", "ar"],
    "sectors": ["M"],
}
"""M-41, who is ready."""
INTAKE: Final[dict[str, Any]] = {"suitable": True, "goals": ["SOCIAL", "CULTURAL"], "expectations": ["honest feedback"]}
AGREEMENT: Final[dict[str, Any]] = {
    "coordinatorAttendsFirstMeeting": True,
    "expectations": {"mentor": "to pass on what I know", "mentee": "to be heard"},
}

_numbers = itertools.count(1)


def samira(to: str | None = "brugwerk", **changes: Any) -> dict[str, Any]:
    """The referral of the happy path; `changes` replace top-level fields, and None in their place takes one out."""
    body: dict[str, Any] = {
        "programme": PROGRAMME,
        "to": to,
        "client": {"ref": "CL-7F3A"},
        "contact": {"name": "Samira Voorbeeld", "phone": "+32 470 00 11 22", "email": "samira@voorbeeld.example"},
        "contactLanguage": "ar",
        "languages": [{"tag": "nl", "level": "B1", "evidence": "TESTED"}],
        "occupations": [{"isco": "2411"}],
        "sectors": ["M"],
        "region": "BE234",
        "goals": ["SOCIAL", "CULTURAL", "INFORMATIONAL"],
        "supportNeeds": ["RECOGNITION_FILE"],
        "availability": ["MON_AM", "THU_PM"],
        "whyMentoring": "ADDED_CAPITAL",
        "alternativeConsidered": "JOB_COACHING",
        "recommendedMentorKind": "VOLUNTEER",
        "eligibility": {"REGISTERED_JOBSEEKER": True, "RIGHT_TO_WORK": True, "NO_CONCURRENT_PROGRAMME": True},
        "participationChoice": {"chosenAt": "2026-01-12T09:10:00Z", "method": "IN_PERSON", "language": "ar"},
        "legalBasis": {
            "kind": "CONSENT",
            "recipient": to or "brugwerk",
            "textVersion": "v3",
            "language": "ar",
            "givenAt": "2026-01-12T09:12:00Z",
        },
        "previousReferral": None,
    }
    body |= copy.deepcopy(changes)
    return {name: value for name, value in body.items() if value is not None or name == "previousReferral"}


def yonas(to: str = "brugwerk", **changes: Any) -> dict[str, Any]:
    """The referral that is declined and made again."""
    basis = {"kind": "CONSENT", "recipient": to, "textVersion": "v3", "language": "ti"}
    packet = {
        "client": {"ref": "CL-19C0"},
        "contact": {"name": "Yonas Voorbeeld", "phone": "+32 470 00 33 44", "email": None},
        "contactLanguage": "ti",
        "languages": [{"tag": "nl", "level": "A2", "evidence": "DECLARED"}],
        "occupations": [{"isco": "5120"}],
        "sectors": ["I"],
        "legalBasis": {**basis, "givenAt": "2026-01-12T09:12:00Z"},
    }
    return samira(to, **{**packet, **changes})


def another_person(to: str = "brugwerk", **changes: Any) -> dict[str, Any]:
    """The referral of somebody who was not referred before."""
    return samira(to, **{"client": {"ref": f"CL-{next(_numbers):06d}"}, **changes})


def new_key() -> str:
    """An idempotency key that was not used before."""
    return str(uuid.uuid4())
