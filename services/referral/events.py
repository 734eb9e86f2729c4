"""The stable stored name of every event that the referral service records. A line is never edited or removed."""

from typing import Final

from services.chassis.deciding.idempotency import KeyUsed
from services.chassis.log.event_types import EventTypes
from services.referral.domain.answering import (
    InformationProvided,
    InformationRequested,
    ReferralAccepted,
    ReferralDeclined,
    ReferralReceived,
    ReferralWaitlisted,
)
from services.referral.domain.case_key import CaseEnded, CaseKeyReleased, CaseKeyTaken, CaseResumed
from services.referral.domain.correction import ErrorReported, ReferralEnteredInError
from services.referral.domain.disclosure import ContactDisclosed
from services.referral.domain.drafting import DraftEdited, ReferralDrafted
from services.referral.domain.ending import AccessEnded, ReferralCompleted, ReferralWithdrawn
from services.referral.domain.legal_basis import LegalBasisRecorded, LegalBasisReliedOn, LegalBasisWithdrawn
from services.referral.domain.organisation import CapacityReleased, CapacityTaken, OrganisationDescribed
from services.referral.domain.person import PersonReferred
from services.referral.domain.programme import ProgrammeVersionPublished
from services.referral.domain.reminders import DeadlineReminded
from services.referral.domain.submission import ReferralSubmitted
from services.referral.domain.timekeeping import DeadlineMissed, ReferralExpired
from services.referral.domain.waiting import WaitingCorrected

TOPICS: dict[str, type] = {
    "referral.drafted.v1": ReferralDrafted,
    "referral.draft_edited.v1": DraftEdited,
    "referral.submitted.v1": ReferralSubmitted,
    "referral.received.v1": ReferralReceived,
    "referral.information_requested.v1": InformationRequested,
    "referral.information_provided.v1": InformationProvided,
    "referral.waitlisted.v1": ReferralWaitlisted,
    "referral.accepted.v1": ReferralAccepted,
    "referral.declined.v1": ReferralDeclined,
    "referral.withdrawn.v1": ReferralWithdrawn,
    "referral.expired.v1": ReferralExpired,
    "referral.completed.v1": ReferralCompleted,
    "referral.error_reported.v1": ErrorReported,
    "referral.entered_in_error.v1": ReferralEnteredInError,
    "referral.deadline_missed.v1": DeadlineMissed,
    "referral.access_ended.v1": AccessEnded,
    "referral.waiting_corrected.v1": WaitingCorrected,
    "reminders.deadline_reminded.v1": DeadlineReminded,
    "disclosures.contact_disclosed.v1": ContactDisclosed,
    "legal_basis.recorded.v1": LegalBasisRecorded,
    "legal_basis.relied_on.v1": LegalBasisReliedOn,
    "legal_basis.withdrawn.v1": LegalBasisWithdrawn,
    "case_key.taken.v1": CaseKeyTaken,
    "case_key.released.v1": CaseKeyReleased,
    "case_key.case_ended.v1": CaseEnded,
    "case_key.case_resumed.v1": CaseResumed,
    "person.referred.v1": PersonReferred,
    "organisation.described.v1": OrganisationDescribed,
    "organisation.capacity_taken.v1": CapacityTaken,
    "organisation.capacity_released.v1": CapacityReleased,
    "programme.version_published.v1": ProgrammeVersionPublished,
    "idempotency_key.used.v1": KeyUsed,
}

REFERENCES: Final = ("legal_basis_id", "charter_version", "programme_version")
"""What the metadata of its events refer to, in the order in which they are stored."""

EVENT_TYPES: Final = EventTypes(TOPICS, references=REFERENCES)
