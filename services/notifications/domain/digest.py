"""The digest of a day: which messages a mailbox has been told of together, and which letter is on its way.

A letter is fixed before it is first sent: its repeat, after an answer that was lost, says the same under the same name.
"""

from __future__ import annotations

from typing import ClassVar, assert_never

from msgspec import Struct
from msgspec.structs import replace

from services.chassis.modelling.decider import Command, Entity, Event


class DigestEvent(Event, frozen=True, kw_only=True):
    """What every event of a digest is: it happens beside what callers decide on."""

    BYSTANDER: ClassVar[bool] = True
    subscription: str


class DigestBegun(DigestEvent, frozen=True, kw_only=True):
    """A letter is made of the messages behind `after` up to `through` in the service's log, `count` of them."""

    after: int
    through: int
    count: int


class DigestAttempted(DigestEvent, frozen=True, kw_only=True):
    """The mail server did not take it: its status, and the code of why."""

    attempt: int
    status: int | None
    error: str | None


class DigestSent(DigestEvent, frozen=True, kw_only=True):
    """The mail server took it."""

    through: int
    count: int


class DigestTold(DigestEvent, frozen=True, kw_only=True):
    """So an organisation was told of these events (the ids of their messages) of a case."""

    organisation: str
    case: str
    events: tuple[str, ...]


AnyDigestEvent = DigestBegun | DigestAttempted | DigestSent | DigestTold


class BeginDigest(Command, frozen=True, kw_only=True):
    """Fix what the next letter says."""

    subscription: str
    after: int
    through: int
    count: int


class RecordDigest(Command, frozen=True, kw_only=True):
    """Record what came of sending it; `by_case` are its events, where the mail server took it."""

    subscription: str
    organisation: str
    through: int
    acknowledged: bool
    status: int | None
    error: str | None
    by_case: tuple[tuple[str, tuple[str, ...]], ...] = ()


DigestCommand = BeginDigest | RecordDigest


class Digest(Struct, frozen=True, kw_only=True):
    """Up to where a mailbox has been told, and the letter that is on its way."""

    through: int = 0
    begun: DigestBegun | None = None
    attempts: int = 0


def decide(command: DigestCommand, digest: Digest) -> list[AnyDigestEvent]:
    """What is recorded; a repeat finds it so already."""
    match command:
        case BeginDigest():
            if digest.begun is not None or command.through <= digest.through:
                return []
            return [
                DigestBegun(
                    subscription=command.subscription,
                    after=command.after,
                    through=command.through,
                    count=command.count,
                )
            ]
        case RecordDigest():
            return _recorded(command, digest)
        case _:
            assert_never(command)


def _recorded(command: RecordDigest, digest: Digest) -> list[AnyDigestEvent]:
    begun, subscription = digest.begun, command.subscription
    if begun is None or begun.through != command.through:
        return []
    if not command.acknowledged:
        return [
            DigestAttempted(
                subscription=subscription,
                attempt=digest.attempts + 1,
                status=command.status,
                error=command.error,
            )
        ]
    cases = [
        DigestTold(subscription=subscription, organisation=command.organisation, case=case, events=events)
        for case, events in command.by_case
    ]
    return [DigestSent(subscription=subscription, through=begun.through, count=begun.count), *cases]


def evolve(digest: Digest, event: AnyDigestEvent) -> Digest:
    """See `services.chassis.modelling.decider`."""
    match event:
        case DigestBegun():
            return replace(digest, begun=event, attempts=0)
        case DigestAttempted():
            return replace(digest, attempts=event.attempt)
        case DigestSent():
            return Digest(through=event.through)
        case DigestTold():
            return digest
        case _:
            assert_never(event)


DIGEST: Entity[Digest] = Entity(Digest(), evolve)


def digest_stream(subscription: str) -> str:
    """The stream of the digests of one subscription."""
    return f"digest-{subscription}"
