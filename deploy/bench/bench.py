"""What every benchmark is handed: how long and how much, where to keep data, whom to ask for tokens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from deploy.bench.engines import SQLITE, Engines, NotToBeHad, Place
from deploy.bench.issuer import LoopbackIssuer
from deploy.bench.results import Result

WARM_UP: Final = 20
LEAST: Final = 5


def rounds(seconds: float) -> Iterator[bool]:
    """Goes on for so long, behind a warm-up: whether a round counts."""
    for _ in range(WARM_UP):
        yield False
    until, count = time.monotonic() + seconds, 0
    while count < LEAST or time.monotonic() < until:
        count += 1
        yield True


@dataclass(kw_only=True)
class Bench:
    """A run of benchmarks. `seconds` is the length of one measurement; `quick` asks only whether everything works.

    `referrals` is how many one organisation has had at the end, and over how many cases reports are made, where that is
    asked for. `endpoints` is how many there are in webhooks-at-scale.
    """

    directory: Path
    engines: Engines
    issuer: LoopbackIssuer
    seconds: int
    full: bool = False
    quick: bool = False
    referrals: int | None = None
    endpoints: int | None = None
    say: Callable[[str], None]
    remarks: list[str] = field(default_factory=list)

    def of(self, normal: int, quick: int, full: int | None = None) -> int:
        """How many of something: as a rule, in a try, and in a full run."""
        if self.quick:
            return quick
        return full if self.full and full is not None else normal

    def remark(self, remark: str) -> None:
        """Something that belongs to the record beside the figures; said once."""
        if remark not in self.remarks:
            self.remarks.append(remark)
            self.say(f"  {remark}")

    @contextmanager
    def place(self, engine: str = SQLITE, *, prepared: bool = True) -> Iterator[Place]:
        """A place for data, for a while; see Engines.place. Raises NotToBeHad."""
        place = self.engines.place(engine, prepared=prepared)
        try:
            yield place
        finally:
            self.engines.clear(place)

    def on_each(self, engines: Sequence[str], measure: Callable[[Bench, str], Iterator[Result]]) -> Iterator[Result]:
        """The same on every engine that can be had; of another one it is said how to get it."""
        for engine in engines:
            try:
                yield from measure(self, engine)
            except NotToBeHad as missing:
                self.remark(str(missing))
