"""One row for each event that the referral service records: its class, stored name and public message.

A stored name is never edited or removed: the log is read by it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from contracts import broadcast as broadcasts
from contracts import referral as messages
from contracts.acts_by_link import ActByLinkAnswered
from contracts.letters import MenteesLetterPosted
from contracts.message import Message
from contracts.references import REFERENCES
from services.chassis.deciding.idempotency import KeyRefused, KeyUsed
from services.chassis.log.event_types import EventTypes
from services.chassis.mail.postbox import LetterEvent, LetterPosted, LetterTaken
from services.referral.domain.answering import ReferralAccepted, ReferralDeclined, ReferralReceived
from services.referral.domain.broadcast import (
    BroadcastEnded,
    BroadcastEvent,
    BroadcastOpened,
    OfferForgotten,
    OfferMoved,
    OfferNoted,
    OfferWon,
)
from services.referral.domain.by_link import ActByLinkNoted
from services.referral.domain.case_key import CaseEnded, CaseKeyEvent, CaseKeyReleased, CaseKeyTaken, CaseResumed
from services.referral.domain.corrected_wait import WaitingCorrected
from services.referral.domain.deadlines import DeadlineMissed, ReferralExpired
from services.referral.domain.disclosure import (
    ContactDisclosed,
    DisclosureEvent,
    DisclosureRefused,
    IdentityRevealed,
    RefusalNoted,
)
from services.referral.domain.drafting import DraftEdited, ReferralDrafted
from services.referral.domain.ending import AccessEnded, ReferralCompleted, ReferralWithdrawn
from services.referral.domain.entered_in_error import ErrorReported, ReferralEnteredInError
from services.referral.domain.information import InformationProvided, InformationRequested
from services.referral.domain.ladder import DeadlineEscalated, WaitlistAlerted
from services.referral.domain.legal_basis import (
    LegalBasisEvent,
    LegalBasisRecorded,
    LegalBasisReliedOn,
    LegalBasisWithdrawn,
)
from services.referral.domain.organisation import (
    CapacityReleased,
    CapacityTaken,
    OrganisationDescribed,
    OrganisationEvent,
)
from services.referral.domain.person import PersonEvent, PersonReferred
from services.referral.domain.programme import ProgrammeEvent, ProgrammeVersionPublished
from services.referral.domain.referral import ReferralEvent
from services.referral.domain.reminders import DeadlineReminded, RemindersEvent
from services.referral.domain.submission import ReferralSubmitted
from services.referral.domain.waiting_list import ReferralWaitlisted

Event = (
    ReferralEvent
    | RemindersEvent
    | DisclosureEvent
    | LegalBasisEvent
    | CaseKeyEvent
    | PersonEvent
    | BroadcastEvent
    | OrganisationEvent
    | ProgrammeEvent
    | ActByLinkNoted
    | LetterEvent
    | KeyUsed
    | KeyRefused
)
"""Every event in the service's log."""


class EventRow(NamedTuple):
    """An event's class, its stored name, and the message that others get of it; None for one that stays private."""

    event: type
    stored: str
    message: type[Message] | None = None


EVENTS: Final = (
    EventRow(ReferralDrafted, "referral.drafted.v1"),
    EventRow(DraftEdited, "referral.draft_edited.v1"),
    EventRow(ReferralSubmitted, "referral.submitted.v1", messages.ReferralSubmitted),
    EventRow(ReferralReceived, "referral.received.v1", messages.ReferralReceived),
    EventRow(InformationRequested, "referral.information_requested.v1", messages.InformationRequested),
    EventRow(InformationProvided, "referral.information_provided.v1", messages.InformationProvided),
    EventRow(ReferralWaitlisted, "referral.waitlisted.v1", messages.ReferralWaitlisted),
    EventRow(ReferralAccepted, "referral.accepted.v1", messages.ReferralAccepted),
    EventRow(ReferralDeclined, "referral.declined.v1", messages.ReferralDeclined),
    EventRow(ReferralWithdrawn, "referral.withdrawn.v1", messages.ReferralWithdrawn),
    EventRow(ReferralExpired, "referral.expired.v1", messages.ReferralExpired),
    EventRow(ReferralCompleted, "referral.completed.v1", messages.ReferralCompleted),
    EventRow(ErrorReported, "referral.error_reported.v1", messages.ErrorReported),
    EventRow(ReferralEnteredInError, "referral.entered_in_error.v1", messages.ReferralEnteredInError),
    EventRow(DeadlineMissed, "referral.deadline_missed.v1", messages.ReferralDeadlineMissed),
    EventRow(DeadlineEscalated, "referral.deadline_escalated.v1", messages.ReferralDeadlineEscalated),
    EventRow(WaitlistAlerted, "referral.waitlist_alerted.v1", messages.WaitlistAlerted),
    EventRow(AccessEnded, "referral.access_ended.v1"),
    EventRow(WaitingCorrected, "referral.waiting_corrected.v1"),
    EventRow(DeadlineReminded, "reminders.deadline_reminded.v1", messages.ReferralDeadlineReminded),
    EventRow(ContactDisclosed, "disclosures.contact_disclosed.v1"),
    EventRow(IdentityRevealed, "disclosures.identity_revealed.v1", messages.IdentityRevealed),
    EventRow(DisclosureRefused, "disclosures.refused.v1", messages.ReferralDisclosureRefused),
    EventRow(RefusalNoted, "disclosures.refusal_noted.v1"),
    EventRow(LegalBasisRecorded, "legal_basis.recorded.v1"),
    EventRow(LegalBasisReliedOn, "legal_basis.relied_on.v1"),
    EventRow(LegalBasisWithdrawn, "legal_basis.withdrawn.v1", messages.LegalBasisWithdrawn),
    EventRow(CaseKeyTaken, "case_key.taken.v1"),
    EventRow(CaseKeyReleased, "case_key.released.v1"),
    EventRow(CaseEnded, "case_key.case_ended.v1"),
    EventRow(CaseResumed, "case_key.case_resumed.v1"),
    EventRow(PersonReferred, "person.referred.v1"),
    EventRow(BroadcastOpened, "broadcast.opened.v1", broadcasts.BroadcastOpened),
    EventRow(OfferMoved, "broadcast.offer_moved.v1", broadcasts.OfferAnswered),
    EventRow(OfferNoted, "broadcast.offer_noted.v1", broadcasts.OfferAnswered),
    EventRow(OfferWon, "broadcast.won.v1", broadcasts.OfferWon),
    EventRow(OfferForgotten, "broadcast.offer_forgotten.v1", broadcasts.OfferMoved),
    EventRow(BroadcastEnded, "broadcast.ended.v1", broadcasts.BroadcastEnded),
    EventRow(OrganisationDescribed, "organisation.described.v1", messages.OrganisationDescribed),
    EventRow(CapacityTaken, "organisation.capacity_taken.v1"),
    EventRow(CapacityReleased, "organisation.capacity_released.v1"),
    EventRow(ActByLinkNoted, "act_by_link.noted.v1", ActByLinkAnswered),
    EventRow(LetterTaken, "letter.taken.v1"),
    EventRow(LetterPosted, "letter.posted.v1", MenteesLetterPosted),
    EventRow(ProgrammeVersionPublished, "programme.version_published.v1", messages.ProgrammeVersionPublished),
    EventRow(KeyUsed, "idempotency_key.used.v1"),
    EventRow(KeyRefused, "idempotency_key.refused.v1"),
)
EVENT_TYPES: Final = EventTypes(EVENTS, references=REFERENCES)
