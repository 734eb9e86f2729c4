"""What a writer calls again and again: it raises where nobody waits for the file any more."""

from __future__ import annotations

from collections.abc import Callable

Pulse = Callable[[], None]


def steady() -> None:
    """Of a file that is written to its end."""
