"""The entry that every referral message leaves in the case's own stream; one that was taken before leaves none."""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar, Final, Literal

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from contracts.codes import CaseState, Step
from contracts.terms import LadderLevel
from services.casefile.domain.open_matters import LateTerm, StrandedOffer
from services.casefile.domain.state import Case, OpenBroadcast
from services.casefile.domain.steps import Awaiting, Moves, Party, Sent, find
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.growing import GrowingTuple
from services.chassis.modelling.ladder import Receiver

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
    "IdentityRevealed",
    "DeadlineReminded",
    "DeadlineMissed",
    "DeadlineEscalated",
    "WaitlistAlerted",
    "BroadcastOpened",
    "OfferWon",
    "BroadcastEnded",
    "WaitingCorrected",
    "NgoAccessExpired",
]
"""The messages of the referral service that a case takes in, by their names."""


ESCALATIONS: Final = frozenset({"DeadlineEscalated", "WaitlistAlerted"})
"""What is told of a referral whose term somebody else than the case's contacts is told of."""
NO_ACTS: Final = ESCALATIONS | {
    "DeadlineReminded",
    "DeadlineMissed",
    "WaitingCorrected",
    "ErrorReported",
    "IdentityRevealed",
}
"""What is told of a referral without being the act that it waits for."""


_OFFERS: Final = frozenset({"ReferralSubmitted", "BroadcastOpened"})
_ENDS: Final = frozenset(
    {
        "ReferralDeclined",
        "ReferralWithdrawn",
        "ReferralExpired",
        "ReferralCompleted",
        "ReferralEnteredInError",
        "BroadcastEnded",
    }
)


class ReferralMessage(Struct, frozen=True, kw_only=True):
    """What every message of the referral service says of itself.

    `codes` are what it gives as codes, `expected_by` the day until which a place is expected to be free, and `notified`
    who hears of a term that has come to a `level`.
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
    level: str | None = None
    notified: tuple[Receiver, ...] = ()


class ReferralEntryTaken(Moves, frozen=True, kw_only=True):
    """A referral message, taken into the case's own history; `name` is the message's, `codes` what it gave as codes.

    `source_position`, `source_event_id` and `digest` (SHA-256, hexadecimal) point to the event in the referral log;
    `occurred_at`, `recorded_at` and `actor` are that event's. `expected_by`, `level` and `notified` came later, and
    entries of old lack them. `substitutes` stand in for those of the case to whom it goes and who are away; they are
    the casefile's own, which the referral's event does not have.
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
    level: str | UnsetType = UNSET
    notified: tuple[Receiver, ...] | UnsetType = UNSET
    substitutes: tuple[Party, ...] | UnsetType = UNSET


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
        level=message.level or UNSET,
        notified=message.notified or UNSET,
        closes=moves.closes,
        opens=moves.opens,
        renews=moves.renews,
    )


ReferralEntryEvent = ReferralEntryTaken | ReferralNoteTaken


def evolve(case: Case, event: ReferralEntryEvent) -> Case:
    """The case that remembers the message, and which referrals were reported as entered in error."""
    taken = case.taken | {event.source_event_id}
    if (stranded := _stranded(case, event)) is not case.stranded:
        case = replace(case, stranded=stranded)
    match event.name:
        case "ErrorReported":
            return replace(case, taken=taken, errors_reported=case.errors_reported.plus((event.referral, event.actor)))
        case "ReferralEnteredInError":
            left = GrowingTuple(report for report in case.errors_reported if report[0] != event.referral)
            return replace(case, taken=taken, errors_reported=left)
        case "BroadcastOpened" if event.opens:
            # The rest of it follows with the event itself, which does not say who sent the offers.
            sent = Sent(by=event.actor, at=event.occurred_at)
            return replace(case, taken=taken, broadcast=OpenBroadcast(broadcast=event.referral, sent=sent))
        case "DeadlineEscalated" | "WaitlistAlerted":
            return _escalated(replace(case, taken=taken), event)
        case _:
            return replace(case, taken=taken)


def _stranded(case: Case, event: ReferralEntryEvent) -> StrandedOffer | None:
    """The offer that nobody waits for: it came to a final case, of which a person has one live offer at a time."""
    left = case.stranded
    if event.name in _OFFERS and not event.opens and case.state == CaseState.FINALISED:
        return StrandedOffer(offer=event.referral, organisation=event.organisation, since=event.occurred_at)
    if left is None:
        return None
    if event.name == "OfferWon":
        return replace(left, offer=event.referral, organisation=event.organisation)
    return None if event.name in _ENDS and event.referral == left.offer else left


def _escalated(case: Case, event: ReferralEntryEvent) -> Case:
    """The case in which those who are told of a term of its referral find it; it climbs in the referral service."""
    step = find(case.steps, Step.REFERRAL_ANSWER)
    if step is None or event.due_at is None or case.referral is None or case.referral.referral != event.referral:
        return case
    name = event.codes[0] if event.name == "DeadlineEscalated" else "WAITLIST_ALERT"
    held = next((late for late in case.late if late.is_of(name, event.due_at)), None)
    receivers = (*(held.notified if held is not None else ()), *(event.notified or ()))
    late = LateTerm(
        name=name,
        key=step.key,
        due_at=event.due_at,
        level=event.level or LadderLevel.L2.value,
        notified=tuple(dict.fromkeys(receivers)),
    )
    return replace(case, late=(*(other for other in case.late if other is not held), late))
