"""Who acts in the tests. All of them are invented."""

from __future__ import annotations

from typing import Final

from services.sandbox.client import Person
from services.sandbox.demo import AUDITOR, INES, KARIM, LOTTE, OPERATOR, PROGRAMME

__all__ = [
    "AN",
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
    "VOLUNTEER",
    "Person",
]

TOM: Final = Person("tom.maes", "vdab-gent", "AGENCY_TEAM_LEAD")
HANNE: Final = Person("hanne.wouters", "brugwerk", "NGO_LEAD")
AN: Final = Person("an.peeters", "brugwerk", "NGO_COORDINATOR")
CONTROL: Final = Person("control.context", "vdab-gent", "AGENCY_CONTROL")
DPO_OF_AGENCY: Final = Person("privacy.officer", "vdab-gent", "DPO")
PIETER: Final = Person("pieter.smets", "actiris-demo", "AGENCY_COUNSELLOR")
"""Of an agency that has no part in the referrals of the others."""
MENTOR: Final = Person("retired.auditor", "brugwerk", "VOLUNTEER_MENTOR")
VOLUNTEER: Final = Person("M-41", "brugwerk", "VOLUNTEER_MENTOR")
"""The mentor of the stories."""
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
