"""What became of the person after the trajectory."""

from __future__ import annotations

from typing import ClassVar

from contracts.coded import (
    OutcomeCode,
    PointCode,
    ProgressCode,
    SourceCode,
    WaiveCode,
)
from contracts.message import CaseMessage

_T = "org.caserelay.case."


class OutcomeRecorded(CaseMessage, frozen=True, kw_only=True):
    """What became of the person at a point (EXIT, W4, M6, M12), and where it is known from."""

    TYPE: ClassVar[str] = _T + "outcome_recorded.v1"
    NAME: ClassVar[str] = "OutcomeRecorded"
    point: PointCode
    code: OutcomeCode
    source: SourceCode
    level_match: bool | None = None
    progress: dict[str, ProgressCode]


class OutcomeWaived(CaseMessage, frozen=True, kw_only=True):
    """A follow-up will not be taken."""

    TYPE: ClassVar[str] = _T + "outcome_waived.v1"
    NAME: ClassVar[str] = "OutcomeWaived"
    point: PointCode
    reason: WaiveCode
