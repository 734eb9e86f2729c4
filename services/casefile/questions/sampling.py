"""Which cases of many are drawn: by chance, and the same ones for everybody who draws them again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Which:
    """Which cases are asked: those of a programme, or all; of these a sample of so many, drawn with a seed."""

    programme: str | None = None
    sample: int | None = None
    seed: int = 0


def drawn(cases: Iterable[str], many: int | None, seed: int) -> list[str]:
    """So many of these cases, all of them without a number, in the order of their ids.

    Each case has its lot, the SHA-256 of the seed and its id, and the lowest lots are drawn. So anybody can draw them
    again with any tool, and a case that comes later changes a draw only where its own lot is among the lowest.
    """
    listed = sorted({*cases})
    return listed if many is None else sorted(sorted(listed, key=lambda case: lot(case, seed))[:many])


def lot(case: str, seed: int) -> bytes:
    """The lot of a case: 32 bytes, lower is drawn sooner."""
    return hashlib.sha256(f"{seed}:{case}".encode()).digest()
