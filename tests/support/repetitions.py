"""How often a test repeats what goes wrong only now and then, and what it leaves to `make faults`."""

from __future__ import annotations

import os
from typing import Final, TypeVar

T = TypeVar("T")

FULL: Final = bool(os.environ.get("CASERELAY_TEST_FULL"))
"""Whether tests run at full length: `make faults` says so."""


def times(full: int) -> int:
    """The full number under `make faults`, which sets CASERELAY_TEST_FULL; elsewhere a tenth of it, at least two."""
    return full if FULL else max(2, full // 10)


def in_full(full: T, *, short: T) -> T:
    """What a test does under `make faults`; elsewhere what shows the same in less time."""
    return full if FULL else short
