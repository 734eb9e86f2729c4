"""The shapes of receipts for handovers."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from contracts.answers import Contract
from contracts.casefile_codes import HandbackDecision
from contracts.codes import Step
from services.casefile.routes.responses import PartyAnswer


class ReceiptEventAnswer(Contract):
    """An event that says so: its entry in the transparency log, its stored bytes in base64, and a tlog-proof.

    `salt` opens what the entry has for its stream: the SHA-256 of salt and name. It opens no other entry.
    """

    event: str
    entry: str
    proof_sha256: str
    salt: str
    stored: str
    proof: str


class ReceiptAnswer(Contract):
    """Who handed a case to whom, when, and what proves it to somebody who asks nobody.

    `note` is a c2sp.org/signed-note over everything else, but for `stored` and `proof` of the events, whose digests
    are signed for. `where` says where in the stored bytes each member stands.
    """

    receipt: Literal["caserelay-receipt/v1"]
    case: str
    event: str
    type: Literal["ResponsibilityTransferred", "HandbackAccepted"]
    text: str
    referral: str
    decision: HandbackDecision | None = None
    from_: PartyAnswer = Field(alias="from")
    to: PartyAnswer
    step: Step
    at: datetime
    recorded_at: datetime
    where: dict[str, str]
    log: str
    origin: str
    keys: list[str]
    stream: str
    events: list[ReceiptEventAnswer]
    note: str


class ReceiptPage(Contract):
    """Receipts in the order of the record."""

    items: list[ReceiptAnswer]
    next: str | None
