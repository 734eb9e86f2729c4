"""Where the processor's time goes, by stage, as the sampling profiler py-spy sees it from outside."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from deploy.bench import processes
from deploy.bench.ab.figures import Figure
from deploy.bench.ab.sides import Running, Trial
from deploy.bench.engines import NotToBeHad

CONNECTIONS: Final = 16
SAMPLING: Final = ("--rate", "200", "--format", "raw", "--duration", "3600")
UNITS: Final = {"": "ms"}
REST: Final = "event loop and interpreter"
_HTTP: Final = "HTTP edge"
STAGES: Final[tuple[tuple[str, str], ...]] = (
    ("log append and read", r"services/chassis/log/"),
    ("vault", r"services/chassis/vault/"),
    ("index", r"services/chassis/index/|services/\w+/projection\.py"),
    ("publish", r"services/chassis/delivery/publisher|services/\w+/publishing\.py"),
    ("consume", r"services/chassis/delivery/(consumer|redriving)|services/\w+/(reactor|reactions)\.py"),
    ("bus", r"services/chassis/delivery/|kafka/"),
    ("deadlines and leading", r"services/chassis/(time|leading)/"),
    ("decide and fold", r"services/chassis/deciding/|services/\w+/(domain/|commands|stamping|actions|context)"),
    ("lists and views", r"services/\w+/(lists|queries|views|timeline|history|sentences|worklist)\.py"),
    ("event stream", r"services/notifications/(live_feed|listeners|feed_cursors|routes/stream)"),
    ("telemetry", r"services/chassis/operating/(telemetry|request_|store_metrics|collector|traceparent)|^logging/"),
    (_HTTP, r"services/chassis/(http|access)/|services/\w+/(routes/|access)|uvicorn/(protocols|middleware)"),
    (_HTTP, r"^(fastapi|starlette|jwt)/"),
)
"""A stage, and the files whose code is that stage. The innermost call that is of any counts."""
BENEATH: Final[tuple[tuple[str, str], ...]] = (("commits and waking up", r"services/chassis/engines/"),)
"""What works for several stages, and counts where none of them is under way."""
WORK: Final[tuple[tuple[str, str], ...]] = (
    ("requests", r"services/chassis/http/|uvicorn/protocols/"),
    ("consuming", r"services/chassis/delivery/(consumer|redriving)"),
    ("publishing", r"services/chassis/delivery/publisher"),
    ("indexing", r"services/chassis/index/projection"),
    ("deadlines", r"services/chassis/time/"),
    ("commits", r"services/chassis/engines/group_commit"),
    ("the bus's own", r"services/chassis/delivery/|^kafka/"),
)
"""Work, and the files of the call that is under way for it. The outermost call that is of any counts."""
_FILE: Final = re.compile(r"\((?P<file>[^()]*?)(:\d+)?\)$")


def by_stage(trial: Trial, engine: str) -> Iterator[Figure]:
    """Milliseconds of processor per accepted referral under 16 connections, split by what py-spy sees.

    It takes 200 samples of each process per second. They are split by stage, the innermost call that belongs to one,
    and by the work in hand, the outermost call that does. Sampling costs some per cent itself.
    """
    py_spy = _py_spy()
    with trial.all_at_work(engine) as running:
        series = trial.in_turn(2, lambda label: _sampled(trial, running[label], py_spy, label))
        figures = list(series.figures(engine, UNITS))
    yield from sorted(figures, key=lambda one: (one.name.split(":")[0], -one.a))


def _py_spy() -> str:
    beside = Path(sys.executable).with_name("py-spy")
    found = str(beside) if beside.exists() else shutil.which("py-spy")
    if found is None:
        raise NotToBeHad("py-spy")
    return found


def _sampled(trial: Trial, side: Running, py_spy: str, label: str) -> dict[str, float]:
    directory = side.system.place.data
    files = {pid: directory / f"{label}-{pid}.samples" for pid in side.system.pids()}
    for file in files.values():
        file.unlink(missing_ok=True)
    samplers = {
        pid: subprocess.Popen(
            [py_spy, "record", *SAMPLING, "--pid", str(pid), "--output", str(file)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for pid, file in files.items()
    }
    before = {pid: processes.processor_seconds([pid]) for pid in files}
    answered = side.load(CONNECTIONS, max(2, trial.bench.seconds))
    side.catch_up()
    used = {pid: processes.processor_seconds([pid]) - before[pid] for pid in files}
    said = {}
    for pid, sampler in samplers.items():
        sampler.send_signal(signal.SIGINT)
        said[pid] = sampler.communicate(timeout=60)[1].decode(errors="replace")
    if not any(file.exists() for file in files.values()):
        raise RuntimeError(f"py-spy sees nothing: {next(iter(said.values())).strip()[-500:]}")
    found = defaultdict[str, float](float)
    for pid, file in files.items():
        if not file.exists():
            # No Python, or ended meanwhile.
            continue
        samples = file.read_text(encoding="utf-8", errors="replace").splitlines()
        where = "the process that answers" if pid in side.answering else "the other processes"
        ms = 1000 * used[pid] / answered.accepted
        found[f"in: {where}"] += ms
        for stage, share in shares(samples, STAGES, BENEATH).items():
            found[f"stage: {stage}"] += ms * share
        for work, share in shares(samples, WORK, outermost=True).items():
            found[f"work: {work}"] += ms * share
    return dict(found)


Known = Sequence[tuple[str, str]]


def shares(samples: Iterable[str], of: Known, beneath: Known = (), *, outermost: bool = False) -> dict[str, float]:
    """Which share of the samples belongs to which stage of `of`, or else of `beneath`: that of the innermost call.

    A sample is a line of py-spy's raw format: frames as `function (file:line)`, the outermost first, divided by
    semicolons; and behind a blank how often they were seen.
    """
    counts = Counter[str]()
    for line in samples:
        stack, _, times = line.rpartition(" ")
        files = [at["file"] for frame in stack.split(";") if (at := _FILE.search(frame)) is not None]
        if not outermost:
            files.reverse()
        counts[_stage(files, of) or _stage(files, beneath) or REST] += int(times)
    total = counts.total()
    return {stage: count / total for stage, count in counts.items()} if total else {}


def _stage(files: Iterable[str], known: Known) -> str | None:
    return next((stage for file in files for stage, pattern in known if re.search(pattern, file)), None)
