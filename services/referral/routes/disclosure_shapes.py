"""What is answered about disclosures: to whom the person's data went, and what was refused."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from contracts.answers import Contract
from contracts.codes import Role
from services.chassis.deciding.refusals import MOST_NOTED


class DisclosedTo(Contract):
    """An organisation, or somebody of it who asked for the data."""

    org: str
    role: Role | None
    sub: str | None


class DisclosureAnswer(Contract):
    """One disclosure; with `refused=true` what somebody tried in vain after the person withdrew the legal basis.

    `what` is CONTACT (the contact data were read), PACKET (the offer), INFORMATION (answers), or IDENTITY (an auditor
    had it revealed who the person is).
    """

    at: datetime
    to: DisclosedTo
    what: Literal["CONTACT", "PACKET", "INFORMATION", "IDENTITY"] | None = Field(
        default=None, description="What was disclosed; absent where nothing was."
    )
    legal_basis: str | None = Field(description="The one that was relied on, or that was withdrawn.")
    reason: str | None = Field(
        default=None, description="Of IDENTITY: why, in the words of the auditor; auditors themselves read no words."
    )
    attempt: str | None = Field(
        default=None, description="Of what was refused: the name of the action, such as read-contact or propose-match."
    )
    refusal: Literal["LEGAL_BASIS_WITHDRAWN"] | None = Field(default=None, description="Why it was refused, if it was.")
    count: int | None = Field(
        default=None,
        description=(
            f"How often the same person tried it within an hour from `at` on; of reads, and of commands "
            f"without a key, {MOST_NOTED} stands for as many or more."
        ),
    )


class DisclosurePage(Contract):
    """A page of disclosures, the oldest first; with `refused=true` of attempts that were refused."""

    items: list[DisclosureAnswer]
    next: str | None
