"""The lists that are shipped here: read once, when the first code is looked up."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

DIRECTORY: Final = Path(__file__).parent
NEAREST: Final = 3
"""How many near codes a refusal names."""
_AROUND: Final = 8


@dataclass(frozen=True)
class CodeList:
    """A list of codes with its publisher's name for it."""

    name: str
    codes: frozenset[str]
    _sorted: list[str] = field(init=False, repr=False, compare=False)
    _longest: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Sorts once what every search needs sorted."""
        object.__setattr__(self, "_sorted", sorted(self.codes))
        object.__setattr__(self, "_longest", max(map(len, self.codes), default=0))

    def __contains__(self, code: str) -> bool:
        return code in self.codes

    def nearest(self, value: str) -> list[str]:
        """The nearest codes of the list, the nearest first.

        Near is what begins the same, then what is as long, then what differs least: codes are hierarchical, so a
        longer common beginning is a smaller mistake. They stand around the value in sorted order.
        """
        # Anybody may send a text of any length, and what is behind the longest code makes none of them nearer.
        value = value[: self._longest + 1]
        place = bisect_left(self._sorted, value)
        around = {*self._sorted[max(0, place - _AROUND) : place + _AROUND]}
        around |= {value[:length] for length in range(1, len(value)) if value[:length] in self.codes}
        return sorted(around, key=lambda code: _distance(code, value))[:NEAREST]


def _distance(code: str, value: str) -> tuple[int, int, list[int], str]:
    common = next((i for i, (letter, other) in enumerate(zip(code, value, strict=False)) if letter != other), None)
    common = min(len(code), len(value)) if common is None else common
    apart = [abs(ord(letter) - ord(other)) for letter, other in zip(code, value, strict=False)]
    return -common, abs(len(code) - len(value)), apart, code


@cache
def groups(file: str) -> dict[str, list[str]]:
    """The codes of a shipped file in its groups, in the publisher's order."""
    found = json.loads((DIRECTORY / f"{file}.json").read_text(encoding="utf-8"))["codes"]
    return {group: codes.split() for group, codes in found.items()}


def codes_of(file: str) -> Iterable[str]:
    """All codes of a shipped file, in the publisher's order."""
    return (code for codes in groups(file).values() for code in codes)
