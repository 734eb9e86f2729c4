"""What the referral service's index knows: by what lists of referrals are found, and which deadlines are pending."""

from __future__ import annotations

from typing import Any, Final

from contracts.codes import DeadlineName
from services.chassis.index import IndexWriter, Table
from services.chassis.metadata import Recorded
from services.chassis.scheduler import DEADLINES, sortable
from services.referral.domain.offer import ReferralEvent
from services.referral.domain.organisation import OrganisationDescribed
from services.referral.domain.referral import REFERRAL

REFERRALS: Final = Table(
    "referrals",
    columns=("agency", "organisation", "state", "case_id"),
    indexes=(("agency",), ("organisation",), ("state",), ("case_id",)),
)
ORGANISATIONS: Final = Table("organisations", columns=("kind",))
TABLES: Final = (REFERRALS, ORGANISATIONS, DEADLINES)
VERSION: Final = 1
"""Raised whenever the meaning of a table changes: the index is then rebuilt from the log."""


def project(recorded: Recorded, index: IndexWriter) -> None:
    """What one event changes in the index."""
    match recorded.event:
        case OrganisationDescribed() as described:
            kind = described.description.kind
            index.put(ORGANISATIONS.name, described.organisation, recorded.position, kind=kind)
        case ReferralEvent() as event:
            _list(recorded, event, index)
            _await(event, index, recorded)
        case _:
            pass


def _list(recorded: Recorded, event: ReferralEvent, index: IndexWriter) -> None:
    offer = event.offer
    columns: dict[str, Any] = {"agency": offer.agency, "organisation": offer.organisation, "case_id": offer.case_id}
    # The state that the event itself leads to, whatever came before; None for one that leaves the state as it is.
    state = REFERRAL.evolve(REFERRAL.initial, event).state
    if state is not None:
        columns["state"] = state.value
    index.put(REFERRALS.name, offer.referral_id, recorded.position, **columns)


def _await(event: ReferralEvent, index: IndexWriter, recorded: Recorded) -> None:
    running = {deadline.name: deadline for deadline in event.deadlines}
    for name in DeadlineName:
        for kind in ("REMIND", "PASS"):
            key = f"{event.offer.referral_id}:{name}:{kind}"
            if (deadline := running.get(name)) is None:
                index.delete(DEADLINES.name, key)
                continue
            # One that was fired before is put again while it runs; firing it twice writes nothing.
            at = deadline.remind_at if kind == "REMIND" else deadline.due_at
            index.put(
                DEADLINES.name,
                key,
                recorded.position,
                stream=event.offer.referral_id,
                name=name.value,
                kind=kind,
                at=sortable(at),
                due=sortable(deadline.due_at),
            )
