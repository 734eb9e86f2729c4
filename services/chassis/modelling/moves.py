"""How a command moves a resource from one state to another, as its row declares it."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Move:
    """From any of the states `since` (None: nothing is recorded yet) to the state `to`.

    `cause` is the message or the term that brings it about, where the command is no action of a caller's.
    """

    to: str
    since: AbstractSet[str | None]
    cause: str = ""
