"""Which version of Caserelay this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Final


def _installed() -> str:
    try:
        return version("caserelay")
    except PackageNotFoundError:
        # Run from a tree that nobody has installed.
        return "unknown"


VERSION: Final = _installed()
