"""How often a test repeats what goes wrong only now and then."""

from __future__ import annotations

import os


def times(full: int) -> int:
    """The full number under `make faults`, which sets CASERELAY_TEST_FULL; elsewhere a tenth of it, at least two."""
    return full if os.environ.get("CASERELAY_TEST_FULL") else max(2, full // 10)
