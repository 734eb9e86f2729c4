"""What of a person was disclosed by a referral: to whom, when, what, on which legal basis."""

from __future__ import annotations

from typing import Final

from contracts.codes import Reliance
from services.chassis.http.response.rendering import Json
from services.chassis.log.event_log import EventLog
from services.chassis.log.metadata import Recorded
from services.referral.domain.disclosure import ContactDisclosed, disclosures_stream
from services.referral.domain.legal_basis import LegalBasisReliedOn, legal_basis_stream

WHAT: Final = {Reliance.SUBMIT.value: "PACKET", Reliance.PROVIDE_INFORMATION.value: "INFORMATION"}
"""What an organisation got to see by an act that relied on the basis. By accepting it gets to see nothing more."""


async def disclosed(
    log: EventLog, referral_id: str, legal_basis_id: str | None, after: int, limit: int
) -> tuple[list[Json], int | None]:
    """The disclosures behind a position of the log, in their order, and the place of the last one if there are more."""
    names = [disclosures_stream(referral_id), *([legal_basis_stream(legal_basis_id)] if legal_basis_id else [])]
    tails = await log.read_tails([(name, 0) for name in names])
    records = sorted((one for tail in tails for one in tail if one.position > after), key=lambda one: one.position)
    shown = [(one, view) for one in records if (view := _view(one, referral_id)) is not None]
    more = shown[limit - 1][0].position if len(shown) > limit else None
    return [view for _, view in shown[:limit]], more


def _view(recorded: Recorded, referral_id: str) -> Json | None:
    match recorded.event:
        case ContactDisclosed() as read:
            reader = {"org": read.to, "role": recorded.meta.actor.role, "sub": recorded.meta.actor.sub}
            return {"at": read.at, "to": reader, "what": "CONTACT", "legalBasis": read.legal_basis_id}
        case LegalBasisReliedOn() as relied if relied.referral_id == referral_id and relied.purpose in WHAT:
            # To the organisation as such: who of it reads it, nobody is asked.
            organisation = {"org": relied.recipient, "role": None, "sub": None}
            what, basis = WHAT[relied.purpose], relied.legal_basis_id
            return {"at": relied.at, "to": organisation, "what": what, "legalBasis": basis}
        case _:
            return None
