"""What the referral service told of offers, as it stands in a case, for histories that are written by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from services.casefile.domain.broadcast import CaseOffered, OfferedTo, OfferEntryTaken
from services.casefile.domain.opening import CaseReferred
from services.casefile.domain.organisation_part import ResponsibilityTransferred
from services.casefile.domain.referral_entry import ReferralEntryTaken
from tests.casefile.reports.histories import AGENCY, INES, LOTTE, Entry


def entry(
    name: Any,
    referral: str,
    organisation: str,
    at: datetime,
    *codes: str,
    kind: type[ReferralEntryTaken] = ReferralEntryTaken,
) -> Entry:
    """A message about a referral."""
    return at, kind(
        name=name,
        referral=referral,
        agency=AGENCY,
        organisation=organisation,
        source_position=1,
        source_event_id=f"{name}-{referral}",
        digest="0" * 64,
        occurred_at=at,
        recorded_at=at,
        actor=INES,
        codes=codes,
    )


def answer_of_one(name: Any, referral: str, organisation: str, at: datetime, *codes: str) -> Entry:
    """The answer to one of several offers."""
    return entry(name, referral, organisation, at, *codes, kind=OfferEntryTaken)


def offered_to_several(broadcast: str, at: datetime, **offers: str) -> list[Entry]:
    """Offers at once: organisations by the referrals that they are offered."""
    several = tuple(
        OfferedTo(organisation=organisation, referral=referral, legal_basis="LB-1")
        for referral, organisation in offers.items()
    )
    offered = CaseOffered(
        broadcast=broadcast,
        agency=AGENCY,
        previous_referral=None,
        programme_version=1,
        recommended_mentor_kind=None,
        offers=several,
        kind="CONSENT",
        deadlines=(),
    )
    return [entry("BroadcastOpened", broadcast, "", at), (at, offered)]


def with_brugwerk(at: datetime, referral: str = "R-1", organisation: str = "brugwerk") -> list[Entry]:
    """The case is offered to an organisation, which takes it on at once."""
    return [
        (
            at,
            CaseReferred(
                referral=referral,
                previous_referral=None,
                organisation=organisation,
                legal_basis="LB-1",
                programme_version=1,
                recommended_mentor_kind=None,
                deadlines=(),
                support_needs=("CHILDCARE",),
            ),
        ),
        (
            at,
            ResponsibilityTransferred(
                referral=referral, giver=INES, receiver=LOTTE, step="INTAKE", at=at, deadlines=()
            ),
        ),
    ]
