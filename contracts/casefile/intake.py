"""The organisation reaches the person, and concludes the intake."""

from __future__ import annotations

from typing import ClassVar

from contracts.coded import (
    CapitalCode,
    CefrCode,
    ChannelCode,
    EndCode,
)
from contracts.message import CaseMessage, Deadline

_T = "org.caserelay.case."


class ContactAttempted(CaseMessage, frozen=True, kw_only=True):
    """The organisation tried to reach the person."""

    TYPE: ClassVar[str] = _T + "contact_attempted.v1"
    NAME: ClassVar[str] = "ContactAttempted"
    channel: ChannelCode | None = None
    reached: bool


class NoShowReported(CaseMessage, frozen=True, kw_only=True):
    """The person did not come; after three the organisation hands back. It serves no sanction."""

    TYPE: ClassVar[str] = _T + "no_show_reported.v1"
    NAME: ClassVar[str] = "NoShowReported"
    count: int


class IntakeConcluded(CaseMessage, frozen=True, kw_only=True):
    """The intake's result: goals by capital type and language per skill (CEFR), or the reason why not."""

    TYPE: ClassVar[str] = _T + "intake_concluded.v1"
    NAME: ClassVar[str] = "IntakeConcluded"
    suitable: bool
    goals: list[CapitalCode]
    cefr: dict[str, CefrCode]
    reason: EndCode | None = None
    deadlines: list[Deadline]
