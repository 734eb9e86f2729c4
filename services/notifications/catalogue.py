"""The messages that this service takes in and delivers: all that the other services publish."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType, ModuleType
from typing import Final

from contracts import casefile, referral
from contracts.message import Message


def _published(*modules: ModuleType) -> Mapping[str, type[Message]]:
    models = (model for module in modules for model in vars(module).values() if isinstance(model, type))
    # Those that are only built upon have no type of their own.
    found = {model.TYPE: model for model in models if issubclass(model, Message) and hasattr(model, "TYPE")}
    return MappingProxyType(dict(sorted(found.items())))


MESSAGES: Final = _published(referral, casefile)
"""Every message by its CloudEvents type, in the order of the types."""
