"""The referral service's index: what lists search in, and which deadlines are pending."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pydantic_core import to_json

from contracts.codes import ReferralState, WithdrawReason
from services.chassis.deciding.idempotency import KeyRefused, KeyUsed
from services.chassis.index.index import Changes, Table, Value
from services.chassis.log.metadata import Recorded
from services.chassis.mail.postbox import LETTERS, LetterPosted, LetterTaken, note_letter
from services.chassis.time.scheduler import DEADLINES, Pending, set_pending, sortable
from services.referral.domain.broadcast import (
    BroadcastEnded,
    BroadcastOpened,
    OfferForgotten,
    OfferMoved,
    OfferNoted,
    OfferWon,
)
from services.referral.domain.by_link import ActByLinkNoted
from services.referral.domain.case_key import CaseEnded, CaseKeyReleased, CaseKeyTaken, CaseResumed
from services.referral.domain.deadlines import DeadlineMissed
from services.referral.domain.disclosure import ContactDisclosed, DisclosureRefused, IdentityRevealed, RefusalNoted
from services.referral.domain.drafting import DraftEdited, ReferralDrafted
from services.referral.domain.ending import AccessEnded, ReferralWithdrawn
from services.referral.domain.legal_basis import LegalBasisRecorded, LegalBasisReliedOn, LegalBasisWithdrawn
from services.referral.domain.offer import PartEnds
from services.referral.domain.organisation import CapacityReleased, CapacityTaken, OrganisationDescribed
from services.referral.domain.person import PersonReferred, person_stream
from services.referral.domain.programme import ProgrammeVersionPublished
from services.referral.domain.referral import REFERRAL, ReferralEvent
from services.referral.domain.reminders import DeadlineReminded
from services.referral.domain.submission import ReferralSubmitted
from services.referral.events import Event

REFERRALS: Final = Table(
    "referrals",
    columns=(
        "agency",
        "organisation",
        "state",
        "case_id",
        "reader",
        "client_ref",
        "version",
        "deadlines",
        "consent_withdrawn",
        "access_ends",
        "broadcast",
    ),
    # By state, but for a list of all referrals: one of all states is made of nine short looks, and half as many indexes
    # are kept.
    indexes=(
        (),
        ("state",),
        ("agency", "state"),
        ("agency", "organisation", "state"),
        ("organisation", "state"),
        ("reader", "state"),
        ("case_id",),
    ),
)
"""One row per referral; `reader` is the organisation that it was sent to, as long as that one may read it.

