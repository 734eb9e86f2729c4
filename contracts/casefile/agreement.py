"""The agreement of mentor and mentee, and its extension."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from contracts.coded import (
    MentorKindCode,
)
from contracts.message import CaseMessage, Deadline, Published

_T = "org.caserelay.case."


class Readiness(Published, frozen=True, kw_only=True):
    """What was known of the mentor's preparation when the agreement was signed; a date is absent where nothing was."""

    kind: MentorKindCode
    screened_on: date | None = None
    trained_on: date | None = None
    insurance_note_on: date | None = None
    charter_version: str | None = None
    charter_acknowledged_on: date | None = None
    confidentiality_on: date | None = None
    confidentiality_version: str | None = None


class AgreementSigned(CaseMessage, frozen=True, kw_only=True):
    """The agreement was signed: its days, the meetings a month, the charter, and how ready the mentor was."""

    TYPE: ClassVar[str] = _T + "agreement_signed.v1"
    NAME: ClassVar[str] = "AgreementSigned"
    match: str
    start: date
    end: date
    norm: int
    charter_version: str
    readiness: Readiness
    deadlines: list[Deadline]


class ExtensionProposed(CaseMessage, frozen=True, kw_only=True):
    """The organisation proposes that the agreement ends later; the agency decides."""

    TYPE: ClassVar[str] = _T + "extension_proposed.v1"
    NAME: ClassVar[str] = "ExtensionProposed"
    end: date


class ExtensionRefused(CaseMessage, frozen=True, kw_only=True):
    """The agency said no to the later end."""

    TYPE: ClassVar[str] = _T + "extension_refused.v1"
    NAME: ClassVar[str] = "ExtensionRefused"
    end: date


class AgreementExtended(CaseMessage, frozen=True, kw_only=True):
    """The agency approved the later end."""

    TYPE: ClassVar[str] = _T + "agreement_extended.v1"
    NAME: ClassVar[str] = "AgreementExtended"
    end: date
    deadlines: list[Deadline]
