"""The `traceparent` header (W3C Trace Context): which distributed trace a request, an event and a message belong to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from os import urandom
from typing import Final

# Four lower-case hexadecimal fields; a version after 00 may append further ones, which are not understood here.
_FORM: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL)
_SAMPLED: Final = 1


@dataclass(frozen=True, slots=True)
class Traceparent:
    """A place in a trace: 32 and 16 lower-case hexadecimal digits, neither all zero, and whether it is recorded."""

    trace_id: str
    parent_id: str
    sampled: bool = True

    def __str__(self) -> str:
        """The header's value, in version 00."""
        return f"00-{self.trace_id}-{self.parent_id}-{'01' if self.sampled else '00'}"

    def child(self) -> Traceparent:
        """A new place in the same trace, for what this one causes."""
        return Traceparent(self.trace_id, _new_id(8), self.sampled)


def start() -> Traceparent:
    """A place in a new trace."""
    return Traceparent(_new_id(16), _new_id(8))


def parse(header: str | None) -> Traceparent | None:
    """The place that a header names, or None if it is absent or breaks the specification in any way."""
    form = None if header is None else _FORM.fullmatch(header)
    if form is None:
        return None
    version, trace_id, parent_id, flags, more = form.groups()
    if version == "ff" or (version == "00" and more is not None) or not trace_id.strip("0") or not parent_id.strip("0"):
        return None
    return Traceparent(trace_id, parent_id, bool(int(flags, 16) & _SAMPLED))


def follow(header: str | None) -> Traceparent:
    """A child of the place that a header names; a place in a new trace where it names none."""
    parent = parse(header)
    return start() if parent is None else parent.child()


def _new_id(size: int) -> str:
    while True:
        drawn = urandom(size).hex()
        if drawn.strip("0"):
            return drawn
