"""The logs that are proven, and where: each service's own, which is named after it, and that of who read what."""

from __future__ import annotations

from typing import Final

LOGS: Final = ("referral", "casefile", "notifications")
ACCESS: Final = "access"
"""The log of who read what; no bundle of a case holds any of it."""
PROVEN: Final = (*LOGS, ACCESS)


def audit_path(log: str) -> str:
    """What the routes of a transparency log begin with."""
    return f"/v1/audit/{log}"