The rest is what a summary shows, and who may see it: `version` as in the ETag, `deadlines` those that run as a JSON
object of their due times by name, `consent_withdrawn` 1 once it is, `access_ends` when the organisation's access ends
(UNRECORDED where events of old do not say), `broadcast` that of an offer that is anonymous to its organisation.
"""
UNRECORDED: Final = ""
ORGANISATIONS: Final = Table("organisations", columns=("kind",), indexes=((), ("kind",)))
PROGRAMMES: Final = Table("programmes", columns=("kind",), indexes=((),))
CASE_KEYS: Final = Table("case_keys", columns=("person", "programme"), indexes=(("person",),))
"""One row per case key, by its id; `person` is the stream of the person, however the pseudonym is written."""
TABLES: Final = (REFERRALS, ORGANISATIONS, PROGRAMMES, CASE_KEYS, DEADLINES, LETTERS)
INDEX_VERSION: Final = 8
"""Raised whenever the meaning of a table changes: the index is then rebuilt from the log."""


def project(recorded: Recorded, changes: Changes) -> None:
    """What one event changes in the index."""
    event: Event = recorded.event
    match event:
        case OrganisationDescribed():
            changes.put(ORGANISATIONS.name, event.organisation, recorded.position, kind=event.description.kind)
        case ProgrammeVersionPublished():
            changes.put(PROGRAMMES.name, event.programme, recorded.position, kind=event.parameters.kind)
        case LegalBasisWithdrawn():
            # An organisation still sees the stop, even where the rest was closed to it before.
            offer = event.offer
            reader = {"reader": offer.organisation, "consent_withdrawn": 1}
            changes.put(REFERRALS.name, offer.referral_id, recorded.position, **reader)
        case LetterTaken() | LetterPosted():
            note_letter(recorded, event, changes)
        case (
            BroadcastOpened()
            | OfferMoved()
            | OfferNoted()
            | OfferWon()
            | OfferForgotten()
            | BroadcastEnded()
            | CaseKeyTaken()
            | CaseKeyReleased()
            | CaseEnded()
            | CaseResumed()
            | PersonReferred()
            | CapacityTaken()
            | CapacityReleased()
            | LegalBasisRecorded()
            | LegalBasisReliedOn()
            | ContactDisclosed()
            | IdentityRevealed()
            | DisclosureRefused()
            | RefusalNoted()
            | ActByLinkNoted()
            | DeadlineReminded()
            | KeyUsed()
            | KeyRefused()
        ):
            pass
        case _:
            _of_referral(recorded, event, changes)


def _of_referral(recorded: Recorded, event: ReferralEvent, changes: Changes) -> None:
    """Every event has the offer, its deadlines and the state it leads to, so a new one needs nothing here."""
    _list(recorded, event, changes)
    set_pending(changes, event.offer.referral_id, recorded, _pending(event))


def _list(recorded: Recorded, event: ReferralEvent, changes: Changes) -> None:
    offer = event.offer
    columns: dict[str, Value] = {
        "agency": offer.agency,
        "organisation": offer.organisation,
        "case_id": offer.case_id,
        "broadcast": offer.broadcast or None,
        "deadlines": to_json({deadline.name: deadline.due_at for deadline in event.deadlines}).decode(),
    }
    if (state := _state_after(event)) is not None:
        columns["state"] = state.value
    if not event.BYSTANDER:
        columns["version"] = recorded.version
    columns |= _of_kind(event)
    changes.put(REFERRALS.name, offer.referral_id, recorded.position, **columns)
    if isinstance(event, ReferralDrafted | ReferralSubmitted):
        person = person_stream(offer.agency, event.packet.client_ref)
        changes.put(CASE_KEYS.name, offer.case_key, recorded.position, person=person, programme=offer.programme)


def _of_kind(event: ReferralEvent) -> dict[str, Value]:
    """The columns that only some events change."""
    match event:
        case ReferralDrafted() | DraftEdited():
            return {"client_ref": event.packet.client_ref}
        case ReferralSubmitted():
            return {"client_ref": event.packet.client_ref, "reader": event.offer.organisation}
        case AccessEnded():
            return {"reader": None, "access_ends": sortable(event.at)}
        case ReferralWithdrawn(reason=WithdrawReason.CONSENT_WITHDRAWN):
            return {"consent_withdrawn": 1, "access_ends": _access_ends(event)}
        case PartEnds():
            return {"access_ends": _access_ends(event)}
        case _:
            return {}


def _access_ends(event: PartEnds) -> str:
    return sortable(event.access.due_at) if event.access is not None else UNRECORDED


def _state_after(event: ReferralEvent) -> ReferralState | None:
    """The state that the event leads to, whatever came before; None for one that leaves the state as it is."""
    kind = type(event)
    if kind not in _STATES:
        # It is the same for all events of a class, and finding it out costs as much as folding them.
        _STATES[kind] = REFERRAL.evolve(REFERRAL.initial, event).state
    return _STATES[kind]


_STATES: Final[dict[type, ReferralState | None]] = {}


def _pending(event: ReferralEvent) -> Iterator[Pending]:
    # One that was fired before is put again while it runs; firing it twice writes nothing.
    missed = event.deadline if isinstance(event, DeadlineMissed) else None
    for deadline in event.deadlines:
        if deadline != missed:
            due = sortable(deadline.due_at)
            yield Pending(sortable(deadline.remind_at), deadline.name, "REMIND", due)
            yield Pending(due, deadline.name, "PASS", due)
    for late in event.late or ():
        for level in late.to_come:
            yield Pending(sortable(level.at), late.deadline, level.level, sortable(late.due_at))
