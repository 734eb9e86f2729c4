"""What is answered about disclosures: to whom the person's data went, and what was refused."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from contracts.answers import Contract
from contracts.codes import Role


class DisclosedTo(Contract):
    """An organisation, or somebody of it who asked for the data."""

    org: str
    role: Role | None
    sub: str | None


class DisclosureAnswer(Contract):
    """One disclosure. `what` is CONTACT (the contact data were read), PACKET (the offer), or INFORMATION (answers)."""

    at: datetime
    to: DisclosedTo
    what: Literal["CONTACT", "PACKET", "INFORMATION"]
    legal_basis: str | None


class RefusedDisclosureAnswer(Contract):
    """What somebody tried after the person had withdrawn the legal basis, and was refused.

    `attempt` is the name of the action, such as `read-contact` or `propose-match`, and `count` how often the same
    person tried it within an hour from `at` on.
    """

    at: datetime
    to: DisclosedTo
    attempt: str
    refusal: Literal["LEGAL_BASIS_WITHDRAWN"]
    legal_basis: str | None
    count: int


class DisclosurePage(Contract):
    """A page of disclosures, the oldest first; with `refused=true` of attempts that were refused."""

    items: list[DisclosureAnswer | RefusedDisclosureAnswer]
    next: str | None
