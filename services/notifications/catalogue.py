"""The messages that this service takes in and delivers: all that the other services publish."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from contracts import casefile, referral
from contracts.broadcast import OfferMessage
from contracts.message import Message, published

MESSAGES: Final[Mapping[str, type[Message]]] = MappingProxyType(published(referral, casefile))
"""Every message by its CloudEvents type, in the order of the types."""
OFFERS: Final = frozenset(kind for kind, model in MESSAGES.items() if issubclass(model, OfferMessage))
"""Those about an offer to several organisations, which stand apart from the case."""
