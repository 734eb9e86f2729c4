"""The people who work on a referral and its case, by the side that they work for."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from contracts.codes import Role


class StaffSide(StrEnum):
    """The two sides of an offer: the agency that makes it, and the organisation that it is made to."""

    AGENCY = "AGENCY"
    ORGANISATION = "ORGANISATION"


COUNSELLORS: Final = frozenset({Role.AGENCY_COUNSELLOR, Role.AGENCY_TEAM_LEAD})
COORDINATORS: Final = frozenset({Role.NGO_COORDINATOR, Role.NGO_LEAD})
LEADS: Final = frozenset({Role.AGENCY_TEAM_LEAD, Role.NGO_LEAD})
"""Who signs for an organisation."""
ORGANISATION_LEADS: Final = LEADS & COORDINATORS
AGENCY_LEADS: Final = LEADS & COUNSELLORS
STAFF: Final = COUNSELLORS | COORDINATORS
OVERSEERS: Final = frozenset({Role.AUDITOR, Role.DPO})
"""Who reads what the record as a whole proves, whatever organisation they work for."""
MENTORS: Final = frozenset({Role.VOLUNTEER_MENTOR, Role.PROFESSIONAL_MENTOR})
