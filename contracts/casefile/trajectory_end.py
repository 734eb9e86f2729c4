"""The trajectory comes to its end."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from contracts.coded import EndCode
from contracts.message import CaseMessage, Deadline

_T = "org.caserelay.case."


class TrajectoryCompleted(CaseMessage, frozen=True, kw_only=True):
    """The trajectory came to its end; the handback report is due.

    `agreed` is the proposal by which the agency agreed to the end.
    """

    TYPE: ClassVar[str] = _T + "trajectory_completed.v1"
    NAME: ClassVar[str] = "TrajectoryCompleted"
    reason: EndCode
    closure_talk: bool
    deadlines: list[Deadline]
    notice_on: date | None = None
    """When a mentor who withdrew said so."""
    short_notice: bool | None = None
    """True: that was less than a month before. None: no mentor withdrew."""
    agreed: str | None = None
