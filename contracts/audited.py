"""The logs that are proven, each by the service that it is named after, and where."""

from __future__ import annotations

from typing import Final

LOGS: Final = ("referral", "casefile", "notifications")


def audit_path(log: str) -> str:
    """What the routes of a transparency log begin with."""
    return f"/v1/audit/{log}"
