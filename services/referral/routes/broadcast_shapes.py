"""What callers send of a broadcast, and the answers that they get."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, field_validator

from contracts.answers import AllowedAction, BlockedAction, Contract
from contracts.broadcast import OfferEvent
from contracts.broadcast_codes import AllocationRule, BroadcastState
from contracts.codes import LegalBasisKind, ReferralState, WithdrawReason
from contracts.fields import Body, Identifier, Instant, LanguageTag, Reference
from services.referral.broadcasts import Wanted
from services.referral.domain.broadcast import Consent
from services.referral.routes.requests import ReferralBody
from services.referral.stamping import packet_to

FEWEST = 2
MOST = 20
MOST_RECIPIENTS = 100
"""A person may have agreed to more organisations than are asked now."""
Several = Annotated[list[Identifier], Field(min_length=FEWEST, max_length=MOST)]


class BroadcastBasisBody(Body):
    """The legal basis for sharing data with several: it names all `recipients`; a single `recipient` is one of them."""

    kind: LegalBasisKind
    recipients: Annotated[list[Identifier], Field(min_length=1, max_length=MOST_RECIPIENTS)]
    recipient: Identifier | None = None
    text_version: Reference
    language: LanguageTag
    given_at: Instant

    @field_validator("recipient")
    @classmethod
    def _is_one_of_them(cls, recipient: str | None, info: object) -> str | None:
        known = getattr(info, "data", {}).get("recipients", [recipient])
        if recipient is not None and recipient not in known:
            raise ValueError("name one of `recipients`, or leave it out")
        return recipient


class BroadcastBody(ReferralBody):
    """A referral to several organisations at once; everything but addressees and consent is as in one to a single."""

    to: Several  # type: ignore[assignment]  # several in the place of one
    legal_basis: BroadcastBasisBody | None = None  # type: ignore[assignment]  # likewise
    draft: Literal[False] = False

    @field_validator("to")
    @classmethod
    def _are_different(cls, to: list[str]) -> list[str]:
        if len(set(to)) < len(to):
            raise ValueError("name each organisation once")
        return to

    def wanted(self) -> Wanted:
        """What is asked for, as plain data; the contact data apart."""
        basis = self.legal_basis
        consent = None
        if basis is not None:
            consent = Consent(
                kind=basis.kind.value,
                text_version=basis.text_version,
                language=basis.language,
                given_at=basis.given_at,
            )
        return Wanted(
            packet=packet_to(self, None, None, None),
            contact=self.contact,
            to=tuple(self.to),
            recipients=tuple(basis.recipients) if basis is not None else (),
            consent=consent,
        )


class OfferHistory(Contract):
    """What happened to an offer: by the name of the event, when, and what was given as codes."""

    event: OfferEvent
    at: datetime
    codes: list[str]


class OfferAnswer(Contract):
    """One of the offers: to whom, by which referral, how it stands, and all that happened to it."""

    organisation: str
    referral: str
    state: ReferralState
    offered_at: datetime
    answers: list[OfferHistory]


class BroadcastLinks(Contract):
    """Links to what belongs to it."""

    self: str
    case: str
    timeline: str


class BroadcastAnswer(Contract):
    """A broadcast: who was asked when, who answered what, and who won, and why."""

    id: str
    state: BroadcastState
    version: int
    case: str
    agency: str
    programme: str
    client_ref: str
    opened_at: datetime
    ended_at: datetime | None
    offers: list[OfferAnswer]
    winner: str | None = Field(default=None, description="The organisation that won; absent until one has.")
    why: AllocationRule | None = Field(default=None, description="By which rule it won, and not another one.")
    reason: WithdrawReason | None = Field(default=None, description="Why all offers were withdrawn, if they were.")
    allowed_actions: list[AllowedAction]
    blocked_actions: list[BlockedAction]
    links: BroadcastLinks
    dry_run: bool | None = Field(default=None, description="Only in the answer to a dry run.")
    events: list[str] | None = Field(default=None, description="Only in the answer to a dry run: what it would write.")
