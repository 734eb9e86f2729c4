"""Who acts in the tests, and who is referred. All of them are invented."""

from __future__ import annotations

import copy
import itertools
from typing import Any, Final

from services.sandbox.client import Person
from services.sandbox.demo import AUDITOR, INES, KARIM, LOTTE, OPERATOR, PROGRAMME

__all__ = [
    "AUDITOR",
    "CONTROL",
    "DPO_OF_AGENCY",
    "EVERYBODY",
    "FATIMA",
    "HANNE",
    "INES",
    "KARIM",
    "LOTTE",
    "MENTEE",
    "MENTOR",
    "OPERATOR",
    "PIETER",
    "PROGRAMME",
    "TOM",
    "Person",
    "another_person",
    "samira",
    "yonas",
]

TOM: Final = Person("tom.maes", "vdab-gent", "AGENCY_TEAM_LEAD")
HANNE: Final = Person("hanne.wouters", "brugwerk", "NGO_LEAD")
CONTROL: Final = Person("control.context", "vdab-gent", "AGENCY_CONTROL")
DPO_OF_AGENCY: Final = Person("privacy.officer", "vdab-gent", "DPO")
PIETER: Final = Person("pieter.smets", "actiris-demo", "AGENCY_COUNSELLOR")
"""Of an agency that has no part in the referrals of the others."""
MENTOR: Final = Person("retired.auditor", "brugwerk", "VOLUNTEER_MENTOR")
FATIMA: Final = Person("paid.mentor", "brugwerk", "PROFESSIONAL_MENTOR")
MENTEE: Final = Person("jobseeker", "brugwerk", "MENTEE")

EVERYBODY: Final = (
    INES,
    TOM,
    CONTROL,
    DPO_OF_AGENCY,
    PIETER,
    LOTTE,
    HANNE,
    KARIM,
    MENTOR,
    FATIMA,
    MENTEE,
    AUDITOR,
    OPERATOR,
)

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
    told = {
        "client": {"ref": "CL-19C0"},
        "contact": {"name": "Yonas Voorbeeld", "phone": "+32 470 00 33 44", "email": None},
        "contactLanguage": "ti",
        "languages": [{"tag": "nl", "level": "A2", "evidence": "DECLARED"}],
        "occupations": [{"isco": "5120"}],
        "sectors": ["I"],
        "legalBasis": {**basis, "givenAt": "2026-01-12T09:12:00Z"},
    }
    return samira(to, **{**told, **changes})


def another_person(to: str = "brugwerk", **changes: Any) -> dict[str, Any]:
    """The referral of somebody who was not referred before."""
    return samira(to, **{"client": {"ref": f"CL-{next(_numbers):06d}"}, **changes})
