"""The entry that every referral message leaves in the case's own stream; one that was taken before leaves none."""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar, Literal

from msgspec import Struct
from msgspec.structs import replace

from services.casefile.domain.state import Case
from services.casefile.domain.steps import Awaiting, Moves, Party
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.growing import GrowingTuple

EntryName = Literal[
    "ReferralSubmitted",
    "ReferralReceived",
    "InformationRequested",
    "InformationProvided",
    "ReferralWaitlisted",
    "ReferralAccepted",
    "ReferralDeclined",
    "ReferralWithdrawn",
    "ReferralExpired",
    "ReferralCompleted",
    "ErrorReported",
    "ReferralEnteredInError",
    "LegalBasisWithdrawn",
    "DisclosureRefused",
    "DeadlineReminded",
    "DeadlineMissed",
    "BroadcastOpened",
    "OfferWon",
    "BroadcastEnded",
    "WaitingCorrected",
    "NgoAccessExpired",
]
"""The messages of the referral service that a case takes in, by their names."""


class ReferralMessage(Struct, frozen=True, kw_only=True):
    """What every message of the referral service says of itself.

    `codes` are what it gives as codes, `expected_by` the day until which a place is expected to be free.
    """

    name: EntryName
    referral: str
    agency: str
    organisation: str
    programme: str
    programme_version: int
    source_position: int
    source_event_id: str
    digest: str
    occurred_at: datetime
    recorded_at: datetime
    actor: Party
    codes: tuple[str, ...] = ()
    expected_by: date | None = None


class ReferralEntryTaken(Moves, frozen=True, kw_only=True):
    """A referral message, taken into the case's own history; `name` is the message's, `codes` what it gave as codes.

    `source_position`, `source_event_id` and `digest` (SHA-256, hexadecimal) point to the event in the referral log;
    `occurred_at`, `recorded_at` and `actor` are that event's. `expected_by` came later, and entries of old lack it.
    """

    name: EntryName
    referral: str
    agency: str
    organisation: str
    source_position: int
    source_event_id: str
    digest: str
    occurred_at: datetime
    recorded_at: datetime
    actor: Party
    codes: tuple[str, ...] = ()
    step: str | None = None
    due_at: datetime | None = None
    expected_by: date | None = None


class ReferralNoteTaken(ReferralEntryTaken, frozen=True, kw_only=True):
    """A message that moves nothing in the case, such as a reminder, taken in; so the case's ETag stays."""

    BYSTANDER: ClassVar[bool] = True


_AWAITED: dict[EntryName, tuple[str, str]] = {
    "ReferralSubmitted": ("receive", "RECEIPT"),
    "ReferralReceived": ("accept", "DECISION"),
    "InformationRequested": ("provide-information", "INFORMATION"),
    "InformationProvided": ("accept", "DECISION"),
    "ReferralWaitlisted": ("accept", "WAITLIST_REVIEW"),
    # Several are asked, and any of them answers: what the lead can do meanwhile is take all of it back.
    "BroadcastOpened": ("withdraw", "EXPIRY"),
}
"""What the lead waits for after a message, and the referral service's deadline for it."""


def awaiting(message: ReferralMessage, deadlines: tuple[Deadline, ...]) -> Awaiting:
    """For whom the lead waits after a message, and until when."""
    action, name = _AWAITED[message.name]
    due_at = next((due.due_at for due in deadlines if due.name == name), None)
    org = message.agency if action in ("provide-information", "withdraw") else message.organisation
    return Awaiting(org=org, action=action, due_at=due_at)


def entry(
    message: ReferralMessage,
    moves: Moves | None = None,
    *,
    due_at: datetime | None = None,
    kind: type[ReferralEntryTaken] = ReferralEntryTaken,
) -> ReferralEntryTaken:
    """The entry of a message in the case's own history, with whatever it moves."""
    moves = moves or Moves()
    begun = next(iter((*moves.opens, *moves.renews)), None)
    return kind(
        name=message.name,
        referral=message.referral,
        agency=message.agency,
        organisation=message.organisation,
        source_position=message.source_position,
        source_event_id=message.source_event_id,
        digest=message.digest,
        occurred_at=message.occurred_at,
        recorded_at=message.recorded_at,
        actor=message.actor,
        codes=message.codes,
        step=begun.step if begun is not None else None,
        due_at=due_at if due_at is not None or begun is None else begun.due_at,
        expected_by=message.expected_by,
        closes=moves.closes,
        opens=moves.opens,
        renews=moves.renews,
    )


ReferralEntryEvent = ReferralEntryTaken | ReferralNoteTaken


def evolve(case: Case, event: ReferralEntryEvent) -> Case:
    """The case that remembers the message, and which referrals were reported as entered in error."""
    taken = case.taken | {event.source_event_id}
    match event.name:
        case "ErrorReported":
            return replace(case, taken=taken, errors_reported=case.errors_reported.plus((event.referral, event.actor)))
        case "ReferralEnteredInError":
            left = GrowingTuple(report for report in case.errors_reported if report[0] != event.referral)
            return replace(case, taken=taken, errors_reported=left)
        case _:
            return replace(case, taken=taken)
