"""`caserelay serve referral` with a sampler in it: where the processor's time goes.

A signal every two milliseconds of processor time notes which line is running; what C code does counts for the line
that called it. On the way out the counts are written to the file named by the first argument.
"""

from __future__ import annotations

import json
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

from services.chassis.settings import Settings
from services.serve import run_services

INTERVAL_SECONDS = 0.002
START_UP_SECONDS = 2.5
"""Of processor time, before the first sample: importing is no part of the load."""
ROOT = Path(__file__).parents[2]


def _area(file: str) -> str:
    if file == "<string>":
        return "constructors that the language makes of dataclasses"
    _, installed, library = file.partition("/site-packages/")
    if installed:
        return library
    path = Path(file)
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else "/".join(path.parts[-2:])


def main(file: Path) -> int:
    """Serves until a signal stops it; the exit status."""
    samples: Counter[str] = Counter()

    def sample(_signal: int, frame: FrameType | None) -> None:
        samples[_area(frame.f_code.co_filename) if frame is not None else "nothing"] += 1

    signal.signal(signal.SIGPROF, sample)
    signal.setitimer(signal.ITIMER_PROF, START_UP_SECONDS, INTERVAL_SECONDS)
    status = run_services(Settings(), ("referral",))
    signal.setitimer(signal.ITIMER_PROF, 0)
    file.write_text(json.dumps(samples))
    return status


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
