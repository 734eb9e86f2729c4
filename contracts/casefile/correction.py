"""An event of the case is wrong, and what holds instead."""

from __future__ import annotations

from typing import Any, ClassVar

from contracts.message import CaseMessage, Instant, Published

_T = "org.caserelay.case."


class Reported(Published, frozen=True, kw_only=True):
    """A report as it reads: the name of its event, when what it tells of happened, and its codes and numbers."""

    kind: str
    happened_at: Instant | None = None
    facts: dict[str, Any]


class CorrectionRecorded(CaseMessage, frozen=True, kw_only=True):
    """An event of the case is wrong; it stays as it is, and this stands beside it.

    Where it was a report, `was` is what stood until now and `holds` what stands from now on. `referral` is the one
    that the event belongs to, and `source_event_id` the referral service's event where it came by a message; where it
    belongs to none, `organisation` is the agency, which recorded it alone.
    """

    TYPE: ClassVar[str] = _T + "correction_recorded.v1"
    NAME: ClassVar[str] = "CorrectionRecorded"
    corrects: str
    corrected: str
    was: Reported | None = None
    holds: Reported | None = None
    referral: str | None = None
    source_event_id: str | None = None
    organisation: str | None = None
