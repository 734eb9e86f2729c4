"""The ids of deliveries, which follow from what is delivered to whom."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from services.chassis.modelling.derived_id import derived_id

_NAMESPACE: Final = UUID("5a3f4dd0-6f0e-4a55-9c0e-1d3b9d0a3c47")


def delivery_id(subscription: str, event: str, replay: str | None = None) -> str:
    """The id of the delivery of a message to a subscription."""
    return derived_id(_NAMESPACE, f"{subscription} {event}" if replay is None else f"{subscription} {event} {replay}")
