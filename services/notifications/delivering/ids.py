"""The ids of deliveries, which follow from what is delivered to whom, and say where in the log that is."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from services.chassis.modelling.derived_id import derived_id

_NAMESPACE: Final = UUID("5a3f4dd0-6f0e-4a55-9c0e-1d3b9d0a3c47")
_VERSION: Final = 8
_BEHIND: Final = 80
"""The bits behind the 48 of the position."""
_DERIVED: Final = (1 << _BEHIND) - 1 - (0xF << 76) - (0x3 << 62)
"""Those of them that are neither version nor variant."""


def delivery_id(subscription: str, event: str, position: int = 0, replay: str | None = None) -> str:
    """The id of the delivery of a message, which is at a position of the log, to a subscription.

    It begins with the position (UUIDv8, RFC 9562): no event says of a delivery that has not been attempted, and by this
    it is found all the same. What is no message of the log has the position 0, and an id that says nothing.
    """
    whose = f"{subscription} {event}"
    derived = derived_id(_NAMESPACE, whose if replay is None else f"{whose} {replay}")
    if not position:
        return derived
    return str(UUID(int=(position << _BEHIND) | (_VERSION << 76) | (0x2 << 62) | (UUID(derived).int & _DERIVED)))


def position_in(delivery: str) -> int | None:
    """The position in the log of the message of a delivery; None where its id says none."""
    try:
        found = UUID(delivery)
    except ValueError:
        return None
    return found.int >> _BEHIND if found.version == _VERSION else None
