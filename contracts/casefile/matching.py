"""A mentor is proposed, confirmed or rejected, and the match ends."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from contracts.coded import (
    AfterMatchCode,
    EndCode,
    MatchCriterionCode,
    MentorKindCode,
    RejectCode,
    SideCode,
)
from contracts.message import CaseMessage, Deadline

_T = "org.caserelay.case."


class MatchProposed(CaseMessage, frozen=True, kw_only=True):
    """A mentor was proposed, on these criteria. `mentor` is the organisation's own reference."""

    TYPE: ClassVar[str] = _T + "match_proposed.v1"
    NAME: ClassVar[str] = "MatchProposed"
    match: str
    mentor: str
    kind: MentorKindCode
    criteria: list[MatchCriterionCode]
    deadlines: list[Deadline]


class MatchConfirmed(CaseMessage, frozen=True, kw_only=True):
    """One side said yes to the match (MENTOR or MENTEE)."""

    TYPE: ClassVar[str] = _T + "match_confirmed.v1"
    NAME: ClassVar[str] = "MatchConfirmed"
    match: str
    side: SideCode


class MatchRejected(CaseMessage, frozen=True, kw_only=True):
    """One side said no to the match; it costs nobody anything."""

    TYPE: ClassVar[str] = _T + "match_rejected.v1"
    NAME: ClassVar[str] = "MatchRejected"
    match: str
    side: SideCode
    reason: RejectCode
    deadlines: list[Deadline]


class MatchEnded(CaseMessage, frozen=True, kw_only=True):
    """The match ended; `next` is REMATCH or HANDBACK, or absent where something else ended the trajectory.

    `agreed` is the proposal by which the agency agreed to the end.
    """

    TYPE: ClassVar[str] = _T + "match_ended.v1"
    NAME: ClassVar[str] = "MatchEnded"
    match: str
    reason: EndCode
    side: SideCode | None = None
    next: AfterMatchCode | None = None
    closure_talk: bool
    deadlines: list[Deadline]
    notice_on: date | None = None
    """When a mentor who withdrew said so."""
    short_notice: bool | None = None
    """True: that was less than a month before. None: no mentor withdrew."""
    agreed: str | None = None
