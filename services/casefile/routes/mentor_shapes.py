"""What the routes of mentors take beside the profile, and what they answer."""

from __future__ import annotations

from datetime import date, datetime

from contracts.answers import Contract
from contracts.codes import MentorKind
from contracts.email_address import Email
from contracts.fields import Body
from contracts.subscription_codes import MailLanguage
from services.casefile.routes.responses import SelfLink


class MentorAnswer(Contract):
    """A mentor's profile; `capacity` is how many people the mentor takes at a time, `places` how many more."""

    ref: str
    organisation: str
    kind: MentorKind
    screened_on: date | None
    trained_on: date | None
    insurance_note_on: date | None
    charter_version: str | None
    charter_acknowledged_on: date | None
    confidentiality_on: date | None
    confidentiality_version: str | None = None
    languages: list[str]
    sectors: list[str]
    capacity: int
    places: int
    waiting_since: datetime | None
    version: int
    links: SelfLink
    dry_run: bool | None = None
    events: list[str] | None = None


class MentorContactBody(Body):
    """Where a mentor without an account is written to, and in which language; without `email` nowhere any more.

    Personal data: it goes to the vault and nowhere else.
    """

    email: Email | None = None
    language: MailLanguage = MailLanguage.EN


class MentorContact(Contract):
    """Where a mentor is written to."""

    email: str
    language: MailLanguage


class MentorPage(Contract):
    """A page of mentors."""

    items: list[MentorAnswer]
    next: str | None
