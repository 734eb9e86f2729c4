"""What a benchmark found: figures of one run, each next to what it is compared with, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

Of = Literal["rate", "median", "p95"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What a figure is next to, in the same run. `ratio` is ours divided by theirs: for a rate, more is better."""

    to: str
    ratio: float
    of: Of = "rate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One line of a benchmark. `median` and `p95` are in `unit`, `rate` is per second.

    `at` is where it stands in a plot (connections, events), `curve` is a course over time, in seconds.
    """

    name: str
    engine: str
    unit: str = "ms"
    median: float | None = None
    p95: float | None = None
    rate: float | None = None
    compared: tuple[Compared, ...] = ()
    notes: tuple[str, ...] = ()
    at: float | None = None
    curve: tuple[tuple[float, float], ...] = ()

    def line(self) -> str:
        """The result as one line of text."""
        figures = [f"{self.rate:>9,.0f}/s" if self.rate is not None else " " * 11]
        for name, figure in (("median", self.median), ("p95", self.p95)):
            shown = f"{name} {number(figure):>7} {self.unit}" if figure is not None else ""
            figures.append(f"{shown:<18}")
        comparisons = [f"{comparison.ratio:.2f} x {comparison.to} ({comparison.of})" for comparison in self.compared]
        beside = "; ".join((*comparisons, *self.notes))
        return f"  {self.name:<58} {self.engine:<18}{' '.join(figures)} {beside}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """One benchmark as it ran: when, on what, under which load average (of a minute) before and after, what came."""

    title: str
    began: str
    seconds: float
    load_before: float
    load_after: float
    surroundings: dict[str, str]
    results: tuple[Result, ...] = ()
    remarks: tuple[str, ...] = ()
    failure: str | None = None


@dataclass(slots=True)
class Record:
    """The benchmarks by name, each as it ran last."""

    ran: dict[str, Ran] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path) -> Record:
        """What a file holds; nothing if it is not there yet."""
        return _RECORD.validate_json(file.read_bytes()) if file.exists() else cls()

    def write(self, file: Path) -> None:
        """Writes it, so that a difference between two runs can be read line by line."""
        file.write_bytes(_RECORD.dump_json(self, indent=1, exclude_defaults=True) + b"\n")


_RECORD = TypeAdapter(Record)


def number(figure: float) -> str:
    """Three digits that count."""
    if figure >= 100:
        return f"{figure:,.0f}"
    return f"{figure:.1f}" if figure >= 10 else f"{figure:.2f}"


def median(figures: Sequence[float]) -> float:
    """The middle one of them."""
    return _at(figures, 0.5)


def p95(figures: Sequence[float]) -> float:
    """What 95 % of them do not exceed."""
    return _at(figures, 0.95)


def _at(figures: Sequence[float], share: float) -> float:
    if not figures:
        msg = "nothing was measured"
        raise ValueError(msg)
    ordered = sorted(figures)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def against(to: str, ours: float | None, theirs: float | None, of: Of = "rate") -> tuple[Compared, ...]:
    """Ours next to theirs; nothing where theirs could not be had."""
    if not ours or not theirs:
        return ()
    return (Compared(to=to, ratio=round(ours / theirs, 3), of=of),)
