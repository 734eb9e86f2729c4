"""The rows of `events.py` for a withdrawn consent and what is tried after it; they follow those of deadlines."""

from __future__ import annotations

from typing import Final

from contracts import casefile as messages
from services.casefile.deadline_events import DEADLINE_EVENTS
from services.casefile.domain import consent_withdrawal, disclosure
from services.casefile.event_rows import EventRow
from services.casefile.message_parts import begun

# fmt: off
CONSENT_EVENTS: Final = (
    DEADLINE_EVENTS
    | EventRow(consent_withdrawal.DisclosureStopped, "case.disclosure_stopped.v1",
                 "Nothing more is shared on the withdrawn legal basis.",
                 lambda event, about: messages.consent_withdrawal.DisclosureStopped(
                     **about, legal_basis=event.legal_basis, withdrawn_at=event.withdrawn_at))
    | EventRow(consent_withdrawal.NgoAccessRevoked, "case.ngo_access_revoked.v1", "Stop for {organisation}: {reason}.",
                 lambda event, about: messages.consent_withdrawal.NgoAccessRevoked(
                     **about, referral=event.referral, organisation=event.organisation, reason=event.reason))
    | EventRow(consent_withdrawal.RecordedAfterWithdrawal, "case.recorded_after_withdrawal.v1",
                 "Marked: {organisation} recorded events after the withdrawal.",
                 lambda event, about: messages.consent_withdrawal.RecordedAfterWithdrawal(
                     **about, legal_basis=event.legal_basis, organisation=event.organisation,
                     withdrawn_at=event.withdrawn_at, events=list(event.events)))
    | EventRow(disclosure.DisclosureRefused, "case.disclosure_refused.v1",
                 "Refused, since the person withdrew the legal basis for sharing with {organisation}: {attempt}.",
                 lambda event, about: messages.consent_withdrawal.DisclosureRefused(
                     **about, referral=event.referral, organisation=event.organisation,
                     legal_basis=event.legal_basis, attempt=event.attempt))
    | EventRow(consent_withdrawal.CaseReturned, "case.returned.v1",
                 "The case returned to the agency without a handback report.",
                 lambda event, about: messages.consent_withdrawal.CaseReturned(
                     **about, referral=event.referral, reason=event.reason, deadlines=begun(event)))
)
# fmt: on
