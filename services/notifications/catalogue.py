"""The messages that this service takes in and delivers: all that the other services publish."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from contracts import casefile, referral
from contracts.message import Message, published

MESSAGES: Final[Mapping[str, type[Message]]] = MappingProxyType(
    {kind: model for kind, model in published(referral, casefile).items() if model.FED}
)
"""Every message by its CloudEvents type, in the order of the types."""
