"""What is stamped on a command that comes by a request, and the commands whose fields are those of the body."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, ClassVar, TypeVar

import msgspec
from pydantic import BaseModel

from services.chassis.modelling.decider import Actor, Command
from services.chassis.vault.vault import Deposit

C = TypeVar("C", bound=Command)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestStamp:
    """The time, the caller, and where the texts of the command are set aside; a service adds what makes its ids."""

    at: datetime
    by: Actor
    deposit: Deposit
    ON_EVERY_COMMAND: ClassVar[tuple[str, ...]] = ("at", "by")
    """What of it every command of the service carries, whatever its body."""

    def ref(self, what: str, text: str) -> str:
        """The vault reference of a text."""
        return self.deposit.put(what, {"text": text})

    def ref_or_none(self, what: str, text: str | None) -> str | None:
        """The vault reference of a text that may be left out."""
        return self.ref(what, text) if text is not None else None


def same_fields(command: type[C]) -> Callable[[Any, RequestStamp], C]:
    """Builds commands whose fields are those of the body, each of the type that the command gives it.

    A code is text where the command holds text, and a member where it holds members; lists are tuples. Raises
    TypeError for a body with a field that the command lacks.
    """
    types = _types(command)

    def build(body: BaseModel, stamp: RequestStamp) -> C:
        given = {
            name: msgspec.convert(plain(getattr(body, name)), types.get(name, Any)) for name in type(body).model_fields
        }
        for name in stamp.ON_EVERY_COMMAND:
            given[name] = getattr(stamp, name)
        return command(**given)

    return build


@cache
def _types(command: type[Command]) -> dict[str, Any]:
    return {field.name: field.type for field in msgspec.structs.fields(command)}


def plain(value: Any) -> Any:
    """Codes as text, lists as tuples: what events are made of."""
    if isinstance(value, list):
        return tuple(plain(item) for item in value)
    if isinstance(value, dict):
        return {plain(name): plain(item) for name, item in value.items()}
    return value.value if hasattr(value, "value") else value
