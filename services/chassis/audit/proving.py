"""How the logs of an installation are proven, as it is set."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Proving(NamedTuple):
    """What `TransparencyLog` is told.

    The origin without a log's name, the directory of what was signed last, and the file with the witnesses' policy,
    each None where it is not set; and the seconds between two verifications, 0 for none.
    """

    origin: str | None = None
    state: Path | None = None
    policy: Path | None = None
    verify_seconds: float = 0.0
