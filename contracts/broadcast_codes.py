"""Codes of broadcasts: offers of one person to several organisations at once."""

from __future__ import annotations

from enum import StrEnum


class BroadcastState(StrEnum):
    """Where a broadcast stands.

    WON: one organisation accepted. DECLINED: every offer was declined or expired, and at least one declined. EXPIRED:
    every offer expired. WITHDRAWN: by the agency or by the person, or offers ended in any other way.
    """

    OPEN = "OPEN"
    WON = "WON"
    DECLINED = "DECLINED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"


class AllocationRule(StrEnum):
    """Why an organisation won, and not another one."""

    FIRST_TO_ACCEPT = "FIRST_TO_ACCEPT"
