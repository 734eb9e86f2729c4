"""JSON as RFC 8259 has it, read so that it means one thing: UTF-8, every name once, numbers and not their spelling.

A name that stands twice in an object is read as the first by one program and as the last by another, and who signed
one has not signed the other. JSON Schema's integer is a number without a fraction, however it is written.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from services.chassis.http.problems.problem import MOST_FAULTS, ProblemError, safe_name
from services.chassis.modelling.decider import Fault


class _TwiceError(Exception):
    """A name stands twice in one object."""


class _Members(dict[str, Any]):
    """An object, and the names that stand in it more than once."""

    repeated: tuple[str, ...] = ()


def read_json(written: bytes, what: str = "the body") -> Any:
    """What a text says. Raises ProblemError 400: UNREADABLE_JSON, or DUPLICATE_NAME with the pointer of each."""
    try:
        text = written.decode("utf-8")
        try:
            return _STRICT.decode(text)
        except _TwiceError:
            raise _duplicate(text, what) from None
    except (ValueError, RecursionError):
        raise ProblemError(400, "UNREADABLE_JSON", f"{what} is not valid JSON (RFC 8259, UTF-8)") from None


def _duplicate(text: str, what: str) -> ProblemError:
    faults = [
        Fault(pointer, "DUPLICATE_NAME", "duplicate name in an object; send it once")
        for pointer in _repeats(_LENIENT.decode(text))
    ][:MOST_FAULTS]
    return ProblemError(400, "DUPLICATE_NAME", f"{what}: {faults[0].pointer}: {faults[0].detail}", errors=faults)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _TwiceError
    return made


def _members(pairs: list[tuple[str, Any]]) -> _Members:
    made = _Members(pairs)
    if len(made) != len(pairs):
        made.repeated = tuple(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
    return made


def _repeats(value: Any) -> Iterator[str]:
    """The pointers of names that are repeated. Of what stood under such a name only the last is looked into."""
    waiting = [(value, "")]
    while waiting:
        part, pointer = waiting.pop()
        if isinstance(part, _Members):
            yield from (f"{pointer}/{safe_name(name)}" for name in part.repeated)
            waiting += [(inside, f"{pointer}/{safe_name(name)}") for name, inside in reversed(part.items())]
        elif isinstance(part, list):
            waiting += [(inside, f"{pointer}/{place}") for place, inside in reversed(list(enumerate(part)))]


def _number(text: str) -> int | float:
    near = float(text)
    if not near.is_integer():
        return near
    # A float holds some whole numbers only; what is near a whole number need not be one.
    try:
        exact = Decimal(text)
    except InvalidOperation:
        # An exponent that no decimal has, of a number that a float takes for zero.
        return near
    whole = int(exact)
    return whole if whole == exact else near


def _no_number(text: str) -> Any:
    msg = f"{text} is not JSON"
    raise ValueError(msg)


_STRICT = json.JSONDecoder(object_pairs_hook=_object, parse_float=_number, parse_constant=_no_number)
_LENIENT = json.JSONDecoder(object_pairs_hook=_members)
