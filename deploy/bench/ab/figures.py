"""The arithmetic of A next to B: a ratio for each round, the median of them, and the control, A next to itself."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from deploy.bench.results import Compared, Result, number

NOISE: Final = 0.10
"""How far A may be from itself; what is nearer to 1 than that says nothing either."""
_TO: Final = "\N{EN DASH}"

Pair = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure of two sides, round by round: `pairs` of A and B, `controls` of A and of A once more."""

    name: str
    engine: str
    unit: str
    pairs: Sequence[Pair]
    controls: Sequence[Pair]
    notes: tuple[str, ...] = field(default=())

    @property
    def a(self) -> float:
        """The median of A."""
        return statistics.median(one for one, _ in self.pairs)

    @property
    def b(self) -> float:
        """The median of B."""
        return statistics.median(one for _, one in self.pairs)

    @property
    def ratio(self) -> float | None:
        """B divided by A, the median of the rounds; None where A has nothing of it."""
        found = ratios(self.pairs)
        return statistics.median(found) if found else None

    @property
    def control(self) -> float | None:
        """A once more divided by A, the median of the rounds."""
        found = ratios(self.controls)
        return statistics.median(found) if found else None

    @property
    def ratio_text(self) -> str:
        """The ratio in words: `B/A 0.62 (rounds 0.58-0.66; control 1.01)`."""
        if self.ratio is None:
            return "B/A none: A has nothing of it"
        found = ratios(self.pairs)
        control = f"{self.control:.2f}" if self.control is not None else "none"
        return f"B/A {self.ratio:.2f} (rounds {min(found):.2f}{_TO}{max(found):.2f}; control {control})"

    @property
    def warning(self) -> str | None:
        """Why nothing may be claimed from it."""
        if self.ratio is None or (self.control is not None and round(abs(self.control - 1), 2) <= NOISE):
            return None
        return f"control outside \N{PLUS-MINUS SIGN}{100 * NOISE:.0f} %"

    def line(self) -> str:
        """The figure as text."""
        sides = f"A {number(self.a):>7}  B {number(self.b):>7} {self.unit}"
        warned = (f"WARNING: {self.warning}",) if self.warning else ()
        return f"  {self.name:<52} {self.engine:<18} {sides:<32} {'; '.join((self.ratio_text, *self.notes, *warned))}"

    def result(self) -> Result:
        """The figure for the record: that of B, next to A and to the control."""
        warned = (self.warning,) if self.warning else ()
        rate = self.unit == "/s"
        beside = [("A", self.ratio), ("A of itself (control)", self.control)]
        return Result(
            name=self.name,
            engine=self.engine,
            unit=self.unit,
            rate=self.b if rate else None,
            median=None if rate else self.b,
            compared=tuple(
                Compared(to=to, ratio=round(one, 3), of="rate" if rate else "median")
                for to, one in beside
                if one is not None
            ),
            notes=(f"A {number(self.a)} {self.unit}", self.ratio_text, *self.notes, *warned),
        )


def ratios(pairs: Sequence[Pair]) -> list[float]:
    """The second of each pair divided by the first, where there is a first."""
    return [second / first for first, second in pairs if first > 0]
