"""This service's events, a row each. A row is never edited; a new shape gets a new row."""

from __future__ import annotations

from typing import Final, NamedTuple

from contracts.references import REFERENCES
from services.chassis.deciding.idempotency import KeyUsed
from services.chassis.log.event_types import EventTypes
from services.notifications.domain import digest, lane
from services.notifications.domain import link_events as link
from services.notifications.domain import subscription_events as subscription
from services.notifications.domain.digest import AnyDigestEvent
from services.notifications.domain.inbox import InboxEvent, MessageTaken
from services.notifications.domain.lane import LaneEvent
from services.notifications.domain.link_events import AnyLinkEvent
from services.notifications.domain.nightly_digest import DigestMade
from services.notifications.domain.reading import CaseEventsRead, ReadingEvent, ReadingMoved
from services.notifications.domain.subscription_events import CountEvent, SubscriptionEvent
from services.notifications.domain.waiting import OrganisationUnreached, WaitingEvent
from services.notifications.domain.warning import EndpointWarned, MailboxWarned, WarningEvent

Event = (
    InboxEvent
    | SubscriptionEvent
    | CountEvent
    | LaneEvent
    | ReadingEvent
    | WaitingEvent
    | AnyLinkEvent
    | AnyDigestEvent
    | DigestMade
    | WarningEvent
    | KeyUsed
)
"""Every event in the service's log."""


class EventRow(NamedTuple):
    """An event: its class, and the name that it is stored under. What others get of it `publishing.py` says."""

    event: type
    stored: str


EVENTS: Final = (
    EventRow(MessageTaken, "notifications.message_taken.v1"),
    EventRow(subscription.SubscriptionCreated, "subscription.created.v1"),
    EventRow(subscription.SubscriptionChanged, "subscription.changed.v1"),
    EventRow(subscription.VerificationRequested, "subscription.verification_requested.v1"),
    EventRow(subscription.ChallengeSent, "subscription.challenge_sent.v1"),
    EventRow(subscription.OwnershipProven, "subscription.ownership_proven.v1"),
    EventRow(subscription.ChallengeFailed, "subscription.challenge_failed.v1"),
    EventRow(subscription.SubscriptionPaused, "subscription.paused.v1"),
    EventRow(subscription.SubscriptionResumed, "subscription.resumed.v1"),
    EventRow(subscription.SubscriptionDisabled, "subscription.disabled.v1"),
    EventRow(subscription.WarnedAboutSubscription, "subscription.warned.v1"),
    EventRow(subscription.SubscriptionRecovered, "subscription.recovered.v1"),
    EventRow(subscription.SecretRotated, "subscription.secret_rotated.v1"),
    EventRow(subscription.DeliveryTestRequested, "subscription.test_requested.v1"),
    EventRow(subscription.ReplayRequested, "subscription.replay_requested.v1"),
    EventRow(subscription.ReplayFinished, "subscription.replay_finished.v1"),
    EventRow(subscription.SubscriptionDeleted, "subscription.deleted.v1"),
    EventRow(subscription.SubscriptionCounted, "subscription.counted.v1"),
    EventRow(subscription.SubscriptionUncounted, "subscription.uncounted.v1"),
    EventRow(lane.DeliveryAttempted, "delivery.attempted.v1"),
    EventRow(lane.DeliveryFailed, "delivery.failed.v1"),
    EventRow(lane.DeliveryWithheld, "delivery.withheld.v1"),
    EventRow(lane.DeliveryRetryRequested, "delivery.retry_requested.v1"),
    EventRow(DigestMade, "notifications.digest_made.v1"),
    EventRow(KeyUsed, "idempotency_key.used.v1"),
    EventRow(ReadingMoved, "notifications.reading_moved.v1"),
    EventRow(CaseEventsRead, "notifications.case_events_read.v1"),
    EventRow(OrganisationUnreached, "notifications.organisation_unreached.v1"),
    EventRow(digest.DigestBegun, "digest.begun.v1"),
    EventRow(digest.DigestAttempted, "digest.attempted.v1"),
    EventRow(digest.DigestSent, "digest.sent.v1"),
    EventRow(digest.DigestTold, "digest.told.v1"),
    EventRow(MailboxWarned, "notifications.mailbox_warned.v1"),
    EventRow(EndpointWarned, "notifications.endpoint_warned.v1"),
    EventRow(link.LinkIssued, "link.issued.v1"),
    EventRow(link.CodeSent, "link.code_sent.v1"),
    EventRow(link.LetterOut, "link.letter_out.v1"),
    EventRow(link.CodeWanted, "link.code_wanted.v1"),
    EventRow(link.CodeOut, "link.code_out.v1"),
    EventRow(link.CodeMistaken, "link.code_mistaken.v1"),
    EventRow(link.LinkUsed, "link.used.v1"),
    EventRow(link.LinkAnswered, "link.answered.v1"),
)
EVENT_TYPES: Final = EventTypes(EVENTS, references=REFERENCES)
