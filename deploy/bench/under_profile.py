"""`caserelay serve` with a sampler in it: where the processor's time goes.

A signal every two milliseconds of processor time notes which line is running; what C code does counts for the line
that called it. On the way out the counts are written to the file named by the first argument: by source file where one
service is served, and by part of the system where there are several. The other arguments are the services.
"""

from __future__ import annotations

import json
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Final

from services.chassis.settings import Settings
from services.serve import run_services

INTERVAL_SECONDS = 0.002
START_UP_SECONDS = 2.5
"""Of processor time, before the first sample: importing is no part of the load."""
ROOT = Path(__file__).parents[2]
REST: Final = "the HTTP server and the event loop"
PARTS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("requests: read, decide, answer", ("services/chassis/http/layers/fast_path.py",)),
    ("commits of vaults", ("services/chassis/engines/group_commit.py", "services/chassis/vault/sqlite.py")),
    ("commits of logs", ("services/chassis/engines/group_commit.py",)),
    ("publishing", ("services/chassis/delivery/publisher.py",)),
    ("indexes: write rows", ("services/chassis/index/projection.py", "services/chassis/index/sqlite.py")),
    ("indexes: find out which rows", ("services/chassis/index/projection.py",)),
    ("casefile takes messages in", ("services/chassis/delivery/consumer.py", "services/casefile/reactor.py")),
    (
        "notifications takes messages in",
        ("services/chassis/delivery/consumer.py", "services/notifications/reactor.py"),
    ),
    ("consumers besides", ("services/chassis/delivery/consumer.py",)),
)
"""A part, and the files that are all under way when it is; the first that fits counts."""


def _area(frame: FrameType) -> str:
    file = frame.f_code.co_filename
    if file == "<string>":
        return "constructors that the language makes of dataclasses"
    _, installed, library = file.partition("/site-packages/")
    if installed:
        return library
    path = Path(file)
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else "/".join(path.parts[-2:])


def _part(frame: FrameType) -> str:
    under_way, here = set[str](), str(ROOT) + "/"
    outer: FrameType | None = frame
    while outer is not None:
        under_way.add(outer.f_code.co_filename.removeprefix(here))
        outer = outer.f_back
    return next((part for part, files in PARTS if under_way.issuperset(files)), REST)


def main(file: Path, names: Sequence[str]) -> int:
    """Serves until a signal stops it; the exit status."""
    samples, of = Counter[str](), _area if len(names) == 1 else _part

    def sample(_signal: int, frame: FrameType | None) -> None:
        samples[of(frame) if frame is not None else "nothing"] += 1

    signal.signal(signal.SIGPROF, sample)
    signal.setitimer(signal.ITIMER_PROF, START_UP_SECONDS, INTERVAL_SECONDS)
    status = run_services(Settings(processes="1"), names)
    signal.setitimer(signal.ITIMER_PROF, 0)
    file.write_text(json.dumps(samples))
    return status


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
